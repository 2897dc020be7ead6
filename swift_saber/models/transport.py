"""What lies below the openai client: one request and its reply, within a deadline and a size.

httpx's timeout is one for each read, so that a server which sends a byte a second is never too slow; here the deadline
is that of the whole reply, from the first byte sent to the last one read. Replies are asked for as they are; what comes
as gzip or deflate all the same is unpacked, within the same size and deadline. No redirect is followed, and of the
headers only those go on that something above looks at. A reply of server-sent events, where one is asked for (Accept),
is handed on as it comes, within the same deadline and size.

Proxies are those of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), as with any other client, but for
this machine itself, which no proxy elsewhere can reach.
"""

import ipaddress
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from swift_saber.errors import InputError

#: The largest reply, in bytes, as it comes and as it unpacks: some 20 times ten answers of 4096 tokens each.
MAX_BYTES = 8 << 20
#: What is read of a reply that is none, for its message.
_MAX_ERROR_BYTES = 64 << 10
_PIECE = 16 << 10
#: Keys of a response's extensions: what is wrong with its body, which is then left out, with the remedy where one is
#: known; and where it leads ("" where nowhere). httpx would look into a header of this name, and not at every one does
#: it find an address.
PROBLEM, LOCATION = "swift_saber.problem", "swift_saber.location"
_PACKED = ("gzip", "x-gzip", "deflate")
_PLAIN = "have the server, or the gateway before it, send plain JSON or gzip"
#: The media type of a reply that comes in pieces.
EVENTS = "text/event-stream"
_PASSED_ON = frozenset({b"retry-after", b"retry-after-ms", b"x-should-retry"})


class Transport(httpx.BaseTransport):
    """Sends to one host; threads may share it.

    Args:
        base_url: whose host it is.
        seconds: the longest that a request and its whole reply may take.
        turn: returns when the next request may be sent; the time in it is not counted.

    Raises:
        InputError: the address is none, or that of the proxy in the environment.
    """

    def __init__(self, base_url: str, seconds: float, turn: Callable[[], None] = lambda: None) -> None:
        self._seconds, self._turn = seconds, turn
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            remedy = "write it as http://127.0.0.1:8000/v1"
            raise InputError("endpoint", "base_url", "is no http address", remedy) from error
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context() if url.scheme == "https" else None,
            proxy=_proxy(url),
            max_connections=None,  # the threads are counted above
            keepalive_expiry=5.0,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the reply, read to its end; of events, with what is still to be read.

        Raises:
            httpx.TimeoutException: it was not there in time.
            httpx.TransportError: there is no connection, or what came is no HTTP.
        """
        self._turn()
        deadline = time.monotonic() + self._seconds
        request.headers["Accept-Encoding"] = "identity"
        url = request.url
        with _failures(), ExitStack() as stack:
            reply = stack.enter_context(
                self._pool.stream(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,  # type: ignore[arg-type]
                    # The pool has room at once; what it waits for are our streams, which take these as points in time.
                    extensions={"timeout": dict.fromkeys(("connect", "read", "write"), deadline)},
                )
            )
            headers = [(name, value) for name, value in reply.headers if name.lower() in _PASSED_ON]
            where = next((value for name, value in reply.headers if name.lower() == b"location"), b"")
            found: dict[str, Any] = {PROBLEM: (), LOCATION: where.decode("utf-8", "replace")}
            kind = next((value for name, value in reply.headers if name.lower() == b"content-type"), b"")
            asked = request.headers.get("Accept") == EVENTS
            if asked and 200 <= reply.status < 300 and kind.lower().startswith(EVENTS.encode()):
                headers.append((b"content-type", EVENTS.encode()))
                events = _Events(reply, deadline, stack.pop_all())
                return httpx.Response(reply.status, headers=headers, stream=events, extensions=found)
            body, found[PROBLEM] = _body(reply, deadline)
            return httpx.Response(reply.status, headers=headers, content=body, extensions=found)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()


@contextmanager
def _failures() -> Iterator[None]:
    """What fails below, as the errors that the client above knows."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout("no reply in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise httpx.ReadError(str(error)) from error


