"""media/frames.py: the frames of a clip are those that a player shows, in the reader and in what the model is given."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from swift_saber.errors import InputError
from swift_saber.media.frames import read_frames
from tests.media_faults import boxes
from tests.numbered_clips import COUNT, Clip, Stream, make_clips, number_of, picture, write


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    return {clip.name: clip for clip in make_clips(tmp_path_factory.mktemp("numbered") / "clips")}


def spread(total: int, count: int) -> list[int]:
    """Places from the first to the last of `total`, as qwen-omni-utils chooses them."""
    places: list[int] = np.linspace(0, total - 1, count).round().astype(int).tolist()
    return places


@pytest.mark.parametrize("size", [(96, 128), (84, 140), (360, 640), (57, 53)])
def test_a_number_is_read_only_from_its_own_picture_the_right_way_up(size: tuple[int, int]) -> None:
    pictures = [picture(number, *size) for number in range(256)]
    assert [number_of(each) for each in pictures] == list(range(256))
    for number, each in list(enumerate(pictures))[::15]:
        for turned in (np.rot90(each), np.rot90(each, 2), np.rot90(each, 3), each[:, ::-1], each[::-1]):
            assert number_of(turned) is None
        mixed = (each.astype(int) + pictures[(number + 1) % 256]) // 2
        assert number_of(mixed.astype(np.uint8)) is None


def test_every_frame_is_the_one_that_a_player_shows(clips: dict[str, Clip]) -> None:
    assert len(clips) >= 24
    wrong = []
    for clip in clips.values():
        frames = read_frames(
            clip.path, lambda total, fps: range(total), change=lambda pixels: (number_of(pixels), pixels.shape)
        )
        numbers, sizes = map(list, zip(*frames.pixels, strict=True))
        if numbers != clip.shown or frames.indices != list(range(len(clip.shown))):
            wrong.append((clip.name, "numbers", numbers))
        if frames.total != len(clip.shown):
            wrong.append((clip.name, "total", frames.total))
        if set(sizes) != {(*clip.size, 3)}:
            wrong.append((clip.name, "sizes", set(sizes)))
        if clip.rate is not None and frames.fps != pytest.approx(clip.rate, rel=0.01):
            wrong.append((clip.name, "fps", frames.fps))
    assert wrong == []


@pytest.mark.parametrize("count", [2, 8, 17])
def test_frames_that_are_sampled_are_those_at_their_places(clips: dict[str, Clip], count: int) -> None:
    """The others need not be decoded, and those that are asked for must not change by that."""
    wrong = []
    for clip in clips.values():
        numbers = read_frames(clip.path, lambda total, fps: spread(total, count), change=number_of).pixels
        if numbers != [clip.shown[place] for place in spread(len(clip.shown), count)]:
            wrong.append((clip.name, numbers))
    assert wrong == []


@pytest.mark.parametrize("name", ["h264.mp4", "h264.avi", "hevc.mkv", "mpeg4-b-frames.avi"])
def test_places_come_in_the_order_in_which_they_were_chosen(clips: dict[str, Clip], name: str) -> None:
    chosen = [70, 3, 3, 99, 0]
    frames = read_frames(clips[name].path, lambda total, fps: chosen, change=number_of)
    assert frames.pixels == chosen
    assert frames.indices == chosen


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_no_pixel(clips: dict[str, Clip], threads: int) -> None:
    for name in ("h264.mp4", "h264-long-gop.mp4", "hevc.mp4", "vp9.webm", "mpeg4-b-frames.avi"):
        frames = read_frames(clips[name].path, lambda total, fps: spread(total, 9), threads=threads)
        others = read_frames(clips[name].path, lambda total, fps: spread(total, 9), threads=0)
        assert np.array_equal(frames.pixels, others.pixels)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.mp4", "is missing"),
        ("text.mp4", "cannot be decoded"),
        ("sound.mp4", "has no video stream"),
        ("one-frame.mp4", "has only one frame"),
    ],
)
def test_a_file_without_frames_is_refused_with_its_reason(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    if name == "text.mp4":
        path.write_text("no video here")
    if name == "sound.mp4":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=16_000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16_000
            container.mux([*stream.encode(frame), *stream.encode()])
    if name == "one-frame.mp4":
        write(path, Stream(numbers=[7]))
    with pytest.raises(InputError, match=f"{name}: video: .*{reason}"):
        read_frames(path, lambda total, fps: range(total))


def test_a_clip_of_which_half_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    write(path, Stream(), movflags="faststart")  # its index comes first, so that a copy that broke off still opens
    data = path.read_bytes()
    [(begin, end)] = [(begin, end) for name, begin, end in boxes(data) if name == "mdat"]
    path.write_bytes(data[: (begin + end) // 2])
    with pytest.raises(InputError, match=r"cut.mp4: video: is truncated: [\d.]+ of 4.0 seconds"):
        read_frames(path, lambda total, fps: range(total))


@pytest.mark.parametrize("name", ["cut.mkv", "cut.webm"])
def test_a_file_whose_header_speaks_of_the_whole_of_it_is_not_read_in_part(tmp_path: Path, name: str) -> None:
    whole = tmp_path / f"whole-{name}"
    write(whole, Stream("libx264" if name.endswith("mkv") else "libvpx-vp9"))
    data = whole.read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) // 2])
    assert len(read_frames(whole, lambda total, fps: [0, total - 1]).pixels) == 2
    with pytest.raises(InputError, match=rf"{name}: video: is truncated: [\d.]+ of 4.0 seconds"):
        read_frames(path, lambda total, fps: [0, total - 1])


@pytest.mark.skipif(sys.platform != "linux", reason="how much memory a process has had at most is asked of Linux")
def test_a_clip_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "raw.avi"
    write(path, Stream("rawvideo", numbers=range(150), draw=lambda number: picture(number, 480, 640)))
    program = (
        "import re, sys; from swift_saber.media.frames import read_frames\n"
        "def read(path): read_frames(path, lambda total, fps: [0, total - 1], change=lambda pixels: None)\n"
        "def most(): return int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]) * 1024\n"
        "read(sys.argv[1]); before = most(); read(sys.argv[2]); print(most() - before)"
    )
    small = tmp_path / "small.avi"
    write(small, Stream("rawvideo", numbers=range(2), draw=lambda number: picture(number, 480, 640)))
    command = [sys.executable, "-c", program, str(small), str(path)]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < path.stat().st_size / 2


ORDINARY = ["h264.mp4", "h264.mkv", "h264.mov", "h264-1280x720.mp4", "h264-long-gop.mp4", "h264-4-4-4.mp4"]
ORDINARY += ["h264-full-range.mp4", "h264-cropped.mp4", "29.97.mp4", "untrimmed-h264.mp4"]


@pytest.mark.parametrize("name", ORDINARY)
def test_pixels_of_ordinary_clips_are_those_of_decord(clips: dict[str, Clip], name: str) -> None:
    decord = pytest.importorskip("decord")
    expected = decord.VideoReader(str(clips[name].path))
    places = spread(len(expected), 12)
    frames = read_frames(clips[name].path, lambda total, fps: spread(total, 12))
    assert frames.indices == places
    assert frames.fps == pytest.approx(expected.get_avg_fps())
    assert np.array_equal(frames.pixels, expected.get_batch(places).asnumpy())


@pytest.fixture(scope="module")
def template(tiny_model: Path, plugin: None) -> Iterator[Any]:
    """The model's own template, at the settings of the published model: 2 frames a second, at most 40."""
    from qwen_omni_utils import vision_process
    from swift.model import get_model_processor
    from swift.template import get_template

    processor = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", load_model=False)[1]
    with pytest.MonkeyPatch.context() as settings:
        # ms-swift has read the environment by now, where the tests have other settings than the model.
        for name, value in (("FPS", 2.0), ("FPS_MIN_FRAMES", 4), ("FPS_MAX_FRAMES", 40)):
            settings.setattr(vision_process, name, value)
        made = get_template(processor, template_type="qwen2_5_omni")
        made.set_mode("train")
        yield made


