"""Clips per second per core and peak memory of the cleaning stage, next to plain ffprobe and ffmpeg on the same files.

    taskset -c 1 python tests/benchmarks/cleaning_speed.py --clips 200 --repeat 3 --ffmpeg-dir /path/to/ffmpeg/bin

Makes clips of 2 to 5 seconds (360p, 25 pictures a second, H.264, with AAC sound), then by turns runs the stage on
all of them, in an empty folder each time, and `ffprobe -show_streams` and `ffmpeg -f null -` (one thread, all of it
decoded) on each. Prints a markdown table of medians. Run it on one core: seconds of the clock are then seconds of the
core, also those of the worker process that decodes. In the figures are the worker's start, about a second once, and
that of each ffprobe and ffmpeg.
"""

import argparse
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

FPS, WIDTH, HEIGHT, RATE = 25, 640, 360, 16_000


def make_clip(path: Path, seed: int) -> float:
    """Write one clip and return its seconds: a plain-coloured shape moves over a background with grain, as film has."""
    dice = np.random.default_rng(seed)
    seconds = random.Random(seed).choice([2.0, 2.6, 3.2, 3.8, 4.4, 5.0])
    small = dice.integers(40, 210, (18, 32, 3)).astype(np.float32)
    background = np.kron(small, np.ones((20, 20, 1), np.float32))
    grain = dice.normal(0, 4, (8, HEIGHT, WIDTH, 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "veryfast", "crf": "23"}
        sound: Any = container.add_stream("aac", rate=RATE)
        sound.layout = "mono"
        for number in range(int(seconds * FPS)):
            picture = background + grain[number % len(grain)]
            at = 40 + 6 * number % 500
            picture[120:240, at : at + 90] = 30 + 10 * (number % 12)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        moments = np.arange(int(seconds * RATE)) / RATE
        tone = dice.uniform(150, 3000, int(seconds * 12) + 1)[(moments * 12).astype(int)]
        samples = (0.1 * np.sin(2 * np.pi * tone * moments)).astype(np.float32)
        heard = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        heard.sample_rate, heard.pts = RATE, 0
        for part in av.AudioResampler(sound.format, "mono", RATE, frame_size=sound.frame_size).resample(heard):
            container.mux(sound.encode(part))
        container.mux(sound.encode())
    return seconds


def resident(pid: int) -> int:
    """Return the peak resident memory of a process so far, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


class Watch:
    """The highest peak memory among this process's children, looked at while they run."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        import multiprocessing

        while not self._stop.wait(0.2):
            for child in multiprocessing.active_children():
                self.peak = max(self.peak, resident(child.pid or 0))


def stage(clips: list[Path], folder: Path) -> tuple[float, int]:
    """Return the seconds that the stage takes, and the peak memory of its worker."""
    from swift_saber.pipeline.stage import Drop
    from swift_saber.pipeline.stages.clean import Clean

    rows = ({"id": f"bench/{path.stem}", "videos": [str(path)], "audios": []} for path in clips)
    with Watch() as watch:
        begin = time.perf_counter()
        dropped = [row for row in Clean().run(rows, folder, 0) if isinstance(row, Drop)]
        seconds = time.perf_counter() - begin
    if dropped:
        sys.exit(f"{len(dropped)} clips were dropped, the first for {dropped[0].reason} ({dropped[0].value})")
    return seconds, watch.peak


def program(command: list[str], clips: list[Path]) -> tuple[float, int]:
    """Return the seconds that a program takes for all clips, one process each, and its peak memory on the last one."""
    begin = time.perf_counter()
    for path in clips:
        line = [str(path) if part == "CLIP" else part for part in command]
        subprocess.run(line, stdout=subprocess.DEVNULL, check=True)
    seconds, peak = time.perf_counter() - begin, 0
    # Not by wait4, which counts the memory of this process at the fork; so once more, looked at all the time.
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            peak = max(peak, resident(run.pid))
            time.sleep(0.002)
    return seconds, peak


def find(name: str, folder: str | None) -> str:
    found = shutil.which(name, path=folder)
    if not found:
        sys.exit(f"no {name} in {folder or 'PATH'}: name its folder with --ffmpeg-dir")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ffmpeg-dir", help="the folder of ffmpeg and ffprobe; without it they are looked up in PATH")
    args = parser.parse_args()
    probe, convert = find("ffprobe", args.ffmpeg_dir), find("ffmpeg", args.ffmpeg_dir)
    decode = [convert, "-v", "error", "-threads", "1", "-i", "CLIP", "-f", "null", "-"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clips = [folder / f"{number:04}.mp4" for number in range(args.clips)]
        length = sum(make_clip(path, number) for number, path in enumerate(clips))
        results: dict[str, list[tuple[float, int]]] = {}
        for turn in range(args.repeat):
            runs = {
                "`clean`, one worker": stage(clips, folder / f"out-{turn}"),
                "`ffprobe -show_streams`": program([probe, "-v", "error", "-show_streams", "CLIP"], clips),
                "`ffmpeg -f null -`": program(decode, clips),
            }
            runs["both"] = (
                sum(runs[name][0] for name in list(runs)[1:]),
                max(runs[name][1] for name in list(runs)[1:]),
            )
            for name, run in runs.items():
                results.setdefault(name, []).append(run)
            shutil.rmtree(folder / f"out-{turn}")
        size = sum(path.stat().st_size for path in clips)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{args.clips} clips, {length:.0f} s, {size / 1e6:.1f} MB, {WIDTH} x {HEIGHT} at {FPS}; {args.repeat} repeats;"
    )
    print(f"{len(os.sched_getaffinity(0))} core(s), Python {platform.python_version()}, PyAV {av.__version__}\n")
    print("| what | clips/s (median) | least - most | x real time | peak memory, MB |")
    print("|---|---|---|---|---|")
    for name, found in results.items():
        rates = [args.clips / seconds for seconds, _ in found]
        middle = statistics.median(rates)
        memory = max(peak for _, peak in found) / 1e6
        real = middle * length / args.clips
        print(f"| {name} | {middle:.1f} | {min(rates):.1f} - {max(rates):.1f} | {real:.0f} | {memory:.0f} |")
    print(f"\nThe process that runs the stage and made the clips: {own / 1e6:.0f} MB at most.")


if __name__ == "__main__":
    main()
