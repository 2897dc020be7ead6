"""What our pages have in common: scripts, a policy that names a page's own style and script, addresses of clips.

Beside it lie the scripts: `dom.js` makes elements out of data that may hold anything, `player.js` plays clips,
`marks.js` marks words of evidence, `track.js` draws what was measured of a voice.
"""

import base64
import hashlib
import os
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from swift_saber.data.rows import media_path
from swift_saber.text.files import writable

_SCRIPTS = ("dom.js", "marks.js", "player.js", "track.js")


def shared_script() -> str:
    """Return the script that pages have in common, to stand before their own; it reads an element "data" of JSON."""
    here = files("swift_saber.html")
    return '"use strict";\n' + "\n".join(here.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)


def shared_style() -> str:
    """Return the style of what that script draws by itself, to stand behind a page's own."""
    return files("swift_saber.html").joinpath("track.css").read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Return a content security policy under which a page runs its own style and script, and plays files, no more.

    Args:
        style: the text of the page's one style element.
        script: the text of its one script element.
    """
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; media-src 'self' file:; "
        "img-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def clip_address(path: object, folder: Path) -> str | None:
    """Return the address of a clip as a page in a folder names it, or None for what is not a file of this machine.

    Args:
        path: as a row has it; relative ones are looked up as rows.media_path does.
        folder: that of the page.
    """
    if not isinstance(path, str) or not path or "://" in path or path.startswith("data:") or "\0" in path:
        return None
    relative = os.path.relpath(media_path(path), folder.resolve())
    # A colon is quoted too: no path can be read as an address of another scheme.
    return quote(os.fsencode(writable(relative)).replace(os.sep.encode(), b"/"))
