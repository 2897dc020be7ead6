"""The run of `swift-saber prepare`: each clip once, rows that name what was made, going on where it was stopped."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, row_id, write_rows
from swift_saber.errors import InputError
from swift_saber.media.prepared import made_with
from swift_saber.mini.world import record, sample_clip
from swift_saber.models import prepare as run
from swift_saber.models.prepare import Settings, prepare
from swift_saber.plugin import saber_prepare

SETTINGS = Settings({"patch_size": 14, "FPS": 2.0}, 16_000, "raw")
DEAF = "mute.mp4"  # the one whose sound inside is none


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the workers, which run in this process here, were asked to make: (kind, name of the original)."""
    made: list[tuple[str, str]] = []

    def make(kind: str, path: str, output: str, *settings: Any) -> dict[str, Any]:
        made.append((kind, Path(path).name))
        assert settings == (14, 16_000, "raw")
        text = Path(path).read_text()
        if text in {"broken", "disk"}:
            return {"reason": f"{path}: broken", "remedy": "mend it"} if text == "broken" else {"disk": "is full"}
        if kind == "inside" and Path(path).name == DEAF:
            return {"bytes": None}
        Path(output).parent.mkdir(exist_ok=True)
        Path(output).write_text(f"{kind} of {text}")
        return {"bytes": os.path.getsize(output)}

    def guarded(items: Any, function: Callable[..., Any], *, workers: int, limit: float) -> Iterator[Any]:
        for key, arguments in items:
            yield key, function(*arguments)

    monkeypatch.setattr(saber_prepare, "prepare_clip", make)
    monkeypatch.setattr(run, "guarded", guarded)
    return made


@pytest.fixture
def clips(tmp_path: Path) -> Callable[..., list[str]]:
    def write(*names: str, text: str = "clip") -> list[str]:
        for name in names:
            (tmp_path / name).write_text(text)
        return [str(tmp_path / name) for name in names]

    return write


def prepared(tmp_path: Path, rows: list[Any], name: str = "rows.jsonl", settings: Settings = SETTINGS) -> Any:
    """The counts, and the rows that were written."""
    path = tmp_path / "in" / name
    write_rows(path, rows)
    counts = prepare(path, tmp_path / "out", settings, workers=1, limit=1)
    # Where no row could be prepared, the file is there and empty.
    text = (tmp_path / "out" / name).read_text()
    return counts, [json.loads(line) for line in text.splitlines()]


def content(path: str) -> str:
    return Path(path).read_text()


def test_rows_name_what_was_made_and_keep_the_rest(tmp_path: Path, clips: Any) -> None:
    clips("a.mp4", "a.wav")
    row = {"videos": [str(tmp_path / "a.mp4")], "audios": [str(tmp_path / "a.wav")], "emotion": "joy", "images": []}
    counts, (found,) = prepared(tmp_path, [row])
    assert [content(path) for path in found["videos"] + found["audios"]] == ["videos of clip", "audios of clip"]
    assert found["videos"][0].startswith(f"{tmp_path}/out/clips/a-") and found["videos"][0].endswith(".mov")
    assert {key: found[key] for key in ("emotion", "images")} == {"emotion": "joy", "images": []}
    # The id that the original row has in joins: a hash of its own paths, not of the new ones.
    assert found["id"] == row_id(row)
    assert (counts.rows, counts.rejects, counts.clips) == (1, [], {"videos": 1, "audios": 1})
    assert counts.size == {"videos": len("videos of clip"), "audios": len("audios of clip")}


