"""summary.json as a picture and as a table: for each kind of clip, how often each stage is right.

matplotlib comes with ms-swift; it is imported where it draws.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.mini.score import SENSES
from swift_saber.mini.world import KINDS

STAGE_NAMES = {"sed": "after SED", "ca_dpo": "after CA-DPO"}
PANELS = {"visual": "face line right", "acoustic": "voice line right", "emotion": "emotion right"}


def plot_summary(stages: Mapping[str, Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Draw one panel of bars for each sense: the kinds of clips side by side, a bar for each stage.

    Args:
        stages: {stage: what score.score returned}, in the order of the bars.
        path: the picture to write; its ending names the format (png, svg, pdf).

    Raises:
        InputError: there is no stage, one lacks scores, the stages were scored on different kinds of clips, or the
            picture's ending is of no known format.
    """
    shown = _kinds(stages, str(path))
    from matplotlib.figure import Figure

    path = Path(path)
    formats = Figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in formats:
        raise InputError(str(path), "picture", f"has the ending {path.suffix!r}", "name it .png, .svg or .pdf")
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, len(SENSES), sharey=True)
    width = 0.8 / len(stages)
    for panel, sense in zip(axes, SENSES, strict=True):
        for number, (stage, summary) in enumerate(stages.items()):
            places = [place + (number - (len(stages) - 1) / 2) * width for place in range(len(shown))]
            shares = [summary[kind][sense] for kind in shown]
            bars = panel.bar(places, shares, width, label=STAGE_NAMES.get(stage, stage))
            panel.bar_label(bars, [f"{share:.2f}" for share in shares], fontsize=7)
        panel.set_title(PANELS[sense])
        panel.set_xticks(range(len(shown)), [f"{kind}\nn={stages[next(iter(stages))][kind]['n']}" for kind in shown])
        panel.set_ylim(0, 1.1)
    axes[0].set_ylabel("share of held-out clips")
    # Above the panels, since bars of any height may stand anywhere in them.
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside upper center", ncols=len(stages))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def format_stages(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out a table for a terminal: a line a kind of clip, a column a sense, the stages in a cell.

    Args:
        stages: as for plot_summary, in the order of the shares in a cell.

    Raises:
        InputError: as plot_summary, without a picture.
    """
    shown = _kinds(stages, "summary")
    names = " -> ".join(STAGE_NAMES.get(stage, stage) for stage in stages)

    def shares(kind: str, sense: str) -> str:
        return " -> ".join(f"{summary[kind][sense]:.2f}" for summary in stages.values())

    width = max(map(len, PANELS.values())) + 2
    lines = [f"share of held-out clips, {names}"]
    lines.append(f"{'':<12}{'n':>5}   " + "".join(f"{PANELS[sense]:<{width}}" for sense in SENSES).rstrip())
    for kind in shown:
        cells = "".join(f"{shares(kind, sense):<{width}}" for sense in SENSES).rstrip()
        lines.append(f"{kind:<12}{next(iter(stages.values()))[kind]['n']:>5}   {cells}")
    parsed = " -> ".join(f"{summary['parsed']:.2f}" for summary in stages.values())
    return "\n".join([*lines, f"answers with all six dimensions: {parsed}"])


def _kinds(stages: Mapping[str, Mapping[str, Any]], where: str) -> list[str]:
    """The kinds of clips that the stages were scored on."""
    if not isinstance(stages, Mapping) or not all(map(_is_summary, stages.values())):
        raise InputError(where, "stages", "are not the scores of stages", "give what `mini score -o` wrote")
    kinds = {stage: [kind for kind in KINDS if kind in summary] for stage, summary in stages.items()}
    if not stages or len({tuple(found) for found in kinds.values()}) > 1:
        raise InputError(where, "stages", f"have {kinds or 'no scores'}", "score every stage on the same clips")
    return next(iter(kinds.values()))


def _is_summary(summary: Any) -> bool:
    """Whether a value is what score.score returns, as far as it is drawn or printed."""
    if not isinstance(summary, Mapping) or "parsed" not in summary:
        return False
    found = [summary[kind] for kind in KINDS if kind in summary]
    return all(isinstance(shares, Mapping) and {"n", *SENSES} <= shares.keys() for shares in found)
