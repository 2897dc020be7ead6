"""What the model gets of sound: what stock gives it, without padding; and the sound inside videos."""

import copy
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from swift_saber.errors import InputError
from tests.media_faults import encode as write
from tests.media_faults import frames
from tests.plugin.test_template import template
from tests.stepped_sounds import SECONDS, TONES, heard, steps

pytestmark = pytest.mark.usefixtures("plugin")
RATE = 16_000
HOP, WINDOW = 160, 300 * RATE  # of the released feature extractor, in samples
QUESTION = [{"role": "user", "content": "Why?"}]
ANSWERED = [*QUESTION, {"role": "assistant", "content": "So."}]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a.mp4 and b.mkv with sound, mute.mp4 without, silent.mp4; wavs of some lengths."""
    folder = tmp_path_factory.mktemp("media")
    write(folder / "a.mp4", frames(16), steps(RATE)[: 2 * RATE])
    write(folder / "b.mkv", frames(16), steps(RATE)[RATE:])
    write(folder / "mute.mp4", frames(16))
    write(folder / "silent.mp4", frames(16), np.zeros(2 * RATE))
    for name, count in (("one", RATE), ("odd", 2 * RATE + 37), ("long", 4 * RATE)):
        soundfile.write(folder / f"{name}.wav", steps(RATE)[:count], RATE)
    return folder


@pytest.fixture(scope="module")
def extractor() -> Any:
    """The released one."""
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=128, chunk_length=300, hop_length=HOP, n_fft=400)


def encode(processor: Any, row: dict[str, Any], mode: str = "train", *, stock: bool = False) -> dict[str, Any]:
    encoder = template(processor, stock=stock)
    encoder.set_mode(mode)
    return encoder.encode(row)


def given(encoded: dict[str, Any], side: str = "") -> torch.Tensor:
    """What the thinker gets: the frames of all sounds, one after another, without those that the mask leaves out."""
    return encoded[f"{side}input_features"].permute(0, 2, 1)[encoded[f"{side}feature_attention_mask"].bool()]


def noise(count: int) -> np.ndarray:
    """Noise that falls to a thousandth, so that the loudest frame, which all are measured by, is at the beginning."""
    fall = 10 ** np.linspace(0, -3, count)
    return (np.random.default_rng(count).standard_normal(count) * fall * 0.1).astype("float32")


LENGTHS = [1, 160, 161, 399, 400, 1_000, RATE, 5 * RATE + 1, 30 * RATE - 1, WINDOW - 201, WINDOW - 100, WINDOW]


@pytest.mark.parametrize("counts", [*([count] for count in LENGTHS), [777, 5 * RATE, 2 * RATE + 159]], ids=str)
def test_features_without_padding_are_bit_for_bit_those_with_it(extractor: Any, counts: list[int]) -> None:
    from swift_saber.plugin.saber_sound import Unpadded

    asked = {"padding": "max_length", "sampling_rate": RATE, "return_attention_mask": True, "return_tensors": "pt"}
    sounds = [noise(count) for count in counts]
    stock, ours = extractor(sounds, **asked), Unpadded(extractor)(sounds, **asked)
    assert stock["input_features"].shape == (len(counts), 128, WINDOW // HOP)
    longest = -(-max(counts) // HOP)
    assert ours["input_features"].shape == (len(counts), 128, longest)
    assert ours["attention_mask"].tolist() == stock["attention_mask"][:, :longest].tolist()
    renamed = [
        {"input_features": one["input_features"], "feature_attention_mask": one["attention_mask"]}
        for one in (stock, ours)
    ]
    assert torch.equal(*map(given, renamed))


def test_what_is_not_padded_to_the_window_is_the_extractors_own(extractor: Any) -> None:
    from swift_saber.plugin.saber_sound import Unpadded

    asked = {"padding": True, "truncation": False, "sampling_rate": RATE, "return_attention_mask": True}
    stock, ours = extractor([noise(8_000)], **asked), Unpadded(extractor)([noise(8_000)], **asked)
    assert np.array_equal(stock["input_features"], ours["input_features"])
    assert Unpadded(extractor).hop_length == HOP


@pytest.mark.parametrize("names", [["one.wav"], ["odd.wav", "one.wav"], ["a.mp4", "long.wav"]])
def test_a_row_gives_the_model_what_stock_gives_it(processor: Any, media: Path, names: list[str]) -> None:
    row = {"messages": ANSWERED, "videos": [str(media / "a.mp4")], "audios": [str(media / name) for name in names]}
    ours = encode(processor, row)
    if "a.mp4" in names:  # which stock hands to the ffmpeg program
        soundfile.write(media / "a.wav", load_float(media / "a.mp4"), RATE, subtype="FLOAT")
        row["audios"][0] = str(media / "a.wav")
    stock = encode(processor, row, stock=True)
    assert ours["input_ids"] == stock["input_ids"]
    assert torch.equal(given(ours), given(stock))
    assert stock["input_features"].shape[-1] == WINDOW // HOP
    longest = max(round(soundfile.info(path).duration * RATE) for path in row["audios"])
    assert ours["input_features"].shape[-1] == -(-longest // HOP)


def load_float(path: Path) -> Any:
    from swift_saber.media.sound import load

    return load(path, RATE)


@pytest.mark.parametrize("padding_free", [False, True])
def test_a_batch_gives_the_model_what_stock_gives_it(processor: Any, media: Path, padding_free: bool) -> None:
    collated = []
    for stock in (False, True):
        encoder = template(processor, stock=stock, padding_free=padding_free)
        encoder.set_mode("train")
        rows = [{"messages": ANSWERED, "audios": [str(media / name)]} for name in ("one.wav", "long.wav", "odd.wav")]
        rows.append({"messages": ANSWERED})
        encoded = [encoder.encode(row, return_length=True) for row in rows]
        for one, length in zip(encoded, (row["lengths"] for row in encoded), strict=True):
            one["length"] = length[0]
        collated.append(encoder.data_collator(encoded))
    ours, stock_batch = collated
    assert torch.equal(given(ours), given(stock_batch))
    assert ours["input_features"].shape == (3, 128, 4 * RATE // HOP)
    for key in stock_batch.keys() - {"input_features", "feature_attention_mask"}:
        assert torch.equal(ours[key], stock_batch[key]) if torch.is_tensor(ours[key]) else ours[key] == stock_batch[key]


def test_a_pair_gives_the_model_what_stock_gives_it(processor: Any, media: Path) -> None:
    pair = {"messages": ANSWERED, "audios": [str(media / "odd.wav")], "rejected_audios": [str(media / "one.wav")]}
    pair["rejected_messages"] = [*QUESTION, {"role": "assistant", "content": "No."}]
    collated = []
    for stock in (False, True):
        encoder = template(processor, stock=stock)
        encoder.set_mode("rlhf")
        encoded = encoder.encode(pair)
        encoded.pop("id", None)
        collated.append(encoder.data_collator([encoded]))
    assert torch.equal(*map(given, collated))
    assert [one["input_features"].shape[-1] for one in collated] == [201, WINDOW // HOP]  # 32,037 samples


def test_the_audio_tower_makes_the_same_of_it(processor: Any, tiny_model: Path, media: Path) -> None:
    from swift.model import get_model_processor

    model = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", torch_dtype=torch.float32)[0]
    embedded = []
    for stock in (False, True):
        encoder = template(processor, stock=stock)
        encoder.set_mode("train")
        row = {"messages": ANSWERED, "audios": [str(media / "odd.wav")]}
        embedded.append(encoder._post_encode(model, encoder.data_collator([encoder.encode(row)]))["inputs_embeds"])
    assert torch.equal(*embedded)


def test_the_processor_that_a_checkpoint_keeps_stays_stock(processor: Any, media: Path, tmp_path: Path) -> None:
    from transformers import AutoProcessor, WhisperFeatureExtractor

    encoder = template(processor, stock=False)
    encoder.set_mode("train")
    encoder.encode({"messages": ANSWERED, "audios": [str(media / "one.wav")]})
    assert type(encoder.processor.feature_extractor) is WhisperFeatureExtractor
    encoder.processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path).feature_extractor
    assert (type(again), again.n_samples) == (WhisperFeatureExtractor, WINDOW)


@pytest.fixture
def five_minutes(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", noise(WINDOW + RATE // 2), RATE)
    return tmp_path / "a.wav"


def test_a_sound_beyond_the_encoders_window_is_named(processor: Any, five_minutes: Path, tmp_path: Path) -> None:
    row = {"id": "a", "messages": QUESTION, "audios": [str(five_minutes)]}
    with pytest.raises(InputError, match=r"a.wav: lasts 300.5 seconds, and the model hears 300 at most"):
        encode(processor, row, "transformers")
    soundfile.write(tmp_path / "whole.wav", noise(WINDOW), RATE)
    encoder = template(processor, stock=False, max_length=10_000)
    encoder.set_mode("train")
    assert len(given(encoder.encode({**row, "audios": [str(tmp_path / "whole.wav")]}))) == WINDOW // HOP


@pytest.mark.parametrize(("count", "said"), [(320, "0.020 seconds, which is too short"), (0, "holds no sound")])
def test_a_sound_of_which_the_model_would_get_nothing_is_named(
    processor: Any, tmp_path: Path, count: int, said: str
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(count), RATE)
    with pytest.raises(InputError, match=said):
        encode(processor, {"messages": QUESTION, "audios": [str(tmp_path / "a.wav")]}, "transformers")
    soundfile.write(tmp_path / "a.wav", noise(321), RATE)  # three frames are one token
    encoded = encode(processor, {"messages": QUESTION, "audios": [str(tmp_path / "a.wav")]}, "transformers")
    assert sounds(processor, encoded) == 1


def sounds(processor: Any, encoded: dict[str, Any], side: str = "") -> int:
    """How many tokens are sound."""
    return list(encoded[f"{side}input_ids"]).count(processor.tokenizer.convert_tokens_to_ids(processor.audio_token))


@pytest.mark.parametrize("audios", [{}, {"audios": None}])
def test_a_video_is_heard_where_a_row_does_not_say_what_is_heard(
    processor: Any, media: Path, audios: dict[str, Any]
) -> None:
    row = {"messages": ANSWERED, "videos": [str(media / "a.mp4")]}
    found = encode(processor, {**row, **audios})
    expected = encode(processor, {**row, "audios": row["videos"]})
    assert found["input_ids"] == expected["input_ids"]
    assert torch.equal(given(found), given(expected))
    assert sounds(processor, found) == 50  # two seconds


def test_only_videos_with_sound_are_heard(processor: Any, media: Path) -> None:
    def tokens(*names: str, **row: Any) -> int:
        videos = [str(media / name) for name in names]
        return sounds(processor, encode(processor, {"messages": ANSWERED, "videos": videos, **row}))

    assert tokens("mute.mp4") == tokens("silent.mp4") == 0
    assert tokens("mute.mp4", "a.mp4") == 50
    assert tokens("a.mp4", audios=[]) == 0  # the row says that there is none
    assert tokens("a.mp4", audios=[str(media / "one.wav")]) == 25
    assert sounds(processor, encode(processor, {"messages": ANSWERED, "audios": [str(media / "one.wav")]})) == 25


def test_videos_in_turns_are_heard_too(processor: Any, media: Path) -> None:
    def parts(*clips: tuple[str, str]) -> list[dict[str, Any]]:
        named = [{"type": f"{kind}_url", f"{kind}_url": {"url": str(media / name)}} for kind, name in clips]
        return [{"role": "user", "content": [*named, {"type": "text", "text": "Why?"}]}]

    assert sounds(processor, encode(processor, {"messages": parts(("video", "a.mp4"))}, "transformers")) == 50
    both = {"messages": parts(("video", "a.mp4"), ("audio", "one.wav"))}
    assert sounds(processor, encode(processor, both, "transformers")) == 25


def test_each_side_of_a_pair_is_heard(processor: Any, media: Path) -> None:
    pair = {"messages": ANSWERED, "videos": [str(media / "a.mp4")]}
    rejected = [*QUESTION, {"role": "assistant", "content": "No."}]
    for columns in (
        {"rejected_response": "No."},
        {"rejected_messages": rejected, "rejected_videos": pair["videos"], "rejected_audios": None},
    ):
        encoded = encode(processor, {**pair, "audios": None, **columns}, "rlhf")
        assert [sounds(processor, encoded, side) for side in ("chosen_", "rejected_")] == [50, 50]
    other = {"rejected_messages": rejected, "rejected_videos": [str(media / "mute.mp4")], "rejected_audios": None}
    encoded = encode(processor, {**pair, "audios": [], **other}, "rlhf")
    assert [sounds(processor, encoded, side) for side in ("chosen_", "rejected_")] == [0, 0]


def test_a_request_says_itself_what_is_heard(processor: Any, media: Path) -> None:
    from swift.infer_engine import InferRequest

    request = InferRequest(messages=QUESTION, videos=[str(media / "a.mp4")])
    encoder = template(processor, stock=False)
    encoder.set_mode("transformers")
    assert sounds(processor, encoder.encode(request)) == 0


def test_the_sound_inside_can_be_left_out(processor: Any, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"messages": ANSWERED, "videos": [str(media / "a.mp4")]}
    monkeypatch.setenv("SABER_SOUND", "given")
    assert sounds(processor, encode(processor, row)) == 0
    monkeypatch.setenv("SABER_SOUND", "never")
    with pytest.raises(InputError, match="SABER_SOUND"):
        template(processor, stock=False)


def test_sound_that_is_interleaved_with_the_picture_is_not_given_twice(
    processor: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    row = {"messages": ANSWERED, "videos": [str(media / "a.mp4")]}
    encoded = encode(processor, row)
    assert len(encoded["input_features"]) == 1
    assert sounds(processor, encoded) == 50
    with pytest.raises(InputError, match="mute.mp4: has no sound") as raised:
        encode(processor, {**row, "videos": [str(media / "mute.mp4")]}, "transformers")
    assert "unset USE_AUDIO_IN_VIDEO" in str(raised.value)


def test_a_loader_that_is_asked_for_stays_stock(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swift.template.templates import qwen

    samples, rate = qwen.load_audio(str(media / "b.mkv"), RATE, return_sr=True)
    assert (rate, heard(samples, RATE)) == (RATE, list(TONES[2:]))
    assert len(samples) / RATE == pytest.approx(SECONDS - 1, abs=0.1)
    called = []
    monkeypatch.setattr(
        "swift.template.vision_utils._load_audio_soundfile_pyav", lambda *_, **__: called.append(1) or (samples, RATE)
    )
    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", "soundfile_pyav")
    qwen.load_audio(str(media / "b.mkv"), RATE)
    assert called == [1]


@pytest.fixture(scope="module")
def thirty_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write(path, frames(30 * 8), np.tile(steps(RATE), 8)[: 30 * RATE])
    return path


@pytest.fixture
def forty_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """FPS_MAX_FRAMES=40, which qwen-omni-utils reads when it is imported."""
    monkeypatch.setattr("qwen_omni_utils.v2_5.vision_process.FPS_MAX_FRAMES", 40)


@pytest.mark.usefixtures("forty_frames")
def test_frames_stand_at_their_times_or_where_older_versions_put_them(
    processor: Any, thirty_seconds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"messages": ANSWERED, "videos": [str(thirty_seconds)], "audios": []}
    # 40 frames of 30 seconds, two of them to a place: one place every 30 / 20 seconds.
    true = encode(processor, row)
    assert true["video_grid_thw"][0, 0] == 20
    assert true["video_second_per_grid"].tolist() == [1.5]
    monkeypatch.setenv("SABER_TIMING", "true")
    assert encode(processor, row)["video_second_per_grid"].tolist() == [1.5]
    # What transformers takes where it is told nothing: two frames a second.
    monkeypatch.setenv("SABER_TIMING", "legacy")
    legacy = encode(processor, {**row, "videos": row["videos"] * 2})
    assert legacy["video_second_per_grid"].tolist() == [1.0, 1.0]
    assert untold(processor) == 1.0
    monkeypatch.setenv("SABER_TIMING", "old")
    with pytest.raises(InputError, match="SABER_TIMING"):
        template(processor, stock=False)


def untold(processor: Any) -> float:
    """Seconds for a place in the grid by a processor that is not told how many frames a second there are."""
    clip = np.zeros((4, 3, 224, 224), np.uint8)  # a multiple of any patch's side
    return float(processor(text="", videos=[clip], do_resize=False, return_tensors="pt")["video_second_per_grid"][0])


@pytest.mark.usefixtures("forty_frames")
@pytest.mark.parametrize(("timing", "seconds"), [("true", 1.5), ("legacy", 1.0)])
def test_picture_and_sound_are_interleaved_by_the_same_times(
    processor: Any, thirty_seconds: Path, monkeypatch: pytest.MonkeyPatch, timing: str, seconds: float
) -> None:
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    monkeypatch.setenv("SABER_TIMING", timing)
    encoded = encode(processor, {"messages": ANSWERED, "videos": [str(thirty_seconds)]})
    grid = encoded["video_grid_thw"][0]
    names = processor.tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    shown = "".join({"<|VIDEO|>": "v", "<|AUDIO|>": "a"}.get(name, "") for name in names)
    # In turns of two seconds: the places of the picture within them, then 25 tokens of sound for each second.
    per_place, heard_tokens = int(grid[1] * grid[2] // 4), shown.count("a")
    assert heard_tokens == pytest.approx(30 * 25, abs=2)
    expected, left = "", heard_tokens
    for turn in range(20):
        places = [place for place in range(20) if turn * 2 <= place * seconds < turn * 2 + 2]
        expected += "v" * per_place * len(places) + "a" * min(50, left)
        left -= min(50, left)
    assert shown == expected


@pytest.fixture(scope="module")
def qwen3(processor: Any) -> Any:
    """A processor of Qwen3-Omni as ms-swift hands it to a template, with the tiny model's words."""
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3OmniMoeProcessor,
        Qwen3VLVideoProcessor,
        WhisperFeatureExtractor,
    )

    tokenizer = copy.deepcopy(processor.tokenizer)
    tokens = {f"{kind}_token": f"<|{kind}_pad|>" for kind in ("image", "audio", "video")}
    tokens |= {f"{kind}_{end}_token": f"<|{kind}_{way}|>" for kind in ("vision", "audio") for end, way in ENDS}
    tokenizer.add_special_tokens({"additional_special_tokens": list(tokens.values())})
    for name, token in tokens.items():
        setattr(tokenizer, name, token)
    found = Qwen3OmniMoeProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=16),
        video_processor=Qwen3VLVideoProcessor(),
        feature_extractor=WhisperFeatureExtractor(feature_size=128, chunk_length=30),
        tokenizer=tokenizer,
        chat_template="",
    )
    ids = {
        f"{kind}_token_id": tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>") for kind in ("image", "audio", "video")
    }
    config = SimpleNamespace(thinker_config=SimpleNamespace(**ids))
    found.model_info = dataclasses.replace(processor.model_info, config=config)
    found.model_meta = processor.model_meta
    return found


