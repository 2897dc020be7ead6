// Marks the words of evidence that contradict another modality, where a record quotes them.
const SEEN = new Set(["video_desc", "facial_exp_desc", "body_lang_desc"]);
const HEARD = new Set(["acoustic_feat", "speech_content"]);

/** The quotes that may stand in a dimension: [[words, "visual" or "acoustic"]]. */
function quotesOf(clip, dimension) {
  const found = [];
  for (const cue of clip.cues || []) {
    if (cue.visual && !HEARD.has(dimension)) found.push([cue.visual, "visual"]);
    if (cue.acoustic && !SEEN.has(dimension)) found.push([cue.acoustic, "acoustic"]);
  }
  return found;
}

/** A text in which quotes are marked wherever they stand; of two in one place the longer wins. */
function marked(text, quotes) {
  const out = value("");
  let from = 0;
  while (from < text.length) {
    let best = null;
    for (const [words, kind] of quotes) {
      const at = text.indexOf(words, from);
      if (at >= 0 && (!best || at < best.at || (at === best.at && words.length > best.words.length))) best = { at, words, kind };
    }
    if (!best) break;
    out.append(text.slice(from, best.at), make("mark", best.kind, best.words));
    from = best.at + best.words.length;
  }
  out.append(text.slice(from));
  return out;
}
