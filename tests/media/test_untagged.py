"""untagged.py: what a file says of itself is gone, and what it plays is the same."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.media.playable import Kind
from swift_saber.media.read import open_media
from swift_saber.media.untagged import copy_untagged
from tests.media_faults import RATE, _rotated, _trimmed, encode, frames, sound

SECRET = b"FuriousClip"


def tagged(path: Path, to: Path) -> None:
    """Copy a file, with a word in every place of which a container has one."""
    word = SECRET.decode()
    with av.open(str(path)) as clip, av.open(str(to), "w") as copy:
        copy.metadata.update(dict.fromkeys(("title", "comment", "description", "artist"), word))
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in clip.streams}
        for stream in streams.values():
            stream.metadata.update({"handler_name": word, "title": word})
        if to.suffix in (".mp4", ".webm"):
            chapter = {"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": word}}
            copy.set_chapters([chapter])
        for packet in clip.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)


def id3(path: Path, to: Path) -> None:
    """Put an ID3v2 title before a sound, and an ID3v1 one behind it."""
    title = b"TIT2" + (len(SECRET) + 1).to_bytes(4, "big") + bytes(3) + SECRET
    head = b"ID3\x03\x00\x00" + bytes([0, 0, 0, len(title)])
    to.write_bytes(head + title + path.read_bytes() + (b"TAG" + SECRET).ljust(128, b"\0"))


def played(path: Path) -> dict[str, Any]:
    """Every frame and every sample of a file as they are shown and heard."""
    found: dict[str, Any] = {"video": [], "audio": []}
    with open_media(path) as clip:
        for frame in clip.decode([stream for stream in clip.streams if stream.type in found]):
            kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
            turned = frame.rotation if kind == "video" else 0
            found[kind].append((round(float(frame.pts * frame.time_base), 3), turned, frame.to_ndarray().tobytes()))
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mov", {}),
        ("a.webm", {"codec": "libvpx-vp9", "audio": "libopus", "rate": 48_000}),
        ("a.m4a", {}),
        ("a.wav", {}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.mp3", {}),
    ],
)
def test_tags_go_and_frames_and_samples_stay(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    kind: Kind = "video" if name.endswith(("mp4", "mov", "webm")) else "audio"
    plain, clip, copy = tmp_path / f"plain-{name}", tmp_path / name, tmp_path / "copy" / name
    if kind == "audio" and name != "a.m4a":
        soundfile.write(plain, sound(2), RATE)
    else:
        encode(plain, frames() if kind == "video" else None, sound(2), **options)
    (id3 if name == "a.mp3" else tagged)(plain, clip)
    assert SECRET in clip.read_bytes()
    copy_untagged(clip, copy, kind)
    assert SECRET not in copy.read_bytes()
    expected = played(clip)
    assert played(copy) == expected and expected["audio"] and bool(expected["video"]) == (kind == "video")


def test_a_cover_and_further_tracks_are_left_behind(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(), sound(2))
    copy_untagged(tmp_path / "a.mp4", tmp_path / "sound.mp4", "audio")
    with open_media(tmp_path / "sound.mp4") as copy:
        assert [stream.type for stream in copy.streams] == ["audio"]


def test_a_picture_stays_turned(tmp_path: Path) -> None:
    _rotated(tmp_path / "a.mp4")
    copy_untagged(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert played(tmp_path / "b.mp4") == played(tmp_path / "a.mp4")
    assert {turned for _, turned, _ in played(tmp_path / "b.mp4")["video"]} != {0}


def test_a_copy_that_would_play_otherwise_is_none(tmp_path: Path) -> None:
    _trimmed(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="would play otherwise without its tags; re-encode it"):
        copy_untagged(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert not list(tmp_path.glob("b*"))


def test_what_cannot_be_copied_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    encode(tmp_path / "a.avi", frames(), codec="mpeg4")
    np.save(tmp_path / "a.npy", np.zeros(3))
    for name in ("a.mp4", "a.avi", "a.npy", "gone.mp4"):
        with pytest.raises(InputError) as raised:
            copy_untagged(tmp_path / name, tmp_path / "b.mp4")
        assert str(raised.value).startswith(str(tmp_path / name)) and "\n" not in str(raised.value)
    assert not (tmp_path / "b.mp4").exists()
