"""The settings of a model behind an address, as a recipe names it, checked before anything is asked."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from swift_saber.errors import InputError, quoted
from swift_saber.models.address import KEY_ENV, shown_address
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.form_choice import MEDIA, Media
from swift_saber.settings import SETTINGS, Number, Whole, read_settings

ReplyForm = Literal["json_schema", "json_object", "none"]


def _open_address(value: str) -> str:
    """Refuse what is no http address, and one with a secret in it: a recipe is copied, shown and kept."""
    shown_address(value)
    parts = urlsplit(value)
    if "@" in parts.netloc or parts.query:
        remedy = "put the key into the environment (key_env names the variable)"
        raise InputError("recipe", "base_url", "holds a user, a password or a query", remedy)
    return value


_Address = Annotated[
    str,
    Field(pattern=r"\S", title="a name", description="write the server's address, such as http://127.0.0.1:8000/v1"),
    AfterValidator(_open_address),
]
_Variable = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        title="the name of a variable",
        description="name the environment variable that holds the key",
    ),
]


@dataclass(frozen=True, config=SETTINGS)
class Service:
    """One model behind an OpenAI-compatible address. All defaults are ours.

    Attributes:
        model: the name that the server knows it by.
        base_url: e.g. "http://127.0.0.1:8000/v1".
        key_env: the environment variable that holds the key; never the key itself.
        concurrency: requests under way at a time, for each task.
        requests_per_minute: the most that each task sends, what is sent again included; None for no limit.
        max_tokens: the longest reply. Replies of our six fields take 400 to 900 tokens.
        timeout: seconds that a request and its whole reply may take.
        retries: how often a request is sent again after a passing failure (endpoint.Endpoint says which).
        reply_form: "json_schema" holds the server to the form of the reply, "json_object" to JSON, "none" to nothing.
        media: the form in which clips travel (endpoint.Endpoint).
    """

    model: Annotated[str, Field(pattern=r"\S", title="a name", description="name the model as the server knows it")]
    base_url: _Address
    key_env: _Variable = KEY_ENV
    concurrency: Annotated[Whole, Field(ge=1)] = 8
    requests_per_minute: Annotated[Number, Field(ge=0.001)] | None = None
    max_tokens: Annotated[Whole, Field(ge=1)] = 2048
    timeout: Annotated[Number, Field(ge=0.001)] = 300.0
    retries: Annotated[Whole, Field(ge=0)] = 5
    reply_form: ReplyForm = "json_schema"
    media: Media = "auto"

    @classmethod
    def read(cls, settings: object, block: str) -> "Service":
        """Return the service that a block of a recipe describes; as read_settings."""
        return read_settings(cls, settings, block)

    @property
    def form(self) -> Media:
        """The form in which clips go along themselves."""
        return self.media

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
            media=self.form,
        )

    def response_format(self, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return what the server is to hold a reply of this JSON schema to."""
        if schema is None or self.reply_form == "none":
            return None
        if self.reply_form == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


@dataclass(frozen=True, config=SETTINGS)
class _Addressed:
    form: Literal["url"]
    root: Annotated[str, Field(pattern=r"^/", title="an absolute path", description="write the folder of the clips")]
    base_url: _Address


def read_media(value: object, field: str) -> tuple[dict[str, Any], Media]:
    """Return how clips travel where their addresses may: as clip_parts takes it, and as Endpoint does.

    Args:
        value: a form of Endpoint, "path" or "bare_path", or {"form": "url", "root": folder, "base_url": address}.
            The folder has to hold the clips and the run's output, where cleaning writes the sound.
        field: names the setting in errors.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(value, Mapping):
        return asdict(read_settings(_Addressed, value, field)), "auto"
    if value in ("path", "bare_path"):
        return {"form": value}, "auto"
    for known in MEDIA:
        if value == known:
            return {}, known
    remedy = f"write {', '.join(MEDIA)}, path or bare_path"
    raise InputError("recipe", field, f"{quoted(value)} is not known", remedy)
