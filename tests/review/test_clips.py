"""clips.py: copies of clips keep within bounds, and none is taken away while it is sent; a bare one says nothing."""

import asyncio
import resource
from pathlib import Path

import pytest
from starlette.responses import Response

from swift_saber.errors import InputError
from swift_saber.review.clips import Clips, part_of
from tests.media.test_untagged import SECRET, played, tagged
from tests.media_faults import encode, frames, sound
from tests.review.served import Served, records
from tests.review.test_items import RECORD


@pytest.fixture(scope="module")
def avis(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Clips that no browser plays."""
    folder = tmp_path_factory.mktemp("avis")
    encode(folder / "0.avi", frames(8), sound(1), codec="mpeg4", audio="mp3")
    for number in (1, 2, 3):
        (folder / f"{number}.avi").write_bytes((folder / "0.avi").read_bytes())
    return [str(folder / f"{number}.avi") for number in range(4)]


def whole(response: Response) -> bytes:
    """The body of a response that is sent part by part."""

    async def read() -> bytes:
        return b"".join([part async for part in response.body_iterator])  # type: ignore[attr-defined]

    return asyncio.run(read())


def size_of_one(folder: Path, path: str) -> int:
    folder.mkdir()
    copy, file = Clips(folder).copied(path, "video")
    file.close()
    return copy.stat().st_size


def test_above_the_bound_the_copy_goes_that_was_asked_for_the_longest_ago(tmp_path: Path, avis: list[str]) -> None:
    size = size_of_one(tmp_path / "one", avis[0])
    (tmp_path / "copies").mkdir()
    clips = Clips(tmp_path / "copies", most=2 * size)
    for path in avis[:2]:
        clips.copied(path, "video")[1].close()
    found = clips.known(avis[0], "video")
    assert found  # from now on the other one is the oldest
    found[1].close()
    clips.copied(avis[2], "video")[1].close()
    assert [clips.known(path, "video") is not None for path in avis[:3]] == [True, False, True]
    assert len(list((tmp_path / "copies").iterdir())) == 2
    clips.copied(avis[1], "video")[1].close()  # made again when it is asked for again
    assert clips.known(avis[1], "video")


def test_one_that_is_larger_than_the_bound_is_played_all_the_same(tmp_path: Path, avis: list[str]) -> None:
    clips = Clips(tmp_path, most=1)
    for path in avis[:2]:
        clips.copied(path, "video")[1].close()
        assert clips.known(path, "video") and len(list(tmp_path.iterdir())) == 1


def test_a_copy_that_is_being_sent_is_sent_to_its_end(tmp_path: Path, avis: list[str]) -> None:
    clips = Clips(tmp_path, most=1)
    copy, file = clips.copied(avis[0], "video")
    data = copy.read_bytes()
    response = part_of((copy, file), None)
    clips.copied(avis[1], "video")[1].close()
    assert not copy.exists()
    assert whole(response) == data and file.closed
    assert response.headers["content-length"] == str(len(data))


def test_a_copy_that_somebody_tidied_away_is_made_again(tmp_path: Path, avis: list[str]) -> None:
    clips = Clips(tmp_path)
    copy, file = clips.copied(avis[0], "video")
    file.close()
    copy.unlink()
    assert clips.known(avis[0], "video") is None
    again, file = clips.copied(avis[0], "video")
    assert again == copy and file.read(12)[4:8] == b"ftyp"
    file.close()


def test_what_cannot_be_copied_is_not_given_out_bare(tmp_path: Path) -> None:
    path = tmp_path / "angry.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + SECRET)
    clips = Clips(tmp_path)
    copy, file = clips.copied(str(path), "video")  # a browser may play what FFmpeg does not
    file.close()
    assert copy == path
    with pytest.raises(InputError, match="cannot be copied without the tags of its file") as raised:
        clips.copied(str(path), "video", bare=True)
    assert str(tmp_path) not in str(raised.value) and "angry" not in str(raised.value)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.wav", "a.flac"])
def test_a_blind_page_gets_no_tag_of_a_clip(tmp_path: Path, name: str) -> None:
    column = "videos" if name in ("a.mp4", "a.mkv") else "audios"
    plain, clip = tmp_path / f"plain-{name}", tmp_path / name
    audio = {"a.mp4": "aac", "a.mkv": "aac", "a.wav": "pcm_s16le", "a.flac": "flac"}[name]
    encode(plain, frames(8) if column == "videos" else None, sound(1), audio=audio)
    tagged(plain, clip)
    row = {**RECORD, "videos": [], "audios": []} | {column: [str(clip)]}
    for arguments in ([], ["--blind"]):
        who = f"anna{len(arguments)}"
        with Served(records(tmp_path, [row]), "-o", tmp_path / "r", "--reviewer", who, *arguments) as one:
            answer = one.get(f"media/0/{column}/0")
            part = one.get(f"media/0/{column}/0", Range="bytes=0-")
        assert answer.status_code == 200 and part.status_code == 206 and answer.content.startswith(part.content)
        if arguments:
            assert SECRET not in answer.content
            got = tmp_path / f"got.{answer.headers['content-type'].split('/')[1]}"
            got.write_bytes(answer.content)
            if name != "a.mkv":  # which no browser plays for sure: what is sent was encoded anew
                assert played(got) == played(clip)
        elif name != "a.mkv":
            assert SECRET in answer.content


@pytest.mark.parametrize("arguments", [[], ["--blind"]])
def test_a_full_disk_is_said_and_the_copy_is_made_when_there_is_room(
    tmp_path: Path, avis: list[str], arguments: list[str]
) -> None:
    row = {**RECORD, "videos": [avis[0]]}
    with Served(records(tmp_path, [row]), "-o", tmp_path / "r", "--reviewer", "anna", *arguments) as one:
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        answer = one.get("media/0/videos/0")
        assert answer.status_code == 400 and "its copy cannot be written (File too large)" in answer.json()["error"]
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        answer = one.get("media/0/videos/0")
    assert answer.status_code == 200 and answer.headers["content-type"] == "video/mp4"


def test_why_a_blind_page_gets_no_clip_is_said_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "angry.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + SECRET)
    row = {**RECORD, "videos": [str(tmp_path / "angry.mp4")]}
    with Served(records(tmp_path, [row]), "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        answer = one.get("media/0/videos/0")
    assert answer.status_code == 400 and "without the tags of its file" in answer.json()["error"]
    assert "angry" not in answer.text and str(tmp_path) not in answer.text
