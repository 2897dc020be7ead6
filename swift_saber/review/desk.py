"""What one reviewer has to look at, and what becomes of what they say: items as a page shows them, and saves.

Items are known to the page by their number. A blind reviewer's page is told nothing that a machine wrote, nor the names
of items and files, which often tell the emotion. Knows nothing of HTTP.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from swift_saber.data.rows import allowed_media
from swift_saber.data.voice import voice_file
from swift_saber.data.voice_track import voice_claims
from swift_saber.errors import InputError, quoted
from swift_saber.media.playable import Kind
from swift_saber.review.items import EDITABLE, STRATA, Choice, Item, Items, digest
from swift_saber.review.log import NEITHER, Review, ReviewLog, StaleError
from swift_saber.review.merge import BETTER, Verdict, Voice
from swift_saber.sed.layout import HEADINGS
from swift_saber.sed.record import DIMENSIONS
from swift_saber.text.emotions import EMOTIONS
from swift_saber.text.files import writable
from swift_saber.text.seed import lot_number

COLUMNS: dict[str, Kind] = {"videos": "video", "audios": "audio"}
_NONCE = re.compile(r"[A-Za-z0-9-]{8,64}")
_EMOTIONS = 60  # of the data, that are offered
# Of the strata those that no machine has written.
_GIVEN = tuple(name for name in STRATA if name != "consistency")

#: The verdict on an item before anybody adjudicates, and what each reviewer says of it.
Dispute = tuple[Verdict, tuple[Voice, ...]]


class Desk:
    """One reviewer's items; any thread may call it.

    Args:
        items: all of them.
        names: the ids of those that this reviewer sees, in order.
        log: the reviewer's, open.
        disputes: of each of these items, where this reviewer adjudicates.
    """

    def __init__(
        self, items: Items, names: Sequence[str], log: ReviewLog, disputes: Mapping[str, Dispute] | None = None
    ) -> None:
        self._items, self._names, self._log = items, list(names), log
        self._disputes = disputes or {}
        #: Whether its page is told nothing that a machine wrote.
        self.blind = log.blind

    def state(self) -> dict[str, Any]:
        """Return the list of items and what the page needs to know of all of them."""
        common = [] if self.blind else [name for name, _ in self._items.emotions.most_common(_EMOTIONS)]
        return {
            "reviewer": self._log.reviewer,
            "kind": self._items.kind,
            "blind": self.blind,
            "adjudicates": self._log.adjudicates,
            "dimensions": [[name, HEADINGS["en"][name], HEADINGS["zh"][name]] for name in DIMENSIONS],
            "emotions": sorted({*EMOTIONS, *common}),
            "items": [self._line(name) for name in self._names],
        }

    def item(self, number: int) -> dict[str, Any]:
        """Return all that the page shows of one item.

        Raises:
            LookupError: there is no such item.
            InputError: its file is another one than it was.
        """
        item = self._item(number)
        blind = self.blind
        latest = self._log.latest.get(item.id)
        known = latest is not None and latest.of == item.of
        dispute = self._disputes.get(item.id)
        shown = {"values": self._begin(item, dispute), BETTER: None, "decision": None, "reason": ""}
        if latest and known:
            said = self._said(latest, item)
            shown |= said if said["values"] or item.choices else {**said, "values": shown["values"]}
        return {
            "number": number,
            "of": _of(item),
            "revision": latest.revision if latest else 0,
            "earlier": self._said(latest, item) if latest and not known else None,
            **shown,
            **({} if blind else self._written(item)),
            "source": item.source,
            "language": item.language,
            "apart": _apart(item),
            **self._media(item, number),
            "choices": [
                {
                    "text": choice.text,
                    "fields": choice.fields,
                    **(self._media(item, number, place) if _apart(item) else {}),
                }
                for place, choice in enumerate(item.choices[index] for index in self._order(item))
            ],
            "disputed": dispute[0].fields if dispute else [],
            "voices": [self._voice(voice, item) for voice in dispute[1]] if dispute else [],
        }

    def media(self, number: int, column: str, place: int, choice: int | None) -> tuple[str, Kind]:
        """Return the path of a file that an item's row names, and as what it is played.

        Raises:
            LookupError: there is no such file in the row.
            InputError: it is not there, none of this machine, or outside of SABER_MEDIA_ROOT and of the run.
        """
        item = self._item(number)
        if column not in COLUMNS or (choice is not None and not _apart(item)):
            raise LookupError(column)
        own = None if choice is None else item.choices[self._order(item)[choice]]
        path = _files(item, own, column)[place]
        return allowed_media(path, item.where, column, self._items.runs), COLUMNS[column]

    def voice_file(self, number: int) -> tuple[str, str]:
        """Return the path of the file that an item's voice is in, and what names the item in errors.

        Raises:
            LookupError: there is no such item.
            InputError: it has no sound or several, or the file is not there.
        """
        item = self._item(number)
        return voice_file({"videos": list(item.videos), "audios": list(item.audios)}, item.where), item.where

    def voice_said(self, number: int, track: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said of a voice, and how it was measured, as html/track.js takes it.

        Returns:
            {"claims": of the record, or of each choice as it is shown, None where one says nothing, "among": with what
            clips these are compared}; no claims where each choice is about a clip of its own, and for a blind reviewer.
        """
        item = self._item(number)
        if self.blind or _apart(item):
            return {"claims": []}
        texts = [item.choices[place].fields for place in self._order(item)] if item.choices else [item.values]
        scale, speaker = self._items.scale(item), item.speaker or None
        claims = [
            voice_claims(text, track, scale, speaker) if (text := of.get("acoustic_feat")) else None for of in texts
        ]
        clips = scale.clips if scale else 0
        among = {"clips": clips, "source": item.source, "language": item.language, "measured": True}
        return {"claims": claims, "among": among}

    def save(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Write what the reviewer says of an item, and return {"revision", "decision"}.

        Args:
            said: what the page sends: nonce, item (its number), of, revision, decision, reason, after.

        Raises:
            StaleError: another page has saved it since.
            InputError: something in it cannot be, or cannot be written.
        """
        nonce, number, revision = (said.get(name) for name in ("nonce", "item", "revision"))
        decision, reason, after = (said.get(name) for name in ("decision", "reason", "after"))
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise _wrong("nonce", nonce)
        if type(number) is not int or not 0 <= number < len(self._names):
            raise _wrong("item", number)
        if type(revision) is not int or revision < 0:
            raise _wrong("revision", revision)
        if not isinstance(decision, str | None):
            raise _wrong("decision", decision)
        if not isinstance(reason, str):
            raise _wrong("reason", reason)
        if not isinstance(after, dict) or not all(isinstance(text, str) for text in after.values()):
            raise _wrong("after", after)
        item = self._item(number)
        if said.get("of") != _of(item):
            raise InputError(item.id, "of", "is the digest of another record", "load the page again")
        values = {name: writable(text) for name, text in after.items()}
        if item.choices:
            values = {name: self._placed(text, item) for name, text in values.items()}
        elif decision == "accept" and (
            self.blind or any(item.values.get(name) != text for name, text in values.items())
        ):
            decision = "correct"  # what was not seen, or is another text, is not what was there before
        review = self._log.save(nonce, item, revision, decision=decision, reason=writable(reason), after=values)
        return {"revision": review.revision, "decision": review.decision}

    def latest(self, stale: StaleError) -> dict[str, Any]:
        """Return what is there instead of what a stale page would save."""
        review = stale.latest
        return self._said(review, self._items[review.item]) | {"nonce": review.id, "revision": review.revision}

    def told(self, error: InputError) -> str:
        """Return what the page is told of an error: a blind reviewer's nothing that names an item or a file."""
        if not self.blind or error.where in ("save", "clip", str(self._log.path)):
            return str(error)
        if error.where in self._items:
            return str(InputError("save", error.field, error.problem, error.remedy))
        return "the record or its file cannot be read; tell whoever serves this page"

    def _item(self, number: int) -> Item:
        return self._items[self._names[number]]

    def _line(self, name: str) -> dict[str, Any]:
        latest = self._log.latest.get(name)
        known = latest is not None and latest.of == self._items.of(name)
        strata = dict(zip(STRATA, self._items.strata(name), strict=True))
        return {
            **({} if self.blind else {"id": name}),
            "revision": latest.revision if latest else 0,
            "decision": latest.decision if latest and known else None,
            "begun": latest is not None,
            **{key: strata[key] for key in (_GIVEN if self.blind else STRATA)},
        }

    def _written(self, item: Item) -> dict[str, Any]:
        """What a machine wrote, and what names may tell."""
        names = ("id", "where", "consistency", "concluded", "checks", "cues", "transcript")
        return {"before": item.values, **{name: getattr(item, name) for name in names}}

    def _begin(self, item: Item, dispute: Dispute | None) -> dict[str, str]:
        """The values that stand in the fields before this reviewer has said anything; agreed ones of a dispute."""
        if item.choices:
            return {}
        values = dict.fromkeys(EDITABLE, "") if self.blind else dict(item.values)
        verdict, spoken = dispute or (None, ())
        for name in EDITABLE if verdict else ():
            given = {voice.values[name] for voice in spoken if name in voice.values}
            if len(given) == 1:
                values[name] = given.pop()
        return values

    def _said(self, review: Review, item: Item) -> dict[str, Any]:
        """What a review says; of a blind reviewer only what was said blindly: the rest holds a machine's words."""
        after = review.after if review.blind or not self.blind or item.choices else {}
        better = after.get(BETTER)
        if better is not None and better not in NEITHER:
            order = self._order(item)
            better = str(order.index(int(better))) if int(better) < len(order) else None
        values = {} if item.choices or not after else dict.fromkeys(EDITABLE, "") | after
        return {
            "values": values,
            BETTER: better,
            "decision": review.decision,
            "reason": review.reason,
            "when": review.when,
        }

    def _voice(self, voice: Voice, item: Item) -> dict[str, Any]:
        better = voice.values.get(BETTER)
        if better is not None and better not in NEITHER:
            better = str(self._order(item).index(int(better)))
        return asdict(voice) | {BETTER: better}

    def _order(self, item: Item) -> list[int]:
        """The places of an item's choices in the order in which they are shown: by lot, and always the same."""
        seed = f"{self._log.reviewer} {item.id}"
        return sorted(range(len(item.choices)), key=lambda place: lot_number(str(place), seed))

    def _placed(self, better: str, item: Item) -> str:
        """The place in the row of the choice that is meant by its place on the page."""
        if better in NEITHER:
            return better
        if not better.isdecimal() or int(better) >= len(item.choices):
            raise _wrong(BETTER, better)
        return str(self._order(item)[int(better)])

    def _media(self, item: Item, number: int, place: int | None = None) -> dict[str, Any]:
        """The files of an item, or of the choice that is shown in a place, as html/player.js takes them."""
        own = None if place is None else item.choices[self._order(item)[place]]
        end = "" if place is None else f"/{place}"
        return {
            column: [
                {
                    "address": f"media/{number}/{column}/{at}{end}",
                    "name": kind if self.blind or own else os.path.basename(path),
                }
                for at, path in enumerate(_files(item, own, column))
            ]
            for column, kind in COLUMNS.items()
        }


def _of(item: Item) -> str:
    """What a page knows an item by: its number may be another one's after a restart, and texts may be alike."""
    return digest([item.id, item.of])


def _apart(item: Item) -> bool:
    """Whether one of the choices is about other files, as of a swapped pair: then each is shown with its own."""
    return any(choice.videos or choice.audios for choice in item.choices)


def _files(item: Item, choice: Choice | None, column: str) -> tuple[str, ...]:
    """The files of a choice; of what it does not name, the item's."""
    found: tuple[str, ...] = (getattr(choice, column) if choice else ()) or getattr(item, column)
    return found


def _wrong(name: str, value: Any) -> InputError:
    return InputError("save", name, f"is {quoted(value)}", "load the page again")
