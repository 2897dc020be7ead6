"""Rating an answer by what is measured of the clip's voice, with no model: alone, or beside a judge's scores.

What the answer says of the voice (sed/claims.py) is held against the sound (data/voice.py, sed/support.py). That is a
part of evidence_alignment and nothing of logical_consistency, so the latter has no score. All of this is ours.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber.data.log import RowLog
from swift_saber.data.lookup import Records
from swift_saber.data.measured import measured
from swift_saber.data.rows import read_named
from swift_saber.models.reply import Unusable
from swift_saber.pairs.failures import NOTHING, UNREADABLE
from swift_saber.pairs.judge import HIGHEST, LOWEST, Judge, Rating
from swift_saber.pairs.score import check_row
from swift_saber.sed.layout import parse
from swift_saber.sed.record import VOICE
from swift_saber.sed.scale import Numbers, Scale
from swift_saber.sed.support import Support, support
from swift_saber.text.files import read_text


def scale_file(output: Path) -> Path:
    """Return where it is kept, beside the scored candidates, what is high and low among their clips."""
    return output.with_name(output.name + ".scale.json")


def voices_log(output: Path) -> Path:
    """Return where it is kept, beside the scored candidates, what is measured of their clips."""
    return output.with_name(output.name + ".voices.jsonl")


class Measured:
    """Rates answers by the voices of their clips; threads may share one.

    Every clip is measured once, for all of its candidates, when this is made, and not again by a run that goes on.
    Memory: about 3 kB a clip.

    Args:
        candidates: JSONL of rows with "id" and media; "speaker" where a row knows it.
        output: the scored candidates. Where it is there a run goes on, and rates by the scale beside it as before;
            else that is made of the clips.
        records: the clips' records, for speakers that the candidates do not name.

    Raises:
        InputError: the candidates cannot be read or are none, another run measures for the same output, or what is
            kept beside it cannot be read.
    """

    def __init__(self, candidates: Path, output: Path, records: Records | None = None) -> None:
        self._speakers: dict[str, str] = {}
        self._voices: dict[str, Numbers | str] = {}  # or why nothing is measured
        total = _checked(candidates)  # before hours of measuring
        rows = self._noted(candidates, records)
        with RowLog(voices_log(output)) as log, closing(measured(rows, log)) as found:
            for row, answer in tqdm(found, total=total, desc="clips measured", unit="clip"):
                self._voices[row["id"]] = answer
        path = scale_file(output)
        if not (path.exists() and output.exists()):
            known = {name: found for name, found in self._voices.items() if not isinstance(found, str)}
            Scale.of((self._speakers.get(name), found) for name, found in known.items()).save(path)
        self._scale = Scale.load(path)
        digest = hashlib.sha256(read_text(path).encode()).hexdigest()[:16]
        self.settings: dict[str, Any] = {"by": "rules:measured", "scale": digest}

    def __call__(self, row: Mapping[str, Any], text: str) -> Rating:
        """Rate one answer.

        evidence_alignment: 1..5, LOWEST + 4 x Support.worth; so one claim that agrees has 3.67, two have 4, one that
        contradicts 2.33.

        Raises:
            Unusable: none of what it says of the voice is decided (NOTHING), or there is no voice (UNREADABLE).
        """
        found = self.support(row, text)
        if isinstance(found, str):
            raise Unusable(found, UNREADABLE)
        if found.share is None:
            raise Unusable("nothing that it says of the voice can be measured", NOTHING)
        worth = LOWEST + (HIGHEST - LOWEST) * found.worth
        return Rating({"evidence_alignment": round(worth, 2)}, measured=found.counts())

    def support(self, row: Mapping[str, Any], text: str) -> Support | str:
        """Return what the measurements say of an answer, or why there are none."""
        voice = self._voices[row["id"]]
        if isinstance(voice, str):
            return voice
        return support(parse(text).fields.get(VOICE, ""), voice, self._scale, self._speakers.get(row["id"]))

    def _noted(self, candidates: Path, records: Records | None) -> Iterator[Mapping[str, Any]]:
        """The rows, their speakers noted."""
        for _, row in read_named(candidates):
            known = records.get(row["id"]) if records else None
            speaker = row.get("speaker") or (known.record.extra.get("speaker") if known else None)
            if isinstance(speaker, str) and speaker:
                self._speakers[row["id"]] = speaker
            yield row


class Beside:
    """A judge's scores, with the counts of what is measured beside them."""

    def __init__(self, judge: Judge, measured: Measured) -> None:
        self._judge, self._measured = judge, measured
        self.settings: dict[str, Any] = judge.settings | {"measured": measured.settings["scale"]}

    def __call__(self, row: Mapping[str, Any], text: str) -> Rating:
        """Rate one answer; of a clip without a voice nothing stands beside the scores.

        Raises:
            Unusable, EndpointDown: as Judge.
        """
        rating = self._judge(row, text)
        found = self._measured.support(row, text)
        return rating if isinstance(found, str) else rating._replace(measured=found.counts())


def _checked(candidates: Path) -> int:
    """See that each row is one of candidates; return their number."""
    count = 0
    for where, row in read_named(candidates):
        check_row(row, where)
        count += 1
    return count
