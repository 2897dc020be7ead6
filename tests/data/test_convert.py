"""data/convert.py: the file that was looked at is the file that is named, wherever in a row its path stands."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.convert import to_swift_row, training_row
from swift_saber.data.rows import row_id
from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import Options
from swift_saber.plugin.saber_pairs import to_swift_pair
from tests.media_faults import encode, frames, sound
from tests.plugin.test_dataset import ENGLISH as RECORD

SIDES = ("", "rejected_")


@pytest.fixture
def twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of media, which holds files that are in the current folder too, with something else in them."""
    media, here = tmp_path / "media", tmp_path / "here"
    for folder in (media, here):
        folder.mkdir()
        for name in ("a.mp4", "b.mp4", "a.wav", "a.png"):
            (folder / name).write_text(f"{folder.name} {name}")
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(media))
    monkeypatch.chdir(here)
    return media


def turns(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}, {"role": "assistant", "content": "Joy."}]


def test_paths_go_on_as_those_of_the_files_that_were_looked_at(twice: Path) -> None:
    given = {"videos": ["a.mp4"], "audio": "a.wav", "messages": turns("Why?")}
    row = to_swift_row(given, "row")
    assert (row["videos"], row["audios"]) == ([str(twice / "a.mp4")], [str(twice / "a.wav")])
    assert row["id"] == row_id(given)


@pytest.mark.parametrize("form", ["video", "video_url"])
@pytest.mark.parametrize("held", [lambda path: path, lambda path: {"url": path}])
def test_clips_in_turns_become_columns_with_a_tag_in_their_place(twice: Path, form: str, held: Any) -> None:
    content = [
        {"type": "text", "text": "First "},
        {"type": form, form: held("a.mp4")},
        {"type": "audio", "audio": held("a.wav")},
        {"type": "text", "text": " then "},
        {"type": form, form: held("b.mp4")},
    ]
    given = {"messages": turns(content)}
    row = to_swift_row(given, "row")
    assert row["messages"] == turns("First <video><audio> then <video>")
    assert row["videos"] == [str(twice / "a.mp4"), str(twice / "b.mp4")]
    assert row["audios"] == [str(twice / "a.wav")]
    assert given == {"messages": turns(content)}


