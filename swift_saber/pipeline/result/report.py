"""The run report: one page, report.html, that says what became of the clips and shows some of them.

The page needs no network and no server: style and script are inside, clips are reached by their relative paths. What it
shows of data cannot run: jinja2 escapes all of it, and the page's own policy allows no other script. What it looks like
is in report.html; here is what it is told.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from swift_saber.data.rows import media_list
from swift_saber.html import clip_address, policy
from swift_saber.pipeline.plan import STAGES
from swift_saber.pipeline.result.survey import Survey, settings
from swift_saber.review.tables import NOTE, PARTS, sentences, tables

_CATEGORY = {"source": "来源", "language": "语言", "emotion": "情绪", "consistency": "一致性", "part": "划分"}
_USAGE = {"requests": "请求数", "prompt_tokens": "提示词元", "completion_tokens": "生成词元"}
#: Of every clip; what a stage looks at or adds comes after it, and the rest is folded away.
_SHOWN = ("id", "source", "language", "transcript")
_PLAYERS = 4  # of each kind for one clip


def render(run_folder: Path, found: Survey) -> str:
    """Return report.html of a run and of what the survey found in it; clips are reached from the run's folder."""
    here = Path(__file__).parent
    style, script = ((here / f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    pages = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("report.html").render(
        policy=policy(style, script),
        style=style,
        script=script,
        found=found,
        usage=list(_usage(found)),
        charts=list(_charts(found)),
        people=_people(found),
        by_source=_sources(found),
        percent=_percent,
        sampled=partial(_sampled, run_folder),
        settings=settings,
    )


def _text(value: Any) -> Any:
    """A value as the page shows it: a whole number gets its thousands marked."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else value


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}\u00a0%" if total else ""


def _usage(found: Survey) -> Iterator[tuple[str, str, int]]:
    """(English, Chinese, sum over stages) of each number that endpoints count."""
    for name, chinese in _USAGE.items():
        used = [of[name] for of in found.run.get("usage", {}).values() if name in of]
        if used:
            yield name.replace("_", " "), chinese, sum(used)


def _charts(found: Survey) -> Iterator[dict[str, Any]]:
    """Of each category the clips that were read and that are left, by value, most first."""
    for category, read, kept in found.shares():
        widest = read | kept
        yield {
            "category": category,
            "chinese": _CATEGORY[category],
            "read": bool(read),
            "widest": max(widest.values()),
            "bars": [(name, read[name], kept[name]) for name in sorted(widest, key=lambda name: (-widest[name], name))],
        }


def _people(found: Survey) -> dict[str, Any]:
    """Sentences and tables of what people say: first of all records, then split; {} where nobody has said anything."""
    if not found.people:
        return {}
    figures, total = found.people["figures"], found.people["total"]
    of_all, split = (list(tables(figures, parts)) for parts in (PARTS[:2], PARTS[2:]))
    split = [each for each in split if each not in of_all]  # what is not split is in both
    return {"sentences": list(sentences(figures, total)), "tables": of_all, "split": split, "note": NOTE}


def _sources(found: Survey) -> list[list[Any]]:
    """Of each source the clips that were left after each step, and their part, most first."""
    first, last = found.steps[0].kept_from, found.last.kept_from
    return [
        [name, *(step.kept_from[name] for step in found.steps), _percent(last[name], first[name])]
        for name in sorted(first, key=lambda name: (-first[name], name))
    ]


def _sampled(run_folder: Path, stage: str, line: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """What is shown of a clip: the drop, players, what the stage looks at, and the rest."""
    row, drop = line, None
    if reason is not None:
        row, drop = line["row"], {key: line[key] for key in ("reason", "value", "limit") if line.get(key) is not None}
    known = STAGES[stage].shown if stage in STAGES else ()
    shown = {key: row[key] for key in (*_SHOWN, *known) if key in row}
    return {
        "drop": drop,
        "players": [
            (kind, str(path), clip_address(path, run_folder))
            for kind in ("video", "audio")
            for path in media_list(row, f"{kind}s")[:_PLAYERS]
        ],
        "shown": shown,
        "rest": {key: value for key, value in row.items() if key not in {*shown, "videos", "audios"}},
    }
