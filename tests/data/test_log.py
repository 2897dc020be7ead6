"""A row log keeps whole rows, whatever happens to the process that writes it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swift_saber.data.log import RowLog, TooLongError
from swift_saber.data.rows import MAX_ROW_BYTES
from swift_saber.errors import InputError

WRITER = """
import sys
from swift_saber.data.log import RowLog, TooLongError
from swift_saber.data.rows import MAX_ROW_BYTES
with RowLog(sys.argv[1]) as log:
    there = log.ids()
    for number in range(int(sys.argv[2])):
        if f"clip{number}" not in there:
            log.append({"id": f"clip{number}", "text": "x" * 5000})
            print(number, flush=True)
"""


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "log.jsonl"
    with RowLog(path) as log:
        assert log.ids() == set()
        log.append({"id": "a", "text": "笑\u2028line\nbreak"})
        log.append({"id": "b"})
    with RowLog(path) as log:
        assert list(log.read()) == [{"id": "a", "text": "笑\u2028line\nbreak"}, {"id": "b"}]
        assert log.ids() == {"a", "b"}


@pytest.mark.parametrize("tail", [b'{"id": "b", "te', b"{", '{"id": "b", "text": "笑'.encode()[:-1]])
def test_a_last_line_that_was_cut_off_goes_and_is_said_once(
    tail: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"id": "a"}\n' + tail)
    with RowLog(path) as log:
        assert log.ids() == {"a"}
        log.append({"id": "b"})
    with RowLog(path):
        pass
    assert path.read_text() == '{"id": "a"}\n{"id": "b"}\n'
    assert capsys.readouterr().err == (
        f"swift-saber: {path}: the last line was not written to its end: {len(tail)} bytes cut\n"
    )


def test_a_cut_line_may_be_the_only_one_and_long(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": "a", "text": "' + "x" * 200_000)
    with RowLog(path) as log:
        assert log.ids() == set()
    assert path.read_bytes() == b""


def test_a_whole_row_that_lacks_only_its_newline_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": "a"}')
    with RowLog(path) as log:
        log.append({"id": "b"})
        assert log.ids() == {"a", "b"}


@pytest.mark.parametrize(
    "other", [b"\x00\x00ftypisom no newline", b"\xff\xd8\xff\nrest", b"notes\nmore", b'{\n "id": 1']
)
def test_a_file_that_is_something_else_is_left_as_it_is(other: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(other)
    with pytest.raises(InputError, match="clip.mp4"), RowLog(path):
        pass
    assert path.read_bytes() == other


@pytest.mark.parametrize(
    ("line", "said"),
    [("{broken", "log.jsonl:2: JSON"), ('{"id": "a"}', "'a' is there twice"), ('{"x": 1}', "log.jsonl:2: id: is None")],
)
def test_damage_in_the_middle_is_named_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"id": "a"}}\n{line}\n{{"id": "c"}}\n')
    with RowLog(path) as log, pytest.raises(InputError) as caught:
        log.ids()
    assert said in str(caught.value)
    assert f"{path}:2" in str(caught.value)


def test_a_second_process_is_told_that_the_file_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with RowLog(path) as log:
        log.append({"id": "a"})
        second = subprocess.run([sys.executable, "-c", WRITER, path, "3"], capture_output=True, text=True)
        assert second.returncode != 0
        assert "another run is writing it" in second.stderr
    assert path.read_text() == '{"id": "a"}\n'
    subprocess.run([sys.executable, "-c", WRITER, path, "3"], check=True, capture_output=True)  # free again


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    with RowLog(tmp_path / "log.jsonl") as log, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.append({"id": f"clip{n}", "text": str(n) * 20_000}), range(200)))
        assert log.ids() == {f"clip{n}" for n in range(200)}


def test_a_row_without_an_id_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with RowLog(tmp_path / "log.jsonl") as log, pytest.raises(InputError, match="id"):
        log.append({"text": "x"})
    assert (tmp_path / "log.jsonl").read_bytes() == b""


def test_a_full_disk_leaves_whole_rows(tmp_path: Path) -> None:
    """A file size limit of 8,000 bytes stands in for the disk: the second row of 5,000 does not fit."""
    path = tmp_path / "log.jsonl"
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n" + WRITER
    )
    done = subprocess.run([sys.executable, "-c", limited, path, "3"], capture_output=True, text=True)
    assert "cannot be written: File too large" in done.stderr
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["clip0"]


@pytest.mark.parametrize("path", ["", "file/under"])
def test_a_path_that_cannot_be_a_file_is_one_clear_error(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="check the path"), RowLog(tmp_path / path):
        pass


def test_kill_9_loses_no_row_and_doubles_none(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    said: list[int] = []
    for _ in range(3):
        run = subprocess.Popen([sys.executable, "-c", WRITER, path, "100000"], stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        said += [int(run.stdout.readline()) for _ in range(50)]
        os.kill(run.pid, signal.SIGKILL)
        said += [int(line) for line in run.stdout.read().splitlines() if line]
        run.wait()
        run.stdout.close()
    with RowLog(path) as log:
        names = [row["id"] for row in log.read()]  # which refuses an id that is there twice
    # Every row that was said to be written is there; one more may be, written before it could be said.
    assert {f"clip{number}" for number in said} <= set(names)
    assert names == [f"clip{number}" for number in range(len(names))]


def test_rows_that_are_not_retained_are_gone_at_once_and_the_file_stays_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    rows = [{"id": name, "text": "\u2028中"} for name in ("a", "b", "c")]
    with RowLog(path) as log:
        for row in rows:
            log.append(row)
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                log.retain({"b"})
        assert path.read_bytes() == before and os.listdir(tmp_path) == ["log.jsonl"]
        log.append({"id": "d"})
        log.retain({"a", "d", "other"})
        assert list(log.read()) == [rows[0], {"id": "d"}]
        with pytest.raises(InputError, match="another run is writing it"), RowLog(path):
            pass
        log.append(rows[1])
        log.retain(set())
        assert path.read_bytes() == b""
        log.append(rows[2])
    with RowLog(path) as log:
        assert list(log.read()) == [rows[2]]


def test_a_line_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    longest = {"id": "a", "text": ""}
    longest["text"] = "x" * (MAX_ROW_BYTES - len(json.dumps(longest)) - len("\n"))
    with RowLog(path) as log:
        log.append(longest)
        with pytest.raises(TooLongError, match="log.jsonl: line: would be longer than 16 MB"):
            log.append({**longest, "id": "bc"})
        assert path.stat().st_size == MAX_ROW_BYTES
        log.append({"id": "d"})
    with RowLog(path) as log:
        assert log.ids() == {"a", "d"}


def test_an_empty_file_is_removed_and_one_with_a_row_is_not(tmp_path: Path) -> None:
    empty, kept = tmp_path / "empty.jsonl", tmp_path / "kept.jsonl"
    for path in (empty, kept):
        with RowLog(path) as log:
            if path == kept:
                log.append({"id": "a"})
            log.remove_if_empty()
    assert not empty.exists() and kept.exists()


@pytest.mark.parametrize("replaced", [True, False])
def test_what_another_has_put_in_the_place_of_an_empty_file_is_not_removed(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "log.jsonl"
    with RowLog(path) as log:
        path.unlink()
        if replaced:
            path.touch()
        log.remove_if_empty()
    assert path.exists() == replaced


@pytest.mark.parametrize("end", ["retained", "removed"])
def test_a_file_that_lost_its_name_while_it_was_waited_for_is_not_written(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of a file and its lock, the run that held it ends."""
    path, flock, other = tmp_path / "log.jsonl", fcntl.flock, RowLog(tmp_path / "log.jsonl")
    other.__enter__()
    other.append({"id": "a"})

    def late(file: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        if end == "retained":
            other.retain({"a"})
        else:
            path.unlink()
        other.__exit__(None, None, None)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with RowLog(path) as log:
        log.append({"id": "b"})
    with RowLog(path) as log:
        assert log.ids() == ({"a", "b"} if end == "retained" else {"b"})


def test_a_file_that_loses_its_name_again_and_again_is_said_to_be_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    monkeypatch.setattr(fcntl, "flock", lambda *_: path.unlink())
    with pytest.raises(InputError, match="another run is writing it"), RowLog(path):
        pass


def test_a_file_that_its_holder_replaces_while_it_is_waited_for_stays_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that held it has replaced it, and goes on."""
    path, flock, other = tmp_path / "log.jsonl", fcntl.flock, RowLog(tmp_path / "log.jsonl")
    with other:
        other.append({"id": "a"})

        def late(file: int, how: int) -> None:
            monkeypatch.setattr(fcntl, "flock", flock)
            other.retain({"a"})
            flock(file, how)

        monkeypatch.setattr(fcntl, "flock", late)
        with pytest.raises(InputError, match="another run is writing it"), RowLog(path) as log:
            log.append({"id": "b"})
        other.append({"id": "c"})
        assert other.ids() == {"a", "c"}
