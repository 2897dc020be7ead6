"""A folder for a while, which goes however its block ends, and a folder that is whole or not there."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.text.files import scratch, whole_folder


@pytest.mark.parametrize(
    ("error", "logged", "stays"),
    [
        (None, True, False),
        (InputError("a", "b", "c", "d"), True, True),
        (InputError("a", "b", "c", "d"), False, False),
        (KeyboardInterrupt(), True, False),
    ],
)
def test_a_folder_for_a_while_stays_where_an_error_names_its_log(
    error: BaseException | None, logged: bool, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    caught: BaseException | None = None
    try:
        with scratch("saber-", "model.log") as folder:
            (folder / ("model.log" if logged else "other")).touch()
            if error:
                raise error
    except (InputError, KeyboardInterrupt) as ended:
        caught = ended
    assert caught is error
    assert [path.name[:6] for path in tmp_path.iterdir()] == (["saber-"] if stays else [])


def test_a_folder_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a" / "out") as folder:
        (folder / "file").touch()
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["out.partial"]
    assert [path.name for path in (tmp_path / "a").rglob("*")] == ["out", "file"]


@pytest.mark.parametrize("error", [InputError("a", "b", "c", "d"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_folder_after_an_error(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)), whole_folder(tmp_path / "out") as folder:
        (folder / "file").touch()
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["out", "out.partial"])
def test_a_folder_that_is_there_is_not_written_to(there: str, tmp_path: Path) -> None:
    (tmp_path / there).mkdir()
    with pytest.raises(InputError, match=f"{there}: output: "), whole_folder(tmp_path / "out"):
        raise AssertionError("the block began")
    assert [path.name for path in tmp_path.iterdir()] == [there]
