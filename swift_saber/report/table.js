// The clips as a table: a row a clip, sorted by any column; only the rows in sight are there. What is shown leaves as CSV.
const ROW = 34, NONE = null;

/** The width of a cell that holds the widest of some bold texts, within bounds, in pixels. */
function widthOf(texts, least, most) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `bold 15px ${getComputedStyle(document.body).fontFamily}`;
  // Beyond so many characters a text is wider than any cell.
  const widest = texts.reduce((found, text) => Math.max(found, pen.measureText(text.slice(0, 200)).width), 0);
  return Math.max(least, Math.min(most, Math.ceil(widest) + 24));
}

/** The columns: {key, english, chinese, letter, width, of: what is sorted, shown and written; show: as an element}. */
const columns = (() => {
  const each = (make_) => data.models.map((_, index) => ({ letter: index, ...make_(index) }));
  const scores = [...new Set(data.clips.flatMap((clip) => clip.answers.flatMap((answer) => Object.keys((answer || {}).scores || {}))))];
  const word = (text) => text ? inBoth(text) : make("span", "soft", "–");
  const found = [
    { key: "id", english: "id", chinese: "编号", width: widthOf(data.clips.map((clip) => clip.id), 120, 420), of: (clip) => clip.id, show: (id) => make("b", "", value(id)) },
    { key: "truth", english: TRUTH[0], chinese: TRUTH[1], width: 110, of: (clip) => clip.label || NONE, show: word },
    ...each((index) => ({ key: `read${index}`, english: "read", chinese: "读作", width: 110, of: (clip) => (clip.answers[index] || {}).read || NONE, show: word })),
    ...each((index) => ({ key: `verdict${index}`, english: "verdict", chinese: "判定", width: 144, order: (name) => data.verdicts.indexOf(name),
      of: (clip) => clip.answers[index] ? clip.answers[index].verdict || NONE : "not asked",
      show: (name) => { const [english, chinese, kind] = VERDICTS[name] || NOT_ASKED; return chip(kind, english, chinese); } })),
    ...scores.flatMap((name, at) => each((index) => ({ key: `score${at}.${index}`, name, width: Math.min(190, 62 + 8 * name.length), number: true,
      of: (clip) => ((clip.answers[index] || {}).scores || {})[name] ?? NONE, show: short }))),
    { key: "consistency", english: "consistency", chinese: "一致性", width: 132, of: (clip) => clip.consistency || NONE, show: word },
    ...each((index) => ({ key: `conflict${index}`, english: "conflict", chinese: "冲突", width: 118, order: (name) => Number(name === "yes"),
      of: (clip) => { const known = ((clip.answers[index] || {}).conclusion || {}).conflict; return typeof known === "boolean" ? known ? "yes" : "no" : NONE; },
      show: (name) => name === "yes" ? chip("clash", "yes", "是") : make("span", "soft", said("no", "否")) })),
    { key: "people", english: "people", chinese: "人工评审", width: 120, of: (clip) => clip.people ? clip.people.state : NONE,
      show: (name) => { const [english, chinese, kind] = STATES[name]; return chip(kind, english, chinese); } },
    { key: "group", english: "group", chinese: "分组", width: 130, of: (clip) => clip.group && clip.group !== clip.consistency ? clip.group : NONE, show: (group) => value(group) },
    { key: "seconds", english: "length, s", chinese: "长度（秒）", width: 96, number: true, of: (clip) => clip.seconds ?? NONE, show: short },
  ];
  // A column in which nothing stands says nothing.
  return found.filter((column) => column.key === "id" || data.clips.some((clip) => column.of(clip) !== NONE));
})();

const title = (column) => column.name ? value(column.name) : said(column.english, column.chinese);
const titleText = (column) => (column.letter !== undefined && data.models.length > 1 ? `${"AB"[column.letter]} ` : "") + (column.name || column.english);

const collator = new Intl.Collator(undefined, { numeric: true });

/** Clips in the order of state.sort: what is not known comes last, and what is equal stays as it is in the file. */
function sorted(clips) {
  const column = columns.find((each) => each.key === state.sort);
  if (!column) return clips;
  const key = column.order || ((found) => found);
  const keyed = clips.map((clip) => { const found = column.of(clip); return [found === NONE ? NONE : key(found), clip]; });
  const compare = (one, other) => typeof one === "number" && typeof other === "number" ? one - other : collator.compare(one, other);
  keyed.sort(([one], [other]) => one === NONE || other === NONE ? (one === NONE) - (other === NONE) : (state.down ? -1 : 1) * compare(one, other));
  return keyed.map(([, clip]) => clip);
}

