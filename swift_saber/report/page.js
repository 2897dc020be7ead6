// The page: which clips are listed, which one is open, and the keys. The list holds only the lines that are in sight.
const LINE = 54, AROUND = 6;
// What holds of an answer holds of a clip where it does of either model; the number is told of each.
const either = (holds) => Object.assign((clip) => clip.answers.some(holds), { of: holds });
const anyIs = (verdict) => either((answer) => Boolean(answer) && answer.verdict === verdict);
const FILTERS = {
  inconsistent: ["Inconsistent", "不一致", (clip) => clip.consistency === "inconsistent"],
  conflict: ["Conflict", "冲突", either(conflicts)],
  right: ["Right", "正确", anyIs("right")],
  wrong: ["Wrong", "错误", anyIs("wrong")],
  invalid: ["Invalid", "无效", anyIs("invalid")],
  none: ["No answer", "无回答", anyIs("no answer")],
  rejects: ["Rejects", "剔除", anyIs("reject")],
  unjudged: ["Judge failed", "评审失败", anyIs("unjudged")],
  degrees: ["No right or wrong", "不判对错", anyIs("no verdict")],
  unknown: ["No reference", "无参考", anyIs("no reference")],
  unasked: ["Not asked", "未提问", either((answer) => !answer)],
  reviewed: ["Reviewed", "已评审", (clip) => Boolean(clip.people)],
  differ: [...(data.models[0].kind === "records" ? ["Emotions differ", "情绪不同"] : ["A and B differ", "A、B 不同"]), ({ answers: [one, other] }) => other !== undefined
    && (!one || !other || one.verdict !== other.verdict || one.read !== other.read)],
};
const state = { view: "clips", only: new Set(), query: "", group: "", id: null, open: false, sort: "", down: false };
const scored = data.models.every((model) => model.scores);
let listed = data.clips;
let haystacks = null;

const plain = (text) => text.normalize("NFKC").toLowerCase();

function matches(clip, at, words) {
  if (state.group && clip.group !== state.group) return false;
  for (const name of state.only) if (!FILTERS[name][2](clip)) return false;
  if (!words.length) return true;
  // Not in our own words on an answer, which are English.
  const answers = (each) => each.answers.map((answer) => answer && { ...answer, notes: null, verdict: null });
  haystacks = haystacks || data.clips.map((each) => plain([...texts({ ...each, answers: answers(each) })].join("\n")));
  return words.every((word) => haystacks[at].includes(word));
}

/** List what the filters and the search let through; the open clip stays open where it is among them. */
function refresh() {
  const words = plain(state.query).split(/\s+/).filter(Boolean);
  listed = sorted(data.clips.filter((clip, at) => matches(clip, at, words)));
  by("space").style.height = `${listed.length * LINE}px`;
  const count = `${listed.length.toLocaleString("en")} / ${data.clips.length.toLocaleString("en")}`;
  by("count").replaceChildren(count, " ", said("clips", "个片段"));
  for (const button of by("only").children) button.setAttribute("aria-pressed", String(state.only.has(button.dataset.name)));
  if (!listed.some((clip) => clip.id === state.id)) state.id = listed.length ? listed[0].id : null;
  if (state.view === "table") drawHeads();
  show(state.id);
}

function line(clip, at) {
  const chosen = clip.id === state.id;
  const answer = clip.answers.find(Boolean) || {};
  const words = (answer.fields || {}).sentiment_analysis || answer.response || (answer.reject || {}).reason || "";
  const out = make("div", chosen ? "line chosen" : "line", make("div", "first", value(clip.id)),
    make("div", "second soft", value(words.slice(0, 120)), ...chips(clip)));
  out.id = `line-${at}`;
  out.setAttribute("role", "option");
  out.setAttribute("aria-selected", String(chosen));
  out.setAttribute("aria-setsize", listed.length);
  out.setAttribute("aria-posinset", at + 1);
  out.style.transform = `translateY(${at * LINE}px)`;
  out.addEventListener("click", () => show(clip.id));
  return out;
}

function drawList() {
  const list = by("list");
  const first = Math.max(0, Math.floor(list.scrollTop / LINE) - AROUND);
  const last = Math.min(listed.length, Math.ceil((list.scrollTop + list.clientHeight) / LINE) + AROUND);
  by("space").replaceChildren(...listed.slice(first, last).map((clip, at) => line(clip, first + at)));
}

let drawing = 0;
by("list").addEventListener("scroll", () => {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(drawList);
}, { passive: true });
new ResizeObserver(drawList).observe(by("list"));

