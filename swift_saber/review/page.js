// The page: which items are listed, which one is open, what is loaded ahead, and the keys.
const LINE = 48, AROUND = 6;
const FILTERS = {
  all: ["All", "全部", () => true], todo: ["To do", "待审", (line) => !line.decision],
  done: ["Done", "已审", (line) => ["accept", "correct", "better"].includes(line.decision)],
  skipped: ["Skipped", "跳过", (line) => line.decision === "skip"], rejected: ["Rejected", "拒绝", (line) => line.decision === "reject"],
};
const state = { items: [], dimensions: [], number: null, only: "all", query: "", blind: false };
const players = new Map(), reasons = new Set();
let listed = [];

const plain = (text) => text.normalize("NFKC").toLowerCase();
const titleOf = (number) => state.items[number].id === undefined ? said(`No. ${number + 1}`, `第 ${number + 1} 条`) : value(state.items[number].id);

/** List what the filter and the search let through. */
function refresh() {
  const words = plain(state.query).split(/\s+/).filter(Boolean);
  const texts_ = (line, number) => plain([line.id ?? String(number + 1), line.source, line.language, line.consistency].join(" "));
  listed = [...state.items.keys()].filter((number) => {
    const line = state.items[number];
    return FILTERS[state.only][2](line) && (!words.length || words.every((word) => texts_(line, number).includes(word)));
  });
  by("space").style.height = `${listed.length * LINE}px`;
  const done = state.items.filter((line) => line.decision).length;
  by("share").value = state.items.length ? done / state.items.length : 0;
  by("count").replaceChildren(`${done.toLocaleString("en")} / ${state.items.length.toLocaleString("en")} `, said("decided", "已决定"),
    listed.length === state.items.length ? "" : ` · ${listed.length.toLocaleString("en")} `, listed.length === state.items.length ? "" : said("listed", "已列出"));
  for (const one of by("only").children) {
    const [english, chinese, holds] = FILTERS[one.dataset.name];
    one.replaceChildren(said(english, chinese), ` ${state.items.filter(holds).length.toLocaleString("en")}`);
    one.setAttribute("aria-pressed", String(one.dataset.name === state.only));
  }
  drawList();
}

function lineOf(number, at) {
  const line = state.items[number], open = number === state.number, draft = drafts.get(number);
  const kind = { accept: "good", correct: "good", better: "good", reject: "bad" }[line.decision] || "";
  const mark = draft && (draft.failed || draft.stale) ? chip("bad", said("NOT saved", "未保存")) : line.decision ? chip(kind, worded(line.decision))
    : line.begun ? chip("", said("begun", "已开始")) : null;
  const about_ = [line.source, line.language, line.consistency === "inconsistent" ? "≠" : ""].filter(Boolean).join(" · ");
  const out = make("div", open ? "line open" : "line", make("div", "first", titleOf(number)), make("div", "second soft", value(about_), mark));
  out.id = `line-${number}`;
  out.setAttribute("role", "option");
  out.setAttribute("aria-selected", String(open));
  out.setAttribute("aria-setsize", listed.length);
  out.setAttribute("aria-posinset", at + 1);
  out.style.transform = `translateY(${at * LINE}px)`;
  out.addEventListener("click", () => show(number));
  return out;
}

let drawing = 0;
function drawList() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    const list = by("list"), first = Math.max(0, Math.floor(list.scrollTop / LINE) - AROUND);
    const last = Math.min(listed.length, Math.ceil((list.scrollTop + list.clientHeight) / LINE) + AROUND);
    by("space").replaceChildren(...listed.slice(first, last).map((number, at) => lineOf(number, first + at)));
  });
}
by("list").addEventListener("scroll", drawList, { passive: true });
new ResizeObserver(drawList).observe(by("list"));

/** A save of this page has come through. */
function noted(number, found) {
  Object.assign(state.items[number], { decision: found.decision, revision: found.revision, begun: true });
  if (number === state.number && drafts.has(number)) acts(drafts.get(number));
  refresh();
}

/** Ask what other pages have saved meanwhile. */
async function look() {
  const found = await ask("state").catch(() => null);
  if (!found) return;
  state.items = found.items;
  for (const [number, draft] of drafts) {
    if (state.items[number].revision <= draft.revision || unsaved(draft)) continue;
    drafts.delete(number);
    if (number === state.number) show(number);
  }
  refresh();
}

