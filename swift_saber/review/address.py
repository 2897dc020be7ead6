"""The token of a reviewer's address, kept where the same address is wanted again: a page that is open then finds its
server after a restart.

Kept in the user's own folder for state (XDG Base Directory Specification), not beside the reviews, which are shared.
"""

import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from swift_saber.errors import InputError

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def fresh_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def kept_token(folder: Path, seat: str) -> str:
    """Return the token of a seat at these reviews: the one that it had, else a fresh one, which is kept.

    Args:
        folder: of the reviews.
        seat: the reviewer, and how: one who is blind has another address than one who is not.

    Raises:
        InputError: it cannot be kept.
    """
    name = hashlib.sha256(f"{folder.resolve()}\n{seat}".encode()).hexdigest()
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = home / "swift-saber" / "review" / name
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if token := _read(path):
            return token
        token = fresh_token()
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token)
        return token
    except OSError as error:
        problem = f"cannot keep the address ({error.strerror})"
        raise InputError(str(path), "file", problem, "set XDG_STATE_HOME, or leave out --port") from error


def _read(path: Path) -> str:
    """The token of a file that nobody else can have written or read; else ""."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with open(file, "rb") as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            return ""
        token = opened.read(64).decode("ascii", "replace")
    return token if _TOKEN.fullmatch(token) else ""
