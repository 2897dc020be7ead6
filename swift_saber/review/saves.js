// What a reviewer has written of each item, and how it comes to the server. A draft is held here until the server has said
// that it is saved; what is refused or gets no answer stays, is said, and is sent again under the same number.
const PAUSE = 700, AT_LEAST = 5000, AGAIN = 4000;
// What is to be done where this address has nobody behind it any more.
const GONE = {
  0: ["the server does not answer. Keep this page open until it does, or copy the text", "服务器无响应。请保持本页打开直至恢复，或复制文字"],
  404: ["the server has another address now. Copy the text, and put it in there", "服务器地址已变更。请复制文字并在新地址填入"],
};
const drafts = new Map(), loading = new Map();
let composing = false;
addEventListener("compositionstart", () => { composing = true; });
addEventListener("compositionend", () => { composing = false; });

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw Object.assign(new Error("the server does not answer"), { status: 0 });
  }
  const found = await answer.json().catch(() => ({}));
  if (answer.ok || answer.status === 409) return found;
  throw Object.assign(new Error(found.error || `status ${answer.status}`), { status: answer.status });
}

/** The draft of an item, from the server where it is not here yet. */
function loaded(number) {
  if (drafts.has(number)) return Promise.resolve(drafts.get(number));
  if (!loading.has(number)) loading.set(number, ask(`item/${number}`).then((item) => {
    const draft = { item, number, sent: new Set(), line: [], flying: null, failed: "", stale: null, timer: 0, since: 0 };
    adopt(draft, item);
    drafts.set(number, draft);
    return draft;
  }).finally(() => loading.delete(number)));
  return loading.get(number);
}

/** Take what a server has of an item as what is written here. */
function adopt(draft, said) {
  if (Object.keys(said.values).length || !draft.values) draft.values = { ...said.values };
  Object.assign(draft, { better: said.better, reason: said.reason, decision: said.decision, revision: said.revision });
  draft.kept = snapshot(draft);
}

/** The values that are there before anybody has said anything. */
const begun = (item) => item.before ? { ...item.before } : Object.fromEntries(Object.keys(item.values).map((name) => [name, ""]));

const snapshot = (draft) => JSON.stringify([draft.values, draft.better, draft.reason]);
const typed = (draft) => snapshot(draft) !== draft.kept;
const unsaved = (draft) => Boolean(typed(draft) || draft.line.length || draft.flying || draft.stale);
const chooses = (draft) => draft.item.choices.length > 0;
const differs = (draft, name) => state.blind ? draft.values[name].trim() !== "" : draft.values[name] !== draft.item.before[name];
const edited = (draft) => Object.keys(draft.values).some((name) => differs(draft, name));

function afterOf(draft, decision) {
  if (chooses(draft)) return draft.better === null ? {} : { better: draft.better };
  if (state.blind) return Object.fromEntries(Object.entries(draft.values).filter(([, text]) => text.trim()));
  return edited(draft) || !["reject", "skip"].includes(decision) ? draft.values : {};
}

/** Called with each change: saves what is written when there is a pause, or after a while of none. */
function touch(draft) {
  clearTimeout(draft.timer);
  if (typed(draft)) {
    draft.since = draft.since || Date.now();
    const wait = Math.min(PAUSE, Math.max(0, draft.since + AT_LEAST - Date.now()));
    draft.timer = setTimeout(() => composing ? touch(draft) : flush(draft), wait);
  }
  tell();
}

/** Save what was written and not decided. */
function flush(draft) {
  if (typed(draft) && !draft.stale) save(draft, null);
}

/** Put what is written in line, and send it. It takes the place of what waits, but for what a person wants kept. */
function save(draft, decision, keep = false) {
  clearTimeout(draft.timer);
  draft.since = 0;
  draft.line = draft.line.filter((each) => each.keep);
  const body = { nonce: crypto.randomUUID(), item: draft.number, of: draft.item.of, decision, reason: draft.reason, after: { ...afterOf(draft, decision) } };
  draft.line.push({ body, keep });
  draft.kept = snapshot(draft);
  draft.decision = decision;
  send(draft);
}

async function send(draft) {
  clearTimeout(draft.retry);
  if (draft.flying || draft.stale || !draft.line.length) return tell();
  const flying = draft.flying = draft.line.shift();
  draft.sent.add(flying.body.nonce);
  tell();
  try {
    const body = JSON.stringify({ ...flying.body, revision: draft.revision });
    // It goes on where the page is closed meanwhile, as far as a browser allows: 64 KB, of bytes of which a character has three.
    const keepalive = body.length < 20000;
    const found = await ask("save", { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive });
    draft.flying = null;
    draft.failed = draft.lost = "";
    if (!found.latest) {
      draft.revision = found.revision;
      noted(draft.number, found);
    } else if (draft.sent.has(found.latest.nonce)) { // our own, whose answer was lost
      draft.revision = found.latest.revision;
      draft.line.unshift(flying);
    } else behind(draft, flying, found.latest);
    if (draft.line.length) send(draft);
  } catch (error) {
    draft.flying = null;
    if (!draft.line.length || flying.keep) draft.line.unshift(flying);
    draft.failed = error.message;
    draft.lost = GONE[error.status];
    // What cannot be as it is does not get better by itself.
    if (error.status !== 400 && error.status !== 413) draft.retry = setTimeout(() => send(draft), AGAIN);
  }
  tell();
}

