// One clip: it plays beside what each model says of it.
const STATES = {
  answered: ["answered", "已回答"], invalid: ["invalid answer", "无效回答"],
  missing: ["no answer", "无回答"], unjudged: ["judge failed", "评审失败"],
};
const stateOf = (answer) => STATES[answer.state] || ["unknown", "未知"];
const chip = (kind, english, chinese) => make("span", `chip ${kind}`, said(english, chinese));

// What is read out of an answer (sed/conclusion.py) and said about it (inference/files.py), in Chinese.
const CHINESE = {
  angry: "愤怒", contempt: "轻蔑", disgust: "厌恶", fear: "恐惧", happy: "高兴", neutral: "中性", sad: "悲伤", surprise: "惊讶",
  sarcastic: "讽刺", worried: "担忧", calm: "平静", "forced calm": "强装镇定", positive: "积极", negative: "消极",
  silent: "无声音", "no picture": "无画面", "cut short": "未写完", "none of the six dimensions": "不含六个维度",
  "no scene line": "无场景描述", "no voice line": "无声音描述", "no speech line": "无语音内容", "no face line": "无面部描述",
  "no body line": "无肢体描述", "no emotion line": "无情感分析",
};
const inBoth = (word) => said(word, CHINESE[word] || word);
const conflicts = (answer) => Boolean(answer && answer.conclusion && answer.conclusion.conflict);

/** What stands out about a clip, in small. */
function chips(clip) {
  const out = [];
  if (clip.consistency === "inconsistent") out.push(chip("clash", "inconsistent", "不一致"));
  clip.answers.forEach((answer, index) => {
    const letter = clip.answers.length > 1 ? `${"AB"[index]} ` : "";
    if (conflicts(answer)) out.push(chip("clash", `${letter}conflict`, `${letter}冲突`));
    if (!answer) out.push(chip("bad", `${letter}not asked`, `${letter}未提问`));
    else if (answer.reject || answer.state !== "answered") {
      const [english, chinese] = answer.reject ? ["reject", "剔除"] : stateOf(answer);
      out.push(chip("bad", letter + english, letter + chinese));
    } else if (answer.wrong) out.push(chip("bad", `${letter}wrong`, `${letter}错误`));
  });
  return out;
}

function clash(clip) {
  if (clip.consistency !== "inconsistent") return null;
  const pairs = (clip.cues || []).map((cue) => make("div", "cue",
    make("mark", "visual", value(cue.visual || "–")), make("span", "soft", " ⟷ "), make("mark", "acoustic", value(cue.acoustic || "–"))));
  const none = make("p", "soft", said("The row does not say which words clash.", "数据未指明哪些词句矛盾。"));
  return make("section", "clash-box",
    make("h3", "", said("What is seen and what is heard contradict each other", "所见与所闻相互矛盾")), ...(pairs.length ? pairs : [none]));
}

function dimension(clip, name, english, chinese, open) {
  const quotes = quotesOf(clip, name);
  const cells = clip.answers.map((answer) => {
    const text = answer && answer.fields ? answer.fields[name] : undefined;
    const absent = make("span", "soft", text !== undefined ? said("(blank)", "（空）")
      : answer && answer.response ? said("not in the answer", "回答中没有") : said("no answer", "无回答"));
    return make("div", "cell", text ? marked(text, quotes) : absent);
  });
  const reference = (clip.reference || {})[name];
  const note = reference === undefined ? null : folded(said("Reference", "参考"), open, marked(reference, quotes));
  return make("section", "dimension", make("h3", "", said(english, chinese)), make("div", "cells", cells), note && make("div", "reference", note));
}

/** The reference of a clip about which no model says anything by dimension. */
function referenceAlone(clip, open) {
  if (!clip.reference) return null;
  const found = data.dimensions.filter(([name]) => name in clip.reference).map(([name, english, chinese]) =>
    [make("h3", "", said(english, chinese)), make("p", "reference", marked(clip.reference[name], quotesOf(clip, name)))]);
  return make("section", "dimension", folded(said("Reference", "参考"), open, ...found.flat()));
}

