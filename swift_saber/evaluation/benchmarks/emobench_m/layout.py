"""EmoBench-M as its authors distribute it: the scenarios, their labels, and the questions in its folder.

    FOLDER/benchmark_json/NAME.json      [{"id", "video", "conversations": [{"from": "human", "value": question},
                                         {"from": "gpt", "value": the label or the reference text}]}, ...]
    FOLDER/dataset/NAME/videos/...       the clips, with their sound inside; those of SIMS in dataset/SIMS_test

Names, labels and layout are those of the benchmark (arXiv 2502.04424 and its repository); which file is which scenario
of the paper is partly inferred. Accepted as well: the longer names of its first release (SIMS_test_500.json, in
dataset_500/SIMS_test_500); the folder above FOLDER, benchmark_json or dataset in its place; the JSON files in FOLDER
itself; clips in dataset/videos or FOLDER/videos; and clips in another folder, as `media` names it. Knows nothing of
answers.
"""

import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from swift_saber.errors import InputError, kind, quoted
from swift_saber.media.read import open_media
from swift_saber.text.strict_json import read_json

_SENTIMENT = ("neutral", "negative", "positive")

_JSON, _CLIPS = "benchmark_json", ("dataset", "dataset_500")
# What stands behind a scenario's name in names of files and folders, in this and in the first release.
_ENDING = r"(?:_test1?)?(?:_500|_instruction|_data)?"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of the 13.

    Attributes:
        name: of its file and folder.
        dimension: of emotional intelligence: "FER" (foundational emotion recognition), "CEU" (conversational emotion
            understanding) or "SCEA" (socially complex emotion analysis).
        paper: its short name in the paper.
        labels: what is answered; the emotions where there are intents too; () where a text is answered.
        intents: the second labels, of CEIA alone.
    """

    name: str
    dimension: Literal["FER", "CEU", "SCEA"]
    paper: str
    labels: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return not self.labels


#: By name, in the order of the paper. "RAVDSS" is the benchmark's own spelling.
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("RAVDSS_song", "FER", "SOER", ("neutral", "calm", "happy", "sad", "angry", "fearful")),
        Scenario(
            "RAVDSS_speech",
            "FER",
            "SPER",
            ("neutral", "calm", "happy", "sad", "angry", "fearful", "surprised", "disgust"),
        ),
        Scenario("MOSI", "FER", "OSA", _SENTIMENT),
        Scenario("MOSEI", "FER", "EIA", _SENTIMENT),
        Scenario(
            "FGMSA", "FER", "SCEA", ("weak negative", "strong negative", "neutral", "strong positive", "weak positive")
        ),
        Scenario("mer2023", "CEU", "FGDEA", ("happy", "sad", "neutral", "angry", "worried", "surprise")),
        Scenario("ch-simsv2s", "CEU", "PEA", _SENTIMENT),
        Scenario("SIMS", "CEU", "FCDEA", _SENTIMENT),
        Scenario(
            "MC-EIU",
            "CEU",
            "CEIA",
            ("happy", "surprise", "sad", "disgust", "anger", "fear", "neutral"),
            (
                "questioning",
                "agreeing",
                "acknowledging",
                "encouraging",
                "consoling",
                "suggesting",
                "wishing",
                "neutral",
            ),
        ),
        Scenario("MELD", "CEU", "MPDER", ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")),
        Scenario("funny", "SCEA", "HU", ("true", "false")),
        Scenario("MUSTARD", "SCEA", "SD", ("true", "false")),
        Scenario("smile", "SCEA", "LR"),
    )
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the benchmark.

    Attributes:
        id: "NAME/id".
        scenario: of the table above.
        question: what is asked, without the "<video>" tag.
        truth: the reference as the file has it.
        video: the clip's path in the benchmark, "videos/...".
        path: the clip.
    """

    id: str
    scenario: Scenario
    question: str
    truth: str
    video: str
    path: Path


def chosen(scenarios: Sequence[str] | None) -> list[Scenario]:
    """Return the scenarios of these names, all where there are none.

    Raises:
        InputError: a name is not known, or is there twice.
    """
    if scenarios is None:
        return list(SCENARIOS.values())
    for place, name in enumerate(scenarios):
        if name not in SCENARIOS or name in scenarios[:place]:
            problem = f"{quoted(name)} is " + ("there twice" if name in SCENARIOS else "no scenario of EmoBench-M")
            raise InputError("emobench-m", "scenarios", problem, f"use each once of {', '.join(SCENARIOS)}")
    return [SCENARIOS[name] for name in scenarios]