/** Open an item, and bring its line into sight. What was written in the one before is saved. */
async function show(number) {
  const before = drafts.get(state.number);
  if (before) flush(before);
  state.number = number;
  remember();
  const list = by("list"), at = listed.indexOf(number);
  if (at >= 0) {
    if (at * LINE < list.scrollTop) list.scrollTop = at * LINE;
    if ((at + 1) * LINE > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * LINE - list.clientHeight;
  }
  list.setAttribute("aria-activedescendant", `line-${number}`);
  drawList();
  if (drafts.has(number)) return openItem(drafts.get(number));
  by("clip").replaceChildren(make("p", "soft", said("Loading …", "正在加载…")));
  try {
    const draft = await loaded(number);
    if (state.number === number) openItem(draft);
  } catch (error) {
    if (state.number === number) by("clip").replaceChildren(make("p", "warn", value(error.message)), button("", "", () => show(number), said("Try again", "重试")));
  }
}

/** The players of an item, which load although they are not seen yet. */
function playersOf(draft) {
  if (!players.has(draft.number)) {
    const box = draft.item.apart ? make("div", "") : media(draft.item);
    for (const each of box.querySelectorAll("video, audio")) each.preload = "auto";
    players.set(draft.number, box);
  }
  return players.get(draft.number);
}

function openItem(draft) {
  const clip = by("clip"), [view, drawn_] = itemView(draft, playersOf(draft));
  clip.dataset.number = draft.number;
  clip.replaceChildren(...view);
  clip.scrollTop = 0;
  drawn_();
  if (chooses(draft)) shownChoice(draft);
  acts(draft);
  if (draft.stale) stale(draft);
  clip.focus({ preventScroll: true });
  for (const area of fits ? [] : clip.querySelectorAll("textarea")) grow(area);
  tell();
  setTimeout(ahead);
}

/** Show that another page was quicker, beside what is written here. */
function stale(draft) {
  if (draft.number === state.number) {
    by("stale")?.remove();
    by("clip").prepend(staleView(draft));
    by("clip").scrollTop = 0;
    by("stale").querySelector("button").focus();
  }
  drawList();
}

const near = (by_) => {
  const at = listed.indexOf(state.number);
  if (at >= 0) return listed[at + by_];
  return by_ > 0 ? listed.find((number) => number > state.number) : listed.findLast((number) => number < state.number);
};

/** What comes after a decision: the next item that is listed and not decided, from the beginning where it must be. */
function following() {
  const open = (number) => number !== state.number && !(state.items[number].decision);
  const at = listed.indexOf(state.number), rest = [...listed.slice(at + 1), ...listed.slice(0, Math.max(at, 0))];
  return ["all", "todo"].includes(state.only) ? rest.find(open) : listed[at + 1];
}

/** Load what is likely to be opened next, and let go of what is far away. */
function ahead() {
  const there = (numbers) => new Set(numbers.filter((number) => number !== undefined));
  // Clips of four items at most: a browser has six connections, one may wait for a copy of its clip, and saves need one.
  const next = there([following(), near(1), near(-1)]), kept = there([state.number, ...next, near(2)]);
  for (const number of kept) {
    loaded(number).then((draft) => { if (next.has(number) && !players.has(number) && number !== state.number) by("ahead").append(playersOf(draft)); }).catch(() => {});
  }
  for (const [number, box] of players) {
    if (number === state.number || next.has(number)) continue;
    // A player that is only taken off the page may keep its file for a long time.
    for (const each of box.querySelectorAll("video, audio")) { each.removeAttribute("src"); each.load(); }
    box.remove();
    players.delete(number);
  }
  for (const [number, draft] of drafts) if (!kept.has(number) && !unsaved(draft)) drafts.delete(number);
}

function step(by_) {
  const next = near(by_);
  if (next !== undefined) show(next);
}

function complain(english, chinese) {
  by("decided").replaceChildren(make("span", "warn", said(english, chinese)));
}

function current() {
  const draft = drafts.get(state.number);
  if (draft && draft.stale) { by("stale").querySelector("button").focus(); return null; }
  return draft;
}

/** Save what stands there as decided, and go on. */
function decide() {
  const draft = current();
  if (!draft) return;
  if (chooses(draft)) return draft.better === null ? complain("Choose first", "请先选择") : settle("better");
  if (state.blind && !edited(draft)) return complain("Nothing is written yet", "尚未填写");
  settle(edited(draft) ? "correct" : "accept");
}

function settle(decision) {
  const draft = current();
  if (!draft) return;
  const next = following();
  save(draft, decision);
  if (next !== undefined) return show(next);
  openItem(draft);
  complain("Nothing more is to be decided here", "此处没有更多待决定的条目");
}

function reject() {
  const draft = current(), input = by("why").querySelector("input");
  if (!draft) return;
  input.value = draft.reason;
  by("why").showModal();
  input.focus();
  input.select();
}

function rejected() {
  const draft = current(), reason = by("why").querySelector("input").value.trim();
  if (!draft || !reason) return;
  draft.reason = reason;
  reasons.add(reason);
  by("reasons").replaceChildren(...[...reasons].map((each) => { const option = make("option", ""); option.value = each; return option; }));
  by("why").close();
  settle("reject");
}

function play() {
  const player_ = by("clip").querySelector("video:not([hidden]), audio:not([hidden])");
  if (player_) player_.paused ? player_.play().catch(() => {}) : player_.pause();
}

/** To a field, its text not marked: it is to be read first. */
function enter(name) {
  const field = document.getElementById(`field-${name}`);
  if (!field) return;
  field.focus();
  if (field.tagName === "TEXTAREA") field.setSelectionRange(field.value.length, field.value.length);
}

/** A digit: one of the answers, or one of the six texts; where what reviewers said is in hand, one of these. */
function digit(pressed) {
  const draft = drafts.get(state.number), group = document.activeElement.closest(".takes");
  if (!draft) return;
  if (group) group.querySelector(`[data-number="${pressed}"]`)?.click();
  else if (chooses(draft)) {
    if (pressed === "0") choose(draft, "none");
    else if (Number(pressed) <= draft.item.choices.length) choose(draft, String(Number(pressed) - 1));
  } else if (state.dimensions[Number(pressed) - 1]) enter(state.dimensions[Number(pressed) - 1][0]);
}

/** To the next field in dispute: its digits then take what a reviewer said. */
function dispute() {
  const groups = [...by("clip").querySelectorAll(".takes")];
  const at = groups.findIndex((each) => each.parentElement.contains(document.activeElement));
  if (groups.length) groups[(at + 1) % groups.length].querySelector("button").focus();
}

const MOVES = ["j", "k", "ArrowDown", "ArrowUp"];
const RECORDS = () => state.kind === "record" || state.kind === "answer";
const HELP = [
  ["a", "accept, or save what was corrected, and go on", "接受或保存修改，并继续", decide, ["a"], () => true],
  ["Ctrl ↵", "the same, in a field too", "同上，在输入框内亦可", decide, [], () => true],
  ["r", "reject, with a reason", "拒绝并说明理由", reject, ["r"], () => true], ["s", "skip", "跳过", () => settle("skip"), ["s"], () => true],
  ["j ↓", "next", "下一个", () => step(1), ["j", "ArrowDown"], () => true], ["k ↑", "the one before", "上一个", () => step(-1), ["k", "ArrowUp"], () => true],
  ["p", "play or pause", "播放或暂停", play, ["p", " "], () => true],
  ["1 … 6", "to one of the six texts", "跳到六个字段之一", null, [], RECORDS], ["1 … 9", "this answer is the better one", "此回答更好", null, [], () => !RECORDS()],
  ["=", "equally good", "一样好", () => { const draft = current(); if (draft && chooses(draft)) choose(draft, "same"); }, ["="], () => !RECORDS()], ["0", "none is good", "都不好", null, [], () => !RECORDS()],
  ["e c l", "to emotion, face and voice, language", "跳到情绪、面部与声音、语言", null, [], RECORDS], ["w", "to the reason", "跳到理由", () => enter("reason"), ["w"], () => true],
  ["d", "to the next text in dispute; then 0, 1, 2 … takes one", "跳到下一处分歧；再按 0、1、2…采用", dispute, ["d"], () => state.adjudicates],
  ["Esc", "leave a field", "离开输入框", null, [], () => true], ["Ctrl S", "save at once", "立即保存", null, [], () => true],
  ["/", "search", "搜索", () => { by("search").focus(); by("search").select(); }, ["/"], () => true], ["?", "this help", "本帮助", () => by("help").showModal(), ["?"], () => true],
];

addEventListener("keydown", (event) => {
  // While an input method composes, keys are its own.
  if (event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
  const draft = drafts.get(state.number), field = event.target.closest("input, select, textarea"), plays = event.target.closest("video, audio");
  if ((event.ctrlKey || event.metaKey) && (event.key === "Enter" || event.key.toLowerCase() === "s")) {
    event.preventDefault();
    if (event.key !== "Enter") { if (draft) flush(draft); } else if (!event.repeat) decide();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return void (field || plays || document.activeElement.closest("button") ? by("clip").focus() : null);
  if (field || (plays && (event.key === " " || event.key.startsWith("Arrow"))) || (event.key === " " && event.target.closest("button"))) return;
  const found = HELP.find(([, , , , keys, there]) => keys.includes(event.key) && there());
  const label = RECORDS() && Object.keys(LABELS).find((name) => LABELS[name][2] === event.key);
  if (!found && !label && !/^[0-9]$/.test(event.key)) return;
  event.preventDefault();
  if (event.repeat && !MOVES.includes(event.key)) return; // held a little too long, it would accept what nobody has seen
  if (found) found[3]();
  else if (label) enter(label);
  else digit(event.key);
});

/** The address says what is open, so that a reload comes back to it. */
function remember() {
  const kept = new URLSearchParams({ n: state.number + 1 });
  if (state.only !== "all") kept.set("only", state.only);
  if (state.query) kept.set("q", state.query);
  history.replaceState(null, "", `#${kept}`);
}

function words() {
  const chinese = page.lang === "zh";
  by("search").placeholder = chinese ? "搜索（按 /）" : "Search (press /)";
  for (const [id, en, zh] of [["search", "Search by name, source, language", "按名称、来源、语言搜索"], ["list", "Records", "记录"], ["to-help", "Keys", "快捷键"], ["share", "Decided", "已决定"], ["only", "Shown", "显示"]])
    by(id).setAttribute("aria-label", chinese ? zh : en);
}

function dialogs() {
  by("help").append(make("h2", "", said("Keys", "快捷键")), make("dl", "", HELP.filter(([, , , , , there]) => there()).flatMap(([keys, en, zh]) => [make("dt", "", key(keys)), make("dd", "", said(en, zh))])));
  by("help").addEventListener("click", (event) => { if (event.target === by("help")) by("help").close(); });
  const input = make("input"), label = make("label", "", said("Why is it rejected?", "为何拒绝？"));
  Object.assign(input, { id: "reason", dir: "auto", spellcheck: true, autocomplete: "off" });
  input.setAttribute("list", "reasons");
  label.htmlFor = "reason";
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing && event.keyCode !== 229) rejected(); });
  by("why").append(make("h2", "", label), input, make("div", "acts", button("main", "↵", rejected, said("Reject", "拒绝")), button("", "Esc", () => by("why").close(), said("Not now", "取消"))));
}