/** Open a clip and bring its line into sight; in the table, its row. */
function show(id) {
  if (state.view === "table") {
    state.id = id;
    showRow();
    return remember();
  }
  const list = by("list"), at = listed.findIndex((clip) => clip.id === id);
  const changed = state.id !== id || !by("clip").dataset.shown;
  state.id = id;
  if (at >= 0) {
    if (at * LINE < list.scrollTop) list.scrollTop = at * LINE;
    if ((at + 1) * LINE > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * LINE - list.clientHeight;
    list.setAttribute("aria-activedescendant", `line-${at}`);
  }
  if (changed || by("clip").dataset.shown !== String(id)) openClip(listed[at]);
  drawList();
  remember();
}

function openClip(clip) {
  // A player that is only taken off the page may keep its file for a long time, and there are thousands.
  for (const each of by("clip").querySelectorAll("video, audio")) { each.removeAttribute("src"); each.load(); }
  by("clip").dataset.shown = clip ? clip.id : "";
  by("clip").replaceChildren(...(clip ? clipView(clip, state.open) : [make("p", "soft", said("No clip passes these filters.", "没有符合条件的片段。"))]));
  by("clip").scrollTop = 0;
}

function step(by_) {
  const at = listed.findIndex((clip) => clip.id === state.id);
  const next = listed[Math.min(listed.length - 1, Math.max(0, at + by_))];
  if (next) show(next.id);
}

function turnTo(view) {
  const figures = scored || readable();
  state.view = view === "table" || (view === "scores" && figures) ? view : "clips";
  for (const name of ["scores", "clips", "table"]) {
    by(name).hidden = name !== state.view;
    by(`to-${name}`).setAttribute("aria-current", String(name === state.view));
  }
  if (state.view === "scores" && !by("scores").children.length) by("scores").append(make("div", "", ...(scored ? scoresView() : emotionsView())));
  // The filters and the search are the same wherever clips are listed.
  by(state.view === "table" ? "above" : "side").prepend(by("tools"));
  if (state.view === "table") { drawHeads(); for (const each of by("clip").querySelectorAll("video, audio")) each.pause(); }
  if (state.view !== "scores") show(state.id);
  remember();
}

/** The address says what is open, so that it can be kept and sent. */
function remember() {
  const kept = new URLSearchParams({ view: state.view });
  if (state.only.size) kept.set("only", [...state.only].join(","));
  if (state.query) kept.set("q", state.query);
  if (state.group) kept.set("group", state.group);
  if (state.sort) kept.set("sort", state.sort + (state.down ? " down" : ""));
  if (state.id !== null) kept.set("clip", state.id);
  history.replaceState(null, "", `#${kept}`);
}

function recall() {
  const kept = new URLSearchParams(location.hash.slice(1));
  state.only = new Set((kept.get("only") || "").split(",").filter((name) => Object.hasOwn(FILTERS, name)));
  state.query = by("search").value = kept.get("q") || "";
  by("group").value = kept.get("group") || "";
  state.group = by("group").value;
  const [sort, down] = (kept.get("sort") || "").split(" ");
  [state.sort, state.down] = [sort, down === "down"];
  state.id = kept.get("clip");
  state.view = kept.get("view") || (scored && !location.hash.slice(1) ? "scores" : "clips");
  refresh();
  turnTo(state.view);
}

function toggle(name) {
  if (!by("only").querySelector(`[data-name="${name}"]`)) return;
  if (!state.only.delete(name)) state.only.add(name);
  refresh();
}

function unfold() {
  state.open = !state.open;
  if (by("clip").dataset.shown) openClip(listed.find((clip) => clip.id === state.id));
}

function play() {
  const player = by("clip").querySelector("video:not([hidden]), audio:not([hidden])");
  if (player) player.paused ? player.play().catch(() => {}) : player.pause();
}

const HELP = [
  ["j ↓", "next clip", "下一个片段", () => step(1), ["j", "ArrowDown"]], ["k ↑", "clip before", "上一个片段", () => step(-1), ["k", "ArrowUp"]],
  ["p", "play or pause", "播放或暂停", play, ["p"]], ["r", "references and reasons", "参考与理由", unfold, ["r"]],
  ["/", "search", "搜索", () => { if (state.view === "scores") turnTo("clips"); by("search").focus(); by("search").select(); }, ["/"]],
  ["i", "inconsistent only", "仅看不一致", () => toggle("inconsistent"), ["i"]],
  ["f", "where face and voice conflict", "仅看面部与声音冲突", () => toggle("conflict"), ["f"]], ["w", "wrong only", "仅看错误", () => toggle("wrong"), ["w"]], ["g", "right only", "仅看正确", () => toggle("right"), ["g"]],
  ["v", "invalid only", "仅看无效", () => toggle("invalid"), ["v"]],
  ["x", "rejects only", "仅看剔除", () => toggle("rejects"), ["x"]], ["d", "where A and B differ", "仅看 A、B 不同", () => toggle("differ"), ["d"]],
  ["s", "scores", "得分", () => turnTo("scores"), ["s"]], ["c", "clips", "片段", () => turnTo("clips"), ["c"]],
  ["t", "table", "表格", () => turnTo("table"), ["t"]], ["Enter", "open the row", "打开该行", () => { if (state.view === "table" && state.id !== null) openRow(state.id); }, ["Enter"]],
  ["?", "this help", "本帮助", () => by("help").showModal(), ["?"]], ["Esc", "leave", "退出", () => {}, []],
];

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("help").open) return;
  const within = event.target.closest("input, select, video, audio");
  if (event.key === "Escape" && within) return void (within.blur(), by(state.view === "table" ? "grid" : "list").focus());
  if (within) return;
  const found = HELP.find(([, , , , keys]) => keys.includes(event.key));
  const moves = event.key.startsWith("Arrow") || event.key === "j" || event.key === "k";
  if (!found || (moves && state.view === "scores") || (event.key === "Enter" && (state.view !== "table" || event.target.closest("button, a")))) return;
  event.preventDefault();
  found[3]();
});

