"""Only clips are sent: every way on which a user's file goes to a server, against files that are none.

Each such file holds SECRET, and a real server looks for it in all that it gets.
"""

import base64
import json
import os
import socket
import struct
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest
import soundfile

from swift_saber.data.log import RowLog
from swift_saber.errors import InputError
from swift_saber.inference.analyze import analyze
from swift_saber.models import upload
from swift_saber.models.clips import clip_parts
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.reply import Unusable
from swift_saber.models.service import Service
from swift_saber.pairs.judge import Judge
from swift_saber.pairs.sample import sample
from swift_saber.pairs.score import score
from swift_saber.pipeline.clip_media import picture_of
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.annotate import Annotate
from swift_saber.pipeline.stages.speech import Speech
from swift_saber.pipeline.stages.visual import Visual
from tests.llm_server import Asked, LLMServer, Reply, heard, record, row, say, verdicts
from tests.media_faults import encode, frames, sound

SECRET = b"SECRET-7f3a"
SCORES = json.dumps({"logical_consistency": 4, "evidence_alignment": 2})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with video.mp4, its picture and its sound, and sound.wav."""
    path = tmp_path_factory.mktemp("clips")
    encode(path / "video.mp4", frames(8), sound(1))
    soundfile.write(path / "sound.wav", sound(1), 16_000)
    return path


@contextmanager
def listener() -> Iterator[tuple[int, list[Any]]]:
    """A port of this machine, and who connected to it."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, who = server.accept()
                except OSError:
                    return
                came.append(who)
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


def no_clips(folder: Path, ending: str, port: int) -> dict[str, Any]:
    """Return paths, or what stands in a row in place of one, by what they are; all end as a clip's does."""
    other = folder / f"other{ending}"
    other.write_bytes(SECRET)
    held = {
        "text": SECRET + b" one line of a key file\n",
        "bytes": bytes(range(256)) + SECRET,
        "web page": b"<!doctype html><html>" + SECRET,
        "picture": b"\x89PNG\r\n\x1a\n" + SECRET,
        "head of an mp4": b"\x00\x00\x00\x20ftypisom" + SECRET,
        "head of a wav": b"RIFF\x24\x00\x00\x00WAVEfmt " + SECRET,
        "HLS of a file": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other.as_uri()}\n#EXT-X-ENDLIST\n".encode(),
        "HLS of an address": f"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n".encode(),
        "concat script": f"ffconcat version 1.0\nfile '{other}'\n".encode(),
        "SDP": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode(),
        "RTSP reference": f"[Reference]\nRef1=http://127.0.0.1:{port}/a.asf\n".encode(),
        "DASH": f'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:{port}/</BaseURL></MPD>'.encode(),
        "zeros": bytes(4096),
        "empty": b"",
    }
    paths: dict[str, Any] = {}
    for number, (name, data) in enumerate(held.items()):
        paths[name] = str(folder / f"{number}{ending}")
        Path(paths[name]).write_bytes(data)
    with zipfile.ZipFile(folder / f"zip{ending}", "w") as archive:
        archive.writestr("a", SECRET)
    os.mkfifo(folder / f"pipe{ending}")
    (folder / f"folder{ending}").mkdir()
    for name, to in {"device": "/dev/zero", "nothing": "gone", "itself": f"itself{ending}"}.items():
        (folder / f"{name}{ending}").symlink_to(to)
    for name in ("zip", "pipe", "folder", "device", "nothing", "itself"):
        paths[name] = str(folder / f"{name}{ending}")
    with (folder / f"huge{ending}").open("wb") as file:
        file.truncate(upload.MAX_BYTES_HELD + 1)
    paths |= {"huge": str(folder / f"huge{ending}"), "missing": str(folder / "missing.mp4")}
    for instruction in (
        "concat:{0}|{0}",
        "pipe:0",
        "fd:0",
        "subfile,,start,0,end,9,,:{0}",
        "-i",
        "file:{0}",
        "data:,x",
    ):
        paths[instruction] = instruction.format(other)
    paths |= {name: f"{name}://127.0.0.1:{port}/a{ending}" for name in ("http", "https", "rtsp", "ftp", "tcp")}
    return paths | {"NUL": "a\0b", "no text": 5, "null": None, "nothing said": "", "list": ["a"]}


