"""`swift-saber eval`: from a benchmark's questions to answers, items and scores, in one folder (its files: item.py).

With the scores goes a manifest of what they rest on, so that they can be made again: model, data, versions, seeds,
settings. Knows no benchmark: each is a Benchmark, made in benchmarks/. Imports no torch; answers come from
inference/run.py, whose models run in processes of their own, or from a file.
"""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from swift_saber import __version__
from swift_saber.data.questions import MODALITIES
from swift_saber.data.rows import media_path, parse_row, read_rows, row_id, write_rows
from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge, open_judge
from swift_saber.evaluation.summary import SCORES, read_scores, write_items, write_scores
from swift_saber.inference.files import beside
from swift_saber.inference.run import infer
from swift_saber.models.service import Service
from swift_saber.statistics.interval import DRAWS, SEED
from swift_saber.text.files import read_text, whole, writable
from swift_saber.text.strict_json import dumps, encoded

QUESTIONS, ANSWERS, REPLIES, OFFICIAL = "questions.jsonl", "answers.jsonl", "judge", "official"

# Those whose version can change an answer or a score.
_PACKAGES = (
    "ms-swift",
    "torch",
    "transformers",
    "qwen-omni-utils",
    "av",
    "decord",
    "numpy",
    "scipy",
    "scikit-learn",
    "nltk",
    "rouge-score",
    "bert-score",
    "jiwer",
    "opencc",
    "openpyxl",
)


