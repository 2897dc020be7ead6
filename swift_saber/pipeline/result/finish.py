"""What a run leaves at its end: a card and a report of what is there, and, once all stages are through, the dataset."""

from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from swift_saber.data.rows import write_rows
from swift_saber.models.asker import usage
from swift_saber.pipeline.result.card import card
from swift_saber.pipeline.result.instructions import write_instructions
from swift_saber.pipeline.result.people import write_people
from swift_saber.pipeline.result.report import render
from swift_saber.pipeline.result.survey import survey
from swift_saber.pipeline.written import check_results, check_rows, noted
from swift_saber.text.files import write_text
from swift_saber.text.strict_json import read_json


def finish(output: Path) -> list[str]:
    """Write README.md and report.html of a run, and what was asked of endpoints to run.json.

    Where all stages of the recipe are through, train.jsonl and test.jsonl are written too, if the clips have records.

    Args:
        output: the folder of the run.

    Returns:
        The names of the files that were written for people and for training.

    Raises:
        InputError: as write_instructions; card and report are written all the same. Or somebody has edited what would
            be written over, or the rows of a stage; nothing is written then.
    """
    file = output / "run.json"
    said = read_json(file)
    recipe = said.get("recipe", {})
    check_results(output, recipe)
    for stage in said["stages"]:
        check_rows(output, stage, recipe)
    said["usage"] = {name: paid for name in said["stages"] if (paid := usage(output / name))}
    write_rows(file, [said])
    write_people(output)
    found = survey(output)
    with noted(output / "report.html") as partial:
        write_text(partial, render(output, found))
    counts: dict[str, int] = {}
    try:
        if found.through:
            counts = write_instructions(output)
    finally:
        with noted(output / "README.md") as partial:
            write_text(partial, card(found, counts))
    return [*(f"{part}.jsonl" for part, count in counts.items() if count), "README.md", "report.html"]


class Finish(PipelineStep):
    """The same as a datatrove step, for executors that are somewhere else."""

    type = "WRITER"
    name = "finish"

    def __init__(self, output: Path) -> None:
        super().__init__()
        self.output = output

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        finish(self.output)
        return data
