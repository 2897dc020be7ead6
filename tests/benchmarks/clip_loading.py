"""What one clip costs a loader: stock ms-swift, the plugin, and clips prepared by `swift-saber prepare`, by turns.

    python tests/benchmarks/clip_loading.py runs/demo/base --repeat 5

Takes the tokenizer of a model that the demo made, and the processor's settings of the real Qwen2.5-Omni: 300 seconds of
sound, patches of 14 pixels, and the published VIDEO_MAX_PIXELS=50176, FPS_MAX_FRAMES=40. Each way is a process of its
own, and all are asked about the same rows in turn. Prints, for each kind of clip, the median seconds of one `encode`,
its ratio to stock, whether the model's input is the same bit for bit, and the bytes of tensors that a loader worker
hands over; then rows per second of a torch DataLoader, with no worker and with 1, 2 and 4 of them (`--workers`).
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

SETTINGS = {"VIDEO_MAX_PIXELS": "50176", "FPS_MAX_FRAMES": "40", "ENABLE_AUDIO_OUTPUT": "0", "HF_HUB_OFFLINE": "1"}
#: name: width, height, seconds; H.264 at 25 frames a second.
CLIPS = {
    "360p 5 s": (640, 360, 5),
    "720p 5 s": (1280, 720, 5),
    "720p 30 s": (1280, 720, 30),
    "1080p 10 s": (1920, 1080, 10),
}
WAYS = ("stock", "ours", "prepared")
FPS, RATE = 25, 16_000


def make_clip(folder: Path, name: str) -> dict[str, Any]:
    """Write a clip and its sound, and return its row: shapes that move over a background with grain, as film has."""
    width, height, seconds = CLIPS[name]
    dice = np.random.default_rng(0)
    background = np.kron(dice.integers(40, 210, (height // 40, width // 40, 3)), np.ones((40, 40, 1))).astype(np.int16)
    grain = dice.normal(0, 3, (8, height, width, 1)).astype(np.int16)
    stem = folder / name.replace(" ", "-")
    video, sound = stem.with_suffix(".mp4"), stem.with_suffix(".wav")
    with av.open(str(video), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast"}
        for number in range(seconds * FPS):
            picture = background + grain[number % len(grain)]
            at = 40 + 6 * number % (width // 2)
            picture[height // 4 : height // 2, at : at + width // 6] = 30 + 10 * (number % 12)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    moments = np.arange(seconds * RATE) / RATE
    samples = 0.1 * np.sin(2 * np.pi * 220 * (1 + 0.2 * np.sin(moments)) * moments)
    soundfile.write(sound, samples.astype(np.float32), RATE, subtype="PCM_16")
    turns = [{"role": "user", "content": "What is felt?"}, {"role": "assistant", "content": "Joy."}]
    return {"id": name, "messages": turns, "videos": [str(video)], "audios": [str(sound)]}


def serve(way: str, model: str) -> None:
    """Answer on stdout what is asked on stdin, a JSON object a line: {"row", "loader": rows to load or 0}."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print
    from swift.model import get_model_processor
    from swift.template import get_template
    from transformers import WhisperFeatureExtractor

    if way != "stock":
        from swift_saber.plugin import saber_register

        saber_register.register()
    processor = get_model_processor(model, model_type="qwen2_5_omni", load_model=False)[1]
    processor.feature_extractor = WhisperFeatureExtractor(feature_size=128, chunk_length=300)
    template = get_template(processor)
    template.set_mode("train")
    for line in sys.stdin:
        asked = json.loads(line)
        answer = (
            _loaded(template, asked["row"], asked["loader"], asked["workers"])
            if asked["loader"]
            else _encoded(template, asked["row"])
        )
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _encoded(template: Any, row: dict[str, Any]) -> dict[str, Any]:
    """{"seconds", "bytes" of tensors, "input": what tells whether two ways give the model the same}."""
    import torch

    start = time.perf_counter()
    encoded = template.encode(row, return_length=True)
    seconds = time.perf_counter() - start
    tensors = {key: value for key, value in encoded.items() if isinstance(value, torch.Tensor)}
    size = sum(value.nbytes for value in tensors.values())
    heard = tensors.pop("feature_attention_mask").bool()
    # As the thinker takes it: without what the mask hides.
    tensors["input_features"] = tensors["input_features"].permute(0, 2, 1)[heard]
    found = hashlib.sha256()
    for key in sorted(tensors):
        found.update(f"{key} {tuple(tensors[key].shape)}".encode() + tensors[key].contiguous().numpy().tobytes())
    found.update(repr((encoded["input_ids"], encoded["labels"])).encode())
    return {"seconds": seconds, "bytes": size, "input": found.hexdigest()[:16]}


