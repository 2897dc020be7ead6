// How often each emotion is true, and how often each model reads it: for all clips, and for those of each consistency.
const MOST_LABELS = 20;

/** [[what is counted, its place among the colours, label of a clip]]. */
function series() {
  const read = data.models.map((model, index) => [make("span", "", clipLetter(index), data.models.length > 1 ? null : said("read", "读作")), index,
    (clip) => clip.answers[index] && clip.answers[index].verdict !== "reject" && clip.answers[index].verdict !== "no answer" ? clip.answers[index].read || "" : null]);
  const known = data.clips.some((clip) => clip.label);
  return [...(known ? [[said(...TRUTH), "truth", (clip) => clip.label || null]] : []), ...read];
}

const readable = () => data.clips.some((clip) => clip.answers.some((answer) => answer && answer.read));

/** The series of some clips with how often each label is there: [[name, colour, Map]]. */
function countsOf(clips) {
  return series().map(([name, kind, label]) => {
    const counts = new Map();
    for (const clip of clips) { const found = label(clip); if (found !== null) counts.set(found, (counts.get(found) || 0) + 1); }
    return [name, kind, counts];
  });
}

const most = (counts, label) => Math.max(...counts.map(([, , each]) => each.get(label) || 0));

/** The labels of some clips, those first that are most frequent in them; what was not read comes last. */
function labelsOf(counts) {
  const labels = [...new Set(counts.flatMap(([, , each]) => [...each.keys()]))];
  return labels.sort((one, other) => (one === "") - (other === "") || most(counts, other) - most(counts, one) || (one < other ? -1 : 1));
}

/** Bars of some clips; the labels come in the order that they have among all. */
function distribution(title, clips, order) {
  const counts = countsOf(clips), labels = order.filter((label) => most(counts, label));
  const highest = Math.max(1, ...labels.map((label) => most(counts, label)));
  const bar = ([name, kind, each], label) => {
    const count = each.get(label) || 0;
    const line = make("div", `bar of-${kind}`, make("span", "of", name.cloneNode(true)), make("span", "track", make("span", "fill")), make("span", "n", count.toLocaleString("en")));
    line.style.setProperty("--share", `${100 * count / highest}%`);
    return line;
  };
  const lines = labels.slice(0, MOST_LABELS).map((label) => make("tr", "", make("th", "", label ? inBoth(label) : said("none read", "未读出")),
    make("td", "", counts.filter(([, kind]) => label || kind !== "truth").map((each) => bar(each, label)))));
  const more = labels.length - lines.length;
  return make("section", "", make("h3", "", title, " ", make("span", "soft", `n = ${clips.length.toLocaleString("en")}`)), make("div", "scroll", make("table", "emotions", lines)),
    more > 0 ? make("p", "soft", said(`${more} more`, `另有 ${more} 项`)) : null);
}

/** The section, where any emotion was read. */
function emotionsView() {
  if (!readable()) return [];
  const of = (consistency) => data.clips.filter((clip) => clip.consistency === consistency);
  const parts = [["consistent", "一致"], ["inconsistent", "不一致"]].map(([name, chinese]) => [said(name, chinese), of(name)]);
  const order = labelsOf(countsOf(data.clips));
  const split = parts.every(([, clips]) => clips.length);
  const title = !data.clips.some((clip) => clip.label) ? ["How often each emotion is read", "各情绪被读出的次数"]
    : data.models[0].kind === "records" ? ["How often each emotion is the label, and how often it is read", "各情绪作为标签与被读出的次数"]
      : ["How often each emotion is true, and how often it is read", "各情绪作为真值与被读出的次数"];
  return [make("h2", "", said(...title)),
    make("div", "pair emotion-groups", distribution(said("all", "全部"), data.clips, order), split ? parts.map(([title, clips]) => distribution(title, clips, order)) : [])];
}
