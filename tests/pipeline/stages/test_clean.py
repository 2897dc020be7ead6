"""clean.py: what is dropped and why, what stays, and what is not done twice."""

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.media.check import check_clips
from swift_saber.media.pool import guarded
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages import clean as stage_file
from swift_saber.pipeline.stages.clean import Clean, Settings, examine, sound_name
from tests.media_faults import RATE, encode, make_faults
from tests.pipeline.clips import FILMS, clean, row, scene, speech

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("films")
    for name, (_, make) in FILMS.items():
        make(folder / f"{name}.mp4")
    return [row(f"test/train/{name}", folder / f"{name}.mp4") for name in FILMS]


def _reasons(found: list[Any]) -> list[str | None]:
    return [one.reason if isinstance(one, Drop) else None for one in found]


def test_each_clip_is_dropped_for_what_is_wrong_with_it(films: Rows, tmp_path: Path) -> None:
    found = list(clean(workers=2).run(films, tmp_path, 0))
    assert dict(zip(FILMS, _reasons(found), strict=True)) == {name: reason for name, (reason, _) in FILMS.items()}
    drops = {one.reason: one for one in found if isinstance(one, Drop)}
    assert all(one.row is given for one, given in zip(found, films, strict=True) if isinstance(one, Drop))
    assert (drops["low resolution"].value, drops["low resolution"].limit) == (94, 96)
    assert drops["too long"].value == pytest.approx(31, abs=0.1)
    assert drops["too long"].limit == 30
    assert (drops["black"].value, drops["frozen"].value) == (1.0, 1.0)
    assert "holds text, not a video" in drops["undecodable"].value


def test_what_stays_has_measures_and_a_wav_and_of_the_rest_no_file_stays(films: Rows, tmp_path: Path) -> None:
    found = list(clean().run(films, tmp_path, 0))
    [kept] = [one for one in found if not isinstance(one, Drop)]
    [sound] = kept["audios"]
    assert soundfile.info(sound).samplerate == RATE
    assert kept == films[0] | {"audios": [sound], "measures": kept["measures"]}
    assert kept["measures"]["loudness"] == pytest.approx(-32.5, abs=1)
    assert not {"doubts", "sound_fault"} & set(kept["measures"])
    assert [str(path) for path in (tmp_path / "sound").rglob("*") if path.is_file()] == [sound]


class _Counted:
    """The pool, with the videos that were decoded."""

    def __init__(self) -> None:
        self.videos: list[str] = []

    def __call__(self, items: Any, *args: Any, **options: Any) -> Any:
        def seen() -> Iterator[Any]:
            for key, arguments in items:
                self.videos.append(Path(arguments[0]).stem)
                yield key, arguments

        return guarded(seen(), *args, **options)


