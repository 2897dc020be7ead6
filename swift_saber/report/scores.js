// Score tables and plots. A plot's axis is one for a metric over the whole page, and its ends are written beside it.
const W = 220, H = 14;

/** The ends of a metric's axis: the least usual range that holds all of its values. */
function axis(name) {
  let low = 0, high = 0;
  const all = data.models.flatMap((model) => [model.scores.metrics, ...Object.values(model.scores.groups || {})]);
  for (const metrics of all) {
    for (const end of ["low", "high", "value"]) {
      const number = ((metrics || {})[name] || {})[end];
      if (typeof number === "number") { low = Math.min(low, number); high = Math.max(high, number); }
    }
  }
  const round = (size) => size === 0 ? 0 : [1, 5, 10, 100].find((end) => size <= end) || size;
  return [-round(-low), round(high) || (low < 0 ? 0 : 1)];
}

/** A dot and its interval for each model, one under the other. */
function plot(name, scores) {
  const [low, high] = axis(name);
  const x = (number) => 4 + (W - 8) * (number - low) / (high - low);
  const picture = drawn("svg", { viewBox: `0 0 ${W} ${H * scores.length}`, width: W, height: H * scores.length, role: "img" });
  picture.append(drawn("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: H * scores.length }));
  scores.forEach((score, index) => {
    const y = H * (index + 0.5);
    picture.append(drawn("line", { class: "base", x1: 4, x2: W - 4, y1: y, y2: y }));
    if (!score || typeof score.value !== "number") return;
    if (typeof score.low === "number" && typeof score.high === "number")
      picture.append(drawn("line", { class: `interval m${index}`, x1: x(score.low), x2: x(score.high), y1: y, y2: y }));
    picture.append(drawn("circle", { class: `m${index}`, cx: x(score.value), cy: y, r: 4 }));
  });
  return make("div", "plot", picture, make("div", "axis", make("span", "", String(low)), make("span", "", String(high))));
}

const between = (score) => typeof score.low === "number" ? `[${figure(score.low)}, ${figure(score.high)}]` : "";

function scoreCell(score, index) {
  if (!score) return make("span", "soft", "–");
  return make("div", "scored", clipLetter(index), make("b", "", figure(score.value)), " ", make("span", "soft", between(score)));
}

/** How many questions a score is of, and how many of them came to nothing. */
function counted(score, index) {
  if (!score) return make("span", "soft", "–");
  const names = { invalid: ["invalid", "无效"], missing: ["missing", "缺失"], unjudged: ["unjudged", "未评"] };
  const parts = Object.entries(names).filter(([name]) => score[name]).map(([name, [en, zh]]) => make("span", "warn", ` ${score[name]} `, said(en, zh)));
  return make("div", "counted", clipLetter(index), `n = ${typeof score.n === "number" ? score.n.toLocaleString("en") : "–"}`, ...parts);
}

function metricTable(first, lines) {
  const heads = [first, "", said("value and interval", "数值与区间"), said("questions", "题数")];
  return table(heads, lines.map(([title, name, scores]) => [
    value(title), plot(name, scores), make("div", "", scores.map(scoreCell)), make("div", "", scores.map(counted))]), "metrics");
}

const union = (objects) => [...new Set(objects.flatMap((each) => Object.keys(each || {})))];

function groupTables() {
  const groups = union(data.models.map((model) => model.scores.groups));
  const scoresOf = (group) => data.models.map((model) => (model.scores.groups || {})[group] || {});
  return union(groups.flatMap(scoresOf)).map((name) => {
    const lines = groups.filter((group) => scoresOf(group).some((each) => each[name])).map((group) => [group, name, scoresOf(group).map((each) => each[name])]);
    return make("section", "", make("h3", "", value(name)), metricTable(said("group", "分组"), lines));
  });
}

function confusion(found) {
  const labels = found.labels || [];
  const lines = (found.confusion || []).map((row, at) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return make("tr", "", make("th", "", value(labels[at] ?? "")), row.map((count, column) => {
      const cell = make("td", at === column ? "n right" : "n", count ? count.toLocaleString("en") : "·");
      cell.style.setProperty("--share", `${total ? 100 * count / total : 0}%`);
      return cell;
    }));
  });
  const width = Math.max(0, ...(found.confusion || []).map((row) => row.length));
  // Behind the labels stands what says none of them.
  const heads = Array.from({ length: width }, (_, at) => make("th", "n", at < labels.length ? value(labels[at]) : said("none of these", "均不是")));
  return make("div", "scroll", make("table", "confusion", make("tr", "", make("th", "soft", said("reference ↓ answer →", "参考 ↓ 回答 →")), heads), lines));
}

function perClass(found) {
  const heads = [said("label", "标签"), said("precision", "精确率"), said("recall", "召回率"), "F1", said("support", "样本数")];
  return table(heads, Object.entries(found.per_class || {}).map(([label, of]) => [
    value(label), ...["precision", "recall", "f1"].map((name) => make("span", "", figure(of[name]))), of.support ?? "–"]));
}

function classTables() {
  return union(data.models.map((model) => model.scores.tables)).map((group) => {
    const each = data.models.map((model, index) => {
      const found = (model.scores.tables || {})[group];
      return found && make("div", "", make("p", "", clipLetter(index), data.models.length > 1 ? value(model.name) : null), confusion(found), perClass(found));
    });
    return folded(value(group), false, make("div", "pair", each));
  });
}

function contextTable() {
  const rows = data.models[0].scores.context || [];
  if (!rows.length) return [];
  const names = union(rows.map((row) => row.values));
  const own = data.models.map((model, index) => [
    make("span", "", clipLetter(index), make("b", "", value(model.name))),
    ...names.map((name) => make("b", "", figure(((model.scores.metrics || {})[name] || {}).value))), said("this page", "本页")]);
  const others = rows.map((row) => [value(row.name), ...names.map((name) => make("span", "", figure((row.values || {})[name]))), value(row.source ?? "")]);
  return [make("h2", "", said("Others' figures, as context", "其他模型的公开数值（仅供参照）")),
    table([said("model", "模型"), ...names.map((name) => value(name)), said("source", "来源")], [...own, ...others])];
}

/** Each text of the models once, and of which it is where not all have it. */
function attributed(each) {
  return [...new Set(each.flat())].map((text) => {
    const of = each.map((own, index) => own.includes(text) ? index : -1).filter((index) => index >= 0);
    return make("span", "", of.length < each.length ? of.map((index) => clipLetter(index)) : null, value(text));
  });
}

function scoresView() {
  const first = data.models[0].scores;
  const judges = attributed(data.models.map((model) => model.scores.judge ? [model.scores.judge] : []));
  const names = union(data.models.map((model) => model.scores.metrics));
  const groups = groupTables(), classes = classTables();
  return [
    make("h2", "", value(first.benchmark || "")),
    make("p", "", data.models.map((model, index) => make("span", "name", clipLetter(index), value(model.name), " "))),
    judges.length ? make("p", "soft judge", said("judge: ", "评审模型："), judges.flatMap((each, at) => at ? [", ", each] : [each])) : null,
    ...attributed(data.models.map((model) => model.scores.notes || [])).map((note) => make("p", "note", note)),
    metricTable(said("metric", "指标"), names.map((name) => [name, name, data.models.map((model) => (model.scores.metrics || {})[name])])),
    ...contextTable(),
    ...emotionsView(),
    ...(groups.length ? [make("h2", "", said("By group", "按分组")), make("div", "groups", groups)] : []),
    ...(classes.length ? [make("h2", "", said("By label", "按标签")), ...classes] : []),
    make("h2", "", said("How it was made", "运行信息")),
    ...data.models.map((model) => folded(value(model.name), false, tree(model.scores.manifest || {}))),
  ].filter(Boolean);
}
