"""Rows that could not be encoded: said once each by id, kept in a file, counted at the end of training.

ms-swift's training dataset replaces such a row by a random other one (`--strict false`, its default) or stops
(`--strict true`). Either way the row is named here. Recipes switch the file on with `callbacks: saber_bad_rows`.
"""

from pathlib import Path
from typing import Any

from swift.callbacks import TrainerCallback, callbacks_map
from swift.template import MaxLengthError
from swift.utils import get_logger, is_master

from swift_saber.data.rows import media_list, media_path, read_rows, row_id
from swift_saber.errors import InputError
from swift_saber.media.fault import clip_problem
from swift_saber.text.strict_json import dumps

logger = get_logger()
CALLBACK = "saber_bad_rows"
FILE_NAME = "bad_rows.jsonl"


def explain(row: dict[str, Any], error: Exception) -> tuple[str, str]:
    """Return (reason, remedy) for a row that could not be encoded.

    The media are looked at again, because the reader that failed last is seldom the one that knew why.
    """
    if isinstance(error, MaxLengthError):
        return _one_line(error), "raise max_length, lower FPS_MAX_FRAMES or VIDEO_MAX_PIXELS, or cut the clip"
    sides = ([*media_list(row, key), *media_list(row, f"rejected_{key}")] for key in ("videos", "audios"))
    media = ([media_path(path) for path in paths if isinstance(path, str)] for paths in sides)
    problem = clip_problem(*media)
    if problem:
        return problem, "replace the file or remove the row"
    return f"{type(error).__name__}: {_one_line(error)}", "correct or remove the row"


class BadRows:
    """The rows that this process could not encode.

    Attributes:
        path: the JSONL file that receives {id, reason, remedy}, or None before training starts.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self._said: dict[str, dict[str, str]] = {}

    def report(self, row: dict[str, Any], error: Exception) -> InputError:
        """Say once that a row could not be encoded, and add it to the file if there is one.

        Returns:
            The same as an error of one line.
        """
        name = row_id(row)
        if name not in self._said:
            reason, remedy = explain(row, error)
            self._said[name] = {"id": name, "reason": reason, "remedy": remedy}
            logger.warning(f"swift-saber: row {name} could not be encoded: {reason}; {remedy}")
            self._append([self._said[name]])
        return InputError(f"row {name}", "clip", self._said[name]["reason"], self._said[name]["remedy"])

    def start(self, path: Path) -> None:
        """Write to this file from now on, beginning with what was found before."""
        self.path = path
        self._append(list(self._said.values()))

    def _append(self, entries: list[dict[str, str]]) -> None:
        if self.path is None or not entries:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One write a row, in append mode: workers and ranks share the file.
        with self.path.open("a", encoding="utf-8", buffering=1) as file:
            for entry in entries:
                file.write(dumps(entry) + "\n")


class BadRowsCallback(TrainerCallback):
    """Gives the template the file in the output folder, and counts it when training ends."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.template.bad_rows.start(Path(args.output_dir) / FILE_NAME)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        path = Path(args.output_dir) / FILE_NAME
        if is_master() and path.exists():
            count = len({row["id"] for _, row in read_rows(path)})
            logger.warning(f"swift-saber: {count} row(s) could not be encoded and were NOT trained on: see {path}")


def register() -> None:
    """Register the callback with ms-swift."""
    callbacks_map[CALLBACK] = BadRowsCallback


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
