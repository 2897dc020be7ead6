"""Files of others: each ends in one line, in bounded memory and time, or is left out and counted; never in a traceback.

What could fill the memory is read while the process may take SPARE more than it has, and no more.
"""

import contextlib
import copy
import csv
import inspect
import io
import itertools
import json
import os
import random
import resource
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import swift_saber
from swift_saber.cli.main import main
from swift_saber.data.rows import write_rows
from swift_saber.doctor.model import vision_patch
from swift_saber.errors import InputError
from swift_saber.models.checkpoint import identity, loading
from swift_saber.pipeline.plan import read_plan
from swift_saber.pipeline.release import JoinReport, join
from swift_saber.pipeline.sources.base import open_source
from swift_saber.recipe import check_recipe
from swift_saber.text.files import read_text
from swift_saber.text.spreadsheet import write_csv
from swift_saber.text.wheel import Wheels
from tests.report.made import (
    FIELDS,
    answer,
    clashing,
    item,
    record,
    reference,
    reject,
    score,
    write_answers,
    write_evaluation,
)

SPARE = 1 << 30  # bytes that a process may take above what it has when it has imported what it needs


def refused(read: Callable[[], Any]) -> str:
    """The one line that reading ends in, or "" where it does not."""
    try:
        read()
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000
        return str(error)
    return ""


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """This process may not take more than SPARE besides what it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + SPARE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _laughs(one: str, more: str) -> str:
    """An alias of nine aliases of nine aliases ...: 9 ** 11 values."""
    lines = [f"a0: &a0 {one}"]
    lines += [f"a{n}: &a{n} {more.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 12)]
    return "\n".join(lines)


RECIPES = {
    "deep list": "a: " + "[" * 100_000 + "]" * 100_000,
    "deep list that ends": "a: " + "[" * 100_000,
    "deep mappings": "a: " + "{a: " * 100_000,
    "deep block": "- " * 100_000,
    "deep indentation": "".join(" " * n + f"k{n}:\n" for n in range(1000)),
    "billion laughs": _laughs("[x]", "[{}]"),
    "billion laughs in mappings": _laughs("{x: 1}", "{{b: [{}]}}"),
    "billion merged keys": _laughs("{x: 1}", "{{<<: [{}]}}"),
    "a list in itself": "a: &a [*a]",
    "a mapping in itself": "a: &a\n  b: *a",
    "merged with itself": "a: &a\n  <<: *a",
    "many values": "a: [" + "1," * 120_000 + "]",
    "long number": "a: " + "1" * 5000,
    "long number of base 60": "a: 1" + ":59" * 100_000,
    "large": "a: " + "x" * (2 << 20),
    "a command": "a: !!python/object/apply:os.system ['touch OWNED']",
    "a class": "a: !!python/name:os.system",
    "a tag": "a: !mine x",
    "no date": "a: 2020-99-99",
    "no number": "a: !!int x",
    "no float": "a: !!float x",
    "no truth": "a: !!bool x",
    "no time": "a: !!timestamp x",
    "a list as key": "? [a]\n: b",
    "a number as key": "1: 2",
    "nothing as key": "? \n: 1",
    "a key twice": "a: 1\na: 2",
    "a key twice in a block": "ENV:\n  A: 1\n  A: 2",
    "two documents": "a: 1\n---\nb: 1",
    "an unknown alias": "a: *b",
    "an anchor twice": "a: &x 1\nb: &x 2",
    "another version": "%YAML 9.9\n---\na: 1",
    "a tab": "\ta: 1",
    "a NUL": "a: \0",
    "a text": "x",
    "a list": "- a",
    "nothing": "",
    "no bytes of UTF-8": "\udcff",
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_is_none_ends_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPES[name], encoding="utf-8", errors="surrogateescape")
    assert refused(lambda: check_recipe(str(path)))
    assert refused(lambda: read_plan(str(path)))
    assert list(tmp_path.iterdir()) == [path]


def test_an_alias_within_reason_is_what_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: [*a, *a]\nmax_memory: {0: 20GB}\n")
    one = {"x": 1, "y": 2}
    assert check_recipe(str(path)) == {"a": one, "b": {"x": 3, "y": 2}, "c": [one, one], "max_memory": {0: "20GB"}}


@pytest.mark.parametrize("name", ["deep list", "deep mappings", "billion laughs", "billion merged keys", "large"])
def test_what_would_fill_the_memory_does_not(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPES[name])
    with little_memory():
        assert refused(lambda: check_recipe(str(path)))


@pytest.mark.parametrize("value", ["2020-01-01", "!!binary aGk=", "!!set {b}", ".nan", "{1: 2}", "[a]", "{a: 1}", "5"])
def test_values_of_another_kind_in_a_plan_end_in_one_line(value: str, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "recipes" / "data" / "saber.yaml"
    whole = check_recipe(str(shipped))
    path = tmp_path / "recipe.yaml"
    for key in whole:
        lines = [f"{other}: {json.dumps(whole[other])}" for other in whole if other != key]
        path.write_text("\n".join([*lines, f"{key}: {value}"]))
        said = refused(lambda: read_plan(str(path)))
        # What is read after all is what can be kept: a path of digits is none, a number of tasks is one.
        assert said or json.dumps(check_recipe(str(path)), allow_nan=False)


def test_that_memory_does_end() -> None:
    """The control: what took more would be an error."""
    with little_memory(), pytest.raises(MemoryError):
        bytearray(2 * SPARE)


# --- Workbooks, tables and texts


def _wheels(folder: Path) -> Path:
    """A folder of small but whole emotion wheels."""
    openpyxl = pytest.importorskip("openpyxl")
    folder.mkdir()

    def save(name: str, *rows: list[str]) -> None:
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        book.save(folder / name)

    for number in range(1, 6):
        save(f"wheel{number}.xlsx", ["level1", "level2", "level3"], ["joy", "happy", "glad"])
    runs = [[f"word_run{run}", f"synonym_run{run}"] for run in range(1, 9)]
    save("synonym.xlsx", [cell for run in runs for cell in run], ["glad", "[merry]"] * 8)
    (folder / "format.csv").write_text("name,format\nmerry,merrily\n")
    return folder


def _rezipped(path: Path, part: str, head: bytes, block: bytes, times: int, tail: bytes) -> None:
    """Put a part of a workbook in the place of its own: a head, a block many times, and a tail."""
    source = path.rename(path.with_suffix(".before"))
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name != part:
                after.writestr(name, before.read(name))
        with after.open(part, "w", force_zip64=True) as file:
            file.write(head)
            for _ in range(times):
                file.write(block)
            file.write(tail)
    source.unlink()


_SPREADSHEET = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_MANY = 10_000


def _bombs() -> dict[str, tuple[str, bytes, bytes, int, bytes]]:
    sheet, strings = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
    head = b"<worksheet " + _SPREADSHEET + b"><sheetData>"
    end = b"</sheetData></worksheet>"
    cell = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>joy</t></is></c></row>'
    far = cell % (1 << 20, 1 << 20)
    wide = b'<worksheet %s><dimension ref="A1:XFD1048576"/><sheetData>' % _SPREADSHEET
    return {
        "spaces": (sheet, head, b" " * (1 << 20), 65, end),
        "strings": (strings, b"<sst " + _SPREADSHEET + b">", b"<si><t>x</t></si>" * 60_000, 70, b"</sst>"),
        "rows": (sheet, head, b"<row/>" * _MANY, 6, end),
        "far row": (sheet, head, far, 1, end),
        "all cells said": (sheet, wide, b"<row/>" * _MANY, 1, end),  # 16,384 of 8 bytes for each would be 1.3 GB
        "laughs": (
            sheet,
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
            + b"".join(b'<!ENTITY %c "%s">' % (n, b"&%c;" % (n - 1) * 10) for n in range(ord("b"), ord("k")))
            + b"]>" + head + b'<row r="1"><c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row>',
            b"", 0, end,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", _bombs())
def test_a_workbook_that_unpacks_to_more_than_it_may_is_named(name: str, tmp_path: Path) -> None:
    folder = _wheels(tmp_path / "emotion_wheel")
    assert Wheels(folder).knows("merrily")
    _rezipped(folder / "wheel3.xlsx", *_bombs()[name])
    assert (folder / "wheel3.xlsx").stat().st_size < 2 << 20
    with little_memory():
        said = refused(lambda: Wheels(folder))
    assert "wheel3.xlsx: " in said and "as its authors distribute it" in said


def test_what_is_no_workbook_is_named(tmp_path: Path) -> None:
    folder = _wheels(tmp_path / "emotion_wheel")
    for data in (b"", b"PK\x03\x04", b"name,format\n", bytes(1000)):
        (folder / "wheel1.xlsx").write_bytes(data)
        assert "cannot be read as a workbook" in refused(lambda: Wheels(folder))


def _huge(path: Path, head: bytes = b"", size: int = 2 << 30) -> Path:
    """A file of zeros that takes no place on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


