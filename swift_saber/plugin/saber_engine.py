"""Several answers to each question from a model that runs in this process, as `swift infer` would run it."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from swift_saber.checkpoint import model_flag, trained_settings
from swift_saber.endpoint import Answer
from swift_saber.errors import InputError
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.rows import parse_row

# From here on transformers encodes a clip before it multiplies the question; where it multiplies first, the frames of
# Qwen2.5-Omni are mixed up. 5.19 is the oldest version that this was seen to be right with.
_SEVERAL_AT_ONCE = Version("5.19")


def set_media_environment(model: str) -> None:
    """Set the media settings that a model was trained with, where the shell does not set others.

    To be called before ms-swift is imported, which reads them.

    Raises:
        InputError: neither a model nor a LoRA checkpoint; its args.json is damaged; or a LoRA checkpoint's base model
            is not known or not there.
    """
    flag, settings = model_flag(model), trained_settings(model)
    if flag == "--adapters":
        _check_base(model)
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def _check_base(adapters: str) -> None:
    path = Path(adapters).expanduser() / "args.json"
    base = parse_row(path.read_text(encoding="utf-8"), str(path)).get("model") if path.is_file() else None
    if isinstance(base, str) and not (os.path.isabs(base) and not os.path.isdir(base)):
        return
    problem = f"was trained on {base}, which is not there" if base else "does not say what it was trained on"
    raise InputError(adapters, "model", problem, "merge it into its base model first: swift export --merge_lora true")


class Engine:
    """A model folder, LoRA checkpoint folder or hub id, loaded as `swift infer` loads it; the plugin is registered.

    Args:
        model: the folder or id. A LoRA checkpoint brings its base model along through its args.json.
        max_batch_size: how many answers are written at the same time.

    Raises:
        InputError: as set_media_environment.
    """

    def __init__(self, model: str, *, max_batch_size: int) -> None:
        set_media_environment(model)
        from swift.pipelines.infer.infer import SwiftInfer

        self._model, self._batch = model, max_batch_size
        arguments = [model_flag(model), model, "--custom_register_path", str(PLUGIN_FILE)]
        arguments += ["--infer_backend", "transformers", "--max_batch_size", str(max_batch_size)]
        self._engine = SwiftInfer(arguments).infer_engine

    def sample(
        self, rows: Sequence[Mapping[str, Any]], k: int, temperature: float, max_new_tokens: int, seed: int
    ) -> list[list[Answer]]:
        """Return k answers to each question; the same call gives the same answers on the same machine.

        Args:
            rows: {"id", "messages", "videos", "audios"}.
            k: answers per question.
            temperature: 0 for the likeliest answer, which is then the same k times.
            max_new_tokens: the longest answer.
            seed: of the random numbers, together with the ids of all rows: another batch gives other answers.

        Returns:
            A list of k answers for each row, whose texts may be blank.

        Raises:
            InputError: a row cannot be encoded, or the GPU has no room for the batch.
        """
        import torch
        from swift.infer_engine import InferRequest, RequestConfig
        from swift.utils import seed_everything

        at_once = min(k, self._batch) if Version(version("transformers")) >= _SEVERAL_AT_ONCE else 1
        width = max(1, self._batch // at_once)
        answers: list[list[Answer]] = [[] for _ in rows]
        names = "\n".join([str(seed), *(str(row["id"]) for row in rows)])
        seed_everything(int.from_bytes(hashlib.sha256(names.encode()).digest()[:4], "big"))
        for start in range(0, len(rows), width):
            part = rows[start : start + width]
            for done in range(0, k, at_once):
                config = RequestConfig(
                    max_tokens=max_new_tokens, temperature=temperature, n=min(at_once, k - done), stream=False
                )
                # Made anew each time, since ms-swift puts the decoded clips in the place of the paths.
                requests = [
                    InferRequest(
                        messages=[dict(turn) for turn in row["messages"]],
                        videos=list(row["videos"]),
                        audios=list(row["audios"]),
                    )
                    for row in part
                ]
                try:
                    replies = self._engine.infer(requests, config, use_tqdm=False)
                except torch.OutOfMemoryError as error:
                    raise InputError(
                        self._model, "memory", f"no room for {self._batch} answers at a time", "use a smaller batch"
                    ) from error
                for place, reply in enumerate(replies, start):
                    answers[place] += [
                        Answer(choice.message.content, choice.finish_reason == "length") for choice in reply.choices
                    ]
        return answers
