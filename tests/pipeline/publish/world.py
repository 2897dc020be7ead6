"""Records of small clips in a folder, and what a test publishes them as."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from tests.media_faults import encode
from tests.pipeline.clips import scene, speech
from tests.pipeline.result.run_folder import RECORD

SAID: dict[str, Any] = {"name": "Made for tests", "licence": "CC-BY-4.0", "contact": "data@example.org"}


def clip(folder: Path, name: str, seed: int = 1, *, sound: str | None = "inside") -> dict[str, Any]:
    """Make a clip and return its row; its sound is inside it, in a wav beside it ("wav"), or there is none (None)."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{name}.mp4"
    encode(video, scene(seed), *([speech(seed)] if sound == "inside" else []))
    row: dict[str, Any] = {"id": f"mine/all/{name}", "source": "mine", "language": "en", "videos": [str(video)]}
    if sound == "wav":
        soundfile.write(folder / f"{name}.wav", speech(seed), 16_000)
        row["audios"] = [str(folder / f"{name}.wav")]
    return {**row, "consistency": "consistent", "labels": {"emotion": "happy"}, **RECORD}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """Write rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def said(path: Path, **changed: Any) -> Path:
    """Write settings: SAID, and what is changed of it."""
    path.write_text(yaml.safe_dump(SAID | changed, allow_unicode=True), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
