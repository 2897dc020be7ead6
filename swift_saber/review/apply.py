"""A verdict put into its row: the record, pair or candidates as people would have them, or why it is left out.

    record      the same row with the values of the verdict; a check of a text that is another now goes, and so do the
                cues that no longer stand in the texts or in a row that is consistent
    answer      a SABER record of it
    pair        as it is, or turned round; left out where neither answer is the better one
    candidates  as they are, with the place of the best; `pairs select` takes that one as the chosen answer

Each row gains "review": {"state", "reviewers": how many}, and no names. The state is a verdict's, or "stale" or "not
reviewed" of 0 reviewers.
"""

from collections.abc import Mapping
from typing import Any

from swift_saber.data.turns import answer_of
from swift_saber.review.items import Item, is_dropped, item_of
from swift_saber.review.log import NEITHER
from swift_saber.review.merge import BETTER, Verdict
from swift_saber.sed.layout import reserved_markup
from swift_saber.sed.record import ACOUSTIC, DIMENSIONS, FACE, SPEECH, VISUAL, VOICE, infer_language
from swift_saber.sed.record import Record as Evidence
from swift_saber.text.files import writable

Row = dict[str, Any]

#: The key of what reviewers made of a row.
MARK = "review"
REJECTED = "rejected by reviewers"
NOT_REVIEWED = "not reviewed"
#: In the mark, the place of the candidate that people find the best.
BEST = "best"

_SIDES = {"visual": VISUAL, "acoustic": ACOUSTIC}
_SAID = {"same": "both answers are as good", "none": "no answer is good"}


def marked(row: Mapping[str, Any], state: str, reviewers: int = 0) -> Row:
    """Return a row that reviews change nothing of, with its mark; what an earlier merge said of it stays.

    All rows of a file have a mark, so that those who read it as a table know the column from the first row.
    """
    return {**row, MARK: {"state": state, "reviewers": reviewers}} if reviewers or MARK not in row else dict(row)


class LeftOutError(Exception):
    """A row that is left out; `reason` is a few fixed words by which they are counted, `value` what a person asks."""

    def __init__(self, reason: str, value: str) -> None:
        super().__init__(reason, value)
        self.reason, self.value = reason, value


def apply(row: Mapping[str, Any], verdict: Verdict, where: str) -> Row:
    """Return a row as its verdict would have it; the given one stays as it is.

    Args:
        row: of any kind that items.item_of reads; of the line of a drop, its row comes back.
        verdict: "accepted", "corrected" or "rejected", of the row as it is.
        where: "file:line" of the row.

    Raises:
        LeftOutError: the row is rejected, or there is nothing left of it to learn from.
        InputError: as item_of.
    """
    if verdict.state == "rejected":
        raise LeftOutError(REJECTED, "; ".join(verdict.reasons))
    if is_dropped(row):
        row = row["row"]
    item = item_of(row, where)
    made = {"record": _record, "answer": _answer, "pair": _pair, "candidates": _candidates}[item.kind]
    mark: Row = {"state": verdict.state, "reviewers": len(verdict.by)}
    return {**made(row, item, verdict, mark), MARK: mark}


def _record(row: Mapping[str, Any], _: Item, verdict: Verdict, __: Row) -> Row:
    values = {name: writable(text) for name, text in verdict.values.items()}
    given = {name: text for name, text in values.items() if name in DIMENSIONS}
    for name, text in given.items():
        if markup := reserved_markup(text):
            raise LeftOutError("media tag in a text", f"{name} holds {markup}: review it again, without the brackets")
    found = _with_texts(dict(row), given)
    if "emotion" in values:
        labels = found.get("labels")
        found["labels"] = {**(labels if isinstance(labels, dict) else {}), "emotion": values["emotion"]}
        if not found["labels"]["emotion"]:
            del found["labels"]["emotion"]
    for name in ("consistency", "language"):
        if name in values:
            found[name] = values[name]
    if not found.get("consistency", "given"):
        del found["consistency"]
    if not found.get("language", "given"):
        found["language"] = infer_language(Evidence.from_dict(found))
    if isinstance(cues := found.get("cues"), list):
        found["cues"] = [] if found.get("consistency") == "consistent" else [cue for cue in cues if _stands(cue, found)]
    return found


