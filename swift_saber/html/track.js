// What was measured of a clip's voice, drawn under its player, and what texts claim of it.
const TRACK = { width: 300, height: 108, pitch: [6, 60], loudness: [78, 106], span: 50 };
const MEASURED = {
  pitch: ["pitch", "音高", (n) => [`${n.toFixed(0)} Hz`, `${n.toFixed(0)} Hz`]],
  pitch_range: ["pitch range", "音高幅度", (n) => [`${n.toFixed(1)} semitones`, `${n.toFixed(1)} 半音`]],
  pitch_change: ["pitch change", "音高变化", (n) => [`${signed(n)} semitones`, `${signed(n)} 半音`]],
  loudness: ["loudness", "响度", (n) => [`${minus(n.toFixed(0))} dBFS`, `${minus(n.toFixed(0))} dBFS`]],
  loudness_range: ["loudness range", "响度幅度", (n) => [`${n.toFixed(0)} dB`, `${n.toFixed(0)} dB`]],
  loudness_change: ["loudness change", "响度变化", (n) => [`${signed(n)} dB`, `${signed(n)} dB`]],
  rate: ["rate", "语速", (n) => [`${n.toFixed(1)} syllables/s`, `${n.toFixed(1)} 音节/秒`]],
  pause: ["longest pause", "最长停顿", (n) => [`${n.toFixed(2)} s`, `${n.toFixed(2)} 秒`]],
  voiced: ["voiced", "有声", (n) => [`${(100 * n).toFixed(0)} %`, `${(100 * n).toFixed(0)} %`]],
  silent: ["no speech", "无语音", (n) => [`${(100 * n).toFixed(0)} %`, `${(100 * n).toFixed(0)} %`]],
};
// What claims may be about besides, and why something is not said (media/prosody.py, sed/evidence.py).
const CLAIMED = {
  pitch_or_loudness: ["pitch or loudness", "音高或响度"], pitch_or_loudness_change: ["change of pitch or loudness", "音高或响度变化"], silence: ["silence", "无声"], tremor: ["tremor", "颤抖"], rate_range: ["evenness of rate", "语速平稳"],
  rate_change: ["change of rate", "语速变化"],
};
const WHY = {
  "no sound": "没有声音", "too short": "太短", "no voice": "没有人声", "no syllables to count": "没有可数的音节", "too noisy": "噪声过大",
  "music or several voices": "有音乐或多人声", "voice that breaks": "嗓音破裂", clipped: "削波失真", "speech fades into silence": "语音渐弱至无声",
  "no property that is measured": "不是可测量的属性", "not measured": "未测量", "between the bounds": "介于界限之间", "about a part of the clip": "只涉及片段的一部分",
  "nothing to compare it with": "没有可比较的对象", "speaker not known": "说话人未知", "otherwise for the speaker than among all": "相对说话人与相对所有人不同",
  "one of two meanings": "有两种含义", "has no sound": "没有声音",
};
// Where claims have a place in the drawing: what is drawn, of what. Others have none: a rate, a tremor.
const MARKED = { silence: "silence", pause: "pause", pitch_range: "range pitch", loudness_range: "range loudness", pitch_change: "change pitch", loudness_change: "change loudness",
  pitch_or_loudness_change: "change pitch loudness", pitch: "level pitch", loudness: "level loudness", pitch_or_loudness: "level pitch loudness" };
// What a claim that may mean two things is about, and what else is no number's own name.
const ABOUT = { pitch_or_loudness: ["pitch", "loudness"], pitch_or_loudness_change: ["pitch_change", "loudness_change"], silence: ["silent"] };
const JUDGED = { agrees: ["good", "✓", "agrees", "相符"], contradicts: ["bad", "✗", "contradicts", "矛盾"], undecided: ["", "?", "cannot be said", "无法判断"] };

