// Players of a clip's files; picture and sound that are two files play as one.
function player(name, file) {
  const box = make("div", "media");
  if (file.address) {
    const element = make(name);
    element.controls = true;
    element.preload = "metadata";
    element.src = file.address;
    // The page may have been moved away from its clips.
    const whole = location.protocol === "file:" && file.name.startsWith("/") &&
      new URL("file://" + file.name.split("/").map(encodeURIComponent).join("/")).href;
    element.addEventListener("error", () => {
      if (whole && element.src !== whole) {
        element.src = link.href = whole;
        return;
      }
      element.hidden = true;
      box.append(make("div", "warn cannot", said("Missing, or in a form that this browser cannot play.", "文件缺失，或此浏览器无法播放该格式。")));
    });
    const link = make("a", "path value", file.name);
    link.href = file.address;
    box.append(element, link);
  } else box.append(make("div", "path value", file.name), make("div", "soft", said("Not a file of this machine: not played.", "不是本机文件，不播放。")));
  return box;
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
  const boxes = [...(clip.videos || []).map((file) => player("video", file)), ...(clip.audios || []).map((file) => player("audio", file))];
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
