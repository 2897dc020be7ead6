"""The run report: one page, report.html, that says what became of the clips and shows some of them.

The page needs no network and no server: style and script are inside, clips are reached by their relative paths. What it
shows of data cannot run: all is escaped (report_parts.py), and the page's own policy allows no other script.
"""

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from swift_saber.html import policy
from swift_saber.pipeline.result.report_parts import Html, bar, histogram, join, players, said, shares, table, tag, tree
from swift_saber.pipeline.result.survey import CATEGORIES, Step, Survey, settings

_CATEGORY = {"source": "来源", "language": "语言", "emotion": "情绪", "consistency": "一致性", "part": "划分"}
#: In the order of the released prompt.
_RECORD = ("video_desc", "audio_desc", "facial_exp_desc", "body_lang_desc", "sentiment_analysis")
#: What a stage looks at or adds, shown beside a clip; the rest is folded away.
_SHOWN = {
    "clean": ("measures",),
    "dedup": ("measures",),
    "annotate": ("labels", *_RECORD),
    "speech": ("speech", "audio_desc"),
    "visual": ("visual", "video_desc", "facial_exp_desc", "body_lang_desc"),
    "consistency": ("consistency", "cues", *_RECORD),
    "split": ("part", "consistency", "speaker", "origin", "split"),
}
_SECTIONS = (
    ("funnel", said("Funnel", "漏斗")),
    ("sources", said("Sources", "来源")),
    ("distributions", said("Distributions", "分布")),
    ("split", said("Training and test", "训练与测试")),
    ("samples", said("Samples", "样例")),
    ("run", said("How it was made", "运行信息")),
)


def render(run_folder: Path, found: Survey) -> str:
    """Return report.html.

    Args:
        run_folder: the output folder of a run.
        found: as survey.survey returns.
    """
    here = files("swift_saber.pipeline.result")
    style, script = (here.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    bodies = (
        _funnel(found),
        _sources(found),
        _distributions(found),
        _split(found.split),
        _samples(run_folder, found),
        _run(found),
    )
    body = [_tiles(found)]
    shown = [
        (name, title, join(pieces))
        for (name, title), pieces in zip(_SECTIONS, map(list, bodies), strict=True)
        if pieces
    ]
    body += [tag("section", tag("h2", title, id=name), content) for name, title, content in shown]
    return Template(here.joinpath("report.html").read_text(encoding="utf-8")).substitute(
        policy=policy(style, script),
        style=style,
        script=script,
        title=said("SABER pipeline: run report", "SABER 数据管线：运行报告"),
        contents=join(tag("a", title, href=f"#{name}") for name, title, _ in shown),
        body=join(body),
    )


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}\u00a0%" if total else ""


def _tiles(found: Survey) -> Html:
    first, last = found.steps[0], found.last
    part = _percent(last.kept, first.kept)
    tiles: list[tuple[Html, Any]] = [
        (said("clips read", "读入片段"), first.kept),
        (said("clips kept", "保留片段"), join([last.kept, " ", tag("small", part, class_="soft")])),
        (said("clips dropped", "剔除片段"), sum(step.dropped for step in found.steps)),
    ]
    waiting = sum(step.waiting for step in found.steps)
    if waiting:
        tiles.append((said("not finished", "未完成"), waiting))
    for name, chinese in (("requests", "请求数"), ("prompt_tokens", "提示词元"), ("completion_tokens", "生成词元")):
        used = [of[name] for of in found.run.get("usage", {}).values() if name in of]
        if used:
            tiles.append((said(name.replace("_", " "), chinese), sum(used)))
    return tag("div", *(tag("div", tag("b", value), name, class_="tile") for name, value in tiles), class_="tiles")


def _funnel(found: Survey) -> Iterator[Html]:
    marks = (("kept", "kept", "保留"), ("dropped", "dropped", "剔除"), ("waiting", "not finished", "未完成"))
    yield tag("p", *(tag("span", class_=f"key {kind}") + said(*names) for kind, *names in marks), class_="soft")
    head = (("stage", "阶段"), ("entered", "进入"), ("", ""), ("left", "保留"), ("dropped", "剔除"), ("why", "原因"))
    yield table([said(*names) for names in head], [_step(step, found) for step in found.steps])
    if found.to_come:
        yield tag("p", said("Not begun: ", "尚未开始："), ", ".join(found.to_come), class_="warn")


def _step(step: Step, found: Survey) -> list[Any]:
    total = found.steps[0].kept
    reasons = [
        tag(
            "span",
            f"{reason}: {count:,} ",
            tag("span", _percent(count, step.entered), class_="soft"),
            class_="why",
        )
        for reason, count in step.reasons.items()
    ]
    drawn = bar({"kept": step.kept, "dropped": step.dropped, "waiting": step.waiting}, total)
    waiting = tag("span", step.waiting, " ", said("not finished", "未完成"), class_="why warn") if step.waiting else ""
    return [
        step.stage,
        step.entered,
        tag("div", drawn, class_="bar"),
        step.kept,
        step.dropped,
        join([*reasons, waiting]),
    ]