TABLES: dict[str, bytes] = {
    "one field": b'id,transcript\na,"' + b"x" * 300_000 + b'"\n',
    "a quote that does not end": b'id,transcript\na,"' + b"x,\n" * 100_000,
    "another encoding": "id,transcript\na,嗨\n".encode("utf-16"),
    "GBK": "id,transcript\na,你好\n".encode("gbk"),
    "no header": b"",
    "no column": b"name\na\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(TABLES[name])
    (tmp_path / "a.mp4").write_bytes(b"x" * 2000)
    assert "metadata.csv" in refused(lambda: list(open_source("generic", tmp_path, language="en").clips()))


def test_a_table_without_line_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    _huge(tmp_path / "metadata.csv", b"id,transcript\n")
    (tmp_path / "a.mp4").write_bytes(b"x" * 2000)
    with little_memory():
        said = refused(lambda: list(open_source("generic", tmp_path, language="en").clips()))
    assert "metadata.csv: file: no CSV" in said


@pytest.mark.parametrize("cell", ["a\0b", "../../etc/passwd", "/etc/passwd", "a" * 5000, "\\", "."])
def test_a_name_in_a_table_that_no_file_of_the_folder_has_is_counted(cell: str, tmp_path: Path) -> None:
    (tmp_path / "video").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "video" / name).write_bytes(b"x" * 2000)
    (tmp_path / "subtitle_chieng.csv").write_text(f"name,chinese,english\na,x,y\n{cell},x,y\n", newline="")
    source = open_source("mer25", tmp_path)
    try:
        found = [clip.id for clip in source.clips()]
    except InputError as error:  # csv of Python 3.10 takes no NUL
        assert "line contains NUL" in str(error)
        return
    assert found == ["mer25/pool/a"]
    assert sum(source.skipped.values()) == 2  # this row, and b.mp4, which none names