const minus = (text) => text.replace("-", "−");
const signed = (n) => Number(n.toFixed(1)) === 0 ? "0.0" : (n > 0 ? "+" : "") + minus(n.toFixed(1));
// What a name leaves open.
const MEANT = { pitch_change: "last third less first third · 末三分之一减首三分之一", loudness_change: "last third less first third · 末三分之一减首三分之一",
  pitch: "median · 中位数", pitch_range: "5th to 95th percentile · 第5至95百分位", loudness_range: "10th to 95th percentile · 第10至95百分位",
  rate: "without pauses · 不含停顿", voiced: "share of the clip · 占片段时长", silent: "share of the clip · 占片段时长" };
const nameOf = (name) => Object.hasOwn(MEASURED, name) ? MEASURED[name] : Object.hasOwn(CLAIMED, name) ? CLAIMED[name] : [name.replaceAll("_", " "), name.replaceAll("_", " ")];
const why = (reason) => said(reason, Object.hasOwn(WHY, reason) ? WHY[reason] : reason);
let tracks = 0;

/** The measured voice of a clip under the box of its players.
    `track` is as data/voice_track.py has it, or a text that says why there is none; `sides` are [[a node or null, claims]]. */
function voiceView(track, players, sides) {
  const head = make("h3", "", said("The voice, measured", "声音测量"));
  if (typeof track === "string") return make("section", "voice", head, make("p", "soft small", said("Not measured: ", "未测量："), why(track)));
  const numbers = numbersOf(track), chips = [];
  numbers.id = `voice-${tracks += 1}`;
  const lists = sides.map(([of, claims]) => claimsOf(track, of, claims, chips));
  return make("section", "voice", head, plotOf(track, players, numbers.id, chips), ...lists, comparedOf(track, sides), numbers);
}

/** Pitch on a scale of semitones above, loudness as an area below, what is claimed of them, and where the player is. */
function plotOf(track, players, described, chips) {
  const wide = Math.max(track.pitch.length, 1), loud = Math.max(-50, Math.ceil(Math.max(...track.loudness, -120) / 10) * 10);
  const [low, high] = pitchEnds(track.pitch.filter((hertz) => hertz !== null));
  const along = ([top, bottom], share) => bottom - Math.min(1, Math.max(0, share)) * (bottom - top);
  const atPitch = (hertz) => along(TRACK.pitch, Math.log2(hertz / low) / Math.log2(high / low));
  const atLevel = (level) => along(TRACK.loudness, (level - loud + TRACK.span) / TRACK.span);
  const line = track.pitch.map((hertz, at) => hertz === null ? "" : `${at && track.pitch[at - 1] !== null ? "L" : "M"}${at + 0.5} ${atPitch(hertz).toFixed(1)}${
    (at && track.pitch[at - 1] !== null) || (at + 1 < wide && track.pitch[at + 1] !== null) ? "" : "h0"}`).join("");
  const area = track.loudness.map((level, at) => `L${at + 0.5} ${atLevel(level).toFixed(1)}`).join("");
  const ground = TRACK.loudness[1], marks = pitchMarks(low, high), cursor = drawn("line", { class: "now", y1: 0, y2: TRACK.height, x1: 0, x2: 0 });
  const still = track.silences.map(([start, end]) => drawn("rect", { class: "silence", x: across(track, start), width: across(track, end - start), y: 0, height: TRACK.height }));
  const svg = drawn("svg", { viewBox: `0 0 ${wide} ${TRACK.height}`, preserveAspectRatio: "none", role: "img", "aria-labelledby": described },
    ...still, ...marks.map((hertz) => drawn("line", { class: "base", x1: 0, x2: wide, y1: atPitch(hertz), y2: atPitch(hertz) })),
    drawn("path", { class: "loudness", d: `M0 ${ground}${area}L${wide} ${ground}Z` }), drawn("path", { class: "pitch", d: line }), cursor);
  const label = (text, y) => {
    const out = make("span", "", text);
    out.style.top = `${y}px`;
    return out;
  };
  const axis = make("div", "labels", ...marks.map((hertz) => label(`${hertz} Hz`, atPitch(hertz))), label(minus(`${loud} dB`), TRACK.loudness[0] + 4), label(minus(`${loud - TRACK.span}`), ground - 2));
  axis.setAttribute("aria-hidden", "true");
  const claimed = marksOf(track, chips, { pitch: atPitch, loudness: atLevel }, described);
  goWith([svg, claimed], cursor, players, wide, track.seconds);
  return make("div", "plot-of-voice", axis, svg, claimed);
}

