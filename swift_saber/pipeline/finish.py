"""What is written when all stages are done: the rows for training and testing, the card, the report."""

from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from swift_saber.asker import usage
from swift_saber.pipeline.card import write_card
from swift_saber.pipeline.instructions import write_instructions
from swift_saber.pipeline.report import write_report
from swift_saber.pipeline.survey import survey
from swift_saber.rows import write_rows
from swift_saber.strict_json import parse_json


def finish(output: Path) -> None:
    """Write train.jsonl, test.jsonl, README.md and report.html of a run, and what was asked of endpoints to run.json.

    Args:
        output: the folder of the run.
    """
    file = output / "run.json"
    said = parse_json(file.read_text(encoding="utf-8"), str(file))
    said["usage"] = {name: paid for name in said["stages"] if (paid := usage(output / name))}
    write_rows(file, [said])
    write_instructions(output)
    found = survey(output)
    write_card(output, found)
    write_report(output, found)


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
