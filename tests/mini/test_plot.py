"""The picture of the demo: one bar for each stage, kind and sense; and the same as a table."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread

from swift_saber.errors import InputError
from swift_saber.mini.plot import format_stages, plot_summary


def summary(**emotions: float) -> dict[str, Any]:
    kinds = {kind: {"n": 4, "visual": 1.0, "acoustic": 0.5, "emotion": share} for kind, share in emotions.items()}
    return {"parsed": 1.0, **kinds}


def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved from now on."""
    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kwargs: (drawn.append(self), save(self, *args, **kwargs))
    )
    return drawn


def test_bars_are_as_high_as_the_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = figures(monkeypatch)
    stages = {"sed": summary(consistent=1.0, conflict=0.0), "ca_dpo": summary(consistent=0.75, conflict=0.5)}
    plot_summary(stages, tmp_path / "scores.png")
    containers = [c for c in drawn[0].axes[2].containers if isinstance(c, BarContainer)]
    assert [[bar.get_height() for bar in c] for c in containers] == [[1.0, 0.0], [0.75, 0.5]]
    pixels = imread(tmp_path / "scores.png")
    assert pixels.min() < pixels.max()


def test_no_legend_covers_a_bar_or_a_title_however_high_the_bars_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = figures(monkeypatch)
    kinds = dict.fromkeys(("consistent", "conflict", "hidden", "mute"), 1.0)
    plot_summary({name: summary(**kinds) for name in ("sed", "ca_dpo", "later")}, tmp_path / "scores.png")
    figure = drawn[0]
    legends = [*figure.legends, *(legend for panel in figure.axes if (legend := panel.get_legend()))]
    [legend] = legends
    assert [text.get_text() for text in legend.get_texts()] == ["after SED", "after CA-DPO", "later"]
    box = legend.get_window_extent()
    assert all(figure.bbox.contains(*corner) for corner in box.corners())
    taken = [bar.get_window_extent() for panel in figure.axes for bar in panel.patches]
    taken += [text.get_window_extent() for panel in figure.axes for text in (panel.title, *panel.texts)]
    assert len(taken) == 3 * (3 * 4) * 2 + 3  # a bar and its number, and the titles
    assert not [other for other in taken if box.overlaps(other)]


def test_the_table_has_each_kind_before_and_after() -> None:
    before = {"parsed": 0.5, "conflict": {"n": 4, "visual": 1.0, "acoustic": 0.25, "emotion": 0.0}}
    after = {"parsed": 1.0, "conflict": {"n": 4, "visual": 1.0, "acoustic": 0.75, "emotion": 0.5}}
    title, heads, conflict, parsed = format_stages({"sed": before, "ca_dpo": after}).splitlines()
    assert title.endswith("after SED -> after CA-DPO")
    columns = [heads.index(name) for name in ("face line right", "voice line right", "emotion right")]
    assert conflict[: columns[0]].split() == ["conflict", "4"]
    cells = [conflict[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)]
    assert cells == ["1.00 -> 1.00", "0.25 -> 0.75", "0.00 -> 0.50"]
    assert parsed == "answers with all six dimensions: 0.50 -> 1.00"


def test_one_stage_has_no_arrow_and_kinds_without_clips_no_line() -> None:
    said = format_stages({"sed": summary(consistent=1.0, mute=0.75)})
    assert "->" not in said
    assert [line.split()[0] for line in said.splitlines()[2:-1]] == ["consistent", "mute"]


@pytest.mark.parametrize("stages", [{}, {"sed": {}, "ca_dpo": {}}, {"sed": 3}])
def test_what_is_not_drawn_is_no_table_either(stages: Any) -> None:
    with pytest.raises(InputError, match="scores"):
        format_stages(stages)


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