class _Events(httpx.SyncByteStream):
    """The body of a reply while it comes; `opened` is what has to be closed after it."""

    def __init__(self, reply: httpcore.Response, deadline: float, opened: ExitStack) -> None:
        self._reply, self._deadline, self._opened = reply, deadline, opened

    def __iter__(self) -> Iterator[bytes]:
        with _failures():
            try:
                yield from _parts(self._reply, MAX_BYTES, self._deadline)
            except _OddError as error:
                raise httpx.ReadError(f"the reply {error.args[0]}") from error

    def close(self) -> None:
        self._opened.close()


class _OddError(Exception):
    """What is wrong with a body, and what to do about it where that is known."""


def _body(reply: httpcore.Response, deadline: float) -> tuple[bytes, tuple[str, ...]]:
    """The body of a reply, or what is wrong with it; of an error, as much as says what it is."""
    good = 200 <= reply.status < 300
    body = bytearray()
    try:
        for part in _parts(reply, MAX_BYTES if good else _MAX_ERROR_BYTES, deadline):
            body += part
    except _OddError as error:
        return (b"", error.args) if good else (bytes(body) or f"the reply {error.args[0]}".encode(), ())
    return bytes(body), ()


def _parts(reply: httpcore.Response, limit: int, deadline: float) -> Iterator[bytes]:
    """Yield the body of a reply as it comes, unpacked."""
    said = b",".join(value for name, value in reply.headers if name.lower() == b"content-encoding")
    names = [name.strip() for name in said.decode("latin-1").lower().split(",")]
    packed = [name for name in names if name not in ("", "identity")]
    if packed and (len(packed) > 1 or packed[0] not in _PACKED):
        raise _OddError(f"is compressed ({', '.join(packed)[:40]})", _PLAIN)
    parts = _within(reply.iter_stream(), limit, deadline)
    yield from _within(_unpacked(parts, packed[0]), limit, deadline) if packed else parts


def _within(parts: Iterable[bytes], limit: int, deadline: float) -> Iterator[bytes]:
    """Yield the parts up to that many bytes."""
    for part in parts:
        yield part[:limit]
        limit -= len(part)
        if limit < 0:
            raise _OddError(f"is larger than {MAX_BYTES >> 20} MiB")
        if time.monotonic() > deadline:  # many small parts may come in one read
            raise httpcore.ReadTimeout


def _unpacked(parts: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield what is in the members of a gzip or a deflate, small pieces at a time: a megabyte may hold a thousand."""
    either = zlib.MAX_WBITS + 32  # as its first bytes say
    unpacker = zlib.decompressobj(either)
    try:
        for part in parts:
            while part:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(either)
                yield unpacker.decompress(part, _PIECE)
                part = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error as error:
        raise _OddError(f"is no whole {name} ({error})", _PLAIN) from error
    if not unpacker.eof:
        raise _OddError(f"ends in the middle of its {name}", _PLAIN)


def _proxy(url: httpx.URL) -> httpcore.Proxy | None:
    found = getproxies()
    address = found.get(url.scheme) or found.get("all")
    if not address or _is_here(url.host) or proxy_bypass(url.host):
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        found_at = httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth)
    except (ValueError, httpx.InvalidURL) as error:
        # The text itself is not repeated: it may hold a password.
        problem, remedy = "is no address of a proxy", "write http://host:port, or except this host in NO_PROXY"
        raise InputError("environment", f"{url.scheme.upper()}_PROXY", problem, remedy) from error
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:  # which httpcore alone asks for
        raise InputError("environment", "proxy", "is a SOCKS one, which needs socksio", "pip install socksio")
    return found_at


def _is_here(host: str) -> bool:
    """Whether a host is this machine by its name or number."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _left(deadline: float | None) -> float | None:
    """The seconds until then, for a socket."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


class _Backend(httpcore.SyncBackend):
    """Connections whose timeouts are points in time, of time.monotonic()."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "_Stream":
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for number, address in enumerate(addresses):
            left = _left(timeout)
            # One that says nothing (IPv6, where the network has none) leaves time for the others.
            share = None if left is None else left / (len(addresses) - number)
            try:
                return _Stream(super().connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # A piece at a time, each with the time that is left: the stream below counts anew whenever a part was taken.
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _left(timeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
