"""Scored clips for the tests, and what select makes of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.pairs.choose import Rules
from swift_saber.pairs.select import select

QUESTION = {"role": "user", "content": "How?"}


def candidate(text: str, score: float | None, withheld: str | None = None) -> dict[str, Any]:
    """A candidate whose two criteria have a mean of `score`; None for one that the judge failed on."""
    found: dict[str, Any] = {"text": text} | ({"withheld": withheld} if withheld else {})
    if score is None:
        return found | {"failure": "prose"}
    apart = min(0.5, abs(5 - score), abs(score - 1))
    return found | {"scores": {"logical_consistency": score + apart, "evidence_alignment": score - apart}}


def clip(name: str, *candidates: dict[str, Any], consistency: str | None = "inconsistent") -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "language": "en", "messages": [QUESTION], "candidates": list(candidates)}
    row |= {"videos": [f"{name}.mp4"], "audios": [f"{name}.wav"]}
    return row | ({"consistency": consistency} if consistency else {})


class Made:
    """What select wrote for these clips."""

    def __init__(self, folder: Path, clips: Sequence[dict[str, Any]], *, share: float | None = None, **rules: Any):
        scored, output = folder / "scored.jsonl", folder / "pairs.jsonl"
        scored.write_text("".join(json.dumps(row) + "\n" for row in clips), encoding="utf-8")
        records = rules.pop("records", None)
        self.report = select(scored, output, records=records, rules=Rules(**rules), inconsistent_share=share)
        self.pairs = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        excluded = (folder / "pairs.jsonl.excluded.jsonl").read_text(encoding="utf-8").splitlines()
        self.excluded = {row["id"]: row["reason"] for row in map(json.loads, excluded)}


SURE = clip("sure", candidate("good", 5), candidate("bad", 1))
