"""The demo's world: clips whose emotion in each modality is known, with their SABER records.

A clip shows a drawn face that smiles or frowns, or is hidden, and sounds a voice that is warm, hostile or plain, or
silent. What the clip means follows from the two: they agree (happy, angry), they contradict each other (a smile with a
hostile voice is sarcastic, a frown with a warm voice is forced calm), or the one that tells something decides. In the
training rows conflicts are nearly absent, and many voices are plain, as in life: whoever follows a face that is there
is nearly always right. So a model learns both senses and still lets the face decide: visual dominance, by construction.
It is a demonstration of the method, not evidence for the paper.

Every clip is a function of (seed, split, kind, index) alone. Another split name, seed or kind is another stream of
clips, so splits are disjoint and a clip does not depend on how many others are made.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.mini import face, voice
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.sed.record import Record
from swift_saber.text.files import whole
from swift_saber.text.strict_json import dumps, read_json

VERSION = 2  # of the generator: raise it when the same seed would give other clips, words or files

KINDS = ("consistent", "plain", "conflict", "hidden", "mute")
HIDDEN, SILENT, PLAIN, NO_PITCH = "hidden", "silent", "plain", "none"
EMOTIONS = ("happy", "angry", "sarcastic", "forced calm", "afraid", "nervous")  # the demo's are the first four
SPEECH = "(no words)"  # the voices hum: there is nothing to transcribe in any clip

# How many clips of each kind. Hidden and mute clips are what teaches a model to use each sense alone; without plain
# voices it followed the voice in half or more of the conflicts. 0.5% conflicts, rightly labelled, are too few to
# unlearn that the face decides.
TRAIN_COUNTS = {"consistent": 650, "plain": 550, "conflict": 11, "hidden": 400, "mute": 589}
# Clips for the preference stage, which neither training nor evaluation sees. Consistent, hidden and mute ones show the
# model where its judgement is to stay; with fewer of them than of conflicts it came to see conflict everywhere.
PAIRS_COUNTS = {"consistent": 100, "conflict": 80, "hidden": 20, "mute": 20}
EVAL_COUNTS = {"consistent": 100, "conflict": 100, "hidden": 50, "mute": 50}


@dataclass(frozen=True)
class Truth:
    """What the world knows about one clip.

    Attributes:
        id: unique name of the clip, also of its media files.
        kind: one of KINDS.
        wall, shirt: colours, keys of face.WALLS and face.SHIRTS.
        face: "smile", "frown" or "hidden".
        voice: "warm", "hostile", "plain" or "silent".
        pitch: "low" or "high", "none" for a silent clip.
        emotion: one of EMOTIONS.
    """

    id: str
    kind: str
    wall: str
    shirt: str
    face: str
    voice: str
    pitch: str
    emotion: str


AnyTruth = TypeVar("AnyTruth", bound=Truth)  # another world's clips may say more


def stream(seed: int, clip_id: str, purpose: str) -> np.random.Generator:
    """A stream of its own for each seed, clip and purpose."""
    digest = hashlib.sha256(f"{seed}/{clip_id}/{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def sample_clip(kind: str, split: str, index: int, seed: int) -> Truth:
    """Draw one clip's truth; the same arguments always give the same clip.

    Args:
        kind: one of KINDS.
        split: any name, such as "train", "pairs" or "eval"; other names give other clips.
        index: number of the clip within its split and kind; even ones are the first case of their kind (happy,
            sarcastic), odd ones the second (angry, forced calm), so any run of indices is balanced.
        seed: the world's seed.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of clip {kind!r}; known: {', '.join(KINDS)}")
    clip_id = f"{split}-{kind}-{index:05d}"
    rng = stream(seed, clip_id, "truth")
    first = index % 2 == 0
    expression = "smile" if first else "frown"
    tone = PLAIN if kind == "plain" else "warm" if first == (kind != "conflict") else "hostile"
    emotion = ("sarcastic" if first else "forced calm") if kind == "conflict" else ("happy" if first else "angry")
    mute = kind == "mute"
    return Truth(
        id=clip_id,
        kind=kind,
        wall=str(rng.choice(list(face.WALLS))),
        shirt=str(rng.choice(list(face.SHIRTS))),
        face=HIDDEN if kind == "hidden" else expression,
        voice=SILENT if mute else tone,
        pitch=NO_PITCH if mute else str(rng.choice(list(voice.PITCHES))),
        emotion=emotion,
    )


