"""One clip of a source dataset, and the row that it is in the pipeline's files.

The row is that of a SABER record (sed/record.py) before there is one; each stage adds a key and takes none away, but
that what reviewers changed takes its checks with it:

    clean        "measures"     what was measured of picture and sound
    annotate     the record     sed.record.RECORD
    speech       "speech"       what a recogniser heard, and its error rate against the record
    visual       "visual"       an independent caption, and a verdict on each visual field
    consistency  "consistency"  "consistent" or "inconsistent", with "cues"
    review       "review"       the state of its reviews and how many people they are of; it may change the record
    split        "part"         "train" or "test"
"""

from dataclasses import dataclass, field
from typing import Any

from swift_saber.text.language import Language


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip as its dataset has it.

    Attributes:
        id: "<dataset>/<split or part>/<native id>"; bare native ids collide between datasets and between splits.
        source: the dataset's key, e.g. "meld".
        language: "zh" or "en".
        video: absolute path.
        audio: absolute path of the sound, or None where it is inside the video.
        transcript: what is said, where the dataset says it.
        labels: in the dataset's own terms.
        emotion: of text/emotions.EMOTIONS, or None where the labels have no such.
        speaker: "<dataset>/<native id>", or None where it is not known.
        origin: the recording that the clip is cut from (an episode, a dialogue, a session), as "<dataset>/...";
            clips of one origin are never on both sides of a split. None where nothing is known.
        split: the official one, "train", "dev" or "test", or None.
    """

    id: str
    source: str
    language: Language
    video: str
    audio: str | None = None
    transcript: str | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    emotion: str | None = None
    speaker: str | None = None
    origin: str | None = None
    split: str | None = None

    def to_row(self) -> dict[str, Any]:
        """Return the row of the manifest; what is not known is left out."""
        row: dict[str, Any] = {"id": self.id, "source": self.source, "language": self.language}
        row |= {"videos": [self.video], "audios": [self.audio] if self.audio else []}
        labels = self.labels | ({"emotion": self.emotion} if self.emotion else {})
        found = {"transcript": self.transcript, "labels": labels, "speaker": self.speaker, "origin": self.origin}
        return row | {key: value for key, value in {**found, "split": self.split}.items() if value}