def test_rows_of_every_kind(tmp_path: Path, clips: Any, asked: Any) -> None:
    a, b, sound = clips("a.mp4", "b.mp4", "a.wav")
    turns = [{"role": "user", "content": "Why?"}]
    parts = [
        {"type": "video", "video": a},
        {"type": "audio_url", "audio_url": {"url": sound}},
        {"type": "text", "text": "Why?"},
    ]
    rows = [
        {"video": a, "audio": sound},
        {"messages": turns, "rejected_messages": turns, "videos": [a], "audios": [sound]}
        | {"rejected_videos": [b], "rejected_audios": [sound]},
        {"messages": [{"role": "user", "content": parts}]},
        {"messages": turns},
    ]
    counts, found = prepared(tmp_path, rows)
    assert counts.rejects == []
    assert sorted(asked) == [("audios", "a.wav"), ("videos", "a.mp4"), ("videos", "b.mp4")]  # each once
    video, other, wav = found[0]["video"][0], found[1]["rejected_videos"][0], found[0]["audio"][0]
    assert [content(path) for path in (video, other, wav)] == ["videos of clip", "videos of clip", "audios of clip"]
    assert "-".join(Path(other).stem.split("-")[:-1]) == "b"
    assert found[1]["videos"] == [video]
    assert found[1]["audios"] == found[1]["rejected_audios"] == [wav]
    shown = found[2]["messages"][0]["content"]
    assert shown == [{"type": "video", "video": video}, {"type": "audio_url", "audio_url": {"url": wav}}, parts[2]]
    assert "audios" not in found[2]  # the turn says what is heard
    assert found[3] == {**rows[3], "id": row_id(rows[3])}