@cache
def scenario_of(name: str) -> Scenario | None:
    """Return the scenario whose file or folder has this name, without a suffix; None where no scenario's has.

    As the benchmark and its first release write them, but for case, and for "-" in the place of "_".
    """
    plain = _plain(name)
    fitting = (one for one in SCENARIOS.values() if re.fullmatch(re.escape(_plain(one.name)) + _ENDING, plain))
    return next(fitting, None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def root_of(folder: Path) -> Path:
    """Return the benchmark's own folder as an absolute path, where a folder beside or above it was named.

    Raises:
        InputError: there are several below the one named.
    """
    folder = Path(os.path.abspath(folder))
    if (folder / _JSON).is_dir():
        return folder
    if folder.name in (_JSON, *_CLIPS) and (folder.parent / _JSON).is_dir():
        return folder.parent
    below = [child for child in _listed(folder) if (child / _JSON).is_dir()]
    if len(below) > 1:
        problem = f"holds several benchmarks: {', '.join(child.name for child in below)}"
        raise InputError(str(folder), "folder", problem, "name one of them")
    return below[0] if below else folder


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def json_path(folder: Path, scenario: Scenario) -> Path:
    """Return where the questions of a scenario are, or where they should be.

    Raises:
        InputError: several files could be those.
    """
    root = root_of(folder)
    for place in (root / _JSON, root):
        if (exact := place / f"{scenario.name}.json").exists():
            return exact
        found = [path for path in _listed(place) if path.suffix == ".json" and scenario_of(path.stem) is scenario]
        if len(found) > 1:
            problem = f"has several files of {scenario.name}: {', '.join(path.name for path in found)}"
            raise InputError(str(place), "file", problem, f"name the right one {scenario.name}.json")
        if found:
            return found[0]
    return root / _JSON / f"{scenario.name}.json"


def _clips_base(root: Path, scenario: Scenario, rows: Sequence[Any], media: Path | None) -> Path:
    """The folder that a scenario's paths start from: the first in which one of its clips is, else the usual one."""
    top = Path(os.path.abspath(media)) if media is not None else root
    places = [place for name in _CLIPS if (place := top / name).is_dir()] + [top]
    of_it = [path for place in places for path in _listed(place) if scenario_of(path.name) is scenario]
    of_it.sort(key=lambda path: path.name != scenario.name)  # stable
    videos = [row["video"] for row in rows if isinstance(row, dict) and isinstance(row.get("video"), str)]
    for base in (*of_it, *places):
        if any(os.path.isfile(base / video) for video in videos):
            return base
    return (of_it or [places[0] / scenario.name])[0]


def read_scenario(folder: Path, scenario: Scenario, media: Path | None = None) -> list[Asked]:
    """Return the questions of one scenario in the order of its file. Clips are not asked for.

    Args:
        folder: the benchmark's.
        scenario: which.
        media: the folder of the clips, where it is not in the benchmark's.

    Raises:
        InputError: the file is not there or not in the benchmark's form, two questions have one id, or a clip's path
            leads out of the scenario's folder.
    """
    path = json_path(folder, scenario)
    rows = read_json(path)
    if not isinstance(rows, list) or not rows:
        problem = "is an empty list" if rows == [] else f"is {kind(rows)}, not a list of questions"
        raise InputError(str(path), "file", problem, "take the file from the benchmark again")
    base = _clips_base(root_of(folder), scenario, rows, media)
    found: dict[str, Asked] = {}
    for number, row in enumerate(rows):
        asked = _asked(base, scenario, row, f"{path}[{number}]")
        if asked.id in found:
            remedy = "give each question an id of its own: answers are matched by it"
            raise InputError(f"{path}[{number}]", "id", f"{quoted(asked.id)} is there twice", remedy)
        found[asked.id] = asked
    return list(found.values())


def _asked(base: Path, scenario: Scenario, row: Any, where: str) -> Asked:
    form = 'the benchmark writes {"id", "video", "conversations": [{"from", "value"}, {"from", "value"}]}'
    if not isinstance(row, dict):
        raise InputError(where, "question", f"is {kind(row)}, not an object", form)
    name, video, turns = row.get("id"), row.get("video"), row.get("conversations")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise InputError(where, "id", f"is {quoted(name)}", "give each question an id")
    if not isinstance(video, str) or not video:
        raise InputError(where, "video", f"is {quoted(video)}", form)
    values = [turn.get("value") for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    question, truth, *_ = [*values, None, None]
    if not isinstance(question, str) or not isinstance(truth, str):
        raise InputError(where, "conversations", "are not a question and its answer", form)
    path = Path(os.path.normpath(base / video))
    if not path.is_relative_to(base) or "\0" in video:
        problem = f"{quoted(video)} leads out of the folder {base}"
        raise InputError(where, "video", problem, "write the path below that folder, as the benchmark does")
    question = question.replace("<video>", "").strip()
    return Asked(f"{scenario.name}/{name}", scenario, question, truth.strip(), video, path)


def questions(
    folder: Path, scenarios: Sequence[str] | None = None, *, allow_missing: bool = False, media: Path | None = None
) -> list[dict[str, Any]]:
    """Return the rows for shell/infer.sh: {"id": "NAME/id", "messages", "videos", "audios"}, in the benchmark's order.

    Paths are absolute: a run may go on, and its page be made, from any folder.

    The sound is the wav file beside the clip (CLIP.wav for CLIP.mp4) where there is one: every setting reads that.
    Else, where the clip has a sound track, it is the clip itself. A clip that cannot be opened is left to
    shell/infer.sh, which rejects it with the reason. The "<video>" tag is not written: ms-swift adds its own.

    Args:
        folder: the benchmark's: benchmark_json and dataset.
        scenarios: names, e.g. ["MOSI", "smile"]; without them all that have a JSON file; which have none is said on
            stderr.
        media: as read_scenario.
        allow_missing: go on where files are missing, and say so on stderr. A scenario without questions is then left
            out, and a question without its clip becomes a reject of shell/infer.sh, which counts as wrong.

    Raises:
        InputError: files are missing or empty (they are counted and named), or as read_scenario.
    """
    asked: list[Asked] = []
    lost: list[Path] = []
    root = root_of(folder)
    files = {scenario.name: json_path(root, scenario) for scenario in chosen(scenarios)}
    absent = [name for name, path in files.items() if not path.exists()]
    if scenarios is None and 0 < len(absent) < len(files) and not allow_missing:
        said = f"{len(absent)} of {len(files)} scenarios are not there and not asked: {', '.join(absent)}"
        print(f"swift-saber: {root}: {said}", file=sys.stderr)
        files = {name: path for name, path in files.items() if name not in absent}
    for name, path in files.items():
        if not path.exists():
            lost.append(path)
            continue
        found = read_scenario(root, SCENARIOS[name], media)
        clips = dict.fromkeys(one.path for one in found)  # A clip may have several questions.
        lost += [clip for clip in clips if not (os.path.isfile(clip) and os.path.getsize(clip))]
        asked += found
    if lost:
        shown = ", ".join(os.path.relpath(path, root) for path in lost[:10])
        shown += f" and {len(lost) - 10} more" if len(lost) > 10 else ""
        problem = f"{len(lost)} files of the benchmark are missing or empty: {shown}"
        remedy = "download them again, name the clips' folder with --media, or --allow-missing"
        error = InputError(str(root), "files", problem, remedy)
        if not allow_missing:
            raise error
        print(f"swift-saber: {error}", file=sys.stderr)
    if not asked:
        problem = "has none of the benchmark's files benchmark_json/NAME.json"
        raise InputError(str(root), "folder", problem, "name the folder that the benchmark was unpacked in")
    with ThreadPoolExecutor() as pool:  # opening a clip is most of the time, and waits for disks and not for Python
        sounds = list(pool.map(_sound, (one.path for one in asked)))
    return [
        {
            "id": one.id,
            "messages": [{"role": "user", "content": one.question}],
            "videos": [str(one.path)],
            "audios": sound,
        }
        for one, sound in zip(asked, sounds, strict=True)
    ]


def _sound(clip: Path) -> list[str]:
    import av

    wav = clip.with_suffix(".wav")
    if wav.is_file():
        return [str(wav)]
    try:
        with open_media(os.fspath(clip)) as container:
            return [str(clip)] if container.streams.audio else []
    except (av.error.FFmpegError, ValueError, OSError):
        return []  # shell/infer.sh says why, of the same clip in "videos"
