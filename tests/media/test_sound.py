"""media/sound.py: what is heard of each form of sound, told by tones that say what time it is."""

import io
from fractions import Fraction
from pathlib import Path

import av
import librosa
import numpy as np
import pytest
import soundfile

from swift_saber.media.fault import clip_fault
from swift_saber.media.sound import RATE, has_sound, inside, load, samples_of
from tests.media_faults import encode, frames
from tests.numbered_clips import _edited as edited
from tests.stepped_sounds import FORMS, SECONDS, STEP, TONES, heard, joined, steps, wave


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    for name, write in FORMS.items():
        write(folder / name)
    return folder


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_heard_from_beginning_to_end(forms: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # where there is no ffmpeg program
    path = str(forms / name)
    samples = load(path, RATE)
    assert (samples.dtype, samples.ndim) == (np.float32, 1)
    assert heard(samples, RATE) == list(TONES)
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.1)
    # What the pipeline and `analyze` make of it, and what the check says.
    assert heard(samples_of(path) / 2**15, RATE) == list(TONES)
    assert inside([path]) == [path]
    assert clip_fault([], [path]) is None


def test_the_tones_tell_a_sound_that_is_read_wrongly() -> None:
    right = steps(RATE)
    assert heard(right, RATE) == list(TONES)
    assert heard(right[RATE // 2 :], RATE) == list(TONES[1:])
    assert heard(right[: RATE * 2], RATE) == list(TONES[:4])
    assert heard(right[::2], RATE) != list(TONES)  # at twice the speed
    assert heard(np.concatenate([right[: RATE // 4], right]), RATE) != list(TONES)  # a quarter of a second late
    assert heard(right * 0.01, RATE) == [0] * len(TONES)


# soundfile does not read GSM to its end, and no more than the first part of what was joined.
@pytest.mark.parametrize(
    "name", [name for name in FORMS if name.endswith((".wav", "a.flac", "a.mp3", "s.ogg")) and name != "gsm.wav"]
)
def test_what_soundfile_reads_is_bit_for_bit_what_librosa_gives(forms: Path, name: str) -> None:
    data = io.BytesIO((forms / name).read_bytes())  # as ms-swift gives it to librosa
    assert np.array_equal(load(forms / name, RATE), librosa.load(data, sr=RATE)[0])


def test_gsm_is_read_although_soundfile_cannot_say_where_it_ends(tmp_path: Path) -> None:
    wave("GSM610", 8_000)(tmp_path / "gsm.wav")
    with pytest.raises(ValueError, match="non-seekable"):  # what ms-swift meets
        librosa.load(tmp_path / "gsm.wav", sr=RATE)
    assert heard(load(tmp_path / "gsm.wav", RATE), RATE) == list(TONES)


def test_several_channels_are_averaged_and_integers_are_shares_of_the_greatest(tmp_path: Path) -> None:
    planes = np.stack([np.full(10 * 1024, 0.5), np.full(10 * 1024, -0.25)])
    mean = np.full(10 * 1024, (0.5 - 0.25) / 2)
    for name, audio in (("s16.mov", "pcm_s16le"), ("s32.mov", "pcm_s32le"), ("float.mov", "pcm_f32le")):
        encode(tmp_path / name, frames(8), planes, audio=audio)
        assert load(tmp_path / name, RATE) == pytest.approx(mean, abs=2**-14), name
    encode(tmp_path / "u8.avi", frames(8), planes, codec="mpeg4", audio="pcm_u8")
    assert load(tmp_path / "u8.avi", RATE) == pytest.approx(mean, abs=2**-6)


def test_of_parts_that_do_not_fit_into_one_ogg_the_first_is_not_taken_for_all(tmp_path: Path) -> None:
    joined((48_000, 2), (48_000, 1), audio="libopus", form="ogg")(tmp_path / "a.ogg")
    assert soundfile.info(tmp_path / "a.ogg").duration == pytest.approx(SECONDS / 2, abs=0.1)
    for read in (lambda path: load(path, RATE), samples_of):
        with pytest.raises(av.error.FFmpegError):
            read(tmp_path / "a.ogg")
    problem = clip_fault([], [str(tmp_path / "a.ogg")])
    assert problem and "cannot be decoded" in problem.reason


def test_nothing_is_made_up_for_what_is_missing_of_an_mp3(tmp_path: Path) -> None:
    FORMS["a.mp3"](tmp_path / "a.mp3")
    data = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(data[: len(data) * 5 // 8])
    assert soundfile.info(tmp_path / "a.mp3").duration == pytest.approx(SECONDS, abs=0.1)
    assert heard(load(tmp_path / "a.mp3", RATE), RATE) == list(TONES[:5])
    problem = clip_fault([], [str(tmp_path / "a.mp3")])
    assert problem and "is truncated" in problem.reason


def film(
    path: Path, first: float, *, gap: tuple[int, int] = (0, 0), codec: str = "libx264", audio: str = "aac"
) -> None:
    """Write a picture from 0 on, beside it the steps from `first` on, without their half seconds from one to another.

    Args:
        first: seconds; a picture begins later where it is below 0.
    """
    rate, base = 48_000, Fraction(1, 8)
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream(codec, rate=8), container.add_stream(audio, rate=rate)
        video.height, video.width, video.pix_fmt, sound.layout = 56, 56, "yuv420p", "mono"
        packets = []
        for number, picture in enumerate(frames(48)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number + round(max(-first, 0) * 8), base
            packets += video.encode(frame)
        packets += video.encode()
        whole = av.AudioFrame.from_ndarray(steps(rate).astype("float32")[None], format="fltp", layout="mono")
        whole.sample_rate, whole.pts = rate, round(max(first, 0) * rate)
        resampler = av.AudioResampler(sound.format, "mono", rate, frame_size=sound.frame_size or 1024)
        begin, end = (first + step * STEP for step in gap)
        for part in [*resampler.resample(whole), *resampler.resample(None)]:
            packets += [packet for packet in sound.encode(part) if not begin <= packet.pts / rate < end]
        packets += sound.encode()
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            container.mux(packet)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov"])
def test_a_sound_that_begins_after_the_picture_does_so_for_the_model(tmp_path: Path, name: str) -> None:
    film(tmp_path / name, 1.0)
    assert heard(load(tmp_path / name, RATE), RATE)[:10] == [0, 0, *TONES]
    assert heard(samples_of(tmp_path / name) / 2**15, RATE)[:10] == [0, 0, *TONES]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_sound_that_begins_before_the_picture_is_heard_from_its_beginning(tmp_path: Path, name: str) -> None:
    film(tmp_path / name, -1.0)
    assert heard(load(tmp_path / name, RATE), RATE)[:8] == list(TONES)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_where_packets_are_missing_a_player_plays_nothing_and_what_follows_keeps_its_time(
    tmp_path: Path, name: str
) -> None:
    film(tmp_path / name, 0.0, gap=(2, 4), audio="mp2")  # whose packets stand for themselves
    expected = [*TONES[:2], 0, 0, *TONES[4:]]
    assert heard(load(tmp_path / name, RATE), RATE)[:8] == expected
    assert heard(samples_of(tmp_path / name) / 2**15, RATE)[:8] == expected


@pytest.mark.parametrize("name", ["aac.m4a", "alac.m4a"])
@pytest.mark.parametrize(
    ("parts", "expected"), [([(25, 50)], TONES[2:6]), ([(50, 25), (0, 25)], TONES[4:6] + TONES[:2])]
)
def test_what_an_edit_list_cuts_off_is_not_heard(
    forms: Path, tmp_path: Path, name: str, parts: list[tuple[int | None, int]], expected: tuple[int, ...]
) -> None:
    edited(tmp_path / "a.m4a", (forms / name).read_bytes(), parts)  # in 25ths of a second
    assert heard(load(tmp_path / "a.m4a", RATE), RATE) == list(expected)


def test_of_two_sounds_the_default_one_is_heard(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        tracks[0].disposition, tracks[1].disposition = 0, av.stream.Disposition.default
        for track, samples in zip(tracks, (steps(RATE)[::-1], steps(RATE)), strict=True):
            frame = av.AudioFrame.from_ndarray((samples * 2**15).astype("int16")[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(track.encode(frame))
    assert heard(load(tmp_path / "a.mkv", RATE), RATE) == list(TONES)


def test_only_videos_with_a_sound_that_is_not_silent_are_heard(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(3 * RATE), steps(RATE)[:RATE]])
    for name, samples in {"mute": None, "silent": np.zeros(RATE), "hum": np.full(RATE, 2.0**-17), "late": late}.items():
        encode(tmp_path / f"{name}.mkv", frames(8), samples, audio="pcm_s16le")
    videos = [str(tmp_path / f"{name}.mkv") for name in ("mute", "silent", "hum", "late")]
    assert inside(videos) == videos[3:]
    assert inside([]) == []
    with pytest.raises(av.error.FFmpegError):
        inside([str(tmp_path / "gone.mkv")])


def test_a_sound_that_does_not_decode_is_not_taken_for_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, frames(16), steps(RATE), audio="aac")
    with av.open(str(path)) as source:
        packets = [bytes(packet) for packet in source.demux(audio=0) if packet.size]
    data = path.read_bytes()
    for packet in packets:
        data = data.replace(packet, b"\xff" * len(packet))
    path.write_bytes(data)
    assert has_sound(path)
    with pytest.raises(ValueError, match=r"holds no sound \(|cannot be decoded"):
        load(path, RATE)
    problem = clip_fault([], [str(path)])
    assert problem and "holds no sound" in problem.reason


def test_a_file_without_sound_says_so(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(8))
    with pytest.raises(ValueError, match="has no sound"):
        load(tmp_path / "a.mp4", RATE)
    assert samples_of(tmp_path / "a.mp4").shape == (0,)