@dataclass(frozen=True)
class Benchmark:
    """What one evaluation asks and how it scores.

    Attributes:
        name: e.g. "saber-test".
        data: {name: file} of all that its questions and references were read from.
        questions: rows for `swift-saber infer`, with "id"; none where only existing answers are scored.
        items: from a file of results, that of its rejects (which need not be there) and the judge, or None for none,
            to one item for each question or clip.
        scores: from the items to {"metrics", "groups", "tables", "context", "notes"}.
        settings: its own options, kept in the manifest.
        export: writes the items into a folder in the benchmark's own form, where it has one.
        results: files in a form of their own, which bring their references; where there are such, each is scored with
            `items`, and nothing is asked.
    """

    name: str
    data: Mapping[str, Path]
    questions: Sequence[dict[str, Any]]
    items: Callable[[Path, Path, Judge | None], list[Item]]
    scores: Callable[[Sequence[Item]], dict[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    export: Callable[[Sequence[Item], Path], object] | None = None
    results: Sequence[Path] = ()


def evaluate(
    benchmark: Benchmark,
    folder: Path,
    *,
    model: str | None = None,
    gpu: str = "0",
    arguments: Sequence[str] = (),
    answers: Path | None = None,
    judge: Service | None = None,
) -> dict[str, Any] | None:
    """Ask a model, or take its answers from a file, score them, and return what scores.json holds.

    Run again, it goes on: what was answered and judged is not asked for again.

    Args:
        benchmark: what to ask, and how to score.
        folder: the run's own.
        model: a model folder, a LoRA checkpoint folder or a hub id; with `answers` or the benchmark's results only the
            name that they are under.
        gpu: as inference.run.infer.
        arguments: further `--key value` for `swift infer`.
        answers: result rows, {"id", "response"}, of any earlier run on the same questions; None to ask the model.
        judge: the model that judges, or None.

    Returns:
        The scores, or None where there is neither a model nor answers: then only the questions are written.

    Raises:
        InputError: the folder belongs to another model, to other data or to another benchmark; the answers have an id
            twice or one that no question has; the model or the judge cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if benchmark.results:
        named = model or benchmark.results[0].resolve().parent.name
        _check_same(folder, benchmark, named)
        with _opened(judge, folder) as asked:
            parts = [benchmark.items(path, beside(path, ".rejects.jsonl"), asked) for path in benchmark.results]
        return _write(benchmark, folder, named, [item for part in parts for item in part], judge, {})
    questions, results = folder / QUESTIONS, folder / ANSWERS
    if benchmark.questions or answers is None:
        _keep_questions(questions, benchmark)
    if model is None and answers is None:
        return None
    named = _model_name(model, answers)
    _check_same(folder, benchmark, named)
    if answers is None:
        assert model is not None
        infer(model, str(questions), str(results), gpu, arguments)
    elif answers.exists() and results.exists() and file_digest(answers) != file_digest(results):
        raise InputError(str(results), "answers", f"are not those of {answers}", "name another folder")
    source = answers or results
    rejects = beside(source, ".rejects.jsonl")  # they are counted as missing
    if not source.exists() and not rejects.exists():
        raise InputError(str(source), "answers", "are not there", "name a file of results, or a model")
    with _opened(judge, folder) as asked:
        items = benchmark.items(source, rejects, asked)
    settings: dict[str, Any] = {"infer_arguments": list(arguments), "infer": _infer_settings(source)}
    if answers is not None and answers.exists():
        settings["answers"] = file_digest(answers)
        if not results.exists():  # only now: answers that cannot be used must not stay
            with whole(results) as partial:
                shutil.copyfile(answers, partial)
    return _write(benchmark, folder, named, items, judge, settings)


def _opened(judge: Service | None, folder: Path) -> AbstractContextManager[Judge | None]:
    return open_judge(judge, folder / REPLIES) if judge else nullcontext()


def _write(
    benchmark: Benchmark, folder: Path, model: str, items: list[Item], judge: Service | None, settings: dict[str, Any]
) -> dict[str, Any]:
    if judge:
        settings["judge"] = {"model": judge.model, "max_tokens": judge.max_tokens, "temperature": 0}
    scores = {
        "benchmark": benchmark.name,
        "model": model,
        "judge": judge.model if judge else None,
        **benchmark.scores(items),
        "manifest": make_manifest(model, benchmark.data, {**benchmark.settings, **settings}),
    }
    write_items(folder, items)
    write_scores(folder, scores)
    if benchmark.export:
        benchmark.export(items, folder / OFFICIAL)
    return scores


def read_answers(path: Path, asked: set[str]) -> dict[str, str]:
    """Return the responses of a result file by id.

    Args:
        path: rows of `swift infer`; a row whose response is null has no answer. It may be missing, as it is where all
            rows were rejected.
        asked: the ids of the questions.

    Raises:
        InputError: names the line: an id is there twice or is that of no question, or the response is no text.
    """
    found: dict[str, str] = {}
    seen: dict[str, str] = {}
    for where, row in read_rows(path) if path.exists() else ():
        name = row_id(row)
        if name not in asked:
            remedy = f"answer the questions of {QUESTIONS}, and keep their ids"
            raise InputError(where, "id", f"{quoted(name)} is no question of this benchmark's data", remedy)
        if name in seen:
            raise InputError(where, "id", f"{quoted(name)} is also at {seen[name]}", "keep one answer to each question")
        seen[name] = where
        response = row.get("response")
        if response is None:
            continue
        if not isinstance(response, str):
            raise InputError(where, "response", f"is {quoted(response)}, not a string", "give a file of results")
        found[name] = writable(response)
    return found


def read_rejects(path: Path) -> dict[str, str]:
    """Return the reason of each row that `swift infer` gave no answer to, by id; none where there is no such file."""
    return {row_id(row): str(row.get("reason", "")) for _, row in read_rows(path)} if path.exists() else {}


def _keep_questions(path: Path, benchmark: Benchmark) -> None:
    """Write the questions, or see that those that are there are the same."""
    if not benchmark.questions:
        raise InputError(benchmark.name, "questions", "there is none", "name the benchmark's data and clips")
    now = benchmark.questions
    if path.exists() and path.read_bytes() != b"".join(encoded(row) + b"\n" for row in now):
        before = [row for _, row in read_rows(path)]
        if _with_clips(before, os.path.basename) != _with_clips(now, os.path.basename):
            raise InputError(str(path), "questions", "are of other data or another benchmark", "name another folder")
        moved = zip(_clips(_with_clips(before, media_path)), _clips(_with_clips(now, media_path)), strict=True)
        for was, is_now in moved:
            if was != is_now:
                was, is_now = _apart(was, is_now)
                remedy = (
                    "go on in the folder that it was begun in, or with ROOT_IMAGE_DIR set to that, where rows have "
                    "relative paths; or name another folder"
                )
                raise InputError(str(path), "questions", f"are of clips in {was}, and now in {is_now}", remedy)
    elif path.exists():
        return
    write_rows(path, now)  # or again, where they had relative paths


def _with_clips(rows: Iterable[dict[str, Any]], change: Callable[[str], str]) -> list[dict[str, Any]]:
    """The rows with the paths of their clips changed."""
    return [{**row, **{key: [change(path) for path in row.get(key) or []] for key in MODALITIES}} for row in rows]


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two paths without what they have in common at their ends."""
    while os.path.basename(one) == os.path.basename(other):
        one, other = os.path.dirname(one), os.path.dirname(other)
    return one, other


def _clips(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [path for row in rows for key in MODALITIES for path in row[key]]


def _model_name(model: str | None, answers: Path | None) -> str:
    """Whose answers these are: as named, else what a result file's settings say, else the file's name."""
    if model is not None:
        folder = Path(model).expanduser()
        return os.path.abspath(folder) if answers is None and folder.is_dir() else model
    assert answers is not None
    return str((_infer_settings(answers) or {}).get("model") or answers.name)


def _infer_settings(results: Path) -> dict[str, Any] | None:
    """What `swift-saber infer` says that its answers depend on: weights, media settings, arguments; None of others'."""
    path = beside(results, ".settings.json")
    return parse_row(read_text(path), str(path)) if path.exists() else None


def _check_same(folder: Path, benchmark: Benchmark, model: str) -> None:
    """See that scores that are there are of the same benchmark, model and data."""
    if not (folder / SCORES).exists():
        return
    before = read_scores(folder)
    digests = {name: file_digest(path) for name, path in sorted(benchmark.data.items())}
    for name, was, is_now in (
        ("benchmark", before["benchmark"], benchmark.name),
        ("model", before["model"], model),
        ("data", before["manifest"]["data"], digests),
    ):
        if was != is_now:
            shown = "" if name == "data" else f" ({quoted(was)}, now {quoted(is_now)})"
            raise InputError(str(folder), name, f"has scores of another one{shown}", "name another folder")


def make_manifest(
    model: str, data: Mapping[str, str | os.PathLike[str]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return {"model", "data", "versions", "seeds", "settings"}, the manifest of scores.json.

    Args:
        model: whose answers were scored, as it was named to the run.
        data: {name: file} of all that was read. The names are kept and not the paths, so that two machines agree: take
            the path inside the benchmark's folder.
        settings: JSON values: the task's own options.

    Raises:
        InputError: a file cannot be read, or a setting is no JSON value.
    """
    try:
        dumps(settings)
    except (TypeError, ValueError) as error:
        raise InputError("manifest", "settings", f"cannot be kept: {error}", "give JSON values") from error
    return {
        "model": model,
        "data": {name: file_digest(data[name]) for name in sorted(data)},
        "versions": _versions(),
        "seeds": {"bootstrap": SEED},
        "settings": {"bootstrap_draws": DRAWS, **settings},
    }


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {"swift-saber": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # one that is not installed changed nothing
    return found
