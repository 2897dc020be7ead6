"""The six-dimension SABER record: its fields, strict validation, JSON in and out without loss.

Knows what a record and a row hold; knows nothing of files of rows (data/rows.py), of media, or of the text that a model
reads and writes (sed/layout.py). The record's shape is published (the two example records of the SABER-LLM repository,
arXiv 2601.18321); the row around it (id, source, language, media, consistency, labels) is ours.
"""

import difflib
import os
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from swift_saber.errors import InputError, kind, quoted
from swift_saber.text.files import check_utf8, read_text
from swift_saber.text.language import Language, text_language
from swift_saber.text.strict_json import dumps, parse_json

Consistency = Literal["consistent", "inconsistent"]

#: What is seen, what is heard, and what is concluded from both. Whoever needs the names takes them from here.
SCENE, FACE, BODY = VISUAL = ("video_desc", "facial_exp_desc", "body_lang_desc")
#: SPEECH, the words of the clip, is checked against a recogniser.
VOICE, SPEECH = ACOUSTIC = ("acoustic_feat", "speech_content")
CONCLUSION = "sentiment_analysis"
#: The six dimensions in the order of the released prompt: scene, audio, face and body, emotion.
DIMENSIONS = (SCENE, *ACOUSTIC, FACE, BODY, CONCLUSION)

#: The top-level keys of the released record, in the order in which we write them.
RECORD = ("audio_desc", *VISUAL, CONCLUSION)
RECORD_KEYS = frozenset(RECORD)
_ROW_KEYS = RECORD_KEYS | {"id", "source", "language", "videos", "audios", "consistency", "labels"}

# What each dimension is called in errors.
_PLACE = {dim: f"audio_desc.{dim}" if dim in ACOUSTIC else dim for dim in DIMENSIONS}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Record:
    """One clip's six-dimension annotation.

    The six texts may be blank ("nothing perceived", e.g. the speech of a mute clip). `from_dict` is the gate that
    validates; the constructor trusts its caller.
    """

    video_desc: str
    acoustic_feat: str
    speech_content: str
    facial_exp_desc: str
    body_lang_desc: str
    sentiment_analysis: str
    #: Unknown keys of the top level and of "audio_desc", kept so that nothing is lost on the way through.
    extra: dict[str, Any] = field(default_factory=dict)
    audio_extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, obj: object, where: str = "record") -> "Record":
        """Return the record that a JSON object in the released shape holds.

        Args:
            obj: the decoded JSON value; the order of its keys is free, unknown keys are kept.
            where: names the row in errors.

        Raises:
            InputError: not an object, a key is missing, a value is not a string, or a text cannot be UTF-8.
        """
        return _record(obj, where, RECORD_KEYS)

    def to_dict(self) -> dict[str, Any]:
        """Return the record in the released shape, followed by its unknown keys."""
        audio = {"speech_content": self.speech_content, "acoustic_feat": self.acoustic_feat}
        known = {
            "audio_desc": {**self.audio_extra, **audio} if self.audio_extra else audio,
            "video_desc": self.video_desc,
            "facial_exp_desc": self.facial_exp_desc,
            "body_lang_desc": self.body_lang_desc,
            "sentiment_analysis": self.sentiment_analysis,
        }
        # A known key wins over an extra of the same name, which only a hand-built record can have.
        return {**known, **self.extra, **known} if self.extra else known


def _record(obj: object, where: str, known: frozenset[str]) -> Record:
    """Read a record; keys outside `known` are its extras."""
    if not isinstance(obj, dict):
        raise InputError(where, "record", f"is {kind(obj)}, not an object", "write one JSON object per record")
    audio = obj.get("audio_desc")
    if not isinstance(audio, dict):
        if "audio_desc" not in obj:
            raise _missing("audio_desc", "audio_desc", obj, where, known)
        remedy = 'write {"speech_content": "...", "acoustic_feat": "..."}'
        raise InputError(where, "audio_desc", f"is {kind(audio)}, not an object", remedy)
    return Record(
        _field(obj, SCENE, where, known),
        _field(audio, VOICE, where, known),
        _field(audio, SPEECH, where, known),
        _field(obj, FACE, where, known),
        _field(obj, BODY, where, known),
        _field(obj, CONCLUSION, where, known),
        _extras(obj, known, "record", where),
        _extras(audio, frozenset(ACOUSTIC), "audio_desc", where) if len(audio) > len(ACOUSTIC) else {},
    )


def _field(obj: dict[str, Any], key: str, where: str, known: frozenset[str]) -> str:
    value = obj.get(key)
    name = _PLACE[key]
    if not isinstance(value, str):
        if key not in obj:
            raise _missing(key, name, obj, where, known)
        remedy = 'write the text as a string ("" when nothing is perceived)'
        raise InputError(where, name, f"is {kind(value)} ({quoted(value)}), not a string", remedy)
    check_utf8(value, name, where)
    return value


def _missing(key: str, name: str, obj: dict[str, Any], where: str, known: frozenset[str]) -> InputError:
    unknown = [k for k in obj if isinstance(k, str) and k not in known and k not in ACOUSTIC]
    close = difflib.get_close_matches(key, unknown, n=1, cutoff=0.7)
    if close:
        return InputError(where, name, "is missing", f"rename {quoted(close[0])} to {key!r}")
    remedy = f'add {name} as a string ("" when nothing is perceived)'
    if key == "audio_desc":
        remedy = "put speech_content and acoustic_feat into an object audio_desc"
    return InputError(where, name, "is missing", remedy)


