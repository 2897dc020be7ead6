"""The SED templates: the stock ones plus the instruction for rows that have none, and a name for bad rows and pairs.

Everything else is encoded by the stock template, token for token, so that the published weights see what they were
trained on.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from swift.template.templates.qwen import Qwen2_5OmniTemplate, Qwen3OmniTemplate

from swift_saber.data.rows import row_id
from swift_saber.errors import InputError
from swift_saber.plugin.saber_bad_rows import BadRows
from swift_saber.plugin.saber_pairs import CODES, UNKNOWN
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import Language, text_language

# What ms-swift replaces by a clip: a user turn of nothing else has no instruction.
_MEDIA_TAGS = re.compile(r"<(?:image|video|audio)>")


def fill_instruction(inputs: Any) -> None:
    """Write the SED instruction into a user turn that is blank but for media tags.

    Args:
        inputs: ms-swift's StdTemplateInputs, changed in place. The language is the row's `language` (zh or en);
            without one it is that of the answer, and without an answer Chinese, the released prompt's language.
    """
    users = [message for message in inputs.messages if message["role"] == "user"]
    if len(users) != 1 or not (inputs.videos or inputs.audios):
        return
    content = users[0]["content"]
    if not isinstance(content, str) or _MEDIA_TAGS.sub("", content).strip():
        return
    users[0]["content"] = content.strip() + INSTRUCTIONS[_language(inputs)]


def _language(inputs: Any) -> Language:
    given: Language | None = inputs.extra_kwargs.get("language")
    if given in INSTRUCTIONS:
        return given
    answer = next((m["content"] for m in inputs.messages if m["role"] == "assistant"), None)
    return (text_language(answer) if isinstance(answer, str) else None) or "zh"


class SEDMixin:
    """What SED adds to a stock ms-swift template. Stands before the stock class among the bases."""

    is_training: bool
    mode: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # On the instance, so that it travels to dataloader workers however these are started.
        self.bad_rows = BadRows()
        # What each pair must have and the option that asks for it; None unless CADPOTrainer asks for the consistency,
        # since other trainers hand all that stands in a batch to the model.
        self.pair_needs: dict[str, str] | None = None

    def _preprocess_inputs(self, inputs: Any) -> None:
        fill_instruction(inputs)
        super()._preprocess_inputs(inputs)  # type: ignore[misc]  # of the stock class

    def _rlhf_encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inputs.rejected is not None:
            # A rejected side with turns of its own does not inherit it, and both are asked in one language.
            inputs.rejected.extra_kwargs["language"] = _language(inputs.chosen)
        return super()._rlhf_encode(inputs, *args, **kwargs)  # type: ignore[misc]  # of the stock class

    def _rlhf_data_collator(self, batch: list[dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
        collated: dict[str, Any] = super()._rlhf_data_collator(batch, *args, **kwargs)  # type: ignore[misc]
        if self.pair_needs is not None:
            collated["consistency"] = torch.tensor([CODES.get(row.get("channel", ""), UNKNOWN) for row in batch])
            for row in batch:
                self._check_needs(row, self.pair_needs)
        return collated

    def _check_needs(self, row: dict[str, Any], needs: dict[str, str]) -> None:
        """Stop the run at a pair that an option cannot be applied to; ms-swift would take a missing margin for 0."""
        missing = {"consistency": row.get("channel") not in CODES, "scores": row.get("margin") is None}
        for column, option in needs.items():
            if missing[column]:
                raise InputError(
                    f"row {row['id']}", column, f"is missing, which {option} needs", f"add it, or unset {option}"
                )

    def encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            encoded = super().encode(inputs, *args, **kwargs)  # type: ignore[misc]  # of the stock class
            if self.mode == "rlhf":
                encoded["id"] = row_id(_as_row(inputs))
            return encoded
        except Exception as error:
            # Said here, since ms-swift's training dataset puts a random other row in its place.
            named = self.bad_rows.report(_as_row(inputs), error)
            if self.is_training:
                raise
            raise named from error  # at inference it ends the run


class SEDQwen2_5OmniTemplate(SEDMixin, Qwen2_5OmniTemplate):
    """SED for Qwen2.5-Omni, the architecture that the published settings fit."""


class SEDQwen3OmniTemplate(SEDMixin, Qwen3OmniTemplate):
    """SED for Qwen3-Omni. Not something the paper reports: it comes at no cost, since the stock class is a subclass."""


def _as_row(inputs: Any) -> dict[str, Any]:
    """The columns that name a row and its media, from any of the three forms that ms-swift encodes."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    rejected = getattr(inputs, "rejected", None)
    media = {f"rejected_{key}": value for key, value in vars(rejected).items()} if rejected is not None else {}
    inputs = getattr(inputs, "chosen", inputs)
    return {**media, **getattr(inputs, "extra_kwargs", {}), **vars(inputs)}
