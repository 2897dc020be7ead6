"""EmoBench-M, the whole of it: questions for a model, its answers as items, their scores, and the official formats.

The parts: layout.py (scenarios, labels, and the questions in the benchmark's folder), answers.py (which label an answer
says), items.py, scores.py, official.py (result files in the form of the benchmark's own scripts).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.evaluation.benchmarks.emobench_m.items import items as make_items
from swift_saber.evaluation.benchmarks.emobench_m.layout import chosen, json_path, questions
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores as make_scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark


def benchmark(
    data: Path,
    scenarios: Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
    official: bool = False,
    bert_model: Path | None = None,
) -> Benchmark:
    """Return EmoBench-M on its folder.

    Args:
        data: the benchmark's folder, with benchmark_json and dataset.
        scenarios, allow_missing: as questions.
        official: read and score answers as the official scripts do.
        bert_model: the folder of BERTScore's model, or None for no BERTScore.

    Raises:
        InputError: as questions.
    """
    asked = list(questions(data, scenarios, allow_missing=allow_missing))
    files = {path.relative_to(data).as_posix(): path for path in (json_path(data, one) for one in chosen(scenarios))}

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return make_items(data, answers, rejects, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {name: path for name, path in files.items() if path.exists()},
        asked,
        scored,
        lambda found: make_scores(found, official=official),
        _settings(official, bert_model, scenarios=list(scenarios or ())),
        to_official,
    )


def results_benchmark(results: Sequence[Path], *, official: bool = False, bert_model: Path | None = None) -> Benchmark:
    """Return EmoBench-M for result files in its own form, to be scored by run.rescore.

    Args:
        results: the files, with names of their own.
        official, bert_model: as benchmark.
    """

    def scored(path: Path, _: Path, judge: Judge | None) -> list[Item]:
        return from_official(path, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {path.name: path for path in results},
        [],
        scored,
        lambda found: make_scores(found, official=official),
        _settings(official, bert_model),
    )


def _settings(official: bool, bert_model: Path | None, **more: Any) -> dict[str, Any]:
    return {"official": official, "bert_model": bert_model.name if bert_model else None, **more}
