"""The address of a service, with what must not be shown of it, and the key that it wants.

The key comes from an environment variable, OPENAI_API_KEY unless another one is named.
"""

import base64
import os
from urllib.parse import unquote, urlsplit

from swift_saber.errors import InputError

KEY_ENV = "OPENAI_API_KEY"
# Below it, a secret is a word like any other, such as the "EMPTY" that servers of one's own are told.
_SECRET_LENGTH = 8


def shown_address(base_url: str) -> str:
    """Return an address as it may be shown: without user, password and query.

    Raises:
        InputError: it is no http address.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in {"http", "https"} or not host:
        # The text itself is not repeated: it may hold a password.
        remedy = "write it as http://127.0.0.1:8000/v1"
        raise InputError("endpoint", "base_url", "is no http address", remedy)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path}"


def key_of(name: str) -> str:
    """Return the key in a variable, without the line end that it has when it comes from a file.

    Raises:
        InputError: it holds what no header can, or is not set though it is named on purpose.
    """
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        problem = "holds a character that a key cannot have"
        raise InputError("environment", name, problem, "set it to the key of this service")
    if not key and name != KEY_ENV:
        raise InputError("environment", name, "is not set, and key_env names it", "set it to the key of this service")
    return key


def account_in(base_url: str) -> tuple[str, str, str]:
    """Return the user and the password in an address, and the address without them."""
    parts = urlsplit(base_url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return unquote(parts.username or ""), unquote(parts.password or ""), bare


def secrets_in(key: str, base_url: str) -> list[str]:
    """Return what a server knows of us and may not tell others, the longest first."""
    user, password, bare = account_in(base_url)
    query = urlsplit(bare).query
    found = {key, password, query, *(pair.partition("=")[2] for pair in query.split("&"))}
    if password:
        found.add(base64.b64encode(f"{user}:{password}".encode()).decode())
    return sorted((secret for secret in found if len(secret) >= _SECRET_LENGTH), key=len, reverse=True)