/** What claims are about, marked on the drawing in the colour of their verdicts; a claim and its mark stand out together.
    Not in the drawing's own scale, in which words and arrows would be stretched. */
function marksOf(track, chips, at, name) {
  const places = new Map();
  for (const [claim, node] of chips) {
    const place = Object.hasOwn(MARKED, claim.property) ? MARKED[claim.property] : "", [shapes, words] = place ? shapesOf(place.split(" "), track, at) : [[]];
    if (!shapes.length) continue;
    if (!places.has(place)) places.set(place, [shapes, words, []]);
    places.get(place)[2].push([claim, node]);
  }
  const parts = new Map(chips.map(([, node]) => [node, []])), deep = Object.values(MARKED);
  // Words are not crossed by arrows.
  const upward = [...places].sort(([one], [other]) => deep.indexOf(one) - deep.indexOf(other));
  const marks = upward.map(([place, [shapes, words, claims]], number) => {
    const kinds = new Set(claims.map(([claim]) => judged(claim)[0] || "open")), id = `${name}-mark-${number}`;
    const said_ = new Map();  // what two say in the same words stands there once
    for (const [claim, node] of claims) {
      const text = place.startsWith("level") ? ` ${shortened(claim.words, claims.length > 1 ? 22 : 40)}` : "";
      const key = JSON.stringify([judged(claim)[1], text, claim.denied]);
      if (!said_.has(key)) said_.set(key, drawn("tspan", { class: judged(claim)[0] || "open" }, drawn("title", {}, node.title), said_.size ? " · " : "", judged(claim)[1] + text,
        ...(text && claim.denied ? [drawn("tspan", { class: "en" }, " (denied)"), drawn("tspan", { class: "zh" }, "（否定）")] : [])));
      node.tabIndex = 0;
      node.setAttribute("aria-details", [node.getAttribute("aria-details"), id].filter(Boolean).join(" "));
      parts.get(node).push(...shapes, said_.get(key));
    }
    const colour = kinds.size > 1 ? "mixed" : [...kinds][0], [kind] = place.split(" ");
    return drawn("g", { class: `mark ${kind} ${colour}`, id }, ...shapes, ...(kind === "change" ? shapes.map(headOf) : []), drawn("text", words, ...said_.values()));
  });
  for (const [node, others] of parts) if (others.length) standOut([node, ...others]);
  return drawn("svg", { class: "marks" }, ...marks);
}

const across = (track, seconds) => `${(100 * Math.min(1, Math.max(0, seconds / (track.seconds || 1)))).toFixed(2)}%`;

/** What is drawn at a place, and where its words are; nothing where nothing was measured. */
function shapesOf([kind, ...names], track, at) {
  const stretch = ([start, end]) => drawn("rect", { x: across(track, start), width: across(track, end - start), y: 0, height: TRACK.height });
  const middle = ([start, end]) => ({ x: across(track, (start + end) / 2), y: 12, "text-anchor": "middle" });
  if (kind === "pause") return track.pause ? [[stretch(track.pause)], middle(track.pause)] : [[]];
  if (kind === "silence") return track.silences.length ? [track.silences.map(stretch), middle(track.silences.reduce((one, other) => other[1] - other[0] > one[1] - one[0] ? other : one))] : [[]];
  if (kind === "level") {
    const heights = names.filter((name) => typeof track.numbers[name] === "number").map((name) => at[name](track.numbers[name]));
    // Of two levels, either of which may be meant, one word between them.
    const between = heights.length > 1 ? [drawn("line", { x1: 1, x2: 1, y1: heights[0], y2: heights[1] })] : [];
    return [[...heights.map((y) => drawn("line", { x1: 0, x2: heights.length > 1 ? 10 : 24, y1: y, y2: y })), ...between],
      heights.length > 1 ? { x: 8, y: (TRACK.pitch[1] + TRACK.loudness[0]) / 2 + 4 } : { x: 28, y: heights[0] + 4 }];
  }
  if (kind === "range") {
    const [name] = names;
    if (!track.ranges[name]) return [[]];
    const [y, ground] = [track.ranges[name][1], track.ranges[name][0]].map(at[name]);
    return [[drawn("rect", { x: 0, width: "100%", y, height: Math.max(1, ground - y) })], { x: "100%", dx: -6, y: (y + ground) / 2 + 4, "text-anchor": "end" }];
  }
  const ends = names.filter((name) => track.thirds[name]).map((name) => track.thirds[name].map(([start, end, level]) => [across(track, (start + end) / 2), at[name](level)]));
  return [ends.map(([[x1, y1], [x2, y2]]) => drawn("line", { x1, y1, x2, y2 })), ends.length ? { x: ends[0][1][0], y: ends[0][1][1] + 4, dx: 5 } : {}];
}