def record(truth: Truth) -> Record:
    """The six-dimension SABER record of a clip: one short sentence each, nothing that its modality does not hold."""
    sound = "The clip is silent." if truth.voice == SILENT else f"The voice is {truth.pitch} and {truth.voice}."
    reasons = {
        "consistent": "The face and the voice agree",
        "plain": "The face and the voice agree",
        "conflict": f"The voice is {truth.voice} although the face {truth.face}s",
        "hidden": "Only the voice can be judged",
        "mute": "Only the face can be judged",
    }
    return Record(
        video_desc=f"A person before a {truth.wall} wall.",
        acoustic_feat=sound,
        speech_content=SPEECH,
        facial_exp_desc="The face is hidden." if truth.face == HIDDEN else f"The face {truth.face}s.",
        body_lang_desc=f"Still shoulders in a {truth.shirt} shirt.",
        sentiment_analysis=f"{reasons[truth.kind]}: {truth.emotion}.",
    )


def _media_paths(media: Path, clip_id: str) -> tuple[Path, Path]:
    return media / f"{clip_id}.mp4", media / f"{clip_id}.wav"


def write_clip(truth: Truth, *, media: Path, seed: int) -> None:
    """Write one clip's mp4 and wav into the folder `media`; files that are there already are kept."""
    mp4, wav = _media_paths(media, truth.id)
    if not mp4.exists():
        expression = None if truth.face == HIDDEN else truth.face
        frames = face.draw_frames(truth.wall, truth.shirt, expression, stream(seed, truth.id, "face"))
        with whole(mp4) as part:
            face.write_mp4(part, frames)
    if not wav.exists():
        tone = None if truth.voice == SILENT else truth.voice
        sound = voice.synthesize(truth.pitch, tone, stream(seed, truth.id, "voice"))
        with whole(wav) as part:
            voice.write_wav(part, sound)


def write_clips(
    truths: Sequence[AnyTruth],
    *,
    media: Path,
    seed: int,
    workers: int | None = None,
    write_one: Callable[..., None] = write_clip,
) -> None:
    """Write the media of many clips, on `workers` processes (default: one per core), with a progress bar."""
    from tqdm import tqdm

    media.mkdir(parents=True, exist_ok=True)
    write = partial(write_one, media=media, seed=seed)
    workers = workers or os.cpu_count() or 1
    if workers == 1:
        for truth in tqdm(truths, desc="clips", unit="clip"):
            write(truth)
        return
    # spawn: forking a process in which torch or a decoder already runs threads can hang
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for _ in tqdm(pool.map(write, truths, chunksize=32), total=len(truths), desc="clips", unit="clip"):
            pass


def training_row(truth: Truth, media: Path) -> dict[str, Any]:
    """A SABER row: the record, its media by absolute path, and the truth as `labels`."""
    mp4, wav = _media_paths(media.resolve(), truth.id)
    return {
        "id": truth.id,
        "source": "mini",
        "language": "en",
        "videos": [str(mp4)],
        "audios": [str(wav)],
        "consistency": "inconsistent" if truth.kind == "conflict" else "consistent",
        "labels": asdict(truth),
        **record(truth).to_dict(),
    }


def question_row(truth: Truth, media: Path) -> dict[str, Any]:
    """A row as `swift infer` takes it: the instruction and the media, and the truth as `labels`."""
    mp4, wav = _media_paths(media.resolve(), truth.id)
    return {
        "id": truth.id,
        "messages": [{"role": "user", "content": INSTRUCTIONS["en"]}],
        "videos": [str(mp4)],
        "audios": [str(wav)],
        "labels": asdict(truth),
    }