# --- Folders


def _joined(folder: Path) -> JoinReport:
    report = JoinReport()
    list(join(folder, [], report))
    return report


def test_a_folder_that_holds_devices_pipes_and_loops_is_read_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    deep = [folder, *(folder / "/".join("d" * n) for n in range(1, 1200))]  # more levels than calls
    for level in deep:
        level.mkdir()
    (folder / "good.json").write_text(json.dumps(record(FIELDS)))
    for name, to in {"zero": "/dev/zero", "random": "/dev/urandom", "gone": "gone", "itself": "itself.json"}.items():
        (folder / f"{name}.json").symlink_to(to)
    os.mkfifo(folder / "pipe.json")
    (folder / "deep.json").write_text("[" * 100_000 + "]" * 100_000)
    _huge(folder / "huge.json")
    (folder / "text.json").write_bytes(b"\xff\xfe")
    for number in range(8):
        (folder / f"loop{number}").symlink_to(folder)
    with little_memory():
        said = _joined(folder)
    for level in reversed(deep[1:]):
        level.rmdir()  # what pytest clears away by calls in calls
    assert said.missing == [("good", "no clip of this name")]
    names = [line.split(": ")[0].rpartition("/")[2].partition(":")[0] for line in said.unreadable]
    expected = ["zero", "random", "gone", "itself", "pipe", "deep", "huge", "text"]
    assert sorted(names) == sorted(f"{name}.json" for name in expected)


