"""data/convert.py: the file that was looked at is the file that is named, wherever in a row its path stands."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.convert import to_swift_row
from swift_saber.data.rows import row_id
from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import Options
from swift_saber.plugin.saber_pairs import to_swift_pair

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