function words() {
  const chinese = page.lang === "zh";
  by("search").placeholder = chinese ? "搜索（按 /）" : "Search (press /)";
  for (const [id, en, zh] of [["search", "Search in all texts", "搜索全部文本"], ["group", "Group", "分组"], ["list", "Clips", "片段"], ["grid", "Clips", "片段"], ["to-help", "Keys", "快捷键"]])
    by(id).setAttribute("aria-label", chinese ? zh : en);
  by("group").options[0].textContent = chinese ? "全部分组" : "All groups";
}

function begin() {
  by("names").append(...data.models.map((model, index) => make("span", "name", clipLetter(index), value(model.name))));
  by("to-scores").hidden = !scored && !readable();
  by("to-scores").append(scored ? said("Scores", "得分") : said("Emotions", "情绪"));
  by("csv").append(said("Save as CSV", "保存为 CSV"));
  by("csv").addEventListener("click", saveCsv);
  by("grid").style.setProperty("--columns", columns.map((column) => `${column.width}px`).join(" "));
  by("to-table").addEventListener("click", () => turnTo("table"));
  by("to-scores").addEventListener("click", () => turnTo("scores"));
  by("to-clips").addEventListener("click", () => turnTo("clips"));
  by("to-help").addEventListener("click", () => by("help").showModal());
  by("help").append(make("h2", "", said("Keys", "快捷键")), make("dl", "", HELP.flatMap(([key, en, zh]) => [make("dt", "", make("kbd", "", key)), make("dd", "", said(en, zh))])),
    make("p", "soft small", said("Inconsistent: what the reference says. Conflict: the answer has a positive face and a negative voice, or the other way round, read by words.", "不一致：依参考标注。冲突：依词语判断，回答中面部与声音一方积极、一方消极。")),
    make("p", "soft small", said("Right and wrong: by a benchmark's accuracy, emotion or intent; of other answers, by the emotion of their reference, read by words. Scores by degrees say neither.", "对错：依评测的准确率、情绪或意图；其余回答依参考的情绪，按词语判断。按程度的得分不判对错。")),
    make("p", "soft small", said("Invalid: the answer says none of what was asked for. Reject: there is no answer, and it is known why.", "无效：回答未给出所问内容。剔除：没有回答，且原因已知。")),
    ...(data.models.length < 2 ? [] : [make("p", "soft small", said("A and B differ: in the verdict, or in the emotion or label that is read. A filter lists the clips of which it holds for A or B.", "A、B 不同：判定不同，或读出的情绪、标签不同。筛选列出 A 或 B 符合的片段。"))]));
  by("help").addEventListener("click", (event) => { if (event.target === by("help")) by("help").close(); });
  for (const [name, [en, zh, holds]] of Object.entries(FILTERS)) {
    const count = data.clips.filter(holds).length;
    if (!count) continue;
    const each = holds.of && data.models.length > 1 && data.models.map((_, index) => `${"AB"[index]} ${data.clips.filter((clip) => holds.of(clip.answers[index])).length.toLocaleString("en")}`);
    const button = make("button", "", said(en, zh), ` ${each ? each.join(" ") : count.toLocaleString("en")}`);
    button.type = "button";
    button.dataset.name = name;
    button.addEventListener("click", () => toggle(name));
    by("only").append(button);
  }
  const groups = [...new Set(data.clips.map((clip) => clip.group).filter(Boolean))];
  for (const name of ["", ...groups]) { const option = make("option", "", name); option.value = name; by("group").append(option); }
  by("group").hidden = groups.length < 2;
  by("group").addEventListener("change", () => { state.group = by("group").value; refresh(); });
  let waiting = 0;
  by("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.query = by("search").value; refresh(); }, 120);
  });
  by("language").addEventListener("click", () => { page.lang = page.lang === "zh" ? "en" : "zh"; words(); });
  if ((navigator.language || "").toLowerCase().startsWith("zh")) page.lang = "zh";
  words();
  addEventListener("hashchange", recall);
  recall();
}
begin();
