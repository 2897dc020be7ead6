"""The pieces of HTML that the report is put together from: whatever comes from data is escaped here, nowhere else."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from swift_saber.html import clip_address
from swift_saber.pipeline.result.survey import Numbers
from swift_saber.rows import media_list

_LONG = 3000
_MANY = 40
_DEEP = 8


class Html(str):
    """Text that is HTML already; any other text is escaped before it is shown."""

    def __add__(self, other: str) -> "Html":
        """Put HTML, or text to be escaped, behind this."""
        return Html(f"{self}{html(other)}")


def html(value: Any) -> Html:
    """Return a value as HTML: what is not Html is escaped, a number gets its thousands marked."""
    if isinstance(value, Html):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Html(f"{value:,}")
    return Html(escape("" if value is None else str(value)))


def tag(name: str, *content: Any, **attributes: str) -> Html:
    """Return an element; `class_` is written as class."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{''.join(map(html, content))}</{name}>")


def join(pieces: Iterable[Any]) -> Html:
    """Return pieces one after another."""
    return Html("".join(map(html, pieces)))


def said(english: str, chinese: str) -> Html:
    """Return a text of the page itself in both languages, of which the page shows one."""
    return tag("span", english, class_="en") + tag("span", chinese, class_="zh")


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Html:
    """Return a table; numbers go to the right, and so do the heads above them."""
    lines = list(rows)
    if not lines:
        return tag("p", said("None.", "无。"), class_="soft")
    sides = ["n" if isinstance(value, int) else "name" if place == 0 else "" for place, value in enumerate(lines[0])]
    heads = (tag("th", name, class_=side) for name, side in zip(head, sides, strict=True))
    body = (
        tag(
            "tr",
            *(
                tag("td", tag("span", value, class_="value"), class_=side)
                for value, side in zip(line, sides, strict=True)
            ),
        )
        for line in lines
    )
    return tag("div", tag("table", tag("tr", *heads), *body), class_="scroll")


def bar(parts: Mapping[str, int], total: int) -> Html:
    """Return one bar of stacked parts, named by their class, of a total that is the whole width."""
    x, rects = 0.0, []
    for name, count in parts.items():
        width = 100 * count / total if total else 0.0
        rects.append(f'<rect class="{escape(name)}" x="{x:.3f}" width="{width:.3f}" height="10"></rect>')
        x += width
    return Html(f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(rects)}</svg>')


def histogram(title: Any, numbers: Numbers, kind: str, note: Any = "") -> Html:
    """Return a chart of one number: its bars, least, median and greatest value."""
    bins, low, high = numbers.bins(), min(numbers.counts), max(numbers.counts)
    tallest, width = max(bins), 100 / len(bins)
    rects = "".join(
        f'<rect class="{escape(kind)}" x="{place * width + width * 0.06:.3f}" y="{40 - 40 * count / tallest:.3f}" '
        f'width="{width * 0.88:.3f}" height="{40 * count / tallest:.3f}"><title>{count:,}</title></rect>'
        for place, count in enumerate(bins)
    )
    svg = Html(f'<svg viewBox="0 0 100 40" preserveAspectRatio="none">{rects}</svg>')
    median = join([said("median", "中位数"), f" {numbers.quantile(0.5):g}"])
    axis = tag("div", tag("span", f"{low:g}"), tag("span", median), tag("span", f"{high:g}"), class_="axis")
    count = tag("span", said("clips: ", "片段数："), numbers.counts.total())
    below = tag("div", count, tag("span", note), class_="axis")
    return tag("div", tag("h3", title), svg, axis, below, class_="chart")


def shares(title: Any, before: Counter[str], after: Counter[str]) -> Html:
    """Return a chart of a category: for each value, clips kept at the end before a bar of those that were read."""
    names = sorted(before.keys() | after.keys(), key=lambda name: (-max(before[name], after[name]), name))
    widest = max([*before.values(), *after.values()])
    rows = []
    for name in names:
        kept = after[name]
        svg = bar({"kept": kept, "before": max(0, before[name] - kept)}, widest)
        shown = f"{kept:,} / {before[name]:,}" if before else f"{kept:,}"
        rows.append(tag("div", tag("span", name, class_="value"), svg, tag("span", shown), class_="row"))
    return tag("div", tag("h3", title), *rows, class_="chart")


def tree(value: Any, deep: int = 0) -> Html:
    """Return any JSON value as text or as lists within lists; what is very long or deep is cut, and that is said."""
    if isinstance(value, dict) and value and deep < _DEEP:
        pairs = list(value.items())
        lines = [tag("dt", key) + tag("dd", tree(inner, deep + 1)) for key, inner in pairs[:_MANY]]
        return tag("dl", *map(Html, lines), Html(tag("dt", "…") if len(pairs) > _MANY else ""))
    if isinstance(value, list) and value and deep < _DEEP:
        items = [tag("div", tree(inner, deep + 1)) for inner in value[:_MANY]]
        return join([*items, f"… {len(value) - _MANY} more" if len(value) > _MANY else ""])
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    if len(text) > _LONG:
        return tag("span", text[:_LONG], class_="value") + tag(
            "span", f" … {len(text) - _LONG:,} ", said("characters more", "个字符未显示"), class_="soft"
        )
    return tag("span", text, class_="value")


def players(row: dict[str, Any], run_folder: Path) -> Html:
    """Return a player for each video and each sound file of a row, by its path relative to the report.

    Addresses on the network are shown and not fetched.
    """
    out = []
    for column, name in (("videos", "video"), ("audios", "audio")):
        for path in media_list(row, column)[:4]:
            out.append(tag("div", _player(name, path, run_folder)))
    return tag("div", *out)


def _player(name: str, path: Any, run_folder: Path) -> Html:
    source = clip_address(path, run_folder)
    if source is None:
        return tag("div", str(path), class_="path value")
    player = tag(name, src=source, controls="", preload="none")
    cannot = tag(
        "div", said("This browser cannot play it here.", "此浏览器无法在此播放。"), class_="warn cannot", hidden=""
    )
    return join([player, cannot, tag("a", os.path.basename(path), href=source, class_="path value")])