@pytest.mark.parametrize("to", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("name", ["metadata.csv", "a.mp4", "a.wav"])
def test_a_device_or_a_pipe_in_a_dataset_is_counted_or_named(name: str, to: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("id\na\nb\n")
    for clip in ("a.mp4", "a.wav", "b.mp4"):
        (tmp_path / clip).write_bytes(b"x" * 2000)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(to)
    source = open_source("generic", tmp_path, language="en")
    found = [clip.id for clip in source.clips()]
    if name == "a.mp4":
        assert found == ["generic/all/b"] and source.skipped["video not a file"] == 1
    else:
        assert found == ["generic/all/a", "generic/all/b"]


@pytest.mark.parametrize("to", ["/dev/zero", "pipe"])
def test_a_device_or_a_pipe_is_no_text(to: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "recipe.yaml").symlink_to(to)
    (tmp_path / "MELD_train").mkdir()
    (tmp_path / "MELD_train" / "train_sent_emo.csv").symlink_to(to if to.startswith("/") else tmp_path / to)
    (tmp_path / "train_splits").mkdir()
    (tmp_path / "train_splits" / "dia0_utt0.mp4").write_bytes(b"x" * 2000)
    assert "is not a file" in refused(lambda: read_text(tmp_path / "recipe.yaml"))
    assert "is not a file" in refused(lambda: check_recipe(str(tmp_path / "recipe.yaml")))
    assert "is no regular file" in refused(lambda: list(open_source("meld", tmp_path).clips()))


def test_a_text_that_is_larger_than_it_may_be_is_not_read(tmp_path: Path) -> None:
    path = _huge(tmp_path / "a.json")
    with little_memory():
        assert "more than the 64 MiB" in refused(lambda: read_text(path))


# --- What `report` and `eval compare` read

WRONG = (None, True, 0, -1, 1e308, 10**400, "", "x", "\ud800", "\0", [], {}, [None], [[[]]], [1, "a"], {"a": 1},
         {"": None}, {"value": None})  # fmt: skip
GONE = object()


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _places(value[key], (*above, key))


def _changed(value: Any, place: tuple[Any, ...], to: Any) -> Any:
    if not place:
        return to
    value = copy.copy(value)
    if len(place) == 1 and to is GONE:
        del value[place[0]]
    else:
        value[place[0]] = _changed(value[place[0]], place[1:], to)
    return value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results(tmp_path_factory.mktemp("results"))


def results(folder: Path) -> Path:
    """Write an evaluation twice, answers with rejects, and references, with something in every field."""
    known = {"consistency": "inconsistent", "cues": [{"visual": "v", "acoustic": "a"}], "reject": "r"}
    items = [
        item("a", details=known, videos=["a.mp4"], audios=["a.wav"]),
        item("b", truth=record(FIELDS), prediction=FIELDS, group="consistent"),
    ]
    of_label = {"precision": 1, "recall": None, "f1": 1, "support": 2}
    write_evaluation(
        folder / "one",
        items,
        judge="j",
        groups={"MELD": {"accuracy": score(50)}},
        tables={"MELD": {"labels": ["a", "b"], "confusion": [[1, 0, 0], [0, 1, 0]], "per_class": {"a": of_label}}},
        context=[{"name": "n", "values": {"accuracy": 1}, "source": "s"}],
        notes=["n"],
        manifest={"model": "m", "data": {"a": "b"}},
    )
    write_rows(folder / "one" / "answers.rejects.jsonl", [reject("a")])
    shutil.copytree(folder / "one", folder / "two")
    row = answer("a", videos=["a.mp4"], audios=["b.wav"], consistency="consistent", cues=known["cues"])
    write_answers(folder / "answers.jsonl", [row, answer("b")], [reject("c")])
    write_rows(folder / "reference.jsonl", [clashing("a", videos=["x.mp4"]), reference("b")])
    return folder


READ = ("one/scores.json", "one/items.jsonl", "one/answers.rejects.jsonl", "answers.jsonl", "answers.rejects.jsonl",
        "reference.jsonl")  # fmt: skip


def spoil(made: Path, name: str, most: int | None = None) -> Counter[bool]:
    """Run `report` on a file with one value changed, or left out, at each of its places.

    Args:
        made: the folder of the fixture, and the current one.
        name: of READ.
        most: how many of all changes are made, drawn anew by the name; None for all.

    Returns:
        How many were refused in one line (True) and shown (False); the file is as it was.
    """
    path = made / name
    before = path.read_text()
    first, _, rest = before.partition("\n")
    changes = [one for one in itertools.product(_places(json.loads(first)), (*WRONG, GONE)) if one != ((), GONE)]
    results = ["one"] if name.startswith("one") else ["answers.jsonl", "--reference", "reference.jsonl"]
    statuses: Counter[bool] = Counter()
    try:
        for place, wrong in changes if most is None else random.Random(name).sample(changes, most):
            path.write_text(json.dumps(_changed(json.loads(first), place, wrong)) + "\n" + rest)
            said = io.StringIO()
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                status = main(["report", *results, "-o", "page.html"])
            assert bool(status) == (said.getvalue().count("\n") == 1), (place, wrong, said.getvalue())
            statuses[bool(status)] += 1
    finally:
        path.write_text(before)
    return statuses


@pytest.mark.parametrize("name", READ)
def test_a_wrong_type_anywhere_in_results_ends_in_one_line_or_is_shown(
    name: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of all changes; tests/benchmarks/attack_files.py makes all."""
    monkeypatch.chdir(made)
    statuses = spoil(made, name, 40)
    assert statuses.total() == 40 and statuses[False]


WRONG_SCORES = {
    "groups.MELD": None,
    "groups.MELD.accuracy": {"value": "x", "low": 1, "high": 2, "n": 1},
    "metrics.accuracy": {"value": 1, "low": 1, "high": True, "n": 1},
    "metrics.accuracy.n": "3",
    "tables.MELD": {"labels": [], "confusion": [[1]], "per_class": {}},
    "tables.MELD.confusion": [1, 2],
    "tables.MELD.per_class": {"a": None},
    "context": [None],
    "context.0": {"name": "n", "values": 5, "source": "s"},
}


@pytest.mark.parametrize("place", WRONG_SCORES)
def test_scores_that_no_page_could_show_are_refused(place: str, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "one", tmp_path / "e")
    path = tmp_path / "e" / "scores.json"
    keys = [int(key) if key.isdecimal() else key for key in place.split(".")]
    path.write_text(json.dumps(_changed(json.loads(path.read_text()), tuple(keys), WRONG_SCORES[place])))
    for command in (["report", str(tmp_path / "e"), "-o", str(tmp_path / "p.html")],
                    ["eval", "compare", str(tmp_path / "e"), str(made / "two")]):  # fmt: skip
        assert main(command) != 0
    assert not (tmp_path / "p.html").exists()


# --- CSV files that we write

RUN = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "=cmd|' /C calc'!A0", "＝1+1",
       "＋1", "－x", "＠x", "-", "=", '=HYPERLINK("http://127.0.0.1/"&A1)')  # fmt: skip
PLAIN = ("", "a=1", " x", "-0.5", "+3", "-1e5", "0", "happy", "'quoted'", "a\n=1", "开心", "1-2", "=".join("ab"))


def test_no_cell_of_a_csv_is_run_by_a_spreadsheet_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    numbers = [-0.5, -3, None]
    write_csv(path, ["=head", "b"], [RUN, PLAIN, numbers])
    head, run, plain, third = csv.reader(path.open(encoding="utf-8", newline=""))
    assert head == ["'=head", "b"]
    assert run == [f"'{cell}" for cell in RUN]
    assert plain == list(PLAIN)
    assert third == ["-0.5", "-3", ""]


def test_a_csv_is_written_in_one_place_and_by_the_pages_table() -> None:
    package = Path(inspect.getfile(swift_saber)).parent
    sources = [*package.rglob("*.py"), *package.rglob("*.js"), *package.rglob("*.html")]
    words = ("csv.writer", "DictWriter", "to_csv", "text/csv")
    found = {str(path.relative_to(package)) for path in sources if any(word in path.read_text() for word in words)}
    # The page's own, whose formulas tests/report looks at, takes the beginnings of a formula from the first.
    assert found == {"text/spreadsheet.py", "report/table.js"}


# --- What stands in a model's folder


def test_a_wrong_type_in_a_models_files_ends_in_one_line_or_does_not_matter(tmp_path: Path) -> None:
    for name in ("base", "whole", "lora"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    base = str(tmp_path / "base")
    held = {
        "whole/config.json": {"thinker_config": {"vision_config": {"patch_size": 28}}},
        "lora/adapter_config.json": {"base_model_name_or_path": base},
        "lora/args.json": {"model": base, "ref_adapters": ["a"], "media_settings": {"FPS": "2"}},
    }
    for name, value in held.items():
        (tmp_path / name).write_text(json.dumps(value))
    assert vision_patch(str(tmp_path / "whole")) == 28
    for name, value in held.items():
        path = tmp_path / name
        model = str(path.parent)
        for place, wrong in itertools.product(_places(value), WRONG):
            path.write_text(json.dumps(_changed(value, place, wrong)))
            for read in (vision_patch, loading, partial(identity, settings={})):
                refused(partial(read, model))
        path.write_text(json.dumps(value))
