"""Each evaluation as run.Benchmark: what is read, what is asked, how it is scored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import emer as emer_parts
from swift_saber.evaluation.benchmarks import emobench_m as emobench
from swift_saber.evaluation.benchmarks import mer_unibench as unibench
from swift_saber.evaluation.benchmarks import probe as modality_probe
from swift_saber.evaluation.benchmarks import saber_test as saber
from swift_saber.evaluation.benchmarks.emobench_m.layout import chosen, json_path
from swift_saber.evaluation.benchmarks.open_labels import read_labels
from swift_saber.evaluation.benchmarks.wheel import Wheels
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark, read_answers, read_rejects
from swift_saber.language import Language


def saber_test(data: Path) -> Benchmark:
    """Return SABER-Test on a JSONL of rows (saber_test.py).

    Raises:
        InputError: as saber_test.read_test.
    """
    rows = saber.read_test(data)
    asked = list(saber.questions(rows))
    known = {row["id"] for row in asked}

    def items(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return saber.items(rows, read_answers(answers, known), judge, read_rejects(rejects))

    return Benchmark("saber-test", {data.name: data}, asked, items, saber.scores)


def probe(data: Path) -> Benchmark:
    """Return the modality-reliance probe on a JSONL of rows (probe.py).

    Raises:
        InputError: as saber_test.read_test and probe.questions.
    """
    rows = saber.read_test(data)
    asked = list(modality_probe.questions(rows))
    known = {row["id"] for row in asked}

    def items(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return modality_probe.items(rows, read_answers(answers, known), read_rejects(rejects))

    return Benchmark("probe", {data.name: data}, asked, items, modality_probe.scores)


def emer(
    data: Path,
    media: Path | None,
    *,
    prompt: emer_parts.Prompt = "saber",
    question_language: Language = "zh",
    language: Language = "en",
    wheel: Path | None = None,
    truth_labels: Path | None = None,
    answer_labels: Path | None = None,
) -> Benchmark:
    """Return EMER on its CSV (emer.py).

    Args:
        data: the CSV of the reference.
        media: the folder of its clips; None where existing answers are scored, which then have no clip to look at.
        prompt, question_language: of the question.
        language: of the descriptions that answers are compared with.
        wheel: the user's emotion_wheel folder, or None for no EW scores.
        truth_labels, answer_labels: files of labels, in place of the judge's.

    Raises:
        InputError: as emer.questions, Wheels and open_labels.read_labels, or labels are given without wheels.
    """
    if wheel is None and (truth_labels or answer_labels):
        raise InputError("eval", "--wheel", "is not given, and labels are", "name the emotion_wheel folder")
    clips = {clip.name for clip in emer_parts.read_reference(data, language)}
    asked = list(emer_parts.questions(data, media, question_language, prompt)) if media is not None else []
    wheels = Wheels(wheel) if wheel is not None else None
    labels = [read_labels(path) if path is not None else None for path in (truth_labels, answer_labels)]

    def items(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        if judge is None and wheels is None:
            raise InputError("eval", "--judge", "is not given, nor are wheels and labels", "name the judge's model")
        return emer_parts.items(
            data,
            read_answers(answers, clips),
            read_rejects(rejects),
            judge,
            wheels,
            language=language,
            media_folder=media,
            truth_labels=labels[0],
            answer_labels=labels[1],
        )

    files = {data.name: data, "truth labels": truth_labels, "answer labels": answer_labels}
    if wheel is not None:
        files |= {f"{wheel.name}/{path.name}": path for path in sorted(wheel.iterdir()) if path.is_file()}
    return Benchmark(
        "emer",
        {name: path for name, path in files.items() if path is not None},
        asked,
        items,
        lambda found: emer_parts.scores(found, wheels),
        {"prompt": prompt, "question_language": question_language, "language": language},
    )


def emobench_m(
    data: Path,
    scenarios: Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
    official: bool = False,
    bert_model: Path | None = None,
) -> Benchmark:
    """Return EmoBench-M on its folder (emobench_m.py).

    Args:
        data: the benchmark's folder, with benchmark_json and dataset.
        scenarios, allow_missing: as emobench_m.questions.
        official: read and score answers as the official scripts do.
        bert_model: the folder of BERTScore's model, or None for no BERTScore.

    Raises:
        InputError: as emobench_m.questions.
    """
    asked = list(emobench.questions(data, scenarios, allow_missing=allow_missing))
    files = {path.relative_to(data).as_posix(): path for path in (json_path(data, one) for one in chosen(scenarios))}

    def items(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return emobench.items(data, answers, rejects, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {name: path for name, path in files.items() if path.exists()},
        asked,
        items,
        lambda found: emobench.scores(found, official=official),
        _emobench_settings(official, bert_model, scenarios=list(scenarios or ())),
        emobench.to_official,
    )


def emobench_m_results(results: Sequence[Path], *, official: bool = False, bert_model: Path | None = None) -> Benchmark:
    """Return EmoBench-M for result files in its own form, to be scored by run.rescore.

    Args:
        results: the files, with names of their own.
        official, bert_model: as emobench_m.
    """

    def items(path: Path, _: Path, judge: Judge | None) -> list[Item]:
        return emobench.from_official(path, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {path.name: path for path in results},
        [],
        items,
        lambda found: emobench.scores(found, official=official),
        _emobench_settings(official, bert_model),
    )


def mer_unibench(truths: Path, wheel: Path | None) -> Benchmark:
    """Return MER-UniBench on a file of truths, for answers to be scored by run.rescore (unibench_run.py).

    Args:
        truths: JSONL of emotions or of sentiments.
        wheel: the user's emotion_wheel folder, for emotions.

    Raises:
        InputError: as unibench_run.read_truths and Wheels.
    """
    known = unibench.read_truths(truths)
    wheels = Wheels(wheel) if wheel is not None else None

    def items(answers: Path, _: Path, judge: Judge | None) -> list[Item]:
        return unibench.items(known, answers, wheels)

    files = {truths.name: truths}
    if wheel is not None:
        files |= {f"{wheel.name}/{path.name}": path for path in sorted(wheel.iterdir()) if path.is_file()}
    return Benchmark("mer-unibench", files, [], items, unibench.scores)


def _emobench_settings(official: bool, bert_model: Path | None, **more: Any) -> dict[str, Any]:
    return {"official": official, "bert_model": bert_model.name if bert_model else None, **more}