def test_a_run_that_goes_on_decodes_only_what_is_not_whole(
    films: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = [row(f"test/{n}", Path(films[0]["videos"][0])) for n in range(3)]
    rows = films + extra
    counted = _Counted()
    monkeypatch.setattr(stage_file, "guarded", counted)
    stopped = clean().run(rows, tmp_path, 0)
    first = [next(stopped) for _ in range(5)]
    stopped.close()  # type: ignore[attr-defined]
    counted.videos.clear()
    whole = list(clean().run(rows, tmp_path, 0))
    assert whole[:5] == first
    assert counted.videos == [*list(FILMS)[5:], "good", "good", "good"]

    counted.videos.clear()
    assert list(clean().run(rows, tmp_path, 0)) == whole
    assert counted.videos == []

    one, two, _ = (Path(found["audios"][0]) for found in whole[-3:])
    one.write_bytes(one.read_bytes()[:-2])
    two.unlink()
    assert list(clean().run(rows, tmp_path, 0)) == whole
    assert counted.videos == ["good", "good"]
    assert one.stat().st_size == 44 + 2 * len(soundfile.read(one)[0])

    counted.videos.clear()
    assert list(clean().run(rows, tmp_path, 0)) == whole
    assert counted.videos == []


def test_a_file_that_was_replaced_is_measured_again(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", scene(1), speech(1))
    rows = [row("a", tmp_path / "a.mp4")]
    [before] = clean().run(rows, tmp_path / "out", 0)
    (tmp_path / "a.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:-2000])  # half-downloaded
    [cut] = clean().run(rows, tmp_path / "out", 0)
    encode(tmp_path / "a.mp4", scene(1), speech(1))
    [again] = clean().run(rows, tmp_path / "out", 0)
    assert isinstance(cut, Drop) and cut.reason == "undecodable"
    assert again == before


def test_thresholds_can_change_between_runs(films: Rows, tmp_path: Path) -> None:
    given = films[:1]
    [kept] = clean().run(given, tmp_path, 0)
    assert isinstance(kept, dict)
    [dropped] = clean(min_sharpness=1000).run(given, tmp_path, 0)
    assert isinstance(dropped, Drop) and (dropped.reason, dropped.limit) == ("blurred", 1000)
    assert not Path(kept["audios"][0]).exists()
    assert list(clean().run(given, tmp_path, 0)) == [kept]
    assert Path(kept["audios"][0]).exists()


def test_the_number_of_workers_changes_nothing(films: Rows, tmp_path: Path) -> None:
    one = list(clean(workers=1).run(films, tmp_path, 0))
    shutil.rmtree(tmp_path)
    stage = pickle.loads(pickle.dumps(clean(workers=2)))
    assert list(stage.run(films, tmp_path, 0)) == one


def test_sound_of_its_own_file_is_used_and_checked(tmp_path: Path) -> None:
    encode(tmp_path / "mute.mp4", scene(1))
    sound = tmp_path / "voice.wav"
    soundfile.write(sound, speech(1), RATE)
    data = sound.read_bytes()
    (tmp_path / "half.wav").write_bytes(data[: len(data) // 2])
    (tmp_path / "page.wav").write_text("<html>404</html>")
    names = ("voice", "half", "page", "absent")
    rows = [row(name, tmp_path / "mute.mp4", tmp_path / f"{name}.wav") for name in names]
    good, *faults = clean().run(rows, tmp_path / "out", 0)
    assert isinstance(good, dict)
    assert good["audios"] == [str(tmp_path / "out" / "sound" / sound_name("voice"))]
    assert _reasons(faults) == ["undecodable"] * 3
    told = [fault.value for fault in faults if isinstance(fault, Drop)]
    assert "half.wav: is truncated: 1.0 of 2.0 seconds can be read" in told[0]
    assert "page.wav: holds a web page, not a sound file" in told[1]
    assert "absent.wav: is missing" in told[2]


def test_broken_pictures_are_found_as_by_the_full_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_QWENVL_VIDEO_READER", "pyav")  # not decord, which is asked too where it is chosen
    films = [fault for fault in make_faults(tmp_path / "set") if fault.kind == "video"]
    to = str(tmp_path / "sound.wav")
    found = guarded(((f, [str(f.path), None, to, 1e9]) for f in films), examine, workers=1, limit=60)
    checked = check_clips(((f, [str(f.path)], []) for f in films), workers=1, limit=60)
    wrong = []
    for (film, entry), (_, problem) in zip(found, checked, strict=True):
        fault = entry.get("fault")
        if problem is None and fault and "packets of sound are broken" in fault:
            continue  # the full check was asked of the picture alone
        if problem and "as long as wide" in problem.reason:
            assert min(entry["measures"][side] for side in ("width", "height")) < Settings().min_side
            continue  # which is "low resolution", and no fault
        if fault != (problem.reason if problem else None):
            wrong.append((film.name, entry, problem))
    assert len(films) > 80
    assert wrong == []


def test_broken_sounds_are_found_as_by_the_full_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", "soundfile_pyav")  # whose verdicts need no ffmpeg program
    encode(tmp_path / "film.mp4", scene(1))
    sounds = [fault for fault in make_faults(tmp_path / "set") if fault.kind == "audio"]
    film, to = str(tmp_path / "film.mp4"), str(tmp_path / "sound.wav")
    found = guarded(((s, [film, str(s.path), to, 1e9]) for s in sounds), examine, workers=1, limit=60)
    checked = check_clips(((s, [], [str(s.path)]) for s in sounds), workers=1, limit=60)
    wrong = []
    for (sound, entry), (_, problem) in zip(found, checked, strict=True):
        if problem and "is silent" in problem.reason:
            assert entry["measures"]["loudness"] < -90  # which is "mute", and no fault
        elif problem and ("no audio stream" in problem.reason or "holds no sound" in problem.reason):
            assert entry["measures"]["loudness"] is None
        elif problem and "packets are broken" in problem.reason:
            continue  # one is too many for a reader of the model, which reads cleaning's own wav
        elif entry.get("fault") != (problem.reason if problem else None):
            wrong.append((sound.name, entry, problem))
    assert len(sounds) > 40
    assert wrong == []


def test_an_address_is_not_opened(tmp_path: Path) -> None:
    [drop] = clean().run([row("a", Path("x")) | {"videos": ["http://127.0.0.1:9/a.mp4"]}], tmp_path, 0)
    assert isinstance(drop, Drop) and "is an address" in drop.value


def test_a_disk_that_takes_nothing_ends_the_run_and_blames_no_clip(films: Rows, tmp_path: Path) -> None:
    (tmp_path / "sound").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written") as caught:
        list(clean().run(films[:1], tmp_path, 0))
    assert caught.value.where.startswith(str(tmp_path / "sound"))


def test_names_of_sounds_are_readable_safe_and_no_two_the_same() -> None:
    ids = [
        "meld/train/dia0_utt0",
        "meld/train/dia0 utt0",
        "meld/train/dia0/utt0",
        "mer/train/样本 1",
        "../../etc/x",
        "/",
    ]
    ids += ["a" * 500, "a" * 501, "好" * 300, "meld/train/", "\udc80", "A", "a"]
    names = [sound_name(name) for name in ids]
    assert len({name.casefold() for name in names}) == len(ids)
    assert names[0].startswith("meld/train/dia0_utt0-") and names[0].endswith(".wav")
    assert names[3].startswith("mer/train/样本_1-")
    for name in names:
        parts = name.split("/")
        assert len(parts) <= 3
        assert all(part and not part.startswith(".") and len(part.encode()) < 120 for part in parts)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_seconds", "1"),
        ("min_seconds", -1),
        ("max_seconds", 0.5),
        ("max_silence_share", 1.5),
        ("min_loudness", 3),
        ("min_side", True),
        ("min_fps", float("nan")),
        ("media_limit", 0),
        ("workers", 0),
        ("workers", 1.5),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(key: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Clean(**{key: value})
    assert (caught.value.where, caught.value.field) == ("recipe", f"clean.{key}")


def test_a_row_without_one_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not name one clip"):
        list(clean().run([{"id": "a", "videos": []}], tmp_path, 0))