/** By a column: upwards, downwards, and as it was. */
function sortBy(key) {
  if (state.sort !== key) [state.sort, state.down] = [key, false];
  else if (!state.down) state.down = true;
  else state.sort = "";
  refresh();
}

function drawHeads() {
  by("heads").replaceChildren(...columns.map((column, at) => {
    const button = make("button", "", ...(column.letter === undefined || data.models.length < 2 ? [] : [clipLetter(column.letter), " "]), title(column), make("span", "arrow", state.sort !== column.key ? "" : state.down ? " ▼" : " ▲"));
    button.type = "button";
    button.title = titleText(column);
    button.addEventListener("click", () => { sortBy(column.key); by("heads").children[at].firstChild.focus(); });
    const head = make("div", column.number ? "head number" : "head", button);
    head.setAttribute("role", "columnheader");
    head.setAttribute("aria-sort", state.sort !== column.key ? "none" : state.down ? "descending" : "ascending");
    return head;
  }));
}

function tableRow(clip, at) {
  const chosen = clip.id === state.id;
  const row = make("div", chosen ? "row chosen" : "row", columns.map((column) => {
    const found = column.of(clip);
    const cell = make("div", column.number ? "cell number" : "cell", found === NONE ? make("span", "soft", "–") : column.show(found));
    if (found !== NONE && typeof found === "string") cell.title = found;
    cell.setAttribute("role", "gridcell");
    return cell;
  }));
  row.id = `row-${at}`;
  row.setAttribute("role", "row");
  row.setAttribute("aria-rowindex", at + 2);
  row.setAttribute("aria-selected", String(chosen));
  row.style.transform = `translateY(${at * ROW}px)`;
  row.addEventListener("click", () => { if (!String(getSelection())) openRow(clip.id); });
  return row;
}

function openRow(id) {
  state.id = id;
  turnTo("clips");
}

function drawTable() {
  const grid = by("grid");
  const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - AROUND);
  const last = Math.min(listed.length, Math.ceil((grid.scrollTop + grid.clientHeight) / ROW) + AROUND);
  by("rows").style.height = `${listed.length * ROW}px`;
  grid.setAttribute("aria-rowcount", listed.length + 1);
  grid.setAttribute("aria-colcount", columns.length);
  const none = make("p", "none soft", said("No clip passes these filters.", "没有符合条件的片段。"));
  by("rows").replaceChildren(...(listed.length ? listed.slice(first, last).map((clip, at) => tableRow(clip, first + at)) : [none]));
}

/** Bring the chosen row into sight, below the heads. */
function showRow() {
  const grid = by("grid"), at = listed.findIndex((clip) => clip.id === state.id), head = by("heads").offsetHeight;
  if (at >= 0) {
    if (at * ROW < grid.scrollTop) grid.scrollTop = at * ROW;
    if ((at + 1) * ROW + head > grid.scrollTop + grid.clientHeight) grid.scrollTop = (at + 1) * ROW + head - grid.clientHeight;
    grid.setAttribute("aria-activedescendant", `row-${at}`);
  }
  drawTable();
}

let drawingTable = 0;
by("grid").addEventListener("scroll", () => {
  cancelAnimationFrame(drawingTable);
  drawingTable = requestAnimationFrame(drawTable);
}, { passive: true });
new ResizeObserver(() => { if (state.view === "table") drawTable(); }).observe(by("grid"));

/** A cell of CSV; what a spreadsheet would take for a formula becomes a text, as text/spreadsheet.py does it. */
function csvCell(found) {
  // Readers of CSV take a NUL for an end.
  let text = found === NONE ? "" : String(found).replaceAll("\0", "\ufffd");
  const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
  if (typeof found === "string" && data.formulas.some((begin) => text.startsWith(begin)) && !number.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What the table shows, all of its rows; with a mark, by which Excel knows UTF-8. */
const csv = () => "\ufeff" + [columns.map(titleText), ...listed.map((clip) => columns.map((column) => column.of(clip)))]
  .map((row) => row.map(csvCell).join(",") + "\r\n").join("");

function saveCsv() {
  const link = make("a", "");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
  link.download = "clips.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
