"""The SED templates: the stock ones plus the instruction for rows that have none, and a name for bad rows.

Everything else is encoded by the stock template, token for token, so that the published weights see what they were
trained on.
"""

import re
from collections.abc import Mapping
from typing import Any

from swift.template.templates.qwen import Qwen2_5OmniTemplate, Qwen3OmniTemplate

from swift_saber.language import text_language
from swift_saber.plugin.saber_report import BadRows
from swift_saber.sed import INSTRUCTIONS

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
    language = inputs.extra_kwargs.get("language")
    if language not in INSTRUCTIONS:
        answer = next((m["content"] for m in inputs.messages if m["role"] == "assistant"), None)
        language = (text_language(answer) if isinstance(answer, str) else None) or "zh"
    users[0]["content"] = content.strip() + INSTRUCTIONS[language]


class SEDMixin:
    """What SED adds to a stock ms-swift template. Stands before the stock class among the bases."""

    is_training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # On the instance, so that it travels to dataloader workers however these are started.
        self.bad_rows = BadRows()

    def _preprocess_inputs(self, inputs: Any) -> None:
        fill_instruction(inputs)
        super()._preprocess_inputs(inputs)  # type: ignore[misc]  # of the stock class

    def encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().encode(inputs, *args, **kwargs)  # type: ignore[misc]  # of the stock class
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
    """The columns that name a row, from any of the three forms that ms-swift encodes."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    inputs = getattr(inputs, "chosen", inputs)
    return {**getattr(inputs, "extra_kwargs", {}), **vars(inputs)}
