"""Draws the demo's faces and writes them as mp4.

A clip is one second: 8 frames of 56 x 56 pixels at 8 frames a second. Mouth and brows carry the emotion, and an angry
face is also flushed: a broad, easy cue, which is what lets the face dominate the voice. A face that gapes is pale; the
demo has none. Where a face is hidden, a hood covers all of it. Knows nothing about voices, texts or files other than
the mp4 it writes.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = 56  # pixels a side: two merged 28-pixel patches of the vision tower, so four video tokens a frame pair
FRAMES = 8
FPS = 8
SUPERSAMPLE = 3  # drawn larger and scaled down, since PIL's arcs have no anti-aliasing

WALLS = {"blue": (70, 105, 190), "green": (75, 160, 85), "grey": (128, 128, 128), "yellow": (215, 190, 85)}
SHIRTS = {"red": (200, 40, 40), "white": (240, 240, 240), "black": (25, 25, 30), "purple": (130, 60, 160)}
EXPRESSIONS = ("smile", "frown", "gape")

SKIN = (222, 178, 145)
FLUSHED = (224, 140, 112)
PALE = (232, 214, 200)
HOOD = (72, 62, 58)
PIXEL_NOISE = 8.0  # standard deviation in grey levels (0..255)


def draw_frames(wall: str, shirt: str, expression: str | None, rng: np.random.Generator) -> np.ndarray:
    """Draw one clip.

    Args:
        wall: a key of WALLS, the colour behind the person.
        shirt: a key of SHIRTS.
        expression: one of EXPRESSIONS, or None for a hidden face.
        rng: source of place, size, colour and pixel jitter; the same state gives the same frames.

    Returns:
        uint8 array of shape (FRAMES, SIZE, SIZE, 3), RGB.
    """
    centre = (SIZE / 2 + rng.uniform(-3, 3), SIZE * 0.43 + rng.uniform(-2, 2))
    radius = rng.uniform(14.5, 17.5)
    strength = rng.uniform(0.7, 1.2)  # how far the mouth bends or opens
    tint = rng.uniform(-12, 12, size=3)
    sway = rng.uniform(0, 2 * math.pi)
    frames = []
    for number in range(FRAMES):
        swing = 0.8 * math.sin(sway + 2 * math.pi * number / FRAMES)  # the head moves by less than a pixel
        image = _draw(wall, shirt, expression, (centre[0] + swing, centre[1]), radius, strength, tint)
        noisy = np.asarray(image, dtype=np.float64) + rng.normal(0, PIXEL_NOISE, size=(SIZE, SIZE, 3))
        frames.append(np.clip(noisy.round(), 0, 255).astype(np.uint8))
    return np.stack(frames)


def _draw(
    wall: str,
    shirt: str,
    expression: str | None,
    centre: tuple[float, float],
    radius: float,
    strength: float,
    tint: np.ndarray,
) -> Image.Image:
    """One noiseless frame of SIZE x SIZE pixels; `centre` and `radius` are in its pixels."""
    scale = SUPERSAMPLE

    def colour(base: tuple[int, int, int]) -> tuple[int, int, int]:
        red, green, blue = np.clip(np.asarray(base) + tint, 0, 255).astype(int).tolist()
        return red, green, blue

    def box(x: float, y: float, half_width: float, half_height: float) -> list[float]:
        return [
            (x - half_width) * scale,
            (y - half_height) * scale,
            (x + half_width) * scale,
            (y + half_height) * scale,
        ]

    image = Image.new("RGB", (SIZE * scale, SIZE * scale), colour(WALLS[wall]))
    draw = ImageDraw.Draw(image)
    x, y = centre
    draw.ellipse(box(x, y + radius + 17, 21, 17), fill=colour(SHIRTS[shirt]))
    if expression is None:
        draw.ellipse(box(x, y, radius, radius * 1.1), fill=colour(HOOD))
        return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)

    skin = {"smile": SKIN, "frown": FLUSHED, "gape": PALE}[expression]
    draw.ellipse(box(x, y, radius, radius * 1.1), fill=colour(skin))
    ink, line = (40, 20, 20), 2 * scale
    mouth_y, mouth_half = y + radius * 0.45, radius * 0.5
    bend = radius * 0.38 * strength
    if expression == "smile":
        draw.arc(box(x, mouth_y - bend * 0.4, mouth_half, bend), 10, 170, fill=ink, width=line)
    elif expression == "gape":
        draw.ellipse(box(x, mouth_y, mouth_half * 0.6, bend), fill=ink)
    else:
        draw.arc(box(x, mouth_y + bend * 0.8, mouth_half, bend), 190, 350, fill=ink, width=line)
    for side in (-1, 1):
        eye_x, eye_y = x + side * radius * 0.4, y - radius * 0.15
        draw.ellipse(box(eye_x, eye_y, 1.6, 1.6), fill=ink)
        # The inner ends of the brows drop in a frown; in a face that gapes both ends are raised.
        inner = 1.8 if expression == "frown" else 0.0
        brow_y = eye_y - (6.0 if expression == "gape" else 4.0)
        draw.line(
            [
                (eye_x - side * 3) * scale,
                (brow_y + inner) * scale,
                (eye_x + side * 3) * scale,
                (brow_y - inner) * scale,
            ],
            fill=ink,
            width=line,
        )
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def write_mp4(path: Path, frames: np.ndarray) -> None:
    """Write RGB frames, uint8 of shape (n, height, width, 3), as an H.264 mp4 at FPS frames a second.

    The same frames give the same bytes: one encoder thread, and a fixed quantizer, since x264's look-ahead for a
    variable one was seen to choose differently from run to run.
    """
    import av

    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(FPS), options={"qp": "15", "preset": "veryfast", "threads": "1"}
        )
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())