async function begin() {
  if ((navigator.language || "").toLowerCase().startsWith("zh")) page.lang = "zh";
  by("language").addEventListener("click", () => { page.lang = page.lang === "zh" ? "en" : "zh"; words(); });
  by("to-help").addEventListener("click", () => by("help").showModal());
  words();
  try {
    Object.assign(state, await ask("state"));
  } catch (error) {
    by("clip").replaceChildren(make("p", "warn", value(error.message)), button("", "", () => location.reload(), said("Try again", "重试")));
    return;
  }
  by("who").replaceChildren(value(state.reviewer), state.blind ? chip("", said("blind", "盲审")) : "", state.adjudicates ? chip("clash", said("decides disputes", "裁决分歧")) : "");
  by("emotions").replaceChildren(...state.emotions.map((each) => { const option = make("option", ""); option.value = each; return option; }));
  dialogs();
  const kept = new URLSearchParams(location.hash.slice(1));
  state.only = Object.hasOwn(FILTERS, kept.get("only")) ? kept.get("only") : "all";
  state.query = by("search").value = kept.get("q") || "";
  for (const name of Object.keys(FILTERS)) {
    const one = button("", "", () => { state.only = name; refresh(); remember(); });
    one.dataset.name = name;
    by("only").append(one);
  }
  let waiting = 0;
  by("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.query = by("search").value; refresh(); remember(); }, 120);
  });
  refresh();
  const asked = Number(kept.get("n")) - 1;
  const first = state.items.findIndex((line) => !line.decision);
  if (state.items.length) await show(state.items[asked] ? asked : Math.max(first, 0));
  else by("clip").replaceChildren(make("p", "soft", said("Nothing is to be reviewed.", "没有待审内容。")));
}
begin();