def test_a_picture_in_a_turn_is_named_by_the_file_that_was_looked_at(twice: Path) -> None:
    part = [{"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "text", "text": "Who?"}]
    row = to_swift_row({"messages": turns(part), "videos": ["a.mp4"]}, "row")
    assert row["messages"][0]["content"] == [{"type": "image", "image": str(twice / "a.png")}, part[1]]
    row = to_swift_row({"messages": turns("<img>a.png</img> Who?"), "videos": ["a.mp4"]}, "row")
    assert row["messages"][0]["content"] == f"<img>{twice / 'a.png'}</img> Who?"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<img>gone.png</img>", "messages: .*gone.png: no such file"),
        ("<img>http://127.0.0.1/a.png</img>", "messages: .*is an address"),
        ([{"type": "image", "image": "gone.png"}], "messages: .*gone.png: no such file"),
        ([{"type": "audio", "audio": "gone.wav"}], "messages: .*gone.wav: no such file"),
        ("<video>a.mp4</video>", r"messages\[0\]: holds <video>a.mp4</video>, which ms-swift does not read"),
        ("Hear <audio>a.wav</audio>.", r"messages\[0\]: holds <audio>a.wav</audio>, which ms-swift does not read"),
        ([{"type": "video", "video": "b.mp4"}], "messages: holds videos, which stand in videos too"),
    ],
)
def test_a_clip_that_would_not_be_read_is_named(twice: Path, content: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_swift_row({"messages": turns(content), "videos": ["a.mp4"]}, "row")


def test_both_sides_of_a_pair_name_the_files_that_were_looked_at(twice: Path) -> None:
    chosen, rejected = (
        [{"type": "video", "video": name}, {"type": "text", "text": "?"}] for name in ("a.mp4", "b.mp4")
    )
    swapped = {"messages": turns(chosen), "rejected_messages": turns(rejected), "consistency": "consistent"}
    row = to_swift_pair(swapped, "row", Options())
    assert [row[f"{side}videos"] for side in SIDES] == [[str(twice / "a.mp4")], [str(twice / "b.mp4")]]
    assert [row[f"{side}messages"][0]["content"] for side in SIDES] == ["<video>?"] * 2
    plain = {"messages": turns("Why?"), "rejected_response": "Fear.", "videos": ["a.mp4"], "audios": ["a.wav"]}
    row = to_swift_pair(plain, "row", Options())
    assert [row[f"{side}{key}"] for key in ("videos", "audios") for side in SIDES] == [
        [str(twice / "a.mp4")],
        [str(twice / "a.mp4")],
        [str(twice / "a.wav")],
        [str(twice / "a.wav")],
    ]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A video with sound, one without, and one whose sound is silent."""
    folder = tmp_path_factory.mktemp("voice")
    encode(folder / "voice.mp4", frames(), sound())
    encode(folder / "mute.mp4", frames())
    encode(folder / "silent.mp4", frames(), 0 * sound())
    return {path.stem: str(path) for path in folder.iterdir()}


def test_where_a_row_says_nothing_of_sound_that_is_for_those_to_find_who_decode_it(
    voice: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    video = {"videos": [voice["voice"]]}
    unsaid = [video, {**video, "audios": None}, {**video, "messages": turns("Why?")}]
    unsaid.append({"messages": turns([{"type": "video", "video": voice["voice"]}])})
    said = [{**video, "audios": []}, {"audios": [voice["voice"]]}, {"messages": turns("1 + 1?")}]
    assert [to_swift_row(row, "row")["audios"] for row in unsaid] == [None] * 4
    assert [to_swift_row(row, "row")["audios"] for row in said] == [[], [voice["voice"]], []]
    monkeypatch.setenv("SABER_SOUND", "given")
    assert [to_swift_row(row, "row")["audios"] for row in unsaid] == [[]] * 4
    monkeypatch.setenv("SABER_SOUND", "none")
    with pytest.raises(InputError, match="SABER_SOUND: is 'none'; use one of inside, given"):
        to_swift_row(video, "row")


def test_a_record_is_trained_on_with_the_sound_inside_its_video_and_not_without(
    voice: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = {**RECORD, "videos": [voice["voice"]]}
    assert training_row(heard, "row")["audios"] == [voice["voice"]]
    for row in ({**heard, "audios": []}, {**heard, "videos": [voice["mute"]]}, {**heard, "videos": [voice["silent"]]}):
        with pytest.raises(InputError, match="row: audios: no audio for the record"):
            training_row(row, "row")
    monkeypatch.setenv("SABER_SOUND", "given")
    with pytest.raises(InputError, match="row: audios: no audio for the record"):
        training_row(heard, "row")


def test_a_pair_without_audios_leaves_both_sides_to_who_encodes_them(voice: dict[str, str]) -> None:
    videos = [voice["voice"]], [voice["mute"]]
    plain = {"messages": turns("Why?"), "rejected_response": "Fear.", "videos": videos[0]}
    own = {"messages": turns("Why?"), "rejected_messages": turns("Why?"), "videos": videos[0]}
    own["rejected_videos"] = videos[1]
    for row in (plain, own):
        made = to_swift_pair(row, "row", Options())
        assert [made[f"{side}audios"] for side in SIDES] == [None, None]
    made = to_swift_pair({**own, "rejected_audios": []}, "row", Options())
    assert [made[f"{side}audios"] for side in SIDES] == [None, []]


@pytest.mark.parametrize(
    ("content", "media", "said"),
    [
        ("<video><video>Why?", {"videos": ["voice"], "audios": []}, "2 times <video> for 1 videos"),
        ("<video><audio>Why?", {"videos": ["voice"], "audios": []}, "1 times <audio> for 0 audios"),
        ("<audio><audio>Why?", {"videos": ["voice"]}, "2 times <audio> for 1 audios"),
        ("<image>Why?", {"videos": ["voice"]}, "1 times <image> for 0 images"),
        ("<video>Why?", {}, "1 times <video> for 0 videos"),
        ("<video><audio>Why?", {"videos": ["voice"]}, None),
        ("Why?", {"videos": ["voice", "mute"]}, None),
    ],
)
def test_a_tag_without_a_clip_is_named(
    voice: dict[str, str], content: str, media: dict[str, list[str]], said: str | None
) -> None:
    row = {"messages": turns(content), **{key: [voice[name] for name in names] for key, names in media.items()}}
    if said is None:
        assert to_swift_row(row, "row")["messages"] == turns(content)
        return
    with pytest.raises(InputError, match=f"row: messages: {said}; write one tag for each clip, or none"):
        to_swift_row(row, "row")
    pair = {**row, "rejected_response": "Fear.", "videos": row.get("videos", [])}
    with pytest.raises(InputError, match=f"row: messages: {said}"):
        to_swift_pair(pair, "row", Options())


def test_a_text_may_speak_of_a_tag_in_its_answer() -> None:
    row = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "In HTML: <video>."}]}
    assert to_swift_row(row, "row")["messages"] == row["messages"]