def _extras(obj: dict[str, Any], known: frozenset[str], name: str, where: str) -> dict[str, Any]:
    extra = {key: value for key, value in obj.items() if key not in known}
    if extra:
        _check_json(extra, name, where)
    return extra


def _check_json(value: dict[str, Any], name: str, where: str) -> None:
    """Refuse free JSON values (extras, labels) that could not be written back."""
    try:
        text = dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(where, name, f"cannot be written as JSON ({error})", "use plain JSON values") from error
    check_utf8(text, name, where)


def infer_language(record: Record) -> Language:
    """Return the language that a record is written in.

    The annotation's language follows the clip. The descriptive fields decide; speech_content only when they hold no
    letter; with no letter anywhere it is "zh", the language of the released prompt. The fallbacks are ours.
    """
    descriptive = "".join(getattr(record, dim) for dim in DIMENSIONS if dim != SPEECH)
    return text_language(descriptive) or text_language(record.speech_content) or "zh"


@dataclass(frozen=True, slots=True)
class Row:
    """A record with what belongs to its clip. In JSON both lie flat in one object; unknown keys go to record.extra.

    `Row.from_dict(x).to_dict() == x` holds for a row in canonical form: the id a string, media as lists, and no key
    that says nothing (null, an empty list, empty labels). Other accepted forms come back in canonical form.
    """

    record: Record
    id: str | None
    source: str | None
    language: Language
    videos: tuple[str, ...] = ()
    audios: tuple[str, ...] = ()
    consistency: Consistency | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    #: True when the row did not name its language; to_dict then leaves it out again.
    language_inferred: bool = False

    @classmethod
    def from_dict(cls, obj: object, where: str = "row") -> "Row":
        """Return the row that a flat JSON object holds.

        Args:
            obj: the decoded JSON value. id: a string, or an integer, which becomes a string. videos, audios: a list
                of paths or one path. language: "zh", "en", or inferred. labels: any object. Null means absent.
            where: names the row in errors, e.g. "data.jsonl:12".

        Raises:
            InputError: as Record.from_dict, or a row key holds what it must not.
        """
        record = _record(obj, where, _ROW_KEYS)
        assert isinstance(obj, dict)
        language = _choice(obj.get("language"), ("zh", "en"), "language", where)
        consistency = _choice(obj.get("consistency"), ("consistent", "inconsistent"), "consistency", where)
        labels = {} if obj.get("labels") is None else obj["labels"]
        if not isinstance(labels, dict):
            raise InputError(where, "labels", f"is {kind(labels)}, not an object", 'write {"name": value, ...}')
        if labels:
            _check_json(labels, "labels", where)
        return cls(
            record,
            _name(obj.get("id"), "id", where),
            _name(obj.get("source"), "source", where),
            language or infer_language(record),
            _paths(obj.get("videos"), "videos", where),
            _paths(obj.get("audios"), "audios", where),
            consistency,
            labels,
            language is None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as one flat object; what is absent or empty is left out."""
        out: dict[str, Any] = {
            "id": self.id,
            "source": self.source,
            "language": None if self.language_inferred else self.language,
            "videos": list(self.videos) or None,
            "audios": list(self.audios) or None,
            "consistency": self.consistency,
            "labels": self.labels or None,
        }
        known = {key: value for key, value in out.items() if value is not None}
        return {**known, **self.record.to_dict(), **known}


def _choice(value: Any, choices: tuple[str, str], name: str, where: str) -> Any:
    """A row's value, which is None or one of two."""
    if value is None or value in choices:
        return value
    meant = value.strip().lower() if isinstance(value, str) else None
    remedy = f'write "{meant}"' if meant in choices else f'write "{choices[0]}" or "{choices[1]}", or leave it out'
    raise InputError(where, name, f"{quoted(value)} is not known", remedy)


def _name(value: object, name: str, where: str) -> str | None:
    """A row's id or source: None, or one line of text that is not blank."""
    if value is None:
        return None
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        problem = "is blank" if isinstance(value, str) else f"is {kind(value)} ({quoted(value)}), not a string"
        raise InputError(where, name, problem, "give a short name or leave it out")
    if _CONTROL.search(value):
        raise InputError(where, name, f"{quoted(value)} holds a control character", "remove it")
    check_utf8(value, name, where)
    return value


def _paths(value: object, name: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list | tuple):
        raise InputError(where, name, f"is {kind(value)}, not a list of paths", 'write ["clip.mp4"]')
    for index, path in enumerate(paths):
        if not isinstance(path, str) or not path.strip():
            problem = "is a blank path" if isinstance(path, str) else f"is {kind(path)}, not a path"
            raise InputError(where, f"{name}[{index}]", problem, f"name the file, or leave {name} out")
        check_utf8(path, f"{name}[{index}]", where)
    return tuple(paths)


def load_record(path: str | os.PathLike[str]) -> Record:
    """Return the record of a one-record-per-clip JSON file, as released.

    Args:
        path: a UTF-8 file; a byte order mark is accepted.

    Raises:
        InputError: names the file (with the line, for a syntax error), the field, and the remedy.
    """
    where = str(path)
    text = read_text(path)
    if not text.strip():
        raise InputError(where, "file", "is empty", "write the record or remove the file")
    return Record.from_dict(parse_json(text, where, numbered=True), where)
