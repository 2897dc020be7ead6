"""What the model is given of a prepared clip is what it is given of the original, through the real templates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from swift_saber.errors import InputError
from swift_saber.media.prepared import FORMS, read
from tests.media_faults import encode, frames, sound

from .test_sound import given
from .test_template import same, template

pytestmark = pytest.mark.usefixtures("plugin")
RATE = 16_000


def large(height: int, width: int, count: int) -> np.ndarray:
    """Noise that moves; of any size."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return np.stack([np.roll(noise, 3 * number, axis=1) for number in range(count)])


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Clips by what is odd about each: its video and, unless the sound is inside, its sound."""
    folder = tmp_path_factory.mktemp("originals")
    voice = sound(1)
    stereo = np.stack([voice, voice[::-1]], axis=1)
    soundfile.write(folder / "ordinary.wav", voice, RATE, subtype="PCM_16")
    soundfile.write(folder / "studio.wav", np.repeat(stereo, 3, axis=0) / 3, 3 * RATE, subtype="PCM_24")
    encode(folder / "ordinary.mp4", frames())
    encode(folder / "odd.mkv", large(131, 97, 33), pixels="yuv444p", times=[n * n // 4 for n in range(33)])
    encode(folder / "inside.mp4", frames(), voice)
    encode(folder / "large.mp4", large(360, 640, 17))
    return {
        "ordinary": {"video": folder / "ordinary.mp4", "sound": folder / "ordinary.wav"},
        "odd": {"video": folder / "odd.mkv", "sound": folder / "studio.wav"},
        "inside": {"video": folder / "inside.mp4"},
        "large": {"video": folder / "large.mp4", "sound": folder / "ordinary.wav"},
    }


@pytest.fixture(params=["of the tests", "published"])
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, processor: Any) -> Iterator[str]:
    """Two sets of settings; under the published ones small frames are enlarged beyond the greatest size."""
    from qwen_omni_utils import vision_process

    from swift_saber.plugin.saber_prepare import view_in_force

    if request.param == "published":
        published = {"FPS_MIN_FRAMES": 4, "FPS_MAX_FRAMES": 40, "VIDEO_MIN_TOKEN_NUM": 128, "VIDEO_MAX_TOKEN_NUM": 64}
        for name, value in published.items():
            monkeypatch.setattr(vision_process, name, value)
    view_in_force.cache_clear()
    yield request.param
    view_in_force.cache_clear()


def made(clip: dict[str, Path], folder: Path, form: str = "raw") -> dict[str, Any]:
    """The media of a row, prepared."""
    from swift_saber.plugin.saber_prepare import prepare_clip

    kind, path = ("audios", clip["sound"]) if "sound" in clip else ("inside", clip["video"])
    for asked, source, name in (("videos", clip["video"], "v.mov"), (kind, path, "s.wav")):
        found = prepare_clip(asked, str(source), str(folder / name), 14, RATE, form)
        assert found == {"bytes": (folder / name).stat().st_size}
    return {"videos": [str(folder / "v.mov")], "audios": [str(folder / "s.wav")]}


def encoded(processor: Any, media: dict[str, Any], *, stock: bool = False) -> dict[str, Any]:
    encoder = template(processor, stock=stock)
    encoder.set_mode("train")
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    found: dict[str, Any] = encoder.encode({"messages": turns, **media})
    return found


def as_given(clip: dict[str, Path]) -> dict[str, Any]:
    audios = [str(clip["sound"])] if "sound" in clip else None
    return {"videos": [str(clip["video"])], "audios": audios}


def is_same(ours: dict[str, Any], other: dict[str, Any]) -> bool:
    assert {"pixel_values_videos", "video_grid_thw", "video_second_per_grid", "input_features"} <= ours.keys()
    return ours.keys() == other.keys() and all(same(ours[name], other[name]) for name in other)


@pytest.mark.parametrize("name", ["ordinary", "odd", "inside", "large"])
@pytest.mark.parametrize("form", FORMS)
def test_the_model_is_given_the_same(
    processor: Any,
    originals: Any,
    settings: str,
    name: str,
    form: str,
    tmp_path: Path,
) -> None:
    original = encoded(processor, as_given(originals[name]))
    assert is_same(encoded(processor, made(originals[name], tmp_path, form)), original)


def test_the_model_is_given_what_stock_gives_it(processor: Any, originals: Any, tmp_path: Path) -> None:
    original = encoded(processor, as_given(originals["ordinary"]), stock=True)
    found = encoded(processor, made(originals["ordinary"], tmp_path))
    assert torch.equal(given(found), given(original))
    padded = {"input_features", "feature_attention_mask"}  # by stock
    assert found.keys() == original.keys()
    assert all(same(found[name], original[name]) for name in original.keys() - padded)


def test_what_is_prepared_of_a_prepared_clip_is_the_same(processor: Any, originals: Any, tmp_path: Path) -> None:
    first = made(originals["odd"], tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    made({"video": Path(first["videos"][0]), "sound": Path(first["audios"][0])}, again)
    was, found = read(first["videos"][0]), read(again / "v.mov")
    assert was is not None and found is not None
    assert np.array_equal(was.pixels, found.pixels)
    assert was.sample_fps == found.sample_fps
    samples = [soundfile.read(folder / "s.wav", dtype="float32")[0] for folder in (tmp_path, again)]
    assert np.array_equal(*samples)


def test_other_settings_are_refused_and_named(
    processor: Any,
    originals: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from qwen_omni_utils import vision_process

    row = made(originals["ordinary"], tmp_path)
    monkeypatch.setattr(vision_process, "FPS_MAX_FRAMES", 2)
    with pytest.raises(InputError, match="prepared with FPS_MAX_FRAMES 4, and is asked for with FPS_MAX_FRAMES 2"):
        encoded(processor, row)
    monkeypatch.undo()
    with pytest.raises(InputError, match="nframes unset, and is asked for with nframes 2"):
        encoded(processor, {**row, "chat_template_kwargs": {"nframes": 2}})


def test_stock_with_decord_finds_the_same_frames(
    processor: Any,
    originals: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("decord")
    from qwen_omni_utils import vision_process

    row = made(originals["large"], tmp_path)
    clip = read(row["videos"][0])
    assert clip is not None
    monkeypatch.setattr(vision_process, "FORCE_QWENVL_VIDEO_READER", "decord")
    vision_process.get_video_reader_backend.cache_clear()
    try:  # not the package's fetch_video, in whose place the plugin has put another
        video, fps = vision_process.fetch_video({"video": row["videos"][0]}, return_video_sample_fps=True)
    finally:
        monkeypatch.undo()
        vision_process.get_video_reader_backend.cache_clear()
    assert torch.equal(video.to(torch.uint8), torch.from_numpy(clip.pixels).permute(0, 3, 1, 2))
    assert fps == pytest.approx(clip.sample_fps, rel=1e-9)


def test_what_cannot_be_prepared_is_named(originals: Any, tmp_path: Path) -> None:
    from swift_saber.plugin.saber_prepare import prepare_clip

    (tmp_path / "text.mp4").write_text("a clip")
    found = prepare_clip("videos", str(tmp_path / "text.mp4"), str(tmp_path / "v.mov"), 14, RATE, "raw")
    assert found["reason"].startswith(f"{tmp_path}/text.mp4: ")
    assert found["remedy"]
    silent = prepare_clip("inside", str(originals["ordinary"]["video"]), str(tmp_path / "s.wav"), 14, RATE, "raw")
    assert silent == {"bytes": None}
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def test_a_full_disk_is_no_fault_of_the_clip(originals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from swift_saber.plugin import saber_prepare

    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saber_prepare, "write", full)
    video = str(originals["ordinary"]["video"])
    found = saber_prepare.prepare_clip("videos", video, str(tmp_path / "v.mov"), 14, RATE, "raw")
    assert found == {"disk": "No space left on device"}
