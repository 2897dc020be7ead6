"""A small EmoBench-M folder for tests, in the benchmark's layout."""

import json
from pathlib import Path
from typing import Any

from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS

REFERENCE = "The audience laughed because Raj calls a broken iPod slightly used."


def truths(name: str, count: int) -> list[str]:
    """What the benchmark's file has as the answers of a scenario: its labels in turn."""
    scenario = SCENARIOS[name]
    if scenario.is_text:
        return [REFERENCE] * count
    if scenario.intents:
        pairs = zip(scenario.labels, scenario.intents, strict=False)
        found = [f"{{'emotion label': '{emotion}', 'intent label': '{intent}'}}" for emotion, intent in pairs]
    else:
        found = list(scenario.labels)
    return [found[number % len(found)] for number in range(count)]


def write_benchmark(folder: Path, names: list[str], count: int = 4, clips: bool = True) -> Path:
    """Write the scenarios with `count` questions each, and clips that hold a byte and no video."""
    for name in names:
        rows = [
            {
                "id": number,
                "video": f"videos/{number}.mp4",
                "conversations": [
                    {"from": "human", "value": "<video>\nWhich emotion is it?"},
                    {"from": "gpt", "value": truth},
                ],
            }
            for number, truth in enumerate(truths(name, count))
        ]
        path = folder / "benchmark_json" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows), encoding="utf-8")
        videos = folder / "dataset" / name / "videos"
        videos.mkdir(parents=True, exist_ok=True)
        for number in range(count if clips else 0):
            (videos / f"{number}.mp4").write_bytes(b"0")
    return folder


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
