"""The picture of the demo: one bar for each stage, kind and sense."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread

from swift_saber.errors import InputError
from swift_saber.mini.plot import plot_summary


def summary(**emotions: float) -> dict[str, Any]:
    kinds = {kind: {"n": 4, "visual": 1.0, "acoustic": 0.5, "emotion": share} for kind, share in emotions.items()}
    return {"parsed": 1.0, **kinds}


def test_bars_are_as_high_as_the_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kwargs: (drawn.append(self), save(self, *args, **kwargs))
    )
    stages = {"sed": summary(consistent=1.0, conflict=0.0), "ca_dpo": summary(consistent=0.75, conflict=0.5)}
    plot_summary(stages, tmp_path / "scores.png")
    containers = [c for c in drawn[0].axes[2].containers if isinstance(c, BarContainer)]
    assert [[bar.get_height() for bar in c] for c in containers] == [[1.0, 0.0], [0.75, 0.5]]
    pixels = imread(tmp_path / "scores.png")
    assert pixels.min() < pixels.max()


def test_stages_on_different_clips_are_not_drawn_together(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="score every stage on the same clips"):
        plot_summary({"sed": summary(consistent=1.0), "ca_dpo": summary(conflict=1.0)}, tmp_path / "scores.png")
    with pytest.raises(InputError, match="no scores"):
        plot_summary({}, tmp_path / "scores.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stages", [[], {"sed": 3}, {"sed": {"consistent": {"visual": 1}}}, {"sed": {"consistent": 1}}])
def test_what_is_no_summary_is_refused(stages: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are not the scores of stages; give what `mini score -o` wrote"):
        plot_summary(stages, tmp_path / "scores.png")


@pytest.mark.parametrize("name", ["scores.xyz", "scores", "summary.json"])
def test_a_picture_of_no_known_format_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name it .png, .svg or .pdf"):
        plot_summary({"sed": summary(consistent=1.0)}, tmp_path / name)
    assert not list(tmp_path.iterdir())
