"""The settings of a model behind an address, as a recipe names it, checked before anything is asked."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from swift_saber.clip_parts import Form
from swift_saber.endpoint import KEY_ENV, Endpoint, shown_address
from swift_saber.errors import InputError, kind, quoted

ReplyForm = Literal["json_schema", "json_object", "none"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Service:
    """One model behind an OpenAI-compatible address. All defaults are ours.

    Attributes:
        model: the name that the server knows it by.
        base_url: e.g. "http://127.0.0.1:8000/v1".
        key_env: the environment variable that holds the key; never the key itself.
        concurrency: requests under way at a time, for each task.
        requests_per_minute: the most that each task sends, what is sent again included; None for no limit.
        max_tokens: the longest reply. Replies of our six fields take 400 to 900 tokens.
        timeout: seconds to wait for one reply.
        retries: how often a request is sent again after a passing failure (endpoint.Endpoint says which).
        reply_form: "json_schema" holds the server to the form of the reply, "json_object" to JSON, "none" to nothing.
    """

    model: str
    base_url: str
    key_env: str = KEY_ENV
    concurrency: int = 8
    requests_per_minute: float | None = None
    max_tokens: int = 2048
    timeout: float = 300.0
    retries: int = 5
    reply_form: ReplyForm = "json_schema"

    @classmethod
    def read(cls, settings: object, block: str) -> "Service":
        """Return the service that a block of a recipe describes.

        Args:
            settings: the block.
            block: its name, e.g. "visual.judge", for errors.

        Raises:
            InputError: a setting is missing, not known, or not of its kind.
        """
        if not isinstance(settings, Mapping):
            raise InputError(
                "recipe", block, f"is {kind(settings)}, not settings", "indent model and base_url below it"
            )
        known = [one.name for one in fields(cls)]
        for name in settings:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                remedy = f"write {close[0]}" if close else f"it takes {', '.join(known)}"
                raise InputError("recipe", f"{block}.{name}", "is not a setting", remedy)
        for name in ("model", "base_url"):
            if not isinstance(settings.get(name), str) or not settings[name].strip():
                problem = "is not set" if settings.get(name) is None else "is not a name"
                raise InputError("recipe", f"{block}.{name}", problem, _REMEDIES[name])
        _check_address(settings["base_url"], f"{block}.base_url")
        # The value is not shown: it may be the key.
        name_given = settings.get("key_env", KEY_ENV)
        if not isinstance(name_given, str) or not _VARIABLE.fullmatch(name_given):
            remedy = "name the environment variable that holds the key"
            raise InputError("recipe", f"{block}.key_env", "is not the name of a variable", remedy)
        for name, (low, whole) in _NUMBERS.items():
            if name in settings and not (name == "requests_per_minute" and settings[name] is None):
                check_number(settings[name], f"{block}.{name}", low, whole=whole)
        check_choice(settings.get("reply_form", "none"), f"{block}.reply_form", get_args(ReplyForm))
        return cls(**settings)

    def endpoint(self) -> Endpoint:
        """Return the model, ready to be asked.

        Raises:
            InputError: as Endpoint.
        """
        return Endpoint(
            self.model,
            self.base_url,
            timeout=self.timeout,
            retries=self.retries,
            key_env=self.key_env,
            requests_per_minute=self.requests_per_minute,
        )

    def response_format(self, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return what the server is to hold a reply of this JSON schema to."""
        if schema is None or self.reply_form == "none":
            return None
        if self.reply_form == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


_REMEDIES = {
    "model": "name the model as the server knows it",
    "base_url": "write the server's address, such as http://127.0.0.1:8000/v1",
}
# The smallest value, and whether it must be an integer.
_NUMBERS: dict[str, tuple[float, bool]] = {
    "concurrency": (1, True),
    "requests_per_minute": (0.001, False),
    "max_tokens": (1, True),
    "timeout": (0.001, False),
    "retries": (0, True),
}


def check_number(value: object, field: str, low: float, *, whole: bool) -> None:
    """Refuse a setting that is no number of at least `low`, or no integer where it must be one."""
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not fits or not low <= value < float("inf"):  # type: ignore[operator]
        what = f"{'an integer' if whole else 'a number'} of at least {low:g}"
        raise InputError("recipe", field, f"{quoted(value)} is not {what}", f"write {what}")


def check_choice(value: object, field: str, choices: tuple[str, ...]) -> None:
    """Refuse a setting that is none of the choices."""
    if value not in choices:
        raise InputError("recipe", field, f"{quoted(value)} is not known", f"write {' or '.join(choices)}")


def read_media(value: object, field: str) -> dict[str, Any]:
    """Return how clips travel, as clip_parts takes it.

    Args:
        value: "base64", "path" or "bare_path", or {"form": "url", "root": folder, "base_url": address}.
            The folder has to hold the clips and the run's output, where cleaning writes the sound.
        field: names the setting in errors.

    Raises:
        InputError: it is none of these.
    """
    if not isinstance(value, Mapping):
        check_choice(value, field, tuple(form for form in get_args(Form) if form != "url"))
        return {"form": value}
    if set(value) != {"form", "root", "base_url"} or value["form"] != "url":
        raise InputError(
            "recipe", field, "is not known", "write {form: url, root: /folder, base_url: http://host/folder}"
        )
    if not isinstance(value["root"], str) or not value["root"].startswith("/"):
        raise InputError("recipe", f"{field}.root", "is not an absolute path", "write the folder of the clips")
    _check_address(value["base_url"], f"{field}.base_url")
    return dict(value)


def _check_address(value: object, field: str) -> None:
    """Refuse what is no http address, and one with a secret in it: a recipe is copied, shown and kept."""
    try:
        shown_address(str(value))
    except InputError as error:
        raise InputError("recipe", field, error.problem, error.remedy) from error
    parts = urlsplit(str(value))
    if "@" in parts.netloc or parts.query:
        remedy = "put the key into the environment (key_env names the variable)"
        raise InputError("recipe", field, "holds a user, a password or a query", remedy)
