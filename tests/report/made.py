"""Makes what a page is made of: evaluation folders, result files and reference rows, as the other parts write them."""

from pathlib import Path
from typing import Any

from swift_saber.data.rows import write_rows
from swift_saber.evaluation.item import Item
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from swift_saber.text.strict_json import dumps

FIELDS = {
    "video_desc": "A woman stands in a bright kitchen.",
    "acoustic_feat": "A low voice, clipped and hostile.",
    "speech_content": "That is just great.",
    "facial_exp_desc": "She smiles broadly at the camera.",
    "body_lang_desc": "Her arms are crossed.",
    "sentiment_analysis": "She is sarcastic: the smile is not meant.",
}
CHINESE = {
    "video_desc": "一位女士站在明亮的厨房里。",
    "acoustic_feat": "声音低沉，语气充满敌意。",
    "speech_content": "真是太好了。",
    "facial_exp_desc": "她面带灿烂的笑容。",
    "body_lang_desc": "双臂交叉。",
    "sentiment_analysis": "她在讽刺：笑容并非真心。",
}


def record(fields: dict[str, str]) -> dict[str, Any]:
    """Return six texts in the released shape."""
    return Record(**fields).to_dict()


def reference(name: str, fields: dict[str, str] = FIELDS, **more: Any) -> dict[str, Any]:
    """Return a reference row: consistent, unless more is said."""
    return {"id": name, "consistency": "consistent", **record(fields), **more}


def clashing(name: str, **more: Any) -> dict[str, Any]:
    """Return a reference row whose face and voice contradict each other."""
    cues = [{"visual": "smiles broadly", "acoustic": "clipped and hostile"}]
    return reference(name, consistency="inconsistent", cues=cues, **more)


def answer(name: str, response: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a row of a result file; without words of its own the model says FIELDS."""
    text = render(Record(**FIELDS), language="en") if response is None else response
    messages = [{"role": "user", "content": "<video>Describe."}, {"role": "assistant", "content": text}]
    return {"response": text, "labels": None, "logprobs": None, "messages": messages, "id": name, **more}


def reject(name: str, reason: str = "is empty", remedy: str = "copy the clip again") -> dict[str, Any]:
    """Return a row of a file of rejects."""
    return {"id": name, "where": "questions.jsonl:1", "reason": reason, "remedy": remedy}


def write_answers(path: Path, rows: list[dict[str, Any]], rejects: list[dict[str, Any]] | None = None) -> Path:
    """Write a result file, with its rejects where there are any, and return its path."""
    if rows:
        write_rows(path, rows)
    if rejects:
        write_rows(path.with_name(path.stem + ".rejects.jsonl"), rejects)
    return path


def item(name: str, truth: Any = "happy", prediction: Any = "happy", group: str = "MELD", **more: Any) -> Item:
    """Return an answered question; its accuracy is 1 where the answer is the truth, else 0."""
    given = {"scores": {"accuracy": float(truth == prediction)}, "response": f"{{'emotion': '{prediction}'}}"}
    return Item(name, group, truth, prediction, **{"state": "answered", **given, **more})


def score(value: float | None, n: int = 100, **more: Any) -> dict[str, Any]:
    """Return a score of scores.json, with an interval of 4 to each side."""
    ends = {"low": None, "high": None} if value is None else {"low": value - 4, "high": value + 4}
    return {"value": value, **ends, "n": n, "invalid": 0, "missing": 0, "unjudged": 0, **more}


def write_evaluation(folder: Path, items: list[Item], **scores: Any) -> Path:
    """Write an evaluation's folder and return it; scores are those of scores.json that a test is about."""
    found: dict[str, Any] = {
        "benchmark": "emobench-m",
        "model": folder.name,
        "judge": None,
        "metrics": {"accuracy": score(62.5)},
        "groups": {},
        "tables": {},
        "context": [],
        "notes": [],
        "manifest": {"model": folder.name, "data": {}, "versions": {}, "seeds": {}, "settings": {}},
    }
    write_rows(folder / "items.jsonl", [each.to_row() for each in items])
    (folder / "scores.json").write_text(dumps(found | scores), encoding="utf-8")
    return folder