def test_a_row_that_names_no_sound_is_heard_by_the_one_inside(
    tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud, mute = clips("loud.mp4", DEAF)
    turns = [{"role": "user", "content": "Why?"}]
    rows: list[dict[str, Any]] = [
        {"videos": [loud]},
        {"videos": [mute], "audios": None},
        {"videos": [loud, mute], "id": "two"},
        {"videos": [loud], "audios": [], "id": "told"},
        {"messages": turns, "videos": [loud], "audios": []} | {"rejected_messages": turns, "rejected_videos": [loud]},
    ]
    _, found = prepared(tmp_path, rows)
    wav = found[0]["audios"]
    assert [content(path) for path in wav] == ["inside of clip"]
    assert [row["audios"] for row in found] == [wav, [], wav, [], []]
    assert found[4]["rejected_audios"] == wav
    monkeypatch.setenv("SABER_SOUND", "given")
    _, found = prepared(tmp_path, rows, "given.jsonl")
    assert [row.get("audios") for row in found] == [None, None, None, [], []]


def test_what_cannot_be_prepared_is_set_aside_and_the_rest_stays(tmp_path: Path, clips: Any) -> None:
    (good,) = clips("good.mp4")
    (bad,) = clips("bad.mp4", text="broken")
    path = tmp_path / "in" / "rows.jsonl"
    path.parent.mkdir()
    rows = [{"id": "x", "videos": [good]}, {"id": "y", "videos": [good, bad]}, {"id": "z", "videos": ["gone.mp4"]}]
    path.write_text("\n".join(map(json.dumps, rows)) + '\n{"videos": \n{"id": "w", "videos": [7]}\n')
    counts = prepare(path, tmp_path / "out", SETTINGS, workers=1, limit=1)
    assert [row["id"] for _, row in read_rows(tmp_path / "out" / "rows.jsonl")] == ["x"]
    rejects = [row for _, row in read_rows(tmp_path / "out" / "rows.rejects.jsonl")]
    assert counts.rejects == rejects
    assert (counts.rows, counts.clips["videos"]) == (5, 1)
    assert [(row["id"], row["line"]) for row in rejects] == [("y", 2), ("z", 3), (None, 4), ("w", 5)]
    assert rejects[0]["reason"] == f"{bad}: broken"
    assert rejects[0]["remedy"] == "mend it"
    assert "gone.mp4: no such file" in rejects[1]["reason"]
    assert "not JSON" in rejects[2]["reason"]
    assert "is a number, not a path" in rejects[3]["reason"]


def test_a_row_that_would_end_the_training_is_set_aside(tmp_path: Path, clips: Any) -> None:
    loud, mute = clips("loud.mp4", DEAF)
    heard = {**record(sample_clip("consistent", "prepare", 0, seed=0)).to_dict(), "language": "en"}
    rows = [
        {"id": "heard", **heard, "videos": [loud]},
        {"id": "deaf", **heard, "videos": [mute]},
        {"id": "asked", "videos": [mute]},
        {"id": "odd", "videos": [loud], "language": "fr"},
    ]
    counts, found = prepared(tmp_path, rows)
    assert [row["id"] for row in found] == ["heard", "asked"]
    assert [(row["id"], row["reason"].partition(",")[0]) for row in counts.rejects] == [
        ("deaf", "audios: no audio for the record"),
        ("odd", "language: is 'fr'"),
    ]
    assert counts.clips == {"videos": 2, "audios": 1}


def test_a_row_that_samples_its_clip_in_its_own_way_is_set_aside(tmp_path: Path, clips: Any) -> None:
    (clip,) = clips("a.mp4")
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    rows = [
        {
            "id": "own",
            "messages": turns,
            "videos": [clip],
            "chat_template_kwargs": {"fps": 1, "enable_thinking": False},
        },
        {"id": "as others", "messages": turns, "videos": [clip], "chat_template_kwargs": {"enable_thinking": False}},
    ]
    counts, found = prepared(tmp_path, rows)
    assert [row["id"] for row in found] == ["as others"]
    [reject] = counts.rejects
    assert reject["id"] == "own" and reject["reason"].startswith("chat_template_kwargs: has fps: ")


def test_what_was_made_is_not_made_again(tmp_path: Path, clips: Any, asked: Any) -> None:
    a, b, mute = clips("a.mp4", "b.mp4", DEAF)
    rows = [{"videos": [path]} for path in (a, mute)]
    first, found = prepared(tmp_path, rows)
    assert len(asked) == 4  # of two clips, each with the look for a sound inside
    asked.clear()
    assert prepared(tmp_path, rows) == (first, found)
    assert asked == []
    _, more = prepared(tmp_path, [*rows, {"videos": [b]}])
    assert sorted(asked) == [("inside", "b.mp4"), ("videos", "b.mp4")]
    assert more[:2] == found
    asked.clear()
    os.unlink(found[0]["videos"][0])  # by someone else
    assert prepared(tmp_path, rows) == (first, found)
    assert asked == [("videos", "a.mp4")]
    asked.clear()
    clips("a.mp4", text="another clip")
    _, changed = prepared(tmp_path, rows)
    assert sorted(asked) == [("inside", "a.mp4"), ("videos", "a.mp4")]
    assert content(changed[0]["videos"][0]) == "videos of another clip"


def test_it_goes_on_after_a_full_disk(tmp_path: Path, clips: Any, asked: Any) -> None:
    a, b = clips("a.wav", "b.wav")
    clips("b.wav", text="disk")
    rows = [{"audios": [a]}, {"audios": [b]}]
    with pytest.raises(InputError, match=r"out: disk: is full; see to it and run again"):
        prepared(tmp_path, rows)
    assert not (tmp_path / "out" / "rows.jsonl").exists()
    asked.clear()
    clips("b.wav")
    counts, _ = prepared(tmp_path, rows)
    assert counts.clips["audios"] == 2
    assert asked == [("audios", "b.wav")]


def test_files_of_rows_share_a_folder(tmp_path: Path, clips: Any, asked: Any) -> None:
    (a,) = clips("a.wav")
    _, train = prepared(tmp_path, [{"audios": [a]}], "train.jsonl")
    _, pairs = prepared(tmp_path, [{"audios": [a], "id": "p"}], "pairs.jsonl")
    assert train[0]["audios"] == pairs[0]["audios"]
    assert asked == [("audios", "a.wav")]
    known = json.loads((tmp_path / "out" / "prepared.json").read_text())["rows"]
    assert known == {name: str(tmp_path / "in" / name) for name in ("train.jsonl", "pairs.jsonl")}


def test_rows_are_known_by_what_they_were_prepared_with(tmp_path: Path, clips: Any) -> None:
    (a,) = clips("a.wav")
    prepared(tmp_path, [{"audios": [a]}])
    found = made_with(tmp_path / "out" / "rows.jsonl")
    assert found is not None
    assert found.pop("versions").keys() >= {"av", "torch"}
    assert found == {"settings": {"patch_size": 14, "FPS": 2.0}, "sampling_rate": 16_000, "form": "raw"}
    for other in (tmp_path / "in" / "rows.jsonl", tmp_path / "out" / "clips.jsonl", "owner/name"):
        assert made_with(other) is None


def test_a_folder_that_was_prepared_otherwise_is_refused(tmp_path: Path, clips: Any) -> None:
    (a,) = clips("a.wav")
    prepared(tmp_path, [{"audios": [a]}])
    other = Settings({"patch_size": 14, "FPS": 1.0}, 16_000, "magicyuv")
    with pytest.raises(InputError, match=r"FPS was 2\.0 and is 1\.0, form was raw and is magicyuv; .*another folder"):
        prepared(tmp_path, [{"audios": [a]}], settings=other)
    write_rows(tmp_path / "else" / "rows.jsonl", [{"audios": [a]}])
    with pytest.raises(InputError, match=r"rows of this name were prepared from .*in/rows\.jsonl; rename"):
        prepare(tmp_path / "else" / "rows.jsonl", tmp_path / "out", SETTINGS, workers=1, limit=1)


@pytest.mark.parametrize("name", ["clips.jsonl", "prepared.json", "out/rows.jsonl"])
def test_rows_are_not_written_over(tmp_path: Path, clips: Any, name: str) -> None:
    (a,) = clips("a.wav")
    write_rows(tmp_path / name, [{"audios": [a]}])
    before = (tmp_path / name).read_text()
    with pytest.raises(InputError, match="would be written over"):
        prepare(tmp_path / name, tmp_path / "out", SETTINGS, workers=1, limit=1)
    assert (tmp_path / name).read_text() == before


def test_a_file_is_no_folder_to_write_to(tmp_path: Path, clips: Any) -> None:
    (a,) = clips("a.wav")
    write_rows(tmp_path / "rows.jsonl", [{"audios": [a]}])
    with pytest.raises(InputError, match=r"a.wav: output: is a file; name a folder"):
        prepare(tmp_path / "rows.jsonl", Path(a), SETTINGS, workers=1, limit=1)


def test_two_runs_do_not_share_a_folder_at_once(tmp_path: Path, clips: Any) -> None:
    from swift_saber.data.log import RowLog

    (a,) = clips("a.wav")
    with RowLog(tmp_path / "out" / "clips.jsonl"), pytest.raises(InputError, match="another run is writing it"):
        prepared(tmp_path, [{"audios": [a]}])


def test_relative_paths_are_looked_up_as_everywhere(
    tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch, asked: Any
) -> None:
    clips("a.wav")
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    _, (found,) = prepared(tmp_path, [{"audios": ["a.wav"]}])
    assert os.path.isabs(found["audios"][0])
    assert asked == [("audios", "a.wav")]


def test_the_published_settings_are_taken_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saber_prepare, "view_in_force", lambda patch_size: {"patch_size": patch_size})
    monkeypatch.setenv("FPS_MAX_FRAMES", "8")
    monkeypatch.delenv("VIDEO_MAX_PIXELS")
    assert run.settings_for(None, "raw") == Settings({"patch_size": 14}, 16_000, "raw")
    assert (os.environ["FPS_MAX_FRAMES"], os.environ["VIDEO_MAX_PIXELS"]) == ("8", "50176")
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    with pytest.raises(InputError, match="USE_AUDIO_IN_VIDEO: is on"):
        run.settings_for(None, "raw")


def test_a_folder_of_clips_that_is_not_there_is_the_fault_of_no_row(
    tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="environment: ROOT_IMAGE_DIR: is .*gone, which is not there"):
        prepared(tmp_path, [{"id": "a", "videos": clips("a.mp4"), "audios": []}])
    assert not (tmp_path / "out").exists()
