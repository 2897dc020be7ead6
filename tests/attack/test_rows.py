"""Hostile rows through all that looks at them before a model does, and through `infer` with a stand-in for one.

What a file holds is counted at the end of each: in = questions + rejects, and no exception.
"""

import base64
import http.server
import json
import os
import random
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data import rows as data_rows
from swift_saber.data.check import check_rows
from swift_saber.data.convert import to_swift_row
from swift_saber.data.log import RowLog
from swift_saber.data.questions import all_media
from swift_saber.data.rows import must_be_new, parse_row, read_lines, read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.inference import questions
from swift_saber.inference.questions import Question, Reject
from swift_saber.inference.run import infer
from swift_saber.text.files import must_be_file, whole
from swift_saber.text.strict_json import MAX_LEVELS, dumps, parse_json
from tests.attack import hostile_rows
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound

NO_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    encode(path, frames(), sound())
    return path


def write(path: Path, lines: list[hostile_rows.Line]) -> dict[int, str | None]:
    """Write lines, and return what is wrong with each by its number; blank ones are none."""
    path.write_bytes(b"".join(line.text for line in lines))
    kinds: dict[int, str | None] = {}
    number = 1
    for line in lines:
        parts = line.text.split(b"\n")[:-1]
        [row] = [place for place, part in enumerate(parts) if part.strip()]
        kinds[number + row] = line.kind
        number += len(parts)
    return kinds


def every_kind(clip: Path, seed: int) -> list[hostile_rows.Line]:
    """Every kind of wrong once and every good row, in an order of chance, behind a good one."""
    chance = random.Random(seed)
    bad, good = hostile_rows.hostile(clip, chance), hostile_rows.fine(clip)
    made = [(kind, make) for kind, make in bad.items()] + [(None, make) for make in good.values()]
    chance.shuffle(made)
    made.insert(0, (None, next(iter(good.values()))))
    return [hostile_rows.Line(kind, make(f"{seed}-{number}")) for number, (kind, make) in enumerate(made)]


def line_of(where: str) -> int:
    return int(where.rpartition(":")[2])


def test_there_are_kinds_enough(clip: Path) -> None:
    kinds = hostile_rows.hostile(clip, random.Random(0)).keys()
    assert sum(not kind.startswith(("address", "depth")) for kind in kinds) >= 300  # those alone, of more than 1,300