def looked_through(asked: list[Asked]) -> list[bytes]:
    """The files that came, after a look for the secret in each and in the texts beside them."""
    files = []
    for one in asked:
        if "file" in one.body:
            files.append(one.body["file"])
        else:
            files += [base64.b64decode(url.partition(",")[2]) for _, url in one.media if url.startswith("data:")]
            assert SECRET.decode() not in one.text
    assert not [data for data in files if SECRET in data]
    return files


def _judged(server: LLMServer, folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """`pairs score --show clip`: what each row's candidate failed of, or ""."""
    candidates, output = folder / "candidates.jsonl", folder / "scored.jsonl"
    lines = [one | {"candidates": [{"text": "A smile."}], "messages": []} for one in rows]
    candidates.write_text("".join(json.dumps(one) + "\n" for one in lines))
    with RowLog(folder / "judge.jsonl") as log:
        score(candidates, output, Judge(Service("judge", server.url, retries=0), log, show="clip"), concurrency=3)
    return [json.loads(line)["candidates"][0].get("failure", "") for line in output.read_text().splitlines()]


def _staged(stage: Any, folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """A stage of the pipeline, one row at a time: why each was dropped, "missing" where it ended the run, or ""."""
    found = []
    for one in rows:
        try:
            (out,) = stage.run([one], folder / "stage", 0)
            found.append(out.reason if isinstance(out, Drop) else "")
        except InputError as error:
            gone = ("is missing", "cannot be reached")  # which may be the disk: then no other row is any better
            found.append("missing" if any(why in str(error) for why in gone) else str(error))
    return found


def _reply(asked: Asked) -> Reply:
    if "file" in asked.body:
        return heard("Oh, great again.")
    return say({"judge": SCORES, "note": record(), "eye": "A man.", "check": verdicts()}[asked.model])


def _asked(way: str, server: LLMServer, folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    service = {"base_url": server.url, "retries": 0}
    if way == "judge":
        return _judged(server, folder, rows)
    if way == "annotate":
        return _staged(Annotate(model="note", **service), folder, rows)
    if way == "speech":
        return _staged(Speech(model="whisper", base_url=server.url), folder, rows)
    return _staged(Visual(caption={"model": "eye", **service}, judge={"model": "check", **service}), folder, rows)


@pytest.mark.parametrize(
    ("way", "key"), [("judge", "videos"), ("judge", "audios"), ("annotate", "videos"), ("visual", "videos"),
                     ("speech", "audios")],
)  # fmt: skip
def test_of_a_row_that_names_no_clip_nothing_is_sent(way: str, key: str, folder: Path, tmp_path: Path) -> None:
    good = folder / ("video.mp4" if key == "videos" else "sound.wav")
    with listener() as (port, came), LLMServer(_reply) as server:
        bad = no_clips(tmp_path, good.suffix, port)
        names = ["good", *bad, "good at last"]
        paths = [str(good), *bad.values(), str(good)]
        rows = [row(f"s/{number}", videos=[], audios=[]) | {key: [path]} for number, path in enumerate(paths)]
        outcomes = dict(zip(names, _asked(way, server, tmp_path, rows), strict=True))
        assert came == []
        socket.create_connection(("127.0.0.1", port)).close()  # that it would have been seen
    assert outcomes.pop("good") == outcomes.pop("good at last") == ""
    dropped = {"annotate": "no valid annotation", "visual": "no verdict", "speech": "not transcribed"}
    reasons = {"clip unreadable", "missing", dropped.get(way)}
    assert {name: why for name, why in outcomes.items() if why not in reasons} == {}
    files = looked_through(server.asked)
    if way == "visual":  # its picture alone, made anew
        assert len(files) == 2 and all(b"ftyp" in data[:16] for data in files)
    else:
        sound_inside = [data for data in files if way == "annotate" and data[:4] == b"RIFF"]
        assert [data for data in files if data not in sound_inside] == [good.read_bytes()] * 2


def test_what_is_looked_for_is_found_where_it_is_sent(tmp_path: Path, folder: Path) -> None:
    """The control: a clip may hold any bytes besides."""
    path = tmp_path / "a.wav"
    path.write_bytes((folder / "sound.wav").read_bytes() + SECRET)
    with LLMServer(_reply) as server:
        Endpoint("judge", server.url).complete(
            [{"role": "user", "content": clip_parts([], [str(path)])}], temperature=0, max_tokens=9
        )
    with pytest.raises(AssertionError):
        looked_through(server.asked)


def refer_to(clip: Path, other: Path) -> None:
    """Have a mov's first track say that its samples are in another file (an alias in its data references)."""
    data = bytearray(clip.read_bytes())
    path = str(other).encode()
    path += bytes(len(path) % 2)
    record = bytes(12 + 10 + 28 + 12 + 64 + 16 + 4 + 16) + struct.pack(">HH", 2, len(path)) + path + b"\xff\xff\0\0"
    alias = struct.pack(">I4s", len(record), b"alis") + record[8:]
    at, boxes = 0, []
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        while data[at + 4 : at + 8] != name:
            at += int.from_bytes(data[at : at + 4], "big")
        boxes.append(at)
        at += 8
    first = slice(at + 8, at + 8 + int.from_bytes(data[at + 8 : at + 12], "big"))
    for box in boxes:
        size = int.from_bytes(data[box : box + 4], "big") + len(alias) - (first.stop - first.start)
        data[box : box + 4] = size.to_bytes(4, "big")
    data[first] = alias
    clip.write_bytes(data)


def test_of_a_clip_whose_samples_are_in_another_file_nothing_is_read_there(tmp_path: Path) -> None:
    clip, other = tmp_path / "a.mov", tmp_path / "other"
    encode(clip, frames(8))
    other.write_bytes(clip.read_bytes())
    refer_to(clip, other)
    allowed = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(clip), options=allowed) as container:  # the control: who follows it gets the frames
        assert sum(1 for _ in container.decode(video=0)) == 8
    with pytest.raises(InputError, match="without frames|cannot be decoded|truncated"):
        clip_parts([str(clip)], [])
    with pytest.raises(Unusable):
        picture_of(str(clip))


@pytest.mark.parametrize("form", ["base64", "path", "bare_path", "url"])
def test_no_form_hands_on_what_is_no_clip_nor_its_address(form: Any, tmp_path: Path) -> None:
    web = {"root": str(tmp_path), "base_url": "http://127.0.0.1:9"}
    for name, path in no_clips(tmp_path, ".mp4", 9).items():
        for media in ([path], []), ([], [path]):
            with pytest.raises(InputError) as caught:
                clip_parts(*media, form, **web)
            assert "\n" not in str(caught.value), name
    assert SECRET.decode() not in str(caught.value)


def test_a_clip_is_analysed_behind_an_address_and_nothing_else_is_sent_there(folder: Path, tmp_path: Path) -> None:
    with LLMServer(lambda _: say("A smile.")) as server, listener() as (port, came):
        for name, path in no_clips(tmp_path, ".mp4", port).items():
            if isinstance(path, str):  # as the command line has it
                with pytest.raises(InputError):
                    analyze(path, "m", server=Service("m", server.url))
                assert server.asked == [], name
        assert analyze(str(folder / "video.mp4"), "m", server=Service("m", server.url))["response"] == "A smile."
        assert came == []
    picture, wav = looked_through(server.asked)
    assert picture == (folder / "video.mp4").read_bytes() and wav[:4] == b"RIFF"


def test_a_clip_that_was_replaced_after_the_first_look_is_not_asked_about(folder: Path, tmp_path: Path) -> None:
    rows = []
    for number in range(3):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes((folder / "video.mp4").read_bytes())
        rows.append({"id": str(number), "videos": [str(path)], "audios": []})
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(one) + "\n" for one in rows))

    def reply(_: Asked) -> Reply:
        (tmp_path / "1.mp4").write_bytes(SECRET)
        return say("A smile.")

    with LLMServer(reply) as server:
        source = Endpoint("m", server.url, retries=0)
        counts = sample(questions, tmp_path / "out.jsonl", source=source, k=1, concurrency=1)
    assert (counts["sampled"], counts["failed"]) == (2, 1)
    assert looked_through(server.asked) == [(folder / "video.mp4").read_bytes()] * 2