ENDS = (("bos", "start"), ("eos", "end"))


def encode_qwen3(qwen3: Any, row: dict[str, Any], *, stock: bool = False) -> dict[str, Any]:
    from swift.template import TEMPLATE_MAPPING
    from swift.template.templates.qwen import Qwen3OmniTemplate

    meta = TEMPLATE_MAPPING["qwen3_omni"]
    encoder = (Qwen3OmniTemplate if stock else meta.template_cls)(qwen3, meta)
    encoder.set_mode("train")
    return encoder.encode(row)


@pytest.mark.usefixtures("forty_frames")
def test_qwen3_omni_hears_any_length_as_stock_gives_it(
    qwen3: Any, media: Path, thirty_seconds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(31 * RATE + 77), RATE)  # beyond its extractor's 30 seconds
    row = {"messages": ANSWERED, "audios": [str(tmp_path / "a.wav")], "videos": [str(media / "a.mp4")]}
    ours, stock = (encode_qwen3(qwen3, row, stock=stock) for stock in (False, True))
    assert ours.keys() == stock.keys()
    for key, value in stock.items():
        assert torch.equal(ours[key], value) if torch.is_tensor(value) else ours[key] == value, key
    assert ours["input_features"].shape[-1] == 3_100
    monkeypatch.setenv("SABER_TIMING", "legacy")
    row = {"messages": ANSWERED, "videos": [str(thirty_seconds)], "audios": []}
    assert encode_qwen3(qwen3, row)["video_second_per_grid"].tolist() == [untold(qwen3)] == [2.0]