@pytest.mark.parametrize("seed", [1, 2])
def test_each_kind_of_wrong_costs_its_own_row_and_no_other(clip: Path, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "in.jsonl"
    kinds = write(path, every_kind(clip, seed))
    known = questions.ids(path)
    found = list(questions.read(path, set()))
    assert list(known) == [one.id for one in found]
    assert len(found) == len(kinds)
    wrong = {line_of(one.where): kinds[line_of(one.where)] for one in found if isinstance(one, Reject)}
    assert wrong == {line: kind for line, kind in kinds.items() if kind is not None}
    for one in found:
        if isinstance(one, Reject):
            assert one.reason.isprintable() and one.remedy.isprintable()
            assert one.reason and one.remedy and len(one.reason) < 6_000
            dumps(one.as_row()).encode()


def test_rows_that_ask_nothing_and_have_no_id_do_not_share_one(clip: Path, tmp_path: Path) -> None:
    rows = [{}, {}, {"query": "a"}, {"query": "b"}, {"videos": []}, {"videos": None}, {"messages": [5]}, {"id": ""}]
    write_rows(tmp_path / "in.jsonl", [*rows, {"videos": [str(clip)]}])
    *rejects, question = questions.read(tmp_path / "in.jsonl", set())
    names = [f"line-{number}" for number in range(1, 1 + len(rows))]
    assert [one.id for one in rejects] == names and isinstance(question, Question)
    assert list(questions.ids(tmp_path / "in.jsonl")) == [*names, question.id]


def test_check_says_the_same_of_each_row(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    # Of pairs, which are for training, the clips alone are looked at, so a few will do.
    lines = [line for line in every_kind(clip, 3) if not (line.kind or "").startswith("pair, ") or "video" in line.kind]
    kinds = write(path, lines)
    checked = list(check_rows(path, workers=2, limit=60, root=None))
    assert [line_of(row.where) for row in checked] == list(kinds)
    usable = [row.where for row in checked if row.problem is None and not row.for_training]
    assert [line_of(where) for where in usable] == [line for line, kind in kinds.items() if kind is None]
    # For training alone are pairs and ms-swift's own formats, of which only the clips are looked at; a picture there
    # may be the file itself, as base64.
    others = [kinds[line_of(row.where)] or "" for row in checked if row.problem is None and row.for_training]
    assert others
    for kind in others:
        assert kind.startswith(("format: ", "pair", "messages: a list of objects")) or kind.endswith(": images"), kind
    for row in checked:
        assert row.id is None or row.id.isprintable()
        assert row.problem is None or (row.problem.reason.isprintable() and row.problem.remedy.isprintable())


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)


def test_every_row_of_a_run_is_answered_or_rejected_in_a_folder_of_any_name(
    clip: Path, tmp_path: Path, model: Path, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the rows, of the results and of the clips, in which relative paths are looked up."""
    folder = tmp_path / NO_UTF8
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "here.mp4").write_bytes(clip.read_bytes())
    lines = list(hostile_rows.mixed(clip, seed=7, count=150))
    here = {"id": "here", "videos": ["here.mp4"], "messages": [{"role": "user", "content": "media"}]}
    kinds = write(folder / "in.jsonl", [hostile_rows.Line(None, json.dumps(here).encode() + b"\n"), *lines])
    assert infer(str(model), str(folder / "in.jsonl"), str(folder / "out.jsonl")) == 1
    answers = dict(_by_id(folder / "out.jsonl"))
    rejects = dict(_by_id(folder / "out.rejects.jsonl"))
    assert len(answers) + len(rejects) == len(kinds) == 151
    assert {line_of(row["where"]) for row in rejects.values()} == {line for line, kind in kinds.items() if kind}
    assert json.loads(answers["here"]["response"])[0] == [str(folder / "here.mp4")]
    before = (folder / "out.jsonl").read_bytes(), (folder / "out.rejects.jsonl").read_bytes()
    assert infer(str(model), str(folder / "in.jsonl"), str(folder / "out.jsonl")) == 1  # goes on with what is there
    assert before == ((folder / "out.jsonl").read_bytes(), (folder / "out.rejects.jsonl").read_bytes())


def _by_id(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, row in read_rows(path):
        yield row["id"], row


def test_paths_that_are_no_utf8_can_be_printed(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / NO_UTF8
    folder.mkdir()
    write_rows(folder / "in.jsonl", [{"id": "a", "videos": [str(clip)]}, {"id": "b", "videos": ["gone.mp4"]}])
    program = [sys.executable, "-m", "swift_saber.cli", "check", folder / "in.jsonl", "-o", folder / "out.jsonl"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # as in most languages of a shell
    done = subprocess.run([*program, "--workers", "1"], capture_output=True, timeout=120, cwd=folder, env=strict)
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"caf\\udce9/in.jsonl:2: videos: " in done.stderr
    assert b"caf\\udce9/out.jsonl" in done.stdout
    again = subprocess.run(program, capture_output=True, timeout=120)
    assert (again.returncode, again.stderr.count(b"\n")) == (2, 1)
    assert b"caf\\udce9/out.jsonl: output: exists already" in again.stderr


# How deep


def nest(levels: int) -> str:
    """A row that is so many levels deep, itself among them."""
    return '{"a": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_all_passes_agree_on_how_deep_a_row_may_be(clip: Path, tmp_path: Path, model: Path, stand_in: None) -> None:
    """The innermost list of the one stands 100 deep, that of the other 101: in a turn, which goes on to the model."""
    video, path = json.dumps(str(clip)), tmp_path / "in.jsonl"
    rows = [
        f'{{"id": "{inner}", "videos": [{video}], "messages": [{{"role": "user", "content": "?", "more": '
        f"{'[' * inner}{']' * inner}}}]}}"
        for inner in (MAX_LEVELS // 2 - 3, MAX_LEVELS // 2 - 2)
    ]
    path.write_text("\n".join(rows) + "\n")
    for _ in range(2):
        assert infer(str(model), str(path), str(tmp_path / "out.jsonl")) == 1
        assert [name for name, _ in _by_id(tmp_path / "out.jsonl")] == ["97"]
        [(_, reject)] = _by_id(tmp_path / "out.rejects.jsonl")
        assert reject["reason"] == "JSON: is nested too deeply (above 100 levels)"


def test_the_depth_is_counted_and_not_found_by_failing() -> None:
    for levels in (2, 3, MAX_LEVELS):
        assert parse_json(nest(levels), "x", levels=levels)
        with pytest.raises(InputError, match=f"too deeply .above {levels} levels"):
            parse_json(nest(levels + 1), "x", levels=levels)
    wide = "[" + ", ".join(["[[]]"] * 1000) + "]"
    assert parse_json(wide, "x", levels=3) == [[[]]] * 1000
    assert parse_json(json.dumps("[{" * 1000), "x", levels=3) == "[{" * 1000

    def deeper(frames: int) -> Any:
        return parse_row(nest(100), "x") if frames == 0 else deeper(frames - 1)

    assert deeper(300) == parse_row(nest(100), "x")


def test_a_number_is_one_that_can_be_reckoned_with() -> None:
    assert parse_json("9" * 308, "x") == 10**308 - 1 and float(parse_json("9" * 308, "x"))
    for text in ("9" * 309, "-" + "9" * 309, "9" * 5_000, "[1e309]", '{"a": -1e309}'):
        with pytest.raises(InputError, match="x: JSON: the number '.*' is too large; "):
            parse_json(text, "x")


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_for_a_row_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(data_rows, "MAX_ROW_BYTES", 100)
    path = tmp_path / "in.jsonl"
    whole_row = b'{"id": "b", "a": "' + b"x" * 80 + b'"}'
    assert len(whole_row) == 100
    for length in (101, 102, 201, 202, 203, 1000):
        path.write_bytes(whole_row[:99] + b"\n" + b"x" * length + b"\n" + whole_row[1:] + b"\n" + b"y" * length + end)
        lines = list(read_lines(path))
        assert [(line_of(where), len(line)) for where, line in lines] == [(1, 100), (2, 101), (3, 100), (4, 101)]
        with pytest.raises(InputError, match="in.jsonl:2: line: is longer than"):
            parse_row(lines[1][1], lines[1][0])


# Addresses


class Listener(http.server.ThreadingHTTPServer):
    """Counts what reaches it, whatever it asks for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        self.reached = 0
        self.host = f"127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.reached += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def decoys(folder: Path, host: str, clip: Path) -> list[Path]:
    """Make a clip in the current folder for every spelling of an address that can be a path there."""
    made = []
    for spelled in hostile_rows.addresses(host).values():
        for name in (spelled, f" {spelled} ", spelled.strip()):
            place = Path(os.path.abspath(folder / name))
            may_be = "\0" not in name and all(len(part) < 250 for part in place.parts)
            if may_be and place.is_relative_to(folder) and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(clip.read_bytes())
                made.append(place)
    return made


def test_no_spelling_of_an_address_is_fetched_though_a_file_has_its_name(
    clip: Path, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(decoys(tmp_path, listener.host, clip)) > 30
    lines = [
        json.dumps({"id": f"{spelling}: {place}", **row})
        for spelling, path in hostile_rows.addresses(listener.host).items()
        for place, row in hostile_rows.places(path, str(clip)).items()
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    found = list(questions.read(tmp_path / "in.jsonl", set()))
    asked = [one for one in found if isinstance(one, Question)]
    handed_on = {path for one in asked for paths in all_media(one.row).values() for path in paths or ()}
    # What is left are local files, by paths of which ms-swift makes nothing else (tested with ms-swift below).
    assert handed_on and all(path.startswith("/") and os.path.isfile(path) for path in handed_on)
    assert not any(path != path.strip() or "://" in path or len(path) > 2000 for path in handed_on)
    refused = [one.id for one in found if isinstance(one, Reject)]
    for spelling in ("plain", "a space before", "a newline before", "mixed case", "https", "file", "data", "base64"):
        assert sum(name.startswith(f"{spelling}: ") for name in refused) == len(hostile_rows.places("", ""))
    places = (": videos", ": images", ": a picture in words")
    write_rows(tmp_path / "some.jsonl", [row for row in map(json.loads, lines) if row["id"].endswith(places)])
    checked = {row.id: row.problem for row in check_rows(tmp_path / "some.jsonl", workers=2, limit=60, root=None)}
    assert len(checked) == 3 * len(hostile_rows.ADDRESSES)
    # What ms-swift would fetch, in the one column that is not looked at as a clip.
    assert all(checked[f"{spelling}: images"] for spelling in ("plain", "a space before", "a newline after", "https"))
    assert listener.reached == 0
    with pytest.raises(OSError):  # the control: it answers, and counts
        urllib.request.urlopen(f"http://{listener.host}/x.mp4", timeout=30)
    assert listener.reached == 1


@pytest.mark.slow
def test_ms_swift_reads_the_files_that_were_checked_by_the_paths_that_it_is_given(
    clip: Path, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift.template.vision_utils import load_file

    monkeypatch.chdir(tmp_path)
    decoys(tmp_path, listener.host, clip)
    for number, path in enumerate(sorted(path for path in tmp_path.rglob("*") if path.is_file())):
        path.write_bytes(str(number).encode())
    spellings = [*hostile_rows.addresses(listener.host).values(), *(str(path) for path in tmp_path.rglob("*"))]
    read = 0
    for path in spellings:
        try:
            row = to_swift_row({"videos": [path], "audios": []}, "row")
        except InputError:
            continue
        assert load_file(row["videos"][0]).read() == Path(os.path.abspath(path)).read_bytes()
        read += 1
    assert read > 15 and listener.reached == 0
    # The control: as it stands in the row, it is fetched, and a text for a file is taken for one.
    with pytest.raises(OSError):
        load_file(f" http://{listener.host}/x.mp4")
    assert listener.reached > 0
    assert load_file(base64.b64encode(b"any file").decode()).read() == b"any file"


# What is written


def odd_places(folder: Path) -> dict[str, Path]:
    """Make what is no file and has a name all the same."""
    made = {name: folder / f"{name}.jsonl" for name in ("folder", "pipe", "socket", "device", "nowhere", "loop")}
    made["folder"].mkdir()
    os.mkfifo(made["pipe"])
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(os.path.relpath(made["socket"]))  # whose path may not be long
    try:
        os.mknod(made["device"], stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:  # not root, or not allowed to
        del made["device"]
    made["nowhere"].symlink_to(folder / "gone" / "x.jsonl")
    made["loop"].symlink_to(made["loop"])
    for name in ("pipe", "socket", "folder"):
        made[f"link to {name}"] = folder / f"link-{name}.jsonl"
        made[f"link to {name}"].symlink_to(made[name])
    made["link to /dev/null"] = folder / "null.jsonl"
    made["link to /dev/null"].symlink_to("/dev/null")
    return made


def state(folder: Path) -> dict[str, tuple[int, str | None]]:
    return {
        name: (
            stat.S_IFMT(os.lstat(folder / name).st_mode),
            os.readlink(folder / name) if (folder / name).is_symlink() else None,
        )
        for name in os.listdir(folder)
    }


def _open_whole(path: Path) -> None:
    with whole(path) as partial:
        partial.write_text("new")


def _open_log(path: Path) -> None:
    with RowLog(path) as log:
        log.append({"id": "a"})


@pytest.mark.parametrize(
    "opened", [_open_whole, _open_log, must_be_new, must_be_file, lambda path: write_rows(path, [])]
)
def test_only_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[[Path], Any]) -> None:
    monkeypatch.chdir(tmp_path)
    places = odd_places(tmp_path)
    before = state(tmp_path)
    for path in [*places.values(), Path("/dev/null"), Path("/dev/zero"), Path("/dev/stdout")]:
        if path.is_file():  # where a test's output goes to
            continue
        with pytest.raises(InputError, match=r"(only a file can be written|file that is not there|symbolic links)"):
            opened(path)
    assert state(tmp_path) == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_to_a_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "out.jsonl", tmp_path / "out.jsonl"
    target.write_text('{"id": "a"}\n')
    link.symlink_to(target)
    _open_whole(link)
    assert link.is_symlink() and target.read_text() == "new"
    target.write_text('{"id": "b"}\n')
    _open_log(link)
    assert link.is_symlink() and [row["id"] for _, row in read_rows(target)] == ["b", "a"]
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_file_is_not_begun_in_something_else(tmp_path: Path, kind: str) -> None:
    partial, target = tmp_path / "out.jsonl.partial", tmp_path / "other.txt"
    target.write_text("other")
    {"link": lambda: partial.symlink_to(target), "pipe": lambda: os.mkfifo(partial), "folder": partial.mkdir}[kind]()
    with pytest.raises(InputError, match="out.jsonl.partial: output: is a (link|pipe|folder)"):
        _open_whole(tmp_path / "out.jsonl")
    assert target.read_text() == "other" and not (tmp_path / "out.jsonl").exists()
