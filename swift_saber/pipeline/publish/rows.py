"""What of a row others get: columns that are named here, and labels without paths of this machine and names of people.

What is left out is counted, by column.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from swift_saber.errors import InputError
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.publish.clips import Files
from swift_saber.pipeline.publish.private import Watch
from swift_saber.sed.record import Row
from swift_saber.text.emotions import common_emotion
from swift_saber.text.strict_json import dumps, parse_json

#: Labels of a clip by several people, {person: label}.
PEOPLE = "emotions"
# Words in the name of a label that says who somebody is.
_WHO = frozenset(
    {
        *("annotator", "rater", "reviewer", "labeler", "labeller", "coder", "worker", "author"),
        *("expert", "checker", "verifier", "editor", "transcriber", "interviewer", "uploader", "owner"),
        *("speaker", "participant", "nickname", "surname", "user", "username", "login", "account"),
        *("email", "mail", "phone", "telephone", "tel", "contact", "address", "birthday", "birthdate"),
    }
)
# A label of who did something, where it has a name: "checked_by".
_BY = re.compile(
    "(?:^|(?:annotated|checked|corrected|created|given|label+ed|made|rated|reviewed|signed|verified|written)_?)by$",
    re.IGNORECASE,
)
# Letters of a name, from which on it is looked for in texts of labels.
_NAME = 3
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PATH = re.compile(r"(/|~|\.{1,2}/|\\\\|[A-Za-z]:[\\/]|file:)", re.IGNORECASE)
_MEDIA = (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES)
_GONE = object()


class Public:
    """Makes public rows, and remembers what it left out.

    Args:
        watch: what must not leave this machine.
        people: names of those who gave labels or reviewed; in labels they become "person 1" and so on, in all rows the
            same.
    """

    def __init__(self, watch: Watch, people: Iterable[str]) -> None:
        #: How many values were left out, by the column.
        self.left_out: Counter[str] = Counter()
        #: What stands for each name.
        self.people = {name: f"person {number}" for number, name in enumerate(people, start=1)}
        self._watch = watch
        told = [re.escape(name) for name in sorted(self.people, key=len, reverse=True) if len(name) >= _NAME]
        self._told = re.compile(rf"(?<!\w)(?:{'|'.join(told)})(?!\w)") if told else None

    def row(self, name: str, row: Row, files: Files) -> dict[str, Any]:
        """Return the row without its clips: id, source, language, files, consistency, labels and the record.

        Args:
            name: its id.
            files: what is known of its clips, as clips.look returns.
        """
        record = row.record
        self.left_out.update(record.extra.keys())
        self.left_out.update(f"audio_desc.{key}" for key in record.audio_extra)
        labels = self._cleaned(row.labels, "labels")
        known = {
            "id": name,
            "source": row.source,
            "language": row.language,
            "files": files,
            "consistency": row.consistency,
            "labels": labels or None,
        }
        six = replace(record, extra={}, audio_extra={}).to_dict()
        return {key: value for key, value in known.items() if value is not None} | six

    def _cleaned(self, value: Any, place: str) -> Any:
        """A label without what is private; _GONE where nothing is left of it."""
        if isinstance(value, dict):
            found = {}
            for key, inner in value.items():
                if self._is_private(key):
                    self.left_out[f"{place}.(a path)"] += 1
                    continue
                if says_who(key) or (_BY.search(key) and isinstance(inner, str) and inner not in self.people):
                    self.left_out[f"{place}.{key}"] += 1
                    continue
                kept = self._cleaned(inner, f"{place}.{self.people.get(key, key)}")
                if kept is not _GONE and kept not in (None, {}, []):
                    found[self.people.get(key, key)] = kept
            return found
        if isinstance(value, list):
            return [kept for each in value if (kept := self._cleaned(each, place)) is not _GONE]
        return self._text(value, place) if isinstance(value, str) else value

    def _text(self, text: str, place: str) -> Any:
        """A text of a label as others may read it; one that is JSON in itself is as its values are."""
        if self._is_private(text):
            self.left_out[place] += 1
            return _GONE
        if text.lstrip().startswith(("{", "[")):
            try:
                value = parse_json(text, place)
            except InputError:
                value = None
            if isinstance(value, dict | list):
                kept = self._cleaned(value, place)
                return text if kept == value else dumps(kept)
        if text in self.people:
            return self.people[text]
        return self._told.sub(lambda match: self.people[match.group()], text) if self._told else text

    def _is_private(self, text: str) -> bool:
        """Whether a text is a path, or holds what must not leave this machine."""
        is_file = text.lower().rstrip().endswith(_MEDIA)
        return bool(_PATH.match(text.strip())) or is_file or self._watch.found(text) is not None


def says_who(name: str) -> bool:
    """Return whether a label or a tag of this name says who somebody is."""
    return not _WHO.isdisjoint(word.lower().removesuffix("s") for word in _WORD.findall(name))


def people_of(labels: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of those who gave a clip its labels."""
    given = labels.get(PEOPLE)
    if isinstance(given, dict) and not any(isinstance(label, int | float) for label in given.values()):
        yield from (name for name in given if common_emotion(name) is None)