def test_what_was_checked_is_sent_though_the_file_is_replaced_meanwhile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "a.wav"
    data = (folder / "sound.wav").read_bytes()
    clip.write_bytes(data)
    copy = upload._copy

    def copy_and_replace(*args: Any) -> bytes:
        digest = copy(*args)
        clip.write_bytes(SECRET)
        return digest

    monkeypatch.setattr(upload, "_copy", copy_and_replace)
    [part] = clip_parts([], [str(clip)])
    assert base64.b64decode(part["audio_url"]["url"].partition(",")[2]) == data


@pytest.mark.parametrize("kind", ["pipe", "device", "huge"])
def test_what_takes_a_clips_place_after_the_look_at_its_kind_neither_hangs_nor_fills_the_disk(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "MAX_BYTES_HELD", 1 << 20)
    monkeypatch.setattr(upload, "file_problem", lambda _: None)
    with pytest.raises(InputError, match="is not a file|more than the 1 MiB"):
        clip_parts([no_clips(tmp_path, ".mp4", 9)[kind]], [])


def test_only_clips_below_the_allowed_folder_and_what_was_made_here_are_sent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, made = tmp_path / "root", tmp_path / "made"
    for place in (root, made):
        place.mkdir()
        (place / "in.wav").write_bytes((folder / "sound.wav").read_bytes())
    (root / "link.wav").symlink_to(folder / "sound.wav")
    (root / "to").symlink_to(folder)
    (tmp_path / "root2").symlink_to(folder)  # its name begins as the root's does
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(root))

    def sent(path: Path, **options: Any) -> bool:
        try:
            return bool(clip_parts([], [str(path)], **options))
        except InputError as error:
            assert "lies outside the allowed folder" in str(error)
            return False

    outside = [
        root / "link.wav",
        root / "to" / "sound.wav",
        root / ".." / "made" / "in.wav",
        tmp_path / "root2/sound.wav",
    ]
    assert [sent(path) for path in outside] == [False] * 4
    assert [sent(root / "in.wav"), sent(made / "in.wav"), sent(made / "in.wav", made_in=made)] == [True, False, True]
    with pytest.raises(InputError, match="lies outside the allowed folder"):
        analyze(str(folder / "video.mp4"), "m", server=Service("m", "http://127.0.0.1:9"))


def test_the_processes_that_check_end_when_nobody_asks(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_CHECKS", upload._Checks())
    monkeypatch.setattr(upload, "_IDLE_SECONDS", 0.1)
    before = set(threading.enumerate())

    def mine() -> set[threading.Thread]:
        return set(threading.enumerate()) - before

    for _ in range(2):  # they start again
        clip_parts([str(folder / "video.mp4")], [])
        for thread in mine():
            thread.join(60)
        assert mine() == set()
        upload._CHECKS._known.clear()


def test_an_error_of_the_checks_is_raised_for_all_that_wait_and_ends_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_CHECKS", upload._Checks())

    def broken(rows: Any, **_: Any) -> Iterator[Any]:
        next(rows)
        raise RuntimeError("no process")
        yield

    found: list[str] = []

    def one() -> None:
        try:
            clip_parts([str(folder / "video.mp4")], [])
        except RuntimeError as error:
            found.append(str(error))

    with monkeypatch.context() as patched:
        patched.setattr(upload, "hear_clips", broken)
        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert found == ["no process"] * 4
    assert clip_parts([str(folder / "video.mp4")], [])
