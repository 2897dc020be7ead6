"""Clips to try the page with, from the demo's world (mini/world.py): what is seen and heard in them is known."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from swift_saber.mini.world import sample_clip, write_clip

#: What is shown -> the kind of clip.
EXAMPLES = {"a smile, a hostile voice": "conflict", "a smile, a warm voice": "consistent", "the face hidden": "hidden"}


def write_examples(folder: Path) -> dict[str, Path]:
    """Write a clip of each kind, its sound inside, and return their paths by what is to be seen and heard.

    They are of a split of their own, which no model of the demo was trained on.
    """
    found = {}
    for about, kind in EXAMPLES.items():
        truth = sample_clip(kind, "app", 0, 0)
        write_clip(truth, media=folder, seed=0)
        found[about] = _joined(folder / f"{truth.id}.mp4", folder / f"{truth.id}.wav", folder / f"{kind}.mp4")
    return found


def _joined(picture: Path, sound: Path, to: Path) -> Path:
    """Put a sound into a video without a loss: the picture as it is, the sound as FLAC, which browsers play in mp4."""
    with av.open(str(picture)) as seen, av.open(str(sound)) as heard, av.open(str(to), "w") as out:
        source, samples = seen.streams.video[0], heard.streams.audio[0]
        shown = out.add_stream_from_template(source)
        played = out.add_stream("flac", rate=samples.rate, layout="mono", options={"strict": "experimental"})
        for packet in seen.demux(source):
            if packet.dts is not None:
                packet.stream = shown
                out.mux(packet)
        data = np.concatenate([frame.to_ndarray() for frame in heard.decode(samples)], axis=1)
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = samples.rate, 0, Fraction(1, samples.rate)
        out.mux([*played.encode(frame), *played.encode()])
    return to