def _sources(found: Survey) -> Iterator[Html]:
    first, last = found.steps[0], found.last
    names = sorted(first.kept_from, key=lambda name: (-first.kept_from[name], name))
    head = [said("source", "来源"), *(step.stage for step in found.steps), said("kept", "保留比例")]
    rows = []
    for name in names:
        left = _percent(last.kept_from[name], first.kept_from[name])
        rows.append([name, *(step.kept_from[name] for step in found.steps), left])
    yield table(head, rows)
    drops = [[step.stage, *key, count] for step in found.steps for key, count in sorted(step.dropped_from.items())]
    if drops:
        head = [said("stage", "阶段"), said("why", "原因"), said("source", "来源"), said("clips", "片段数")]
        yield tag(
            "details", tag("summary", said("Drops per reason and source", "按原因和来源统计剔除")), table(head, drops)
        )
    if found.run.get("skipped"):
        yield tag("h3", said("Not taken for clips by the readers", "读取时未作为片段的文件"))
        rows = [[source, why, count] for source, of in found.run["skipped"].items() for why, count in of.items()]
        yield table([said("source", "来源"), said("why", "原因"), said("files", "文件数")], rows)


def _distributions(found: Survey) -> Iterator[Html]:
    charts = []
    for category in CATEGORIES:
        before = found.counts.get((found.steps[0].stage, category), Counter())
        after = found.counts.get((found.last.stage, category), Counter())
        if before or after:
            charts.append(shares(said(category, _CATEGORY[category]), before, after))
    if charts:
        marks = (
            tag("span", class_="key kept")
            + said("kept", "保留")
            + tag("span", class_="key before")
            + said("read", "读入")
        )
        yield tag("p", Html(marks), class_="soft")
        yield tag("div", *charts, class_="charts")
    measured = [histogram(f"{stage} · {name}", of, "kept") for (stage, name), of in found.numbers.items()]
    if measured:
        yield tag("h3", said("Measured on the clips that each stage kept", "各阶段保留片段的测量值"))
        yield tag("div", *measured, class_="charts")
    beyond = []
    for (stage, reason), of in sorted(found.values.items()):
        limits = ", ".join(sorted(found.limits[stage, reason]))
        beyond.append(
            histogram(f"{stage} · {reason}", of, "dropped", join([said("limit: ", "阈值："), limits]) if limits else "")
        )
    if beyond:
        yield tag("h3", said("Measured on the clips that were dropped", "被剔除片段的测量值"))
        yield tag("div", *beyond, class_="charts")


def _split(note: dict[str, Any]) -> Iterator[Html]:
    if not note:
        return
    head = (
        ("language", "语言"),
        ("source", "来源"),
        ("consistent in test", "测试集一致"),
        ("inconsistent in test", "测试集不一致"),
    )
    counts = [join([said("training: ", "训练："), note["train"]]), join([said("test: ", "测试："), note["test"]])]
    yield tag("p", counts[0], " · ", counts[1], " · ", said("asked for: ", "要求："), note["wanted"])
    rows = [[of["language"], of["source"], of["consistent"], of["inconsistent"]] for of in note["strata"]]
    yield table([said(*names) for names in head], rows)
    for text in note["notes"]:
        yield tag("p", text, class_="warn")


def _samples(run_folder: Path, found: Survey) -> Iterator[Html]:
    text = (
        "Drawn by lot, the same in every report of this run. "
        "Clips play when the page is opened from the disk that they lie on.",
        "随机抽取，同一次运行的报告抽取结果相同。从片段所在磁盘直接打开本页即可播放。",
    )
    yield tag("p", said(*text), class_="soft")
    for step in found.steps[1:]:
        yield tag("h3", step.stage)
        for reason in (None, *step.reasons):
            if (step.stage, reason) not in found.samples:
                continue
            title = said("kept", "保留") if reason is None else join([said("dropped: ", "剔除："), reason])
            count = step.kept if reason is None else step.reasons[reason]
            drawn = [
                _sample(step.stage, each, reason, run_folder) for each in found.samples[step.stage, reason].drawn()
            ]
            heading = tag("summary", title, tag("span", " ", len(drawn), " / ", count, class_="soft"))
            yield tag("details", heading, *drawn)


def _sample(stage: str, line: dict[str, Any], reason: str | None, run_folder: Path) -> Html:
    row = line if reason is None else line["row"]
    shown = {key: row[key] for key in ("id", "source", "language", "transcript") if key in row}
    shown |= {key: row[key] for key in _SHOWN.get(stage, ()) if key in row}
    rest = {key: value for key, value in row.items() if key not in shown and key not in ("videos", "audios")}
    parts = []
    if reason is not None:
        found = {key: line[key] for key in ("reason", "value", "limit") if line.get(key) is not None}
        parts.append(tag("div", tree(found), class_="reason"))
    folded = tag("details", tag("summary", said("all that is known", "全部字段")), tree(rest)) if rest else ""
    return tag("article", *parts, players(row, run_folder), tag("div", tree(shown), folded), class_="sample")


def _run(found: Survey) -> Iterator[Html]:
    for title, block in (
        (said("Use of the endpoints", "接口用量"), "usage"),
        (said("Recipe", "配方"), "recipe"),
        (said("Prompts", "提示词"), "prompts"),
        (said("Versions", "版本"), "versions"),
    ):
        if found.run.get(block):
            rows = table([said("name", "名称"), said("value", "值")], settings(found.run[block]))
            yield tag("details", tag("summary", title), rows, **({"open": ""} if block == "usage" else {}))
