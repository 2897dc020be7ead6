"""EmoBench-M, the whole of it: questions for a model, its answers as items, their scores, and the official formats.

    rows = questions(folder)                       to questions.jsonl, for shell/infer.sh
    found = items(folder, answers, rejects)        from what it wrote
    result = scores(found)                         for scores.json
    to_official(found, folder)                     for the benchmark's own scripts
    found = from_official(path)                    from files in their form

The parts: emobench_m_layout.py (scenarios, labels, the benchmark's folder), emobench_m_answers.py (which label an
answer says), emobench_m_items.py, emobench_m_scores.py, emobench_m_interval.py, emobench_m_official.py.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.emobench_m.items import items
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS, all_asked, missing
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores
from swift_saber.media import open_media

__all__ = ["SCENARIOS", "from_official", "items", "missing", "questions", "scores", "to_official"]


def questions(
    folder: Path, scenarios: Sequence[str] | None = None, *, allow_missing: bool = False
) -> Iterator[dict[str, Any]]:
    """Return the rows for shell/infer.sh: {"id": "NAME/id", "messages", "videos", "audios"}, in the benchmark's order.

    The sound is the wav file beside the clip (CLIP.wav for CLIP.mp4) where there is one: every setting reads that.
    Else, where the clip has a sound track, it is the clip itself; ms-swift then reads the sound out of the video, with
    SWIFT_AUDIO_LOAD_BACKEND=soundfile_pyav or the ffmpeg program. A clip that cannot be opened is left to
    shell/infer.sh, which rejects it with the reason. The "<video>" tag is not written: ms-swift adds its own.

    Args:
        folder: the benchmark's: benchmark_json and dataset.
        scenarios: names, e.g. ["MOSI", "smile"]; all where there are none.
        allow_missing: go on where files are missing, and say so on stderr. A scenario without questions is then left
            out, and a question without its clip becomes a reject of shell/infer.sh, which counts as wrong.

    Raises:
        InputError: files are missing (they are counted and named), or as emobench_m_layout.read_scenario.
    """
    folder = Path(folder)
    if lost := missing(folder, scenarios):
        shown = ", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
        problem = f"{len(lost)} files of the benchmark are missing or empty: {shown}"
        error = InputError(str(folder), "files", problem, "download them again, or allow missing files")
        if not allow_missing:
            raise error
        print(f"swift-saber: {error}", file=sys.stderr)
    return _rows(folder, scenarios)


def _rows(folder: Path, scenarios: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    for asked in all_asked(folder, scenarios):
        yield {
            "id": asked.id,
            "messages": [{"role": "user", "content": asked.question}],
            "videos": [str(asked.path)],
            "audios": _sound(asked.path),
        }


def _sound(clip: Path) -> list[str]:
    wav = clip.with_suffix(".wav")
    if wav.is_file():
        return [str(wav)]
    return [str(clip)] if _has_sound(clip) else []


def _has_sound(clip: Path) -> bool:
    import av

    try:
        with open_media(os.fspath(clip)) as container:
            return bool(container.streams.audio)
    except (av.error.FFmpegError, ValueError, OSError):
        return False  # shell/infer.sh says why, of the same clip in "videos"
