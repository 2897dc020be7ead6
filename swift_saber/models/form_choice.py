"""Which form a service takes clips in: the one that is set, or the one that is found out."""

import sys
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Literal, TypeVar

from swift_saber.errors import InputError, quoted
from swift_saber.models.answer import EndpointFailed, EndpointForeign, EndpointRefused
from swift_saber.models.forms import FORMS, Form, in_form, made_question, media_in

T = TypeVar("T")

#: How clips go along: in one of the forms, or in the one that is found out.
Media = Literal["auto", "base64", "input_audio", "frames"]
MEDIA: tuple[Media, ...] = ("auto", *FORMS)

_REASON_LIMIT = 120
_TOO_LARGE = "413:"  # which no other form mends


class FormChoice:
    """The form for one service; threads share it.

    Args:
        address: of the service, as it may be shown.
        media: a form, or "auto", which sends clips as they are asked with, "base64"; where the first of its kind is
            refused, a clip that is made here is sent in each form, once, and the first that is taken holds from then
            on.
        probe: sends messages once, and raises what fails.

    Raises:
        InputError: there is no such form.
    """

    def __init__(self, address: str, media: Media, probe: Callable[[list[dict[str, Any]]], None]) -> None:
        if media not in MEDIA:
            known = f"{', '.join(MEDIA[:-1])} or {MEDIA[-1]}"
            raise InputError("endpoint", "media", f"{quoted(media)} is not known", f"write {known}")
        self._address, self._media, self._probe = address, media, probe
        # What was found for each set of media, with what is said of a refusal.
        self._known: dict[frozenset[str], tuple[Form, str]] = {}
        self._finding = Lock()

    def ask(self, messages: Sequence[dict[str, Any]], send: Callable[[list[dict[str, Any]]], T]) -> T:
        """Return what `send` returns of messages whose clips are in the form that the service takes.

        Raises:
            EndpointRefused: the messages are refused, or hold a clip that cannot be put into the form.
            What `send` and the probe raise else.
        """
        media, addressed = media_in(messages)
        known = self._known.get(media)
        if self._media != "auto":
            others = [form for form in FORMS if form != self._media]
            known = self._media, f"(clips went as {self._media}; try media: {', '.join(others)} or auto)"
        form: Form = known[0] if known else "base64"
        try:
            answer = send(self._in_form(messages, form))
        except EndpointRefused as refused:
            if media and not known and not refused.problem.startswith(_TOO_LARGE):
                with self._finding:
                    known = self._known[media] = self._known.get(media) or self._found(media, refused.problem)
                if known[0] != form:
                    return send(self._in_form(messages, known[0]))
            said = known[1] if known and media else ""
            if addressed:
                said = "(clips went as addresses of files; try media: auto)"
            if not said:
                raise
            raise type(refused)(refused.where, refused.field, f"{refused.problem} {said}", refused.remedy) from refused
        if not known:
            self._known.setdefault(media, (form, ""))
        return answer

    def _in_form(self, messages: Sequence[dict[str, Any]], form: Form) -> list[dict[str, Any]]:
        try:
            return in_form(messages, form)
        except InputError as error:
            problem = f"cannot be sent as {form}: {error.problem}"
            raise EndpointRefused(self._address, "clip", problem, error.remedy) from error

    def _found(self, media: frozenset[str], refused: str) -> tuple[Form, str]:
        """The form in which a clip of these media is taken, and what is to be said where a clip is refused."""
        from tqdm import tqdm

        said = []
        for form in FORMS:
            try:
                self._probe(in_form(made_question(media), form))
            except (EndpointRefused, EndpointFailed, EndpointForeign) as error:
                said.append(f"{form} ({error.problem[:_REASON_LIMIT]})")
                continue
            if form != "base64" and form not in [known for known, _ in list(self._known.values())]:
                text = f"clips go as {form} from now on (media: {form}), since as base64 they are refused: {refused}"
                tqdm.write(f"swift-saber: {self._address}: {text}", file=sys.stderr)
            return form, ""
        return "base64", f"(no clip is taken, be it sent as {', '.join(said)})"
