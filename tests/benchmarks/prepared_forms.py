"""What a prepared clip costs on the disk and to read, in forms without loss that PyAV writes.

    python tests/benchmarks/prepared_forms.py clip.mp4 ...

Takes 40 frames of each video as the published settings show them to the model, writes them in each form, and prints the
bytes, as a share of the bytes of the pixels, the milliseconds of this process to read them back as RGB, the least of
nine, and whether they are the same. Without a clip it draws one: a texture that moves, with grain as film has.
`raw` and `magicyuv` are those of media/prepared.py.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import qwen_omni_utils

from swift_saber.media import prepared
from swift_saber.plugin.saber_prepare import view_in_force

SETTINGS = {"VIDEO_MAX_PIXELS": "50176", "FPS_MAX_FRAMES": "40"}
FPS = Fraction(4, 3)
#: name: the file's ending, the codec, how it keeps a pixel, its options.
FORMS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "raw (.mov)": ("mov", "rawvideo", "rgb24", {}),
    "magicyuv median (.mov)": ("mov", "magicyuv", "gbrp", {"pred": "median"}),
    "utvideo left (.avi)": ("avi", "utvideo", "gbrp", {"pred": "left"}),
    "utvideo median (.avi)": ("avi", "utvideo", "gbrp", {"pred": "median"}),
    "huffyuv (.nut)": ("nut", "huffyuv", "rgb24", {}),
    "png (.mov)": ("mov", "png", "rgb24", {"pred": "mixed", "compression_level": "3"}),
    "ffv1 rice, 4 slices (.mkv)": ("mkv", "ffv1", "bgr0", {"level": "3", "coder": "0", "slices": "4"}),
    "x264 qp 0 ultrafast (.mkv)": ("mkv", "libx264rgb", "rgb24", {"qp": "0", "preset": "ultrafast"}),
}


def draw(path: Path) -> None:
    """Write 30 s of 1280x720: noise with as much of each size as photographs have, that moves, and grain."""
    dice = np.random.default_rng(0)
    height, width = 1440, 2560
    far = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    far[0, 0] = 1 / width
    planes = []
    for colour in range(3):
        plane = np.fft.irfft2(np.fft.rfft2(dice.standard_normal((height, width))) / far**1.1, (height, width))
        planes.append(35 * (plane - plane.mean()) / plane.std() + 110 + 10 * colour)
    texture, grain = np.stack(planes, -1), 4 * dice.standard_normal((height, width, 1))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.options = {"preset": "veryfast"}
        for number in range(750):
            y, x = int(200 + 150 * np.sin(number / 100)), int(400 + 300 * np.cos(number / 125))
            b, a = dice.integers(720), dice.integers(1280)
            picture = texture[y : y + 720, x : x + 1280] + grain[b : b + 720, a : a + 1280]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "rgb24")))
        container.mux(stream.encode())


def write(path: Path, pixels: Any, codec: str, layout: str, options: dict[str, str]) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=FPS, options=options)
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = layout
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / FPS
            container.mux(stream.encode(frame.reformat(format=layout)))
        container.mux(stream.encode())


def read(path: Path) -> Any:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])


def _pixels(path: Path) -> Any:
    found = prepared.read(path)
    assert found is not None
    return found.pixels


def milliseconds(read_again: Callable[[], Any]) -> float:
    times = []
    for _ in range(9):
        start = time.process_time()
        read_again()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def table(name: str, pixels: Any, folder: Path) -> None:
    print(f"\n{name}: {len(pixels)} frames of {pixels.shape[2]}x{pixels.shape[1]}, {pixels.nbytes / 1e6:.1f} MB\n")
    print("| form | MB | share | read, ms | same |\n|---|---|---|---|---|")

    def row(form: str, path: Path, again: Callable[[], Any]) -> None:
        size, same = os.path.getsize(path), np.array_equal(again(), pixels)
        print(f"| {form} | {size / 1e6:.2f} | {size / pixels.nbytes:.2f} | {milliseconds(again):.0f} | {same} |")

    path = folder / "prepared.mov"
    for form in prepared.FORMS:
        prepared.write(path, prepared.Prepared(pixels, float(FPS), {}, {}), form=form)
        row(f"`{form}`, by media/prepared.py", path, partial(_pixels, path))
    for form, (ending, *how) in FORMS.items():
        path = folder / f"clip.{ending}"
        write(path, pixels, *how)
        row(form, path, partial(read, path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    args = parser.parse_args()
    os.environ.update(SETTINGS)
    view_in_force(14)
    with tempfile.TemporaryDirectory() as name:
        if not args.clips:
            draw(Path(name) / "drawn.mp4")
        for clip in args.clips or [Path(name) / "drawn.mp4"]:
            video = qwen_omni_utils.fetch_video({"video": str(clip)})
            pixels = np.ascontiguousarray(video.permute(0, 2, 3, 1).numpy().astype(np.uint8))
            table(clip.name, pixels, Path(name))


if __name__ == "__main__":
    main()