/** The head of an arrow, turned as its line is where the drawing is about as wide as it mostly is. */
function headOf(line) {
  const [x1, x2, y1, y2] = ["x1", "x2", "y1", "y2"].map((name) => parseFloat(line.getAttribute(name)));
  const turn = Math.atan2(y2 - y1, (x2 - x1) / 100 * TRACK.width) * 180 / Math.PI;
  return drawn("svg", { x: line.getAttribute("x2"), y: y2, width: 1, height: 1, overflow: "visible" }, drawn("path", { class: "head", d: "M-8 -4.5L1 0L-8 4.5Z", transform: `rotate(${turn.toFixed(1)})` }));
}

/** The pointer or the keyboard on one of some nodes makes all of them stand out. */
function standOut(nodes) {
  const turn = (on) => () => { for (const each of nodes) each.classList.toggle("on", on); };
  for (const each of nodes) for (const [event, on] of [["mouseenter", true], ["mouseleave", false], ["focus", true], ["blur", false]]) each.addEventListener(event, turn(on));
}

const judged = (claim) => Object.hasOwn(JUDGED, claim.value) ? JUDGED[claim.value] : JUDGED.undecided;
const shortened = (text, most) => [...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text;

/** An octave at least, so that a voice that hardly moves does not look lively. */
function pitchEnds(heard) {
  const low = heard.length ? Math.min(...heard) : 100, high = heard.length ? Math.max(...heard) : 200;
  const more = Math.max(2 ** (1 / 12), Math.sqrt(2 * low / high));
  return [low / more, high * more];
}

/** Two or three round values within the scale. */
function pitchMarks(low, high) {
  const round = [50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 700].filter((hertz) => hertz > low * 1.03 && hertz < high / 1.03);
  return round.length < 4 ? round : [round[0], round[Math.floor(round.length / 2)], round.at(-1)];
}

/** The cursor goes with the player that has the sound, and a click takes that player to its place. */
function goWith(layers, cursor, players, wide, seconds) {
  const player = () => players.querySelector("audio:not([hidden])") || players.querySelector("video:not([hidden])");
  let turning = 0;
  const place = () => {
    const now = player();
    if (!now) return;
    const at = Math.min(1, now.currentTime / (seconds || 1)) * wide;
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, at.toFixed(2));
    cancelAnimationFrame(turning);
    if (!now.paused && !now.ended && cursor.isConnected) turning = requestAnimationFrame(place);
  };
  // They do not bubble.
  for (const event of ["play", "pause", "seeking", "seeked", "timeupdate", "loadedmetadata"]) players.addEventListener(event, place, true);
  place();
  for (const layer of layers) layer.addEventListener("click", (event) => {
    const now = player(), box = layer.getBoundingClientRect();
    if (now) now.currentTime = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (seconds || 0);
  });
}

