"""What a data set is published as: the block `publish:` of a pipeline's recipe, or a file of the same lines."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from swift_saber.errors import InputError, kind, quoted
from swift_saber.recipe import check_recipe
from swift_saber.settings import SETTINGS, read_settings

BLOCK = "publish"
# An identifier of SPDX, or one of a user's own in its form.
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def _licences(value: Any) -> dict[str, str]:
    """See that a mapping from sources to licences is one."""
    if not isinstance(value, Mapping):
        raise InputError("recipe", "media", f"is {kind(value)}, not licences", "write `source: LICENCE` lines below it")
    for source, licence in value.items():
        if not isinstance(source, str) or not isinstance(licence, str) or not licence.strip():
            remedy = "write `source: LICENCE`, or leave the source out to publish its annotations alone"
            raise InputError("recipe", "media", f"{quoted(licence)} is no licence of {quoted(source)}", remedy)
    return dict(value)


def _homepage(value: str) -> str:
    """See that an address is one of the web, where others can go."""
    if value and not re.fullmatch(r"https?://[^\s@<>\"]+", value):
        raise InputError("recipe", "homepage", f"{quoted(value)} is no address", "write it as https://...")
    return value


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """What others are told of a data set. None of it has a default but to be left out.

    Attributes:
        name: of the data set.
        licence: of the annotations: an identifier of SPDX (CC-BY-4.0), or words of one's own.
        contact: whom to write to; published as it stands.
        homepage: an address of the web.
        citation: how to cite it, BibTeX or words.
        media: the licence under which the clips of a source may be given on, by the source's name in the rows. The
            clips of a source that is not here stay where they are.
    """

    name: Annotated[str, Field(pattern=r"\S", title="a name", description="write the data set's name")]
    licence: Annotated[
        str, Field(pattern=r"\S", title="a licence", description="write the licence of the annotations, e.g. CC-BY-4.0")
    ]
    contact: Annotated[
        str, Field(pattern=r"\S", title="a contact", description="write an address that questions may be sent to")
    ]
    homepage: Annotated[str, AfterValidator(_homepage)] = ""
    citation: str = ""
    media: Annotated[dict[str, str], BeforeValidator(_licences)] = Field(default_factory=dict)


def read(recipe: Mapping[str, Any], path: Path | None) -> Settings:
    """Return the settings that a file has, or else the block of a recipe.

    Args:
        recipe: of the run that is published; {} where there is none.
        path: of a YAML of such settings, or of a recipe with their block.

    Raises:
        InputError: a setting is missing or wrong, or there are none.
    """
    block = recipe.get(BLOCK)
    if path is not None:
        said = check_recipe(str(path))
        block = said.get(BLOCK, said)
    if block is None:
        remedy = f"add a block {BLOCK}: name, licence, contact (recipes/publish.md) to it, or give --settings FILE.yaml"
        raise InputError("recipe", BLOCK, "is not there", remedy)
    return read_settings(Settings, block, BLOCK)


def hub_licence(licence: str) -> str:
    """Return a licence as the head of a card has it: an identifier in small letters, "other" for words."""
    return licence.lower() if _SPDX.fullmatch(licence) else "other"
