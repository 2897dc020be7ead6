"""From checked rows to SABER JSONL, which `swift sft --dataset` takes as it is.

The conversation itself (instruction, evidence, reasoning) is made from the record when it is read, in the order that
the training recipe names: plugin/saber_dataset.py.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, sum_up
from swift_saber.pipeline.result.survey import kept_rows, read_run
from swift_saber.pipeline.written import noted
from swift_saber.sed.layout import reserved_markup
from swift_saber.sed.record import DIMENSIONS, RECORD_KEYS, Row
from swift_saber.text.strict_json import dumps

PARTS = ("train", "test")
#: What a row of the dataset says, and whether people looked at it; what the stages measured and heard stays in their
#: folders.
KEYS = ("id", "source", "language", "videos", "audios", "consistency", "labels", *sorted(RECORD_KEYS), "review")


def write_instructions(run_folder: Path) -> dict[str, int]:
    """Write train.jsonl and test.jsonl from the rows that the last stage kept.

    Both files are complete or not there; a part without rows has no file. A run whose recipe has no stage "split" is
    for training alone; one whose clips have no records yet, since none of its stages writes them, has no rows. One row
    is held at a time.

    Args:
        run_folder: the output folder of a run.

    Returns:
        The number of rows, {"train": ..., "test": ...}.

    Raises:
        InputError: rows that are no SABER records or that `swift sft` would refuse; nothing is written then.
    """
    stage = read_run(run_folder)["stages"][-1]
    paths = {part: run_folder / f"{part}.jsonl" for part in PARTS}
    counts = dict.fromkeys(PARTS, 0)
    first: InputError | None = None
    wrong = bare = total = 0
    with ExitStack() as files:
        partial = {part: files.enter_context(noted(path)) for part, path in paths.items()}
        out = {
            part: files.enter_context(path.open("w", encoding="utf-8", newline="\n")) for part, path in partial.items()
        }
        for where, row in kept_rows(run_folder, stage):
            total += 1
            try:
                part, instruction = _instruction(row, where)
            except InputError as error:
                wrong += 1
                bare += not RECORD_KEYS & row.keys()
                first = first or error
                continue
            out[part].write(dumps(instruction) + "\n")
            counts[part] += 1
        if first and bare < total:
            raise sum_up([first], wrong, total, str(run_folder / stage / "kept"))
    for part, path in paths.items():
        if not counts[part]:
            path.unlink()
    return counts


def is_dataset(path: Path) -> bool:
    """Whether a file is a train.jsonl or test.jsonl, under whatever name, and not of a stage, by its first row."""
    _, row = next(read_rows(path))
    return row.keys() <= set(KEYS)


def _instruction(row: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    part = row.get("part", "train")
    if part not in PARTS:
        raise InputError(where, "part", f"is {part!r}", 'write "train" or "test"')
    checked = Row.from_dict({key: row[key] for key in KEYS if key in row}, where)
    for dimension in DIMENSIONS:
        markup = reserved_markup(getattr(checked.record, dimension))
        if markup:
            problem = f"holds {markup}, which the model would read as a clip or a control token"
            raise InputError(where, dimension, problem, "write it in another way, e.g. without the angle brackets")
    if not checked.videos:
        raise InputError(where, "videos", "no video for the record", "add the clip's path: the answer describes it")
    return part, checked.to_dict()
