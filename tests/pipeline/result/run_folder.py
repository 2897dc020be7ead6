"""Makes the folder that a run of the pipeline leaves, from rows that a test writes down."""

import json
from pathlib import Path
from typing import Any

RECORD = {
    "audio_desc": {"speech_content": "Great, thanks a lot. <laughs>", "acoustic_feat": "A flat, cold voice."},
    "video_desc": "A man in a kitchen.",
    "facial_exp_desc": "A wide smile.",
    "body_lang_desc": "His arms are folded.",
    "sentiment_analysis": "The smile contradicts the voice: sarcasm.",
}


def clip(name: str, source: str = "meld", language: str = "en", **rest: Any) -> dict[str, Any]:
    """A row of the manifest."""
    return {"id": name, "source": source, "language": language, "videos": [f"/clips/{name}.mp4"], "audios": [], **rest}


def drop(row: dict[str, Any], reason: str, value: Any = None, limit: Any = None) -> dict[str, Any]:
    """A line of a stage's dropped rows."""
    return {"row": row, "reason": reason, "value": value, "limit": limit}


def write_run(folder: Path, stages: dict[str, tuple[list[Any], list[Any]]], **run: Any) -> Path:
    """Write a run: {"manifest": (kept, []), "clean": (kept, dropped), ...}; rows are dealt to two files each."""
    names = [stage for stage in stages if stage != "manifest"]
    for stage, (kept, dropped) in stages.items():
        for kind, rows in (("kept", kept), ("dropped", dropped)):
            (folder / stage / kind).mkdir(parents=True)
            for rank in (0, 1):
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[rank::2])
                (folder / stage / kind / f"{rank:05d}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"stages": names, "recipe": {}, "versions": {}, **run}))
    return folder
