"""The figures of agreement.py in sentences and tables, for a terminal, a dataset card and a page, in two languages.

Of `sentences` and `tables` none names a person, a path, or what somebody wrote as a reason. What stands in cells comes
from data (names of sources, for instance): whoever shows it has to escape it.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from swift_saber.errors import one_line

#: What the figures are split by.
PARTS = ("all", "sight", "source", "consistency", "language")

_REASONS = 10  # that are shown


class Words(NamedTuple):
    """A text of ours in both languages."""

    english: str
    chinese: str


Cell = Words | str | int


class Table(NamedTuple):
    """A title, heads and rows of as many cells."""

    title: Words
    head: tuple[Words, ...]
    rows: list[list[Cell]]


#: What the tables do not say of themselves.
NOTE = Words(
    "In brackets: 95 % intervals over records, Wilson's of shares, the bootstrap's of the rest. A dash: there is no "
    "record, or chance leaves nothing to agree on, since all have one label.",
    "方括号内为对记录的 95 % 置信区间：比例用 Wilson 法，其余用自助法。短横线：没有记录，或标签全部相同，无从计算。",
)
_NAMES = {
    "accepted": "接受",
    "corrected": "修改",
    "rejected": "否决",
    "disputed": "有分歧",
    "decision": "审核结论",
    "emotion": "情绪",
    "consistency": "一致性",
    "language": "语言",
    "source": "来源",
    "better": "更优答案",
    "concluded emotion": "结论中的情绪",
    "all": "全部",
    "blind": "盲审",
    "sighted": "可见机器文本",
    "not said": "未给出",
    "machine silent": "机器未给出",
    "judge ties": "评判者全部平分",
    "not judged": "评判者未评",
    "same": "人认为相同",
    "none": "人认为都不好",
}
_DONE = {
    "done": "已完成",
    "assigned": "已分配",
    "reviews": "审核数",
    "accept": "接受",
    "correct": "修改",
    "better": "选优",
    "reject": "否决",
    "skip": "跳过",
    "undecided": "未完成",
    "blind": "盲审",
    "adjudicating": "裁定",
}
_SIGHTED = "machine's text in sight"
_OF = Words("of", "范围")
_RECORDS = Words("records", "记录数")
_LABEL = Words("label", "标签")
_EQUAL = Words("equal", "相同")
_LEFT_OUT = Words("left out", "未计入")
_KAPPA = Words("Cohen's kappa", "Cohen κ")


def sentences(figures: Mapping[str, Any], total: int | None = None) -> Iterator[Words]:
    """Yield what was looked at, how it was drawn, with what in sight, and what is left out.

    Args:
        figures: as agreement.read_figures returns.
        total: how many records there were to look at, where it is known.
    """
    items, people = figures["items"], sum(row["reviews"] > 0 for row in figures["reviewers"])
    decided, several = items["decided"], items["by_several"]
    of, chinese_of = (f" of {total:,}", f"{total:,} 条记录中的 ") if total is not None else ("", "")
    yield Words(
        f"People looked at {decided:,}{of} records; {several:,} of them were judged by two or more. "
        f"Reviewers: {people}.",
        f"人工审核了{' ' + chinese_of if chinese_of else ' '}{decided:,} 条记录，其中 {several:,} 条由两人或以上审核。"
        f"审核人数：{people}。",
    )
    if figures.get("plan"):
        yield _sampled(figures["plan"])
    if not figures["judge"]:  # answers are always in sight
        yield Words(
            f"With the machine's text in sight: {items['sighted']:,}; blind to it: {items['blind']:,}. "
            "Labels that are given with it in sight agree with it, and with each other, more than blind ones do.",
            f"审核时可见机器文本：{items['sighted']:,}；盲审：{items['blind']:,}。可见机器文本时，一致程度会偏高。",
        )
    other = items["other_records"]
    elsewhere = f", {other:,} records that are not among these" if other else ""
    chinese_elsewhere = f"，不在此列的记录 {other:,} 条" if other else ""
    yield Words(
        f"Not counted: {items['stale_reviews']:,} reviews of an older text, {items['skipped_reviews']:,} skipped, "
        f"{items['undecided_reviews']:,} begun and not decided{elsewhere}. "
        f"Decided by somebody who had seen the other reviews: {items['adjudicated']:,} records.",
        f"未计入：针对旧文本的审核 {items['stale_reviews']:,} 条，跳过 {items['skipped_reviews']:,} 条，"
        f"未完成 {items['undecided_reviews']:,} 条{chinese_elsewhere}。"
        f"由复核人裁定：{items['adjudicated']:,} 条记录。",
    )


def _sampled(plan: Mapping[str, Any]) -> Words:
    shared = f", {plan['overlap']:,} of them by every reviewer" if plan["overlap"] else ""
    chinese_shared = f"，其中 {plan['overlap']:,} 条由所有审核人共同审核" if plan["overlap"] else ""
    if plan["sample"] is None:
        return Words(f"All records were to be reviewed{shared}.", f"计划审核全部记录{chinese_shared}。")
    by = ", ".join(plan["by"]) or "nothing"
    chinese_by = "、".join(_NAMES[name] for name in plan["by"]) or "无"
    return Words(
        f"To be reviewed were {plan['drawn']:,} records, drawn by lot within strata of {by} (seed {plan['seed']})"
        f"{shared}.",
        f"计划审核 {plan['drawn']:,} 条记录，按{chinese_by}分层随机抽取（种子 {plan['seed']}）{chinese_shared}。",
    )


def tables(figures: Mapping[str, Any], parts: Collection[str] = PARTS) -> Iterator[Table]:
    """Yield the tables of what there are figures of.

    Args:
        figures: as agreement.figures returns.
        parts: of PARTS, by which rows are shown.
    """
    if figures["items"]["decided"]:
        yield _verdicts(figures["verdicts"])
    for name, table in (("labels", _labels), ("model", _model)):
        if shown := [row for row in figures[name] if row["by"] in parts]:
            yield table(shown)
    if figures["texts"]:
        yield _texts(**figures["texts"])
    if shown := [row for row in figures["judge"] if row["by"] in parts]:
        yield _judge(shown)


def _verdicts(verdicts: Mapping[str, Any]) -> Table:
    head = (Words("said", "结论"), _RECORDS, Words("share", "比例"))
    rows: list[list[Cell]] = [[_word(state), of["count"], _percent(of)] for state, of in verdicts.items()]
    return Table(Words("What people said", "审核结论"), head, rows)


def _labels(shown: Iterable[Mapping[str, Any]]) -> Table:
    head = (
        *(_LABEL, _OF, Words("records with it", "有此标签的记录"), Words("judged by two", "两人审核的记录")),
        *(Words("reviewers", "审核人数"), _EQUAL, _KAPPA, Words("Krippendorff's alpha", "Krippendorff α")),
    )
    rows: list[list[Cell]] = [
        [
            *(_word(row["label"]), _group(row), row["items"], row["of_several"], row["reviewers"]),
            *(_percent(row["equal"]), _number(row["kappa"]), _number(row["alpha"])),
        ]
        for row in shown
    ]
    return Table(Words("How far people agree", "审核人之间的一致性"), head, rows)


def _model(shown: Iterable[Mapping[str, Any]]) -> Table:
    head = (_LABEL, _OF, _RECORDS, _EQUAL, _KAPPA, _LEFT_OUT)
    rows = [[_word(row["label"]), *_compared(row, "items")] for row in shown]
    return Table(Words("People against the model", "人与模型的一致性"), head, rows)


def _judge(shown: Iterable[Mapping[str, Any]]) -> Table:
    head = (
        *(_OF, _RECORDS, Words("pairs", "对数"), Words("judge's ties", "评判者平分")),
        *(Words("better one scored higher", "更优者得分更高"), Words("kappa", "κ"), _LEFT_OUT),
    )
    rows = [_compared(row, "items", "pairs", "ties") for row in shown]
    return Table(Words("A judge against people", "评判者与人的一致性"), head, rows)


def _compared(row: Mapping[str, Any], *numbers: str) -> list[Cell]:
    counts = (row[name] for name in numbers)
    return [_group(row), *counts, _percent(row["equal"]), _number(row["kappa"]), _counts(row["left_out"])]


def _texts(fields: Mapping[str, Any], left_out: Mapping[str, int]) -> Table:
    head = (
        *(Words("field", "字段"), _RECORDS, Words("changed", "被修改")),
        Words("distance of those changed: median", "修改幅度（被修改者）：中位数"),
        *(Words("mean", "均值"), Words("mean of all", "修改幅度（全部）：均值"), _LEFT_OUT),
    )
    rows: list[list[Cell]] = [
        [
            *(name, of["changed"]["of"], _percent(of["changed"])),
            _plain(of["distance"]["changed"]["median"]),
            *(_number(of["distance"][which]) for which in ("changed", "all")),
            _counts(left_out),
        ]
        for name, of in fields.items()
    ]
    return Table(Words("What people changed", "人工修改的字段"), head, rows)


def _word(name: str) -> Words:
    return Words(_SIGHTED if name == "sighted" else name, _NAMES[name])


def _group(row: Mapping[str, Any]) -> Words:
    if row["by"] in ("all", "sight"):
        return _word(row["group"] or "all")
    value = row["group"] or "?"
    return Words(f"{row['by']}: {value}", f"{_NAMES[row['by']]}：{value}")


def _counts(left_out: Mapping[str, int]) -> Words:
    there = [(_word(name), count) for name, count in left_out.items() if count]
    return Words(
        ", ".join(f"{word.english} {count:,}" for word, count in there),
        "，".join(f"{word.chinese} {count:,}" for word, count in there),
    )


def _percent(of: Mapping[str, Any]) -> str:
    """A share and its interval: "62.5 % [50.0, 75.0]"."""
    if of["value"] is None:
        return "-"
    ends = "" if of["low"] is None else f" [{100 * of['low']:.1f}, {100 * of['high']:.1f}]"
    return f"{100 * of['value']:.1f} %{ends}"


def _number(of: Mapping[str, Any]) -> str:
    """A number and its interval: "0.61 [0.40, 0.80]"; "-" where there is nothing to agree on."""
    if of["value"] is None:
        return "-"
    ends = "" if of["low"] is None else f" [{of['low']:.2f}, {of['high']:.2f}]"
    return f"{of['value']:.2f}{ends}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def reviewers(figures: Mapping[str, Any]) -> Table:
    """Return what each reviewer did: for the user's own eyes, where the figures are named."""
    rows = figures["reviewers"]
    known = {name for row in rows for name in row}
    names = [name for name in _DONE if name in known]
    head = (Words("reviewer", "审核人"), *(Words(name, chinese) for name, chinese in _DONE.items() if name in known))
    cells: list[list[Cell]] = [[row["reviewer"], *(row.get(name, 0) for name in names)] for row in rows]
    return Table(Words("Reviewers", "审核人"), head, cells)


def reasons(figures: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the most frequent reasons as people wrote them, where there are any: for the user's own eyes."""
    given = figures["reasons"]
    if given:
        title = f"Reasons, the {_REASONS} most frequent of {len(given):,}" if len(given) > _REASONS else "Reasons"
        rows: list[list[Cell]] = [[count, text] for text, count in islice(given.items(), _REASONS)]
        yield Table(Words(title, "原因"), (_RECORDS, Words("reason", "原因")), rows)


def text_lines(table: Table) -> Iterator[str]:
    """Yield a table in English for a terminal: a title, and columns side by side."""
    rows = [[word.english for word in table.head], *([_english(cell) for cell in row] for row in table.rows)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    yield table.title.english
    for row in rows:
        yield "  " + "  ".join(_padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip()


def _english(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else one_line(cell.english if isinstance(cell, Words) else cell)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
