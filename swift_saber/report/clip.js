// One clip: it plays beside what is true of it and what each model says of it.
const VERDICTS = {
  right: ["right", "正确", "good"], wrong: ["wrong", "错误", "bad"], invalid: ["invalid", "无效", "bad"],
  "no answer": ["no answer", "无回答", "bad"], reject: ["reject", "剔除", "bad"], unjudged: ["judge failed", "评审失败", "bad"],
  "no verdict": ["no right or wrong", "不判对错", ""], "no reference": ["no reference", "无参考", ""],
};
const NOT_ASKED = ["not asked", "未提问", "bad"];
const verdictOf = (answer) => answer ? VERDICTS[answer.verdict] : NOT_ASKED;
const chip = (kind, english, chinese) => make("span", `chip ${kind}`, said(english, chinese));

// What is read out of an answer (sed/conclusion.py) and said about it (inference/files.py), in Chinese.
const CHINESE = {
  angry: "愤怒", contempt: "轻蔑", disgust: "厌恶", fear: "恐惧", happy: "高兴", neutral: "中性", sad: "悲伤", surprise: "惊讶",
  sarcastic: "讽刺", worried: "担忧", calm: "平静", "forced calm": "强装镇定", positive: "积极", negative: "消极",
  silent: "无声音", "no picture": "无画面", "cut short": "未写完", "none of the six dimensions": "不含六个维度",
  "no scene line": "无场景描述", "no voice line": "无声音描述", "no speech line": "无语音内容", "no face line": "无面部描述",
  "no body line": "无肢体描述", "no emotion line": "无情感分析", consistent: "一致", inconsistent: "不一致",
};
const inBoth = (word) => Object.hasOwn(CHINESE, word) ? said(word, CHINESE[word]) : value(word);
const conflicts = (answer) => Boolean(answer && answer.conclusion && answer.conclusion.conflict);
const letters = (indices) => data.models.length > 1 ? indices.map((index) => "AB"[index]).join(" ") + " " : "";

/** What stands out about a clip, in small. */
function chips(clip) {
  const out = [];
  if (clip.consistency === "inconsistent") out.push(chip("clash", "inconsistent", "不一致"));
  clip.answers.forEach((answer, index) => {
    const [english, chinese, kind] = verdictOf(answer) || [];
    if (kind === "bad") out.push(chip("bad", letters([index]) + english, letters([index]) + chinese));
  });
  const clashing = [...clip.answers.keys()].filter((index) => conflicts(clip.answers[index]));
  if (clashing.length) out.push(chip("clash", `${letters(clashing)}conflict`, `${letters(clashing)}冲突`));
  return out;
}

/** The words of a reference that are read to clash, where its row neither names some nor says that nothing clashes. */
const wordsOf = (clip) => (clip.cues || []).length || clip.consistency === "consistent" ? null : clip.words;

/** Which words contradict each other: as the row says, else as they are read. */
function clash(clip) {
  const found = (clip.cues || []).map((cue) => [[cue.visual || "–"], [cue.acoustic || "–"]]);
  const read = wordsOf(clip);
  if (clip.consistency !== "inconsistent" && !read) return null;
  if (read) found.push([read.visual, read.acoustic]);
  const side = (kind, words) => words.flatMap((each, at) => [at ? " " : "", make("mark", kind, value(each))]);
  const pairs = found.map(([seen, heard]) => make("div", "cue", side("visual", seen), make("span", "soft", " ⟷ "), side("acoustic", heard)));
  const none = make("p", "soft", said("The row does not say which words clash, and none are found by their words.", "数据未指明哪些词句矛盾，按词语也未找到。"));
  return make("section", "clash-box",
    make("h3", "", said("What is seen and what is heard contradict each other", "所见与所闻相互矛盾")), ...(pairs.length ? pairs : [none]),
    read && make("p", "soft small", said("read by words, of the reference", "按词语读自参考")));
}

