// One item: it plays beside what is written of it, and all of it can be changed.
const LABELS = { emotion: ["Emotion label", "情绪标签", "e"], consistency: ["Face and voice", "面部与声音", "c"], language: ["Language", "语言", "l"] };
const WORDS = {
  accept: ["accepted", "已接受"], correct: ["corrected", "已修改"], reject: ["rejected", "已拒绝"], skip: ["skipped", "已跳过"], better: ["chosen", "已选择"],
  consistent: ["consistent", "一致"], inconsistent: ["inconsistent", "不一致"], zh: ["Chinese", "中文"], en: ["English", "英文"],
  contradicted: ["the picture says otherwise", "与画面矛盾"], supported: ["the picture shows it", "与画面相符"], not_visible: ["not to be seen", "画面中不可见"],
};
const worded = (word) => Object.hasOwn(WORDS, word) ? said(...WORDS[word]) : value(word);
const key = (text) => make("kbd", "", text);
const chip = (kind, ...content) => make("span", `chip ${kind}`, ...content);
const plainLines = (text) => text.replace(/\r\n?/g, "\n");

function button(kind, shortcut, act, ...content) {
  const element = make("button", kind, ...content, shortcut ? " " : null, shortcut ? key(shortcut) : null);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** The checks by measurements, and by what. */
const MEASURES = { evidence: ["by the sound", "按声音测量"], "action units": ["by the table of action units", "按动作单元表"] };
const measures = (check) => typeof check.check === "string" && Object.hasOwn(MEASURES, check.check);

/** The words that a check found wrong. */
function wrongIn(check) {
  const list = (of) => Array.isArray(of) ? of : [];
  const found = measures(check) ? list(check.claims).filter((claim) => claim && claim.value === "contradicts").map((claim) => claim.words)
    : check.verdict === "contradicted" ? list(check.words) : [];
  return found.filter((word) => typeof word === "string" && word);
}

/** What a check of the pipeline found, in a line. */
function checkView(check, text) {
  if (check.check === "speech") {
    const rate = typeof check.error_rate === "number" ? `${String(check.unit || "wer").toUpperCase()} ${(100 * check.error_rate).toFixed(0)} %` : "";
    return make("div", "check", chip(check.error_rate > 0.3 ? "bad" : "", rate || said("heard", "识别")), make("span", "soft", said("heard:", "识别结果：")), value(check.heard || "–"));
  }
  if (check.check === "visual") {
    const bad = check.verdict === "contradicted";
    return make("div", "check", chip(bad ? "bad" : "good", worded(String(check.verdict))),
      wrongIn(check).filter((word) => !text.includes(word)).map((word) => value(word, "soft"))); // the others are marked in the text
  }
  if (measures(check)) {
    const [english, chinese] = MEASURES[check.check];
    const count = (name) => Number.isInteger(check[name]) ? check[name] : 0, [agree, bad, open] = ["agrees", "contradicts", "undecided"].map(count);
    return make("div", "check", chip(bad ? "bad" : agree ? "good" : "",
      said(`${english}: ${agree} right, ${bad} wrong, ${open} undecided`, `${chinese}：${agree} 项相符，${bad} 项不符，${open} 项无法判断`)),
      wrongIn(check).filter((word) => !text.includes(word)).map((word) => value(word, "soft")));
  }
  if (check.check === "caption") return make("div", "check", make("span", "soft", said("Another model saw:", "另一模型所见：")), value(check.caption));
  const { check: name, ...rest } = check;
  return make("div", "check", chip("bad", name === "dropped" ? said("dropped by the pipeline", "被流程剔除") : value(String(name))), tree(rest));
}

/** The words of a text that a check or a contradiction is about. */
function quotesIn(item, name, text) {
  const wrong = ((item.checks || {})[name] || []).flatMap(wrongIn);
  return [...wrong.map((word) => [word, "wrong"]), ...quotesOf(item, name)].filter(([words]) => text.includes(words));
}

const fits = CSS.supports("field-sizing", "content");
function grow(area) {
  if (fits) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** Bind a field to a value of a draft. Browsers change line ends; what was not edited stays as it was. */
function bound(draft, name, element, changed) {
  const raw = draft.values[name], before = draft.item.before ? draft.item.before[name] : undefined;
  element.value = raw;
  const shown = element.value;
  element.addEventListener("input", () => {
    const now = element.value;
    draft.values[name] = now === shown ? raw : before !== undefined && now === plainLines(before) ? before : now;
    changed();
    touch(draft);
  });
  element.dataset.name = name;
  return element;
}

/** One of the six texts. */
function dimension(draft, [name, english, chinese], at) {
  const { item } = draft, box = make("section", "box field"), area = make("textarea");
  const id = `field-${name}`, marks = make("div", "marked");
  area.id = id;
  area.rows = 1;
  area.spellcheck = true;
  area.lang = item.language || "";
  area.dir = "auto";
  const label = make("label", "", said(english, chinese), key(String(at + 1)));
  label.htmlFor = id;
  const undo = button("undo", "", () => put(area, item.before[name]), said("undo", "还原"));
  const changed = () => {
    const text = draft.values[name], quotes = quotesIn(item, name, text), other = !state.blind && differs(draft, name);
    box.classList.toggle("edited", other);
    undo.hidden = !other;
    marks.hidden = !quotes.length;
    if (quotes.length) marks.replaceChildren(marked(text, quotes));
    grow(area);
    acts(draft);
  };
  bound(draft, name, area, changed);
  const checks = ((item.checks || {})[name] || []).map((check) => checkView(check, draft.values[name]));
  box.append(make("div", "head", label, undo), area, marks, ...checks, takes(draft, name, area) || "");
  return [box, changed];
}

/** A short label beside the six texts. */
function labelField(draft, name) {
  const [english, chinese, shortcut] = LABELS[name], now = draft.values[name], id = `field-${name}`;
  let element;
  if (name === "emotion") {
    element = make("input");
    element.setAttribute("list", "emotions");
    element.autocomplete = "off";
    element.dir = "auto";
  } else {
    element = make("select");
    const known = name === "language" ? ["", "zh", "en"] : ["", "consistent", "inconsistent"];
    for (const each of new Set([...known, now, draft.item.before ? draft.item.before[name] : ""])) {
      const option = make("option", "", each === "" ? "–" : Object.hasOwn(WORDS, each) ? WORDS[each].join(" ") : each);
      option.value = each;
      element.append(option);
    }
  }
  element.id = id;
  const label = make("label", "", said(english, chinese), key(shortcut));
  label.htmlFor = id;
  const box = make("div", "field");
  const concluded = name === "emotion" && draft.item.concluded ? make("span", "soft small", said("its conclusion: ", "结论："), worded(draft.item.concluded)) : null;
  const changed = () => { box.classList.toggle("edited", !state.blind && differs(draft, name)); acts(draft); };
  bound(draft, name, element, changed);
  box.append(label, element, concluded || "", takes(draft, name, element) || "");
  return [box, changed];
}

/** Put a text into a field as if it had been typed. */
function put(element, text) {
  element.value = text;
  element.dispatchEvent(new Event("input"));
  element.focus();
}

/** What the reviewers of an item in dispute would have in a field, each to be taken. */
function takes(draft, name, element) {
  const { item } = draft, offered = item.voices.filter((voice) => Object.hasOwn(voice.values, name)).map((voice) => [voice.number, voice.values[name]]);
  if (!item.disputed.includes(name) && offered.every(([, text]) => text === item.values[name])) return null;
  if (item.before) offered.unshift(["0", item.before[name]]);
  const out = make("div", "takes");
  for (const [number, text] of offered) {
    const take = button("take", "", () => put(element, text), key(number), text ? value(text) : make("span", "soft", said("(blank)", "（空）")));
    take.dataset.number = number;
    if (number === "0") take.append(make("span", "soft small", said("as it was", "原文")));
    out.append(take);
  }
  out.setAttribute("role", "group");
  return out;
}

/** What each reviewer decided of an item in dispute. */
function voicesView(item) {
  if (!item.voices.length) return null;
  const line = (voice) => [make("dt", "", key(voice.number)), make("dd", "", chip(voice.decision === "reject" ? "bad" : "good", worded(voice.decision)),
    voice.blind ? " " : null, voice.blind ? chip("", said("blind", "盲审")) : null, " ", value(voice.reason))];
  return make("section", "box", make("h3", "", said("The reviewers disagree", "审阅者意见不一")), make("dl", "", item.voices.flatMap(line)));
}

/** The answers of a pair or of candidates side by side. */
function choices(draft) {
  const { item } = draft;
  const cards = item.choices.map((choice, at) => {
    const fields = state.dimensions.filter(([name]) => Object.hasOwn(choice.fields, name));
    const texts = fields.length ? make("dl", "", fields.flatMap(([name, english, chinese]) => [make("dt", "", said(english, chinese)), make("dd", "", value(choice.fields[name]))])) : value(choice.text);
    const by_ = item.voices.filter((voice) => voice.better === String(at)).map((voice) => key(voice.number));
    const pick = button("", String(at + 1), () => choose(draft, String(at)), item.apart ? said("fits its clip better", "更符合其片段") : said("the better one", "更好"));
    const card = make("section", "box choice", make("div", "head", pick, by_), item.apart ? media(choice) : null, texts);
    card.dataset.better = String(at);
    return card;
  });
  const chosenBy = (word) => item.voices.filter((voice) => voice.better === word).map((voice) => key(voice.number));
  const others = [["same", "=", "equally good", "一样好"], ["none", "0", "none is good", "都不好"]].map(([word, shortcut, english, chinese]) => {
    const pick = button("", shortcut, () => choose(draft, word), said(english, chinese), chosenBy(word));
    pick.dataset.better = word;
    return pick;
  });
  const alike = item.choices.every((choice) => choice.text === item.choices[0].text);
  const question = item.apart && alike ? said("The same answer beside different clips: which clip does it fit?", "同一回答配不同片段：它更符合哪个片段？")
    : item.apart ? said("Each answer is about the clip above it: which one fits its clip better?", "每个回答针对其上方的片段：哪个更符合？") : said("Which answer fits the clip better?", "哪个回答更符合该片段？");
  return make("div", "right", make("h3", "", question), make("div", "choices", cards), make("div", "head", others));
}

function choose(draft, better) {
  draft.better = draft.better === better ? null : better;
  shownChoice(draft);
  touch(draft);
}

function shownChoice(draft) {
  for (const each of by("clip").querySelectorAll("[data-better]")) {
    const chosen = each.dataset.better === draft.better;
    each.classList.toggle("better", chosen);
    (each.querySelector("button") || each).setAttribute("aria-pressed", String(chosen));
  }
  acts(draft);
}

function note(draft) {
  const area = make("textarea"), label = make("label", "", said(chooses(draft) ? "Why" : "Reason or note", chooses(draft) ? "理由" : "理由或备注"), key("w"));
  Object.assign(area, { id: "field-reason", rows: 1, spellcheck: true, dir: "auto", value: draft.reason });
  label.htmlFor = area.id;
  area.addEventListener("input", () => { draft.reason = area.value; grow(area); touch(draft); });
  return make("section", "box field", make("div", "head", label), area);
}

/** The box that says that another page was quicker: what differs, side by side, and which of both is to count. */
function staleView(draft) {
  const latest = draft.stale;
  const names = chooses(draft) ? [] : Object.keys(draft.values).filter((name) => Object.keys(latest.values).length && draft.values[name] !== latest.values[name]);
  const side = (english, chinese, values, decision, reason, better) => make("div", "", make("h3", "", said(english, chinese), " ", decision ? worded(decision) : said("not decided", "未决定")),
    chooses(draft) ? value(better === null ? "–" : /^\d$/.test(better) ? Number(better) + 1 : better) : null,
    make("dl", "", names.flatMap((name) => [make("dt", "", headOf(name)), make("dd", "", value(values[name]))])), reason ? value(reason, "soft") : null);
  const mine = draft.line.length ? draft.line.at(-1).body.decision : draft.decision;
  const box = make("section", "box alert", make("h3", "warn", said("This was saved elsewhere since you opened it here. Both are kept; which one counts?", "此条在您打开之后已在别处保存。两者都会保留，以哪个为准？")),
    make("div", "apart", side("Here:", "此处：", draft.values, mine, draft.reason, draft.better), side("Elsewhere:", "别处：", latest.values, latest.decision, latest.reason, latest.better)),
    make("div", "head", button("main", "", () => { keepMine(draft); openItem(draft); }, said("Keep what is here", "保留此处内容")), button("", "", () => { takeTheirs(draft); openItem(draft); }, said("Take the other", "采用别处内容"))));
  box.id = "stale";
  box.setAttribute("role", "alert");
  return box;
}

function headOf(name) {
  const found = state.dimensions.find(([each]) => each === name) || [name, ...(LABELS[name] || [name, name])];
  return said(found[1], found[2]);
}

/** What was said of another version of this record. */
function earlierView(item) {
  if (!item.earlier) return null;
  const { decision, reason, values } = item.earlier;
  const lines = Object.entries(values).filter(([name, text]) => text && (!item.before || text !== item.before[name]));
  return folded(said("The record was changed since you reviewed it; what you said then", "记录在您审阅后已更改；您当时的意见"), true,
    make("p", "", decision ? worded(decision) : said("not decided", "未决定"), " ", value(reason, "soft")), make("dl", "", lines.flatMap(([name, text]) => [make("dt", "", headOf(name)), make("dd", "", value(text))])));
}

function clash(item) {
  if (item.consistency !== "inconsistent" || !item.cues.length) return null;
  return make("section", "box", make("h3", "", said("Seen and heard contradict each other", "所见与所闻相互矛盾")), item.cues.map((cue) => make("div", "small",
    make("mark", "visual", value(cue.visual || "–")), make("span", "soft", " ⟷ "), make("mark", "acoustic", value(cue.acoustic || "–")))));
}

function about(item) {
  return [
    item.transcript ? make("section", "box", make("h3", "", said("Said, by the data set", "数据集文本")), value(item.transcript)) : null, clash(item),
    ((item.checks || {})[""] || []).length ? make("section", "box", item.checks[""].map((check) => checkView(check, ""))) : null,
  ];
}

/** The buttons that decide; what the first one does depends on whether something was edited. */
function acts(draft) {
  const main = by("decide"), clean = !chooses(draft) && !state.blind && !edited(draft);
  if (!main) return;
  const words = chooses(draft) ? ["Save", "保存"] : clean ? ["Accept", "接受"] : ["Save correction", "保存修改"];
  if (main.dataset.words !== words[0]) main.replaceChildren(said(...(state.blind && !chooses(draft) ? ["Save", "保存"] : words)), " ", key("a"));
  main.dataset.words = words[0];
  const decided = state.items[draft.number].decision;
  const all = state.items.every((line) => line.decision) ? [" · ", said("All are decided and saved; you may close this page", "已全部决定并保存，可以关闭本页")] : [];
  by("decided").replaceChildren(...(decided && !typed(draft) ? [worded(decided), ...all] : []));
}

let listening = new AbortController();
/** What was measured of the voice, under the players. It is asked for when an item stays open, and let go when that is left:
    saves and clips need the connections. */
function voiceBox(draft, players) {
  const box = make("div", "heard");
  const names = chooses(draft) ? draft.item.choices.map((_, at) => key(String(at + 1))) : [said("claimed in the record", "记录所述")];
  const fill = (track) => box.replaceChildren(voiceView(track, players, (track.claims || []).map((claims, at) => [names[at], claims]).filter(([, claims]) => claims)));
  listening.abort();
  const { signal } = listening = new AbortController();
  if (!players.querySelector("video, audio")) return null;
  if (draft.voice) fill(draft.voice);
  else setTimeout(() => {
    if (box.isConnected) ask(`voice/${draft.number}`, { signal })
      .then((track) => { if (!signal.aborted) fill(draft.voice = track); }).catch((error) => fill(error.message));
  }, 300);
  return box;
}

/** All of one item, and the fields in it that have to be drawn once. */
function itemView(draft, players) {
  const { item } = draft;
  const parts = chooses(draft) ? [] : [...state.dimensions.map((each, at) => dimension(draft, each, at)), ...Object.keys(LABELS).map((name) => labelField(draft, name))];
  const boxes = parts.map(([box]) => box), labels = make("section", "box labels", boxes.slice(6));
  const right = chooses(draft) ? choices(draft) : make("div", "right", boxes.slice(0, 6), labels);
  right.prepend(...[voicesView(item), earlierView(item)].filter(Boolean));
  right.append(note(draft));
  const bar = make("div", "acts", button("main", "", () => decide(), ""), button("bad", "r", () => reject(), said("Reject …", "拒绝…")), button("", "s", () => settle("skip"), said("Skip", "跳过")),
    make("span", "soft", ""), make("span", "gap"), button("", "k", () => step(-1), said("Previous", "上一个")), button("", "j", () => step(1), said("Next", "下一个")));
  bar.children[0].id = "decide";
  bar.children[3].id = "decided";
  bar.children[3].setAttribute("role", "status");
  const left = [...(item.apart ? [] : [players, voiceBox(draft, players)]), ...about(item)].filter(Boolean);
  const name = item.id === undefined ? said(`No. ${draft.number + 1}`, `第 ${draft.number + 1} 条`) : value(item.id);
  const view = [
    make("div", "title", make("h2", "", name), item.source ? value(item.source, "soft") : null, item.consistency === "inconsistent" ? chip("clash", worded("inconsistent")) : null),
    left.length ? make("div", "body", make("div", "left", left), right) : right, bar,
  ];
  return [view, () => parts.forEach(([, changed]) => changed())];
}