/** Another page has saved this item since. */
function behind(draft, flying, latest) {
  if (!draft.line.length) draft.line.push(flying);
  const mine = draft.line.at(-1).body, theirs = chooses(draft) ? { better: latest.better } : latest.values;
  const alike = [...new Set([...Object.keys(mine.after), ...Object.keys(theirs)])].every((name) => (mine.after[name] || "") === (theirs[name] || ""));
  if (alike && !typed(draft) && latest.decision === mine.decision && latest.reason === mine.reason) {
    draft.line = [];
    draft.revision = latest.revision;
    noted(draft.number, latest);
    return;
  }
  draft.stale = latest;
  stale(draft);
}

/** What this page has is the later word; the other one stays a line of the log before it. */
function keepMine(draft) {
  draft.revision = draft.stale.revision;
  draft.stale = null;
  const decision = draft.line.length ? draft.line.at(-1).body.decision : draft.decision;
  save(draft, typed(draft) ? null : decision);
}

/** The other one is the later word; what this page has becomes a line of the log before it. */
function takeTheirs(draft) {
  const latest = draft.stale;
  draft.revision = latest.revision;
  save(draft, null, true); // which waits, as long as the draft is stale
  if (!chooses(draft)) draft.values = begun(draft.item);
  adopt(draft, latest);
  draft.stale = null;
  save(draft, latest.decision);
}

const pending = () => [...drafts.values()].filter(unsaved);

/** What is not saved, as a text to be put elsewhere. */
function written() {
  const parts = (draft) => [
    titleOf(draft.number).textContent, ...Object.keys(draft.values).filter((name) => differs(draft, name)).map((name) => `${name}: ${draft.values[name]}`),
    draft.better === null ? "" : `better: ${Number.isNaN(Number(draft.better)) ? draft.better : Number(draft.better) + 1}`,
    draft.reason && `reason: ${draft.reason}`, (draft.line.at(-1) || draft.flying || { body: {} }).body.decision || "",
  ];
  return pending().map((draft) => parts(draft).filter(Boolean).join("\n")).join("\n\n");
}

/** Say whether all is saved. */
function tell() {
  const open = pending();
  if (open.length) addEventListener("beforeunload", leaving);
  else removeEventListener("beforeunload", leaving);
  const failed = open.find((draft) => draft.failed), apart = open.find((draft) => draft.stale);
  const again = make("button", "", said("Try again", "重试"));
  again.type = "button";
  again.addEventListener("click", () => open.forEach((draft) => send(draft)));
  const copy = make("button", "", said("Copy the text", "复制文字"));
  copy.type = "button";
  copy.addEventListener("click", () => navigator.clipboard.writeText(written()).then(() => copy.replaceChildren(said("Copied", "已复制")), () => prompt("", written())));
  const where = (draft) => draft.number === state.number ? null : make("span", "", "(", titleOf(draft.number), ")");
  const saying = failed ? [said("NOT saved: ", "未保存："), failed.lost ? said(...failed.lost) : value(failed.failed), where(failed), again, copy]
    : apart ? [said("NOT saved: it was changed elsewhere", "未保存：已在别处更改"), where(apart)]
    : open.some((draft) => draft.flying || draft.line.length) ? [said("Saving …", "正在保存…")]
    : open.length ? [said("Not saved yet", "尚未保存")] : [said("All saved", "已全部保存")];
  const kind = failed || apart ? "bad" : open.length ? "soft" : "good";
  const box = by("saved");
  if (box.dataset.said === JSON.stringify([kind, saying.map((each) => each && each.textContent)])) return;
  box.dataset.said = JSON.stringify([kind, saying.map((each) => each && each.textContent)]);
  box.className = kind;
  box.replaceChildren(...saying.filter(Boolean));
}

/** Asked on leaving, while something is not saved; only then, since a page that may object is slower to leave. */
function leaving(event) {
  pending().forEach(flush);
  event.preventDefault();
}
addEventListener("pagehide", () => pending().forEach((draft) => { if (typed(draft) && !draft.stale) save(draft, null); }));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) pending().forEach(flush);
  else if (state.items.length) look();
});