/** What an answer concludes, and what its face and its voice say apart. */
function concluded(answer) {
  const found = answer.conclusion;
  if (!found) return null;
  const side = (kind, english, chinese, word) => make("span", "side", make("span", "soft", said(english, chinese)), " ",
    make("span", kind, word ? inBoth(word) : "–"));
  return make("div", `conclusion${found.conflict ? " conflict" : ""}`,
    found.emotion ? make("b", "emotion", inBoth(found.emotion)) : make("span", "soft", said("no emotion named", "未指明情绪")), " ",
    found.valence ? make("span", `chip ${found.valence}`, inBoth(found.valence)) : null, " ",
    side("visual", "face", "面部", found.face), " ", side("acoustic", "voice", "声音", found.voice), " ",
    found.conflict ? chip("clash", "conflict", "冲突") : null);
}

/** What one model said, beside its six dimensions: how it was read and scored, and the words themselves. */
function verdict(answer, index, open) {
  const head = make("h3", "", clipLetter(index), value(data.models[index].name));
  if (!answer) return make("div", "cell", head, make("p", "warn", said("This question is not in this result.", "该结果中没有此问题。")));
  const [english, chinese] = stateOf(answer);
  const state = chip(answer.wrong ? "bad" : "good", answer.wrong && answer.state === "answered" ? "wrong" : english, answer.wrong && answer.state === "answered" ? "错误" : chinese);
  const parts = [make("p", "", state)];
  parts.push(concluded(answer));
  if (answer.notes) parts.push(make("p", "notes small warn", answer.notes.flatMap((note, at) => [at ? " · " : "", inBoth(note)])));
  if (answer.reject) parts.push(make("div", "reject", tree(answer.reject)));
  if (answer.prediction !== undefined) parts.push(make("p", "", make("span", "soft", said("read as: ", "读作：")), tree(answer.prediction)));
  const scores = Object.entries(answer.scores || {});
  if (scores.length) parts.push(make("p", "scores", scores.map(([name, score]) => make("span", "score", value(name), " ", make("b", "", short(score))))));
  if (answer.details) parts.push(folded(said("Judge's reasons and other details", "评审理由与其他信息"), open, tree(answer.details)));
  if (answer.remainder) parts.push(folded(said("Text outside the six dimensions", "六个维度之外的文本"), false, value(answer.remainder)));
  if (answer.response) parts.push(folded(said("The model's own words", "模型原文"), !answer.fields, value(answer.response)));
  return make("div", "cell", head, ...parts);
}

const clipLetter = (index) => data.models.length > 1 ? make("span", `letter m${index}`, "AB"[index]) : null;

/** Everything about one clip; `open` says whether references and reasons are unfolded. */
function clipView(clip, open) {
  const truth = clip.truth === undefined ? null : make("p", "truth", make("span", "soft", said("Reference: ", "参考答案：")), tree(clip.truth));
  const group = clip.group && clip.group !== clip.consistency ? value(clip.group, "soft") : null;
  const length = clip.seconds ? make("span", "soft", said(`${short(clip.seconds)} s`, `${short(clip.seconds)} 秒`)) : null;
  const known = clip.answers.some((answer) => answer && answer.fields);
  const six = known ? data.dimensions.map((each) => dimension(clip, ...each, open)) : [referenceAlone(clip, open)];
  return [
    make("div", "title", make("h2", "", value(clip.id)), group, length, ...chips(clip)),
    make("div", `body of${clip.answers.length}`,
      make("div", "left", media(clip), clash(clip), truth),
      make("div", "right", make("div", "cells verdicts", clip.answers.map((answer, index) => verdict(answer, index, open))), ...six)),
  ];
}