/** What may be marked in a dimension of an answer: the row's own quotes, and the words by which the answer conflicts. */
const quotesFor = (clip, dimension, words) => [...quotesOf(clip, dimension),
  ...[wordsOf(clip), words].flatMap((each) => each ? quotesOf({ cues: [
    ...each.visual.map((visual) => ({ visual })), ...each.acoustic.map((acoustic) => ({ acoustic }))] }, dimension) : [])];

function dimension(clip, name, english, chinese, open) {
  const cells = clip.answers.map((answer) => {
    const text = answer && answer.fields ? answer.fields[name] : undefined;
    const absent = make("span", "soft", text !== undefined ? said("(blank)", "（空）")
      : answer && answer.response ? said("not in the answer", "回答中没有") : said("no answer", "无回答"));
    return make("div", "cell", text ? marked(text, quotesFor(clip, name, answer.words)) : absent);
  });
  const reference = (clip.reference || {})[name];
  const note = reference === undefined ? null : folded(said("Reference", "参考"), open, marked(reference, quotesFor(clip, name)));
  return make("section", "dimension", make("h3", "", said(english, chinese)), make("div", "cells", cells), note && make("div", "reference", note));
}

/** The reference of a clip about which no model says anything by dimension. */
function referenceAlone(clip, open) {
  if (!clip.reference) return null;
  const found = data.dimensions.filter(([name]) => name in clip.reference).map(([name, english, chinese]) =>
    [make("h3", "", said(english, chinese)), make("p", "reference", marked(clip.reference[name], quotesFor(clip, name)))]);
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

/** What was read out of an answer, where that is not what stands in its conclusion anyway. */
function reading(answer) {
  const whole = answer.prediction !== undefined;
  if (!whole && (!answer.read || (answer.conclusion || {}).emotion === answer.read)) return null;
  return make("p", "read", make("span", "soft", said("read as: ", "读作：")), answer.read ? make("b", "emotion", inBoth(answer.read)) : tree(answer.prediction));
}

const DETAILS = {
  judged: ["Judge's reasons and other details", "评审理由与其他信息"], checks: ["What the checks found", "检查结果"], other: ["Other details", "其他信息"],
};

function details(found, open) {
  const judged = Object.keys(found).some((name) => name.startsWith("judge"));
  return folded(said(...DETAILS[judged ? "judged" : found.checks ? "checks" : "other"]), open, tree(found));
}

/** What one model said, beside its six dimensions: how it was read and scored, and the words themselves. */
function verdict(answer, index, open) {
  const [english, chinese, kind] = verdictOf(answer) || [];
  const head = make("h3", "", clipLetter(index), value(data.models[index].name), " ", english ? chip(kind, english, chinese) : null);
  if (!answer) return make("div", "cell", head, make("p", "warn", said("This clip is not in this file.", "该文件中没有此片段。")));
  const parts = [concluded(answer), reading(answer)];
  if (answer.verdict !== "unjudged" && (answer.details || {})["judge failed"]) parts.push(make("p", "", chip("bad", "judge failed", "评审失败")));
  if (answer.videos || answer.audios) parts.push(make("section", "other", make("p", "warn", said("This answer is about another picture or sound than the clip's:", "该回答针对的画面或声音不是本片段的：")), media(answer)));
  if (answer.notes) parts.push(make("p", "notes small warn", answer.notes.flatMap((note, at) => [at ? " · " : "", inBoth(note)])));
  if (answer.reject) parts.push(make("div", "reject", tree(answer.reject)));
  const scores = Object.entries(answer.scores || {});
  if (scores.length) parts.push(make("p", "scores", scores.map(([name, score]) => make("span", "score", value(name), " ", make("b", "", short(score))))));
  if (answer.details) parts.push(details(answer.details, open));
  if (answer.remainder) parts.push(folded(said("Text outside the six dimensions", "六个维度之外的文本"), false, value(answer.remainder)));
  if (answer.response) parts.push(folded(said("The model's own words", "模型原文"), !answer.fields, value(answer.response)));
  return make("div", "cell", head, ...parts);
}

const clipLetter = (index) => data.models.length > 1 ? make("span", `letter m${index}`, "AB"[index]) : null;

// Records are not answers that might be wrong: what their rows say stands beside what their texts conclude.
const TRUTH = data.models[0].kind === "records" ? ["label", "标签"] : ["truth", "真值"];

/** What is true of the clip: a label, or whatever the benchmark has in its place. */
function truth(clip) {
  if (!clip.label && clip.truth === undefined) return null;
  return make("div", "truth", make("span", "soft", said(...TRUTH)), " ", clip.label ? make("b", "emotion", inBoth(clip.label)) : tree(clip.truth));
}

const STATES = { accepted: ["accepted", "认可", "good"], corrected: ["corrected", "已修改", "clash"], rejected: ["rejected", "已拒绝", "bad"],
  disputed: ["disputed", "有争议", "bad"], open: ["not decided", "未决定", ""] };
const DECIDED = { accept: ["accepts", "认可"], correct: ["corrects", "修改"], reject: ["rejects", "拒绝"], better: ["compares", "比较"] };
const NAMES = Object.fromEntries([...data.dimensions, ["emotion", "emotion", "情绪"], ["consistency", "consistency", "一致性"], ["language", "language", "语言"]]
  .map(([name, english, chinese]) => [name, [english, chinese]]));

/** What people said of the clip; who they are stays in the folder of reviews. */
function people(clip) {
  const found = clip.people;
  if (!found) return null;
  const piece = ([sign, text]) => make(sign === "=" ? "span" : sign === "-" ? "del" : "ins", "", text);
  const change = ([name, pieces]) => make("div", "change", make("span", "soft", said(...(NAMES[name] || [name, name]))), " ",
    make("span", "value", pieces.map(piece)));
  const voice = (each) => make("div", "each", make("span", "soft", said(`person ${each.number} `, `评审者${each.number} `)),
    make("b", "", said(...(DECIDED[each.decision] || [each.decision, each.decision]))), each.better ? [" ", value(each.better)] : null,
    each.blind ? make("span", "soft", said(" (blind)", "（盲评）")) : null, each.reason ? make("div", "", value(each.reason)) : null, (each.changes || []).map(change));
  const [english, chinese, kind] = STATES[found.state];
  return make("section", "people", make("h3", "", said("What people said", "人工评审"), " ", chip(kind, english, chinese),
    found.adjudicated ? [" ", chip("", "adjudicated", "已裁决")] : null), found.voices.map(voice),
    found.stale ? make("p", "soft small", said(`${found.stale} of another text, not counted`, `${found.stale} 份针对旧文本，不计入`)) : null);
}

/** The players of a clip, and under them what was measured of its voice and is claimed of it. */
function played(clip) {
  const players = media(clip);
  if (!clip.voice) return [players];
  const names = [said("claimed in the reference", "参考所述"), ...data.models.map((model, index) => [clipLetter(index), said("claimed by ", "所述："), value(model.name)])];
  return [players, voiceView(clip.voice, players, names.map((name, at) => [name, (clip.voice.claims || [])[at]]).filter(([, claims]) => claims))];
}

/** Everything about one clip; `open` says whether references and reasons are unfolded. */
function clipView(clip, open) {
  const group = clip.group && clip.group !== clip.consistency ? value(clip.group, "soft") : null;
  const length = clip.seconds ? make("span", "soft", said(`${short(clip.seconds)} s`, `${short(clip.seconds)} 秒`)) : null;
  const known = clip.answers.some((answer) => answer && answer.fields);
  const six = known ? data.dimensions.map((each) => dimension(clip, ...each, open)) : [referenceAlone(clip, open)];
  return [
    make("div", "title", make("h2", "", value(clip.id)), group, length, ...chips(clip)),
    make("div", `body of${clip.answers.length}`,
      make("div", "left", ...played(clip), clash(clip), people(clip)),
      make("div", "right", make("section", "verdicts", truth(clip), make("div", "cells", clip.answers.map((answer, index) => verdict(answer, index, open)))), ...six)),
  ];
}
