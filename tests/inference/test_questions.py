"""inference/questions.py: every line is a question or a reject, and ids are unambiguous."""

import json
from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.inference import questions
from swift_saber.inference.questions import Question, Reject


@pytest.fixture
def clip(tiny_world: Path) -> dict[str, object]:
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    return {key: row[key] for key in ("videos", "audios")}


def write(path: Path, *lines: object) -> Path:
    parts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(parts) + b"\n")
    return path


def test_a_bad_row_costs_only_itself(tmp_path: Path, clip: dict[str, object]) -> None:
    lines = [{"id": "a", **clip}, b'{"id": "b"', b"\xff{}", b"", [1], {"id": "c", "videos": ["gone.mp4"]}, {"id": "d"}]
    path = write(tmp_path / "in.jsonl", *lines, {"id": "e", **clip})
    found = list(questions.read(path, set()))
    assert [(one.id, one.where.rpartition(":")[2], type(one)) for one in found] == [
        ("a", "1", Question),
        ("line-2", "2", Reject),
        ("line-3", "3", Reject),
        ("line-5", "5", Reject),
        ("c", "6", Reject),
        ("d", "7", Reject),
        ("e", "8", Question),
    ]
    reasons = {one.id: one.reason for one in found if isinstance(one, Reject)}
    assert reasons["line-2"].startswith("JSON: is not JSON")
    assert reasons["line-3"] == "line: not UTF-8 (invalid start byte at byte 0)"
    assert reasons["line-5"] == "line: is a list, not an object"
    assert "gone.mp4: no such file" in reasons["c"]
    assert reasons["d"] == "row: is no question: it names no clip"
    assert list(questions.ids(path)) == [one.id for one in found]


def test_rows_that_are_known_are_left_out(tmp_path: Path, clip: dict[str, object]) -> None:
    path = write(tmp_path / "in.jsonl", {"id": "a", **clip}, b"{", {"id": "c", **clip})
    assert [one.id for one in questions.read(path, {"a", "line-2"})] == ["c"]


def test_two_rows_of_one_id_end_the_run(tmp_path: Path, clip: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"in.jsonl:2: id: 'a' is that of line 1 too; .*give each an id"):
        questions.ids(write(tmp_path / "in.jsonl", {"id": "a", **clip}, {"id": "a", **clip}))
    with pytest.raises(InputError, match=r"in.jsonl:3: id: 'row-.*' is that of line 1 too"):
        questions.ids(write(tmp_path / "in.jsonl", clip, {"id": "a", **clip}, clip))


def test_a_file_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no row"):
        questions.ids(write(tmp_path / "in.jsonl", b"", b"  "))
    with pytest.raises(InputError, match="gone.jsonl: file: No such file"):
        questions.ids(tmp_path / "gone.jsonl")


def test_a_question_is_asked_by_absolute_paths_and_kept_as_it_was_written(
    tmp_path: Path, clip: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    video, audio = clip["videos"][0], clip["audios"][0]
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(Path(video).parent))
    names = {"videos": [Path(video).name], "audios": [Path(audio).name]}
    part = {"role": "user", "content": [{"type": "video", "video": names["videos"][0]}, {"type": "text", "text": "?"}]}
    rows = [{"id": "a", **names}, {"id": "b", "messages": [part], "audios": names["audios"]}]
    a, b = questions.read(write(tmp_path / "in.jsonl", *rows), set())
    assert isinstance(a, Question) and isinstance(b, Question)
    for found in (a, b):
        assert (found.row["videos"], found.row["audios"]) == ([video], [audio])
    assert a.written == {"messages": a.row["messages"], **names}
    assert b.row["messages"] == [{"role": "user", "content": "<video>?"}]
    assert b.written == {"messages": [part], "videos": [], "audios": names["audios"]}
