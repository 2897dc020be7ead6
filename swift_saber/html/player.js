// Players of a clip's files; picture and sound that are two files play as one.
/** A file's player; `file` is {name, address} and, where that is known, what stands in its place: {poster, copy}, and of one
    that does not play everywhere {plays: false, form, problem}. */
function player(name, file) {
  const box = make("div", "media");
  if (!file.address) {
    box.append(make("div", "path value", file.name), make("div", "soft", said("Not a file of this machine: not played.", "不是本机文件，不播放。")));
    return box;
  }
  const element = make(name), link = make("a", "path value", file.name);
  element.controls = true;
  element.preload = "metadata";
  if (name === "video" && file.poster) element.poster = file.poster;
  link.href = file.address;
  // The page may have been moved away from its clips.
  const whole = location.protocol === "file:" && file.name.startsWith("/") &&
    new URL("file://" + file.name.split("/").map(encodeURIComponent).join("/")).href;
  const sources = [file.copy, file.address, whole].filter(Boolean);
  const note = make("p", "soft small", said("A copy for browsers is played; the file itself is linked.", "播放的是供浏览器使用的副本；链接指向原文件。"));
  const next = () => {
    const source = sources.shift();
    element.src = source;
    if (element.src === whole) link.href = whole;
    note.hidden = source !== file.copy;
  };
  const fail = () => {
    while (sources.length && new URL(sources[0], location.href).href === element.src) sources.shift();
    if (sources.length) return void next();
    element.hidden = true;
    box.append(...cannot(name, file));
    if (location.protocol !== "file:") refusal(file.address).then((text) => text && box.append(make("p", "warn small", value(text))));
  };
  element.addEventListener("error", fail);
  // Of a picture in a codec that it does not have, a browser plays the sound before a black window, and calls that no error.
  if (name === "video") element.addEventListener("loadedmetadata", () => {
    if (element.videoWidth) return;
    const heard = element.src;
    fail();
    if (element.hidden && !element.muted) box.append(soundOf(heard));
  });
  next();
  box.append(element, link);
  if (file.copy) box.append(note);
  if (file.problem) box.append(make("p", "warn small", value(file.problem)));
  return box;
}

/** Why the server does not give a file out; "" where it does, or does not say. */
async function refusal(address) {
  const answer = await fetch(address, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  const found = answer && !answer.ok ? await answer.json().catch(() => null) : null;
  return found?.error || "";
}

/** The sound of a file whose picture does not play. */
function soundOf(address) {
  const sound = make("audio");
  sound.controls = true;
  sound.preload = "metadata";
  sound.src = address;
  return sound;
}

/** What stands in the place of a player whose file does not play. */
function cannot(name, file) {
  const out = [];
  if (name === "video" && file.poster) {
    const picture = make("img", "poster");
    picture.src = file.poster;
    picture.alt = "";
    picture.addEventListener("error", () => picture.remove());
    out.push(picture);
  }
  out.push(make("div", "warn cannot", file.form
    ? [said("This browser does not play ", "此浏览器无法播放 "), value(file.form), said(": swift-saber report --transcode writes a copy that it plays.", "：swift-saber report --transcode 可生成可播放的副本。")]
    : said("Missing, or in a form that this browser cannot play.", "文件缺失，或此浏览器无法播放该格式。")));
  return out;
}

/** Keep two players at one time: the sound is the clip's own or what a model was given in its place. */
function together(picture, sound) {
  picture.muted = true;
  const follow = (one, other) => {
    one.addEventListener("play", () => { if (other.paused && !other.ended) other.play().catch(() => {}); });
    one.addEventListener("pause", () => { if (!one.ended) other.pause(); });
    one.addEventListener("seeking", () => { if (Math.abs(other.currentTime - one.currentTime) > 0.1) other.currentTime = one.currentTime; });
    one.addEventListener("ratechange", () => { if (other.playbackRate !== one.playbackRate) other.playbackRate = one.playbackRate; });
  };
  follow(picture, sound);
  follow(sound, picture);
  // Two decoders drift apart; the picture leads as long as both have something left to play.
  picture.addEventListener("timeupdate", () => {
    if (!picture.paused && !sound.ended && Math.abs(sound.currentTime - picture.currentTime) > 0.15) sound.currentTime = picture.currentTime;
  });
}

function media(clip) {
  // A sound inside a video is named as that file once more; its player plays both.
  const pictureNames = new Set((clip.videos || []).map((file) => file.name));
  const separate = (clip.audios || []).filter((file) => !pictureNames.has(file.name));
  const boxes = [...(clip.videos || []).map((file) => player("video", file)), ...separate.map((file) => player("audio", file))];
  const out = make("div", "players", boxes);
  const pictures = out.querySelectorAll("video"), sounds = out.querySelectorAll("audio");
  if (pictures.length === 1 && sounds.length === 1) {
    together(pictures[0], sounds[0]);
    const note = make("p", "soft small", said("The sound is a separate file and plays with the picture, whose own sound is off.", "声音为独立文件，与画面同步播放；画面自带声音已静音。"));
    sounds[0].addEventListener("error", () => { pictures[0].muted = false; note.remove(); });
    out.append(note);
  }
  if (!boxes.length) out.append(make("p", "soft", said("No clip is named.", "未给出片段文件。")));
  return out;
}
