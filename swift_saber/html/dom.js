// Elements and the page's two languages. Whatever comes from data becomes a text node, never markup.
const page = document.documentElement;
const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);

/** An element with a class and content: nodes, texts, numbers, or nothing. */
function make(name, kind, ...content) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...content.flat().filter((each) => each !== null && each !== undefined));
  return element;
}

/** A text of the page itself in both languages, of which style shows one. */
const said = (english, chinese) => make("span", "", make("span", "en", english), make("span", "zh", chinese));

/** A text from data: its own direction, its own line ends. */
function value(text, kind = "") {
  const element = make("span", `value ${kind}`, String(text));
  element.dir = "auto";
  return element;
}

function drawn(name, given, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, of] of Object.entries(given)) element.setAttribute(key, of);
  element.append(...content);
  return element;
}

function table(head, lines, kind = "") {
  const row = (cell) => (line) => make("tr", "", line.map((each) => make(cell, "", typeof each === "number" ? each.toLocaleString("en") : each)));
  return make("div", "scroll", make("table", kind, row("th")(head), lines.map(row("td"))));
}

function folded(title, open, ...content) {
  const element = make("details", "", make("summary", "", title), ...content);
  element.open = open;
  return element;
}

/** A number as tables show it. */
function figure(number) {
  if (typeof number !== "number") return "–";
  const size = Math.abs(number);
  return number.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** The same for one clip, whose right and wrong is 1 and 0. */
const short = (number) => Number.isInteger(number) ? String(number) : figure(number);

/** Any JSON value: a text, or lists within lists. */
function tree(any, deep = 0) {
  if (any === null || any === undefined) return value("–");
  if (typeof any !== "object" || deep > 8) {
    const text = typeof any === "object" ? JSON.stringify(any) : String(any);
    return value(text, text.includes("\n") ? "lines" : "");
  }
  if (Array.isArray(any)) {
    if (!any.length) return value("–");
    if (any.every((each) => typeof each !== "object")) return value(any.join(", "));
    return make("div", "", any.map((each) => make("div", "each", tree(each, deep + 1))));
  }
  return make("dl", "tree", Object.entries(any).map(([key, inner]) => make("div", "", make("dt", "", value(key)), make("dd", "", tree(inner, deep + 1)))));
}

/** All texts within a JSON value. */
function* texts(any) {
  if (any === null || any === undefined) return;
  if (typeof any === "object") for (const inner of Object.values(any)) yield* texts(inner);
  else yield String(any);
}
