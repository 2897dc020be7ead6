"""In which words a model is asked about a clip whose row does not say."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import quoted
from swift_saber.models.checkpoint import remembered_instructions
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import Language, text_language

# The name of the published weights, on a hub and in a folder of its own: zhaoxiaoxian/SABER-LLM.
_PUBLISHED = "SABER-LLM"
_NAMES: dict[Language, str] = {"zh": "Chinese", "en": "English"}
# Where POSIX looks for the language of messages, in its order.
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def choose(model: str, language: Language | None, *, here: bool = True) -> tuple[dict[str, Any], str]:
    """Return the columns of a row that is asked in these words, and why they were taken.

    A model that remembers what it was trained with is asked in that. The published weights are asked in the released
    instruction. Else the language is that of this system: the one of the speech is not known before it is heard.

    Args:
        model: a model folder, a LoRA checkpoint folder, a hub id, or the name that a server knows.
        language: of the instruction where it was asked for, which decides; else None.
        here: whether the model runs here, so that its folder can be looked into.

    Returns:
        {"language"} for one of our instructions, else {"messages"}; and a line to show, "" where the language was
        asked for.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    known = remembered_instructions(model) if here else []
    if language is not None:
        return _in(language, known), ""
    system, locale = _system()
    if known:
        ours: list[Language] = [each for each in _NAMES if INSTRUCTIONS[each] in known]
        if ours:
            return _said(system if system in ours else ours[0], "as the model was trained to be")
        found = next((text for text in known if text_language(text) == system), known[0])
        return _columns(found), f"asked in the words that the model was trained with, {quoted(found)}"
    if Path(model).name == _PUBLISHED:
        return _said("zh", "by the released instruction, which the published weights expect")
    if system == "zh":
        return _said("zh", f"the language of this system ({locale})")
    return _said("en", f"as this system's language is not Chinese ({locale})")


def _in(language: Language, known: Sequence[str]) -> dict[str, Any]:
    """Ours in a language, or that in which the model was trained with another one of this language."""
    own = INSTRUCTIONS[language]
    return _columns(own if own in known else next((text for text in known if text_language(text) == language), own))


def _columns(instruction: str) -> dict[str, Any]:
    language = next((name for name, text in INSTRUCTIONS.items() if text == instruction), None)
    return {"language": language} if language else {"messages": [{"role": "user", "content": instruction}]}


def _said(language: Language, reason: str) -> tuple[dict[str, Any], str]:
    other: Language = "en" if language == "zh" else "zh"
    return {"language": language}, f"asked in {_NAMES[language]}, {reason}; --language {other} for {_NAMES[other]}"


def _system() -> tuple[Language, str]:
    """The language of this system, as far as it is one of ours, and where that is said."""
    name = next((name for name in _LOCALE if os.environ.get(name)), None)
    if name is None:
        return "en", "it names none"
    value = os.environ[name]
    return "zh" if value.lower().startswith("zh") else "en", f"{name}={value}"
