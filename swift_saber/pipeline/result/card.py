"""The dataset card: README.md beside train.jsonl and test.jsonl, in the form that dataset hubs read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from swift_saber.pipeline.result.survey import Survey, settings
from swift_saber.review.tables import NOTE, Words, sentences, tables
from swift_saber.text.markdown import cell, table_lines

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_ROWS = """\
Each row is a clip with a SABER record: what is seen, what is heard, and the emotion reasoned from both. The scheme is
that of SABER-LLM (arXiv 2601.18321); the texts were written by the models named below, and not by people but for what
these corrected.
"""
_NO_RECORDS = "No stage has written records of them yet, so there is nothing here to train on.\n"
_DUTY = """\
The clips are not part of this dataset, which holds texts and paths of files. Each source dataset has a licence of its
own, some for research alone and some by agreement: whoever uses or shares these texts has to see that every source in
the table above allows it. For that reason this card states no licence."""


def card(found: Survey, counts: Mapping[str, int]) -> str:
    """Return the text of README.md.

    Args:
        found: as survey.survey returns.
        counts: rows in train.jsonl and test.jsonl, as instructions.write_instructions returns; none where the dataset
            is not written.
    """
    return "\n".join(_lines(found, counts)) + "\n"


def _lines(found: Survey, counts: Mapping[str, int]) -> Iterator[str]:
    last = found.last
    yield from _head(found, counts)
    yield "# SABER records\n"
    yield f"{last.kept:,} of {found.steps[0].kept:,} clips went through all stages up to `{last.stage}`."
    yield _ROWS if found.records[last.stage] or not last.kept else _NO_RECORDS
    if found.to_come:
        yield f"**Not begun:** {', '.join(f'`{stage}`' for stage in found.to_come)}.\n"
    yield from sections(found)
    yield "## Licences\n"
    yield _DUTY


def sections(found: Survey) -> Iterator[str]:
    """Yield the lines of what is true of a run's records wherever they lie: what is there, what is not, and why.

    Args:
        found: as survey.survey returns; its `run` is shown as it is.
    """
    run = found.run
    for category, before, after in found.shares():
        names = sorted(before | after, key=lambda name: (-after[name], name))
        yield f"## By {category}\n"
        rows = ([name, before[name] if before else None, after[name]] for name in names)
        yield from table((category, "clips read", "clips kept"), rows)
        if category == "emotion" and (own := found.own_words()):
            words = ", ".join(map(cell, own))
            yield f"A clip may have several; these are the sources' own words: {words}.\n"
    yield from _sound(found)
    yield "## What was left out\n"
    drops = [
        [step.stage, reason, count, step.entered] for step in found.steps for reason, count in step.reasons.items()
    ]
    yield from table(("stage", "reason", "clips", "of"), drops) if drops else ("No stage dropped a clip.\n",)
    for step in found.steps:
        if step.waiting:
            yield f"**Not finished:** {step.waiting:,} clips wait in the stage `{step.stage}`.\n"
    for kind, title in (
        ("skipped", "What the readers of the sources did not take for clips:"),
        ("noted", "What is odd about clips that they took, and about their folders:"),
    ):
        if said := found.said(kind):
            yield f"{title}\n"
            yield from table(("source", "what", "how many", "for example"), said)
    yield from _split(found)
    if found.records[found.last.stage]:
        yield from people(found.people)
    yield "## How it was made\n"
    for title, block, head in (
        ("Settings, models and thresholds", "recipe", ("setting", "value")),
        ("Prompts", "prompts", ("prompt", "digest")),
        ("Versions", "versions", ("of", "version")),
        ("Use of the endpoints", "usage", ("counter", "value")),
    ):
        if run.get(block):
            yield f"### {title}\n"
            yield from table(head, settings(run[block]))


def _head(found: Survey, counts: Mapping[str, int]) -> Iterator[str]:
    yield "---"
    languages = sorted({"en", "zh"} & found.counts[found.last.stage, "language"].keys())
    if languages:
        yield f"language: [{', '.join(languages)}]"
    yield "task_categories: [video-text-to-text]"
    yield "tags: [emotion-recognition, audio, video, saber]"
    yield f"size_categories: [{size(found.last.kept)}]"
    files = [part for part, count in counts.items() if count]
    if files:
        yield "configs:\n- config_name: default\n  data_files:"
        yield from (f"  - split: {part}\n    path: {part}.jsonl" for part in files)
    yield "---\n"


def _sound(found: Survey) -> Iterator[str]:
    inside, own = (found.sound[found.last.stage][kind] for kind in ("in the video", "own file"))
    if inside:
        yield f"The sound of {inside:,} clips is inside the video, that of {own:,} in a file of its own (`audios`)."
        if own:
            yield "A training run takes one kind alone: give all clips a sound file, or train on each kind by itself.\n"
        else:
            yield "Train with `USE_AUDIO_IN_VIDEO=1`.\n"


def _split(found: Survey) -> Iterator[str]:
    note = found.split
    if not note:
        return
    yield "## Training and test\n"
    yield (
        f"{note['train']:,} clips for training, {note['test']:,} for testing: equal halves consistent and "
        f"inconsistent, from {note['groups']['test']:,} groups of clips that share a speaker or a video; no speaker "
        "and no video is on both sides as far as the sources name them.\n"
    )
    yield from table(("language", "source", "consistent in test", "inconsistent in test"), found.strata())
    yield from (f"- {cell(text)}" for text in note["notes"])
    yield ""


def people(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of what people say of records.

    Args:
        said: {"total", "figures"}, as people.py writes them; {} where nobody has decided on a record.
    """
    yield "## What people say of it\n"
    if not said:
        yield "No person has looked at these records.\n"
        return
    figures = said["figures"]
    for words in sentences(figures, said["total"]):
        yield f"{words.english}\n"
    for one in tables(figures, ("all", "sight", "source")):
        yield f"### {one.title.english}\n"
        rows = ([each.english if isinstance(each, Words) else each for each in row] for row in one.rows)
        yield from table([words.english for words in one.head], rows)
    yield f"{NOTE.english}\n"


def size(rows: int) -> str:
    """Return the name that hubs have for so many rows."""
    return next((name for most, name in _SIZES if rows < most), "n>1M")


def table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the lines of a table of values that may hold anything; whole numbers get their thousands marked."""
    cells = ([f"{value:,}" if isinstance(value, int) else cell(value) for value in row] for row in rows)
    return table_lines(head, cells)