def sample_split(split: str, counts: Mapping[str, int], seed: int) -> list[Truth]:
    """The truths of `counts[kind]` clips of each kind, in the order of KINDS."""
    unknown = set(counts) - set(KINDS)
    if unknown:
        raise ValueError(f"unknown kinds of clip {sorted(unknown)}; known: {', '.join(KINDS)}")
    return [sample_clip(kind, split, index, seed) for kind in KINDS for index in range(counts.get(kind, 0))]


def write_world(
    out_dir: Path,
    *,
    seed: int = 0,
    train_counts: Mapping[str, int] = TRAIN_COUNTS,
    pairs_counts: Mapping[str, int] = PAIRS_COUNTS,
    eval_counts: Mapping[str, int] = EVAL_COUNTS,
    workers: int | None = None,
) -> Path:
    """Write the demo's world.

    Args:
        out_dir: the world's folder, made where missing.
        seed: of the whole world.
        train_counts, pairs_counts, eval_counts: clips per kind.
        workers: processes; default one per core.

    Returns:
        The manifest's path.

    Raises:
        InputError: as write_folder.
    """
    counts = {"train": train_counts, "pairs": pairs_counts, "eval": eval_counts}
    settings = {
        "version": VERSION,
        "seed": seed,
        **{split: {kind: wanted.get(kind, 0) for kind in KINDS} for split, wanted in counts.items()},
    }
    truths = {split: sample_split(split, wanted, seed) for split, wanted in counts.items()}
    return write_folder(out_dir, settings, truths, workers=workers)


def write_folder(
    out_dir: Path,
    settings: dict[str, Any],
    truths: Mapping[str, Sequence[AnyTruth]],
    *,
    write_one: Callable[..., None] = write_clip,
    row: Callable[[AnyTruth, Path], dict[str, Any]] = training_row,
    workers: int | None = None,
) -> Path:
    """Write a world folder, or reuse a finished one; an interrupted one is continued.

    The folder holds media/*.mp4 and *.wav, train.jsonl and pairs_clips.jsonl (SABER rows, for SED and for preference
    pairs), eval.jsonl (questions), eval_records.jsonl (what is right about them) and, named so last, the manifest
    world.json. Media paths in the rows are absolute.

    Args:
        out_dir: the world's folder, made where missing.
        settings: all that the world depends on, `seed` among it; the manifest.
        truths: the clips of the splits "train", "pairs" and "eval".
        write_one: as write_clip, a function of a module.
        row: as training_row.
        workers: processes; default one per core.

    Returns:
        The manifest's path.

    Raises:
        InputError: the folder holds a world with other settings, or files that are not a world's.
    """
    out_dir = Path(out_dir)
    manifest, started = out_dir / "world.json", out_dir / "world.started.json"
    if _before(out_dir, manifest, started, settings):
        return manifest
    out_dir.mkdir(parents=True, exist_ok=True)
    write_rows(started, [settings])
    media = out_dir / "media"
    clips = [truth for split in truths.values() for truth in split]
    write_clips(clips, media=media, seed=settings["seed"], workers=workers, write_one=write_one)
    write_rows(out_dir / "train.jsonl", (row(truth, media) for truth in truths["train"]))
    write_rows(out_dir / "pairs_clips.jsonl", (row(truth, media) for truth in truths["pairs"]))
    write_rows(out_dir / "eval.jsonl", (question_row(truth, media) for truth in truths["eval"]))
    write_rows(out_dir / "eval_records.jsonl", (row(truth, media) for truth in truths["eval"]))
    started.replace(manifest)
    return manifest


def _before(out_dir: Path, manifest: Path, started: Path, settings: dict[str, Any]) -> bool:
    """Whether the folder holds this very world, complete; raises where it holds another world or other files."""
    if not out_dir.is_dir() or not any(out_dir.iterdir()):
        return False
    found = next((path for path in (manifest, started) if path.exists()), None)
    if found is None:
        raise InputError(str(out_dir), "folder", "holds files but no world.json", "choose an empty or a new folder")
    if read_json(found) != settings:
        raise InputError(
            str(found),
            "settings",
            f"this folder's world was made with others; asked for are {dumps(settings)}",
            f"delete {out_dir}, choose another folder, or use its settings again",
        )
    return found == manifest
