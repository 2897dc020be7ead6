"""Compares written answers with what the world knows.

An answer that is missing or does not parse is wrong in every respect and stays in the denominator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from swift_saber.data.rows import write_rows
from swift_saber.mini.world import EMOTIONS, HIDDEN, KINDS, PLAIN, SILENT
from swift_saber.sed.layout import parse
from swift_saber.sed.record import CONCLUSION, DIMENSIONS, FACE, VOICE
from swift_saber.text.strict_json import read_json

SENSES = ("visual", "acoustic", "emotion")

# The word that tells each state apart from its rivals, as world.record writes it.
FACE_WORDS = {"smile": "smiles", "frown": "frowns", "gape": "gapes", HIDDEN: "hidden"}
VOICE_WORDS = {"warm": "warm", "hostile": "hostile", "trembling": "trembling", PLAIN: "plain", SILENT: "silent"}
EMOTION_WORDS = {emotion: emotion for emotion in EMOTIONS}
# The emotion of a sense by itself.
ALONE = {
    "face": {"smile": "happy", "frown": "angry", "gape": "afraid"},
    "voice": {"warm": "happy", "hostile": "angry", "trembling": "afraid"},
}


def named(text: str, words: Mapping[str, str]) -> str | None:
    """The one state whose word stands in the text; None where there is none, or more than one."""
    found = [state for state, word in words.items() if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def judge(truth: Mapping[str, Any], answer: str | None) -> dict[str, bool]:
    """Judge one answer.

    Args:
        truth: a row's `labels`, as world.Truth has them.
        answer: the text that the model wrote, or None where there is none.

    Returns:
        parsed: all six dimensions are there. visual, acoustic, emotion: the line of that dimension names the true one.
    """
    fields = parse(answer or "").fields
    parsed = all(fields.get(name, "").strip() for name in DIMENSIONS)
    return {
        "parsed": parsed,
        "visual": parsed and named(fields[FACE], FACE_WORDS) == truth["face"],
        "acoustic": parsed and named(fields[VOICE], VOICE_WORDS) == truth["voice"],
        "emotion": parsed and named(fields[CONCLUSION], EMOTION_WORDS) == truth["emotion"],
    }


def score(truth_rows: Iterable[Mapping[str, Any]], answers: Mapping[str, str]) -> dict[str, Any]:
    """Score the answers to held-out clips.

    Args:
        truth_rows: the rows of eval.jsonl, each with `id` and `labels`.
        answers: answer text by row id; ids that no row has are ignored.

    Returns:
        {"parsed": share, KIND: {"n": clips, "visual": share, "acoustic": share, "emotion": share}} with each of
        world.KINDS that has a clip; shares are 0..1.
    """
    judged: dict[str, list[dict[str, bool]]] = {kind: [] for kind in KINDS}
    for row in truth_rows:
        judged[row["labels"]["kind"]].append(judge(row["labels"], answers.get(row["id"])))
    everything = [verdict for verdicts in judged.values() for verdict in verdicts]
    if not everything:
        raise ValueError("no held-out rows to score")
    summary: dict[str, Any] = {"parsed": _share(everything, "parsed")}
    for kind, verdicts in judged.items():
        if verdicts:
            summary[kind] = {"n": len(verdicts), **{sense: _share(verdicts, sense) for sense in SENSES}}
    return summary


def followed(truth_rows: Iterable[Mapping[str, Any]], answers: Mapping[str, str]) -> dict[str, float]:
    """Which sense decides where the two disagree.

    Returns:
        {"face": share, "voice": share} of the conflicting clips whose written emotion is the one that this sense alone
        would give; {} where there is no such clip.
    """
    counts = dict.fromkeys(ALONE, 0)
    clips = [row for row in truth_rows if row["labels"]["kind"] == "conflict"]
    for row in clips:
        said = named(parse(answers.get(row["id"], "")).fields.get(CONCLUSION, ""), EMOTION_WORDS)
        for sense, emotions in ALONE.items():
            counts[sense] += said == emotions[row["labels"][sense]]
    return {sense: count / len(clips) for sense, count in counts.items()} if clips else {}


def _share(verdicts: list[dict[str, bool]], name: str) -> float:
    return sum(verdict[name] for verdict in verdicts) / len(verdicts)


def update_summary(path: str | os.PathLike[str], stage: str, summary: Mapping[str, Any]) -> None:
    """Put one stage's summary into a JSON file, {stage: summary, ...}; the other stages in it stay.

    Args:
        path: the file, made where missing and replaced whole.
        stage: such as "sed".
        summary: what `score` returned.
    """
    path = Path(path)
    stages = read_json(path) if path.exists() else {}
    write_rows(path, [{**stages, stage: dict(summary)}])


def format_report(
    truth_rows: Iterable[Mapping[str, Any]], answers: Mapping[str, str], *, clips_per_kind: int = 1
) -> str:
    """Readable text for a terminal: a few clips with truth and answer, then the table of scores.

    Args:
        truth_rows: as for `score`.
        answers: as for `score`.
        clips_per_kind: how many clips of each kind to show, the first ones.
    """
    rows = list(truth_rows)
    lines: list[str] = []
    for kind in KINDS:
        for row in [row for row in rows if row["labels"]["kind"] == kind][:clips_per_kind]:
            lines += [*_clip_lines(row, answers.get(row["id"])), ""]
    lines += _table_lines(score(rows, answers))
    for sense, share in followed(rows, answers).items():
        lines.append(f"conflicts answered with what the {sense} alone says: {share:.2f}")
    return "\n".join(lines)


def _clip_lines(row: Mapping[str, Any], answer: str | None) -> list[str]:
    truth = row["labels"]
    lines = [f"{row['id']}  truth: face {truth['face']}, voice {truth['voice']}, emotion {truth['emotion']}"]
    if answer is None:
        return [*lines, "  (no answer)"]
    fields = parse(answer).fields
    right = judge(truth, answer)
    marks = {FACE: "visual", VOICE: "acoustic", CONCLUSION: "emotion"}
    for name in DIMENSIONS:
        mark = ("right" if right[marks[name]] else "WRONG") if name in marks else ""
        lines.append(f"  {name:<20}{mark:<7}{' '.join(fields.get(name, '(missing)').split())}")
    return lines


def _table_lines(summary: Mapping[str, Any]) -> list[str]:
    lines = [f"{'held-out clips':<16}{'n':>5}" + "".join(f"{sense:>10}" for sense in SENSES)]
    for kind in KINDS:
        if kind in summary:
            cells = "".join(f"{summary[kind][sense]:>10.2f}" for sense in SENSES)
            lines.append(f"{kind:<16}{summary[kind]['n']:>5}{cells}")
    return [*lines, f"answers with all six dimensions: {summary['parsed']:.2f}"]