def _loaded(template: Any, row: dict[str, Any], count: int, workers: int) -> dict[str, Any]:
    """{"rows_per_second"} of a loader with so many workers, whose start is not counted."""
    from torch.utils.data import DataLoader

    class Rows:
        def __len__(self) -> int:
            return count + workers

        def __getitem__(self, index: int) -> Any:
            return template.encode(row, return_length=True)

    rows = iter(DataLoader(Rows(), batch_size=1, num_workers=workers, collate_fn=lambda batch: batch[0]))  # type: ignore[arg-type]
    for _ in range(workers):  # one of each, so that all have started
        next(rows)
    start = time.perf_counter()
    done = sum(1 for _ in rows)
    return {"rows_per_second": done / (time.perf_counter() - start)}


class Way:
    """A process that encodes rows in one of the three ways."""

    def __init__(self, way: str, model: str) -> None:
        environment = {**os.environ, **SETTINGS}
        if way == "stock":
            environment["FORCE_QWENVL_VIDEO_READER"] = "decord"
        command = [sys.executable, __file__, model, "--serve", way]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, row: dict[str, Any], loader: int = 0, workers: int = 0) -> dict[str, Any]:
        print(json.dumps({"row": row, "loader": loader, "workers": workers}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def prepared(rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The rows with the clips that `swift-saber prepare` makes of theirs."""
    from swift_saber.data.rows import read_rows, write_rows

    write_rows(folder / "rows.jsonl", rows)
    command = [sys.executable, "-m", "swift_saber.cli", "prepare", folder / "rows.jsonl", "-o", folder / "prepared"]
    subprocess.run(list(map(str, command)), check=True, env={**os.environ, **SETTINGS}, stdout=sys.stderr)
    return [row for _, row in read_rows(folder / "prepared" / "rows.jsonl")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model folder that the demo made")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--loader", type=int, default=24, help="rows that the loaders load; 0 for none")
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 1, 2, 4])
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS), help="stock is always among them")
    parser.add_argument("--clips", nargs="*", choices=list(CLIPS), default=list(CLIPS))
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.model)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [make_clip(folder, clip) for clip in args.clips]
        names = [way for way in WAYS if way == "stock" or way in args.ways]
        asked = {way: prepared(rows, folder) if way == "prepared" else rows for way in names}
        ways = {way: Way(way, args.model) for way in names}
        loaders = args.workers if args.loader else []
        told = "".join(f" {count} workers, rows/s |" for count in loaders)
        print(f"| clip | way | encode, s | stock / way | same input | bytes a row |{told}")
        print("|---" * (6 + len(loaders)) + "|")
        for number, clip in enumerate(args.clips):
            found: dict[str, list[dict[str, Any]]] = {way: [] for way in names}
            rates: dict[tuple[str, int], list[float]] = {(way, count): [] for way in names for count in loaders}
            for turn in range(args.repeat + 1):
                for way in names if turn % 2 else reversed(names):
                    answer = ways[way].ask(asked[way][number])
                    if turn:  # the first one imports and warms up
                        found[way].append(answer)
            for _ in range(3):
                for (way, count), rate in rates.items():
                    rate.append(ways[way].ask(asked[way][number], args.loader, count)["rows_per_second"])
            medians = {way: statistics.median(answer["seconds"] for answer in found[way]) for way in names}
            for way in names:
                same = found[way][0]["input"] == found["stock"][0]["input"]
                told = "".join(f" {statistics.median(rates[way, count]):.2f} |" for count in loaders)
                print(
                    f"| {clip} | {way} | {medians[way]:.3f} | {medians['stock'] / medians[way]:.2f} | "
                    f"{'yes' if same else 'NO'} | {found[way][0]['bytes']:,} |{told}",
                    flush=True,
                )
        for process in ways.values():
            process.close()


if __name__ == "__main__":
    main()