def _with_texts(row: Row, texts: Mapping[str, str]) -> Row:
    """The row with other texts, in the released shape, without what was found of those before."""
    audio = row.get("audio_desc")
    if voice := {name: texts[name] for name in ACOUSTIC if name in texts}:
        beside = audio if isinstance(audio, dict) else {name: row.pop(name) for name in ACOUSTIC if name in row}
        row["audio_desc"] = {**beside, **voice}
    row |= {name: text for name, text in texts.items() if name not in ACOUSTIC}
    if SPEECH in texts:
        row.pop("speech", None)
    if isinstance(evidence := row.get("evidence"), dict):
        row["evidence"] = {key: found for key, found in evidence.items() if _measured_of(key) not in texts}
        if not row["evidence"]:
            del row["evidence"]
    visual = row.get("visual")
    if isinstance(visual, dict) and isinstance(fields := visual.get("fields"), dict):
        row["visual"] = {**visual, "fields": {name: found for name, found in fields.items() if name not in texts}}
    return row


def _measured_of(key: str) -> str:
    """The dimension that a part of "evidence" is about."""
    return FACE if key == "face" else VOICE


def _stands(cue: Any, row: Mapping[str, Any]) -> bool:
    """Whether the words of a cue are still in the evidence that it is about."""
    texts = {**row, **row["audio_desc"]} if isinstance(row.get("audio_desc"), dict) else row
    return isinstance(cue, dict) and all(
        any(str(cue.get(side, "")) in str(texts.get(name, "")) for name in names) for side, names in _SIDES.items()
    )


def _answer(row: Mapping[str, Any], item: Item, verdict: Verdict, mark: Row) -> Row:
    texts: Row = {name: item.values[name] for name in DIMENSIONS}
    labels = row.get("labels")
    record = {
        "id": item.id,
        "source": item.source or None,
        "language": item.language or None,
        "videos": list(item.videos),
        "audios": list(item.audios),
        "consistency": item.consistency or None,
        "labels": labels if isinstance(labels, dict) else None,
    }
    shaped = Evidence(**texts).to_dict()
    return _record({name: value for name, value in record.items() if value} | shaped, item, verdict, mark)


def _pair(row: Mapping[str, Any], _: Item, verdict: Verdict, mark: Row) -> Row:
    better = verdict.values[BETTER]
    if better in NEITHER:
        raise LeftOutError("no answer is better", _SAID[better])
    if better == "0":
        return dict(row)
    if any(row.get(f"rejected_{column}") for column in ("videos", "audios")):
        raise LeftOutError("the rejected answer is better", "it is about other media, and no answer to this clip")
    found = dict(row)
    if found.get("rejected_messages") is not None:
        found["messages"], found["rejected_messages"] = found["rejected_messages"], found["messages"]
    else:
        given = found["rejected_response"]
        found["rejected_response"] = answer_of(found.get("messages")) or found.get("response")
        if isinstance(found.get("messages"), list) and answer_of(found["messages"]) is not None:
            found["messages"] = [*found["messages"][:-1], {**found["messages"][-1], "content": given}]
        if isinstance(found.get("response"), str):
            found["response"] = given
    mark["turned"] = True
    # A pair may have no scores that are for its rejected side; what the judge gave stays to be seen.
    judged = {name: found.pop(name) for name in ("scores", "margin") if name in found}
    if judged:
        mark["judged"] = judged
    return found


def _candidates(row: Mapping[str, Any], _: Item, verdict: Verdict, mark: Row) -> Row:
    better = verdict.values[BETTER]
    if better in NEITHER:
        raise LeftOutError("no answer is better", _SAID[better])
    mark[BEST] = int(better)
    return dict(row)
