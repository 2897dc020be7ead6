"""What of a row others get: columns that are named here, and labels without paths of this machine and names of people.

What is left out is counted, by column.
"""

import re
from collections import Counter
from typing import Any

from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.publish.clips import Files
from swift_saber.pipeline.publish.private import Watch
from swift_saber.sed.record import DIMENSIONS, Row

#: Labels of a clip by several people, {person: label}.
PEOPLE = "emotions"
# Words in the name of a label that says who somebody is.
_WHO = re.compile(
    r"(?<![a-z])(annotator|reviewer|rater|labell?er|coder|worker|user|author|e-?mail|phone)s?(?![a-z])", re.IGNORECASE
)
_PATH = re.compile(r"(/|~|\.{1,2}/|\\\\|[A-Za-z]:[\\/]|file:)", re.IGNORECASE)
_MEDIA = (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES)


class Public:
    """Makes public rows, and remembers what it left out.

    Attributes:
        left_out: how many rows lost something, by the column.
        people: the number of each person whose labels are published, by name; it is the same in all rows.
    """

    def __init__(self, watch: Watch) -> None:
        self.left_out: Counter[str] = Counter()
        self.people: dict[str, int] = {}
        self._watch = watch

    def row(self, name: str, row: Row, files: Files) -> dict[str, Any]:
        """Return the row without its clips: id, source, language, files, consistency, labels and the record.

        Args:
            name: its id.
            files: what is known of its clips, as clips.look returns.
        """
        self.left_out.update(row.record.extra.keys())
        self.left_out.update(f"audio_desc.{key}" for key in row.record.audio_extra)
        record = row.record
        six = {dimension: getattr(record, dimension) for dimension in DIMENSIONS}
        audio = {"speech_content": six.pop("speech_content"), "acoustic_feat": six.pop("acoustic_feat")}
        known = {
            "id": name,
            "source": row.source,
            "language": row.language,
            "files": files,
            "consistency": row.consistency,
            "labels": self._labels(row.labels) or None,
            "audio_desc": audio,
        }
        return {key: value for key, value in known.items() if value is not None} | six

    def _labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in labels.items():
            if key == PEOPLE and isinstance(value, dict):
                found[key] = {self._person(name): label for name, label in value.items()}
            elif _WHO.search(key) or self._is_private(key) or self._is_private(value):
                self.left_out[f"labels.{key if not self._is_private(key) else '(a path)'}"] += 1
            elif value not in (None, {}, []):
                found[key] = value
        return found

    def _person(self, name: str) -> str:
        return f"person {self.people.setdefault(name, len(self.people) + 1)}"

    def _is_private(self, value: Any) -> bool:
        """Whether a label is, or holds, a path or what must not leave this machine."""
        if isinstance(value, dict):
            return any(self._is_private(key) or self._is_private(inner) for key, inner in value.items())
        if isinstance(value, list):
            return any(map(self._is_private, value))
        if not isinstance(value, str):
            return False
        is_file = value.lower().rstrip().endswith(_MEDIA)
        return bool(_PATH.match(value.strip())) or is_file or self._watch.found(value) is not None