def seen(template: Any, path: Path) -> list[np.ndarray]:
    """The frames of which a row's tensors for the model were made, uint8 of shape (height, width, 3)."""
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    encoded = template.encode({"messages": turns, "videos": [str(path)]})
    [(steps, rows, columns)] = encoded["video_grid_thw"].tolist()
    made_by = template.processor.video_processor
    merged, deep, side = made_by.merge_size, made_by.temporal_patch_size, made_by.patch_size
    # From patches of (colour, frame, y, x), which lie in blocks of merged x merged, to frames of (y, x, colour).
    shape = (steps, rows // merged, columns // merged, merged, merged, 3, deep, side, side)
    patches = encoded["pixel_values_videos"].float().numpy().reshape(shape)
    pixels = patches.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(steps * deep, rows * side, columns * side, 3)
    pixels = (pixels * np.array(made_by.image_std) + np.array(made_by.image_mean)) / made_by.rescale_factor
    return list(pixels.round().clip(0, 255).astype(np.uint8))


@pytest.mark.slow
def test_the_model_is_given_the_frames_that_a_player_shows(clips: dict[str, Clip], template: Any) -> None:
    from qwen_omni_utils import vision_process

    wrong = []
    for clip in clips.values():
        numbers = [number_of(frame) for frame in seen(template, clip.path)]
        if numbers != [clip.shown[place] for place in spread(len(clip.shown), len(numbers))]:
            wrong.append((clip.name, numbers))
        if clip.rate is not None and len(numbers) != vision_process.smart_nframes({}, len(clip.shown), clip.rate):
            wrong.append((clip.name, "frames", len(numbers)))
    assert wrong == []
    assert len(seen(template, clips["h264-long-gop.mp4"].path)) == 20  # two a second of ten seconds


def test_a_clip_of_changing_size_is_scaled_to_its_first(clips: dict[str, Clip]) -> None:
    frames = read_frames(clips["size-changes.ts"].path, lambda total, fps: [0, COUNT - 1])
    assert [pixels.shape for pixels in frames.pixels] == [(96, 128, 3)] * 2
    assert [number_of(pixels) for pixels in frames.pixels] == [0, COUNT - 1]
