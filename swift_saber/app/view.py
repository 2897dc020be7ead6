"""What is shown of an answer, as HTML: its six dimensions as far as they are there, and a conflict marked."""

from collections.abc import Mapping
from html import escape
from typing import Any

from swift_saber.sed.layout import HEADINGS
from swift_saber.sed.record import CONCLUSION, DIMENSIONS, FACE, VOICE
from swift_saber.text.language import Language

_CONFLICT: dict[Language, str] = {
    "en": "Conflict: the face is {face}, the voice is {voice}.",
    "zh": "冲突：面部{face}，声音{voice}。",
}
_VALENCES: dict[Language, dict[str, str]] = {
    "en": {name: name for name in ("positive", "negative", "neutral")},
    "zh": {"positive": "积极", "negative": "消极", "neutral": "中性"},
}


def shown(record: Mapping[str, Any], language: Language, status: str, *, done: bool) -> str:
    """Return an answer as it is shown.

    Args:
        record: as inference.files.record_of has it, of the answer so far.
        language: of the headings.
        status: a line above it.
        done: whether nothing more comes: until then no conflict is said, and no dimension is missing.
    """
    conflict = bool(done and record["conflict"])
    state = "done" if done else "open"
    parts = [f'<div class="saber" data-state="{state}" lang="{language}" aria-live="polite">', _line(status)]
    if conflict:
        names = _VALENCES[language]
        said = _CONFLICT[language].format(face=names[record["face"]], voice=names[record["voice"]])
        parts.append(f'<p class="conflict">{escape(said)}</p>')
    parts += [_dimension(name, record, language, done, conflict) for name in DIMENSIONS]
    if done and record["remainder"]:
        parts.append(f'<section class="other"><p>{escape(record["remainder"])}</p></section>')
    return "".join([*parts, "</div>"])


def problem(text: str) -> str:
    """Return what went wrong as it is shown."""
    return f'<div class="saber" data-state="failed" role="alert"><p class="problem">{escape(text)}</p></div>'


def waiting(text: str) -> str:
    """Return what is being done as it is shown."""
    return f'<div class="saber" data-state="waiting" aria-live="polite">{_line(text)}</div>'


def _line(status: str) -> str:
    return f'<p class="status">{escape(status)}</p>'


def _dimension(name: str, record: Mapping[str, Any], language: Language, done: bool, conflict: bool) -> str:
    text = record["fields"].get(name)
    if text is None:
        if not done:
            return ""
        body = '<p class="missing">(not in the answer)</p>'
    else:
        body = f"<p>{escape(text)}</p>"
    column = {FACE: "face", VOICE: "voice", CONCLUSION: "emotion"}.get(name)
    chip = record[column] if column and done else None
    if chip:
        body = f'<span class="chip">{escape(_VALENCES[language].get(chip, chip))}</span>{body}'
    clash = " clash" if conflict and name in (FACE, VOICE) else ""
    return f'<section class="dimension{clash}" data-name="{name}"><h3>{HEADINGS[language][name]}</h3>{body}</section>'