/** The numbers in words; what is left unsaid, with why. */
function numbersOf(track) {
  const known = Object.keys(MEASURED).filter((name) => typeof track.numbers[name] === "number");
  const reasons = new Map();
  for (const name of Object.keys(MEASURED)) if (Object.hasOwn(track.unsaid, name)) reasons.set(track.unsaid[name], [...(reasons.get(track.unsaid[name]) || []), name]);
  const number = (name) => {
    const [english, chinese, write] = MEASURED[name], [en, zh] = write(track.numbers[name]);
    const out = make("span", "number", make("span", "soft", said(english, chinese)), " ", make("b", "", said(en, zh)), make("span", "stop", said("; ", "；")));
    if (Object.hasOwn(MEANT, name)) out.title = MEANT[name];
    return out;
  };
  const left = [...reasons].map(([reason, names]) => make("div", "soft", said("Cannot be said (", "无法测得（"), why(reason), said("): ", "）："),
    names.length === Object.keys(MEASURED).length ? said("all of it", "全部") : said(names.map((name) => MEASURED[name][0]).join("; "), names.map((name) => MEASURED[name][1]).join("；"))));
  return make("div", "numbers small", make("div", "known", known.map(number)), ...left);
}

/** With what low and high were compared in these claims. */
function comparedWith(by, track) {
  const { clips = 0, source = "", language = "", measured = false } = track.among || {};
  const [of, zh] = measured ? ["of these records that were measured before", "这些记录中已测量的"] : ["of this page", "本页的"];
  const alike = [source && `source ${source}`, language && `language ${language}`].filter(Boolean).join(", "), those = [source && `来源 ${source}`, language && `语言 ${language}`].filter(Boolean).join("，");
  return { speaker: [measured ? "the speaker's other clips in these records" : "the speaker's other clips on this page", measured ? "这些记录中该说话人的其他片段" : "本页中该说话人的其他片段"],
    "data set": [`the ${clips} clips ${of}${alike && ` (${alike})`}`, `${zh} ${clips} 个片段${those && `（${those}）`}`],
    bounds: ["bounds out of the literature", "文献中的界限"] }[by];
}
function comparedOf(track, sides) {
  const known = new Set(sides.flatMap(([, claims]) => claims.map((claim) => claim.by)));
  const found = ["speaker", "data set", "bounds"].filter((by) => known.has(by)).map((by) => comparedWith(by, track));
  return found.length ? make("p", "compared soft small", said(`compared with ${found.map(([en]) => en).join("; ")}`, `比较对象：${found.map(([, zh]) => zh).join("；")}`)) : null;
}

/** What a text claims of the voice, each with its verdict, what was measured, and why that does not decide it; `chips` takes
    each with its claim. */
function claimsOf(track, of, claims, chips = []) {
  const all = claims.map((claim) => {
    const [kind, sign, english, chinese] = judged(claim), [en, zh] = nameOf(claim.property);
    const known = (Object.hasOwn(ABOUT, claim.property) ? ABOUT[claim.property] : [claim.property]).filter((name) => Object.hasOwn(MEASURED, name) && typeof track.numbers[name] === "number");
    const numbers = [0, 1].map((at) => known.map((name) => `${MEASURED[name][at]} ${MEASURED[name][2](track.numbers[name])[at]}`).join(at ? "，" : ", ") || [en, zh][at]);
    const because = claim.reason ? [` (${claim.reason})`, `（${Object.hasOwn(WHY, claim.reason) ? WHY[claim.reason] : claim.reason}）`] : ["", ""];
    const out = make("span", `chip claim ${kind}`, `${sign} `, value(claim.words), claim.denied ? said(" (denied)", "（否定）") : null,
      make("span", "found", said(` · ${numbers[0]}${because[0]}`, ` · ${numbers[1]}${because[1]}`)));
    const among = ["speaker", "data set", "bounds"].includes(claim.by) ? comparedWith(claim.by, track) : null;
    const compared = among ? [`, compared with ${among[0]}`, `，比较对象：${among[1]}`] : ["", ""];
    out.title = `${numbers[0]}: ${english}${because[0]}${compared[0]}\n${numbers[1]}：${chinese}${because[1]}${compared[1]}`;
    out.setAttribute("role", "listitem");
    chips.push([claim, out]);
    return out;
  });
  const list = make("div", "claims", all.length ? all : make("span", "soft small", said("nothing is claimed that is read as pitch, loudness, rate or pause", "未读出关于音高、响度、语速或停顿的说法")));
  if (all.length) list.setAttribute("role", "list");
  return make("div", "claimed", of ? make("span", "soft small", of) : null, list);
}
