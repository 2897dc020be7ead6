"""A folder for a while, which goes however its block ends, but where an error names a file in it."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.text.files import scratch


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
