"""A server on 127.0.0.1 that answers badly in every way we know: wrong, late, endless, huge, elsewhere.

with HostileServer() as server:
    Endpoint("m", server.url("gzip_bomb")).reply(...)
assert server.counts["gzip_bomb"] == 2  # the question, and the plain one by which a server that is down is known

MODES holds each by its name, with what a client should make of it where the server does it to every request.
"""

import gzip
import json
import socket
import socketserver
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

#: What a client may make of a mode: a text, an answer without one, a refusal, a reply with an error in place of
#: answers, a server that is down.
ANSWER, BLANK, REFUSED, ODD, DOWN = "answer", "blank", "refused", "odd", "down"
#: What the answer of a mode says; the mode "plain" says nothing else.
TEXT = "A fine answer."
PASSWORD = "hunter2-of-the-other"
_MANY = 1 << 20


class Gone(Exception):
    """The client has closed the connection, or the server is stopped."""


class Wire:
    """One connection, after its request was read (if the mode reads it).

    Attributes:
        other: the address of a second listener, which nothing may reach.
        key: what the request said as its Authorization, without "Bearer ".
    """

    def __init__(self, connection: socket.socket, over: threading.Event, other: str) -> None:
        self.connection, self.other, self.key = connection, other, ""
        self.over = over

    def send(self, data: bytes) -> None:
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Gone from error

    def wait(self, seconds: float) -> None:
        """Return after a while; nobody may wait for long for the end of a test."""
        if self.over.wait(seconds):
            raise Gone


#: What is sent, or what is done; where that gives bytes, they are sent.
Step = bytes | Callable[[Wire], bytes | None]


class Mode(NamedTuple):
    """What the server does with a request, step by step, and what may come of it; it closes at the end."""

    becomes: tuple[str, ...]
    steps: tuple[Step, ...]
    reads: bool
    #: Whether it goes on for longer than anybody waits.
    slow: bool


MODES: dict[str, Mode] = {}


def mode(name: str, becomes: str | tuple[str, ...], *steps: Step, reads: bool = True) -> None:
    assert name not in MODES
    slow = any(getattr(step, "__name__", "") in ("dripping", "sending", "never") for step in steps)
    MODES[name] = Mode((becomes,) if isinstance(becomes, str) else becomes, steps, reads, slow)


def drip(*parts: bytes, seconds: float = 0.2) -> Step:
    """These, one after another: never long enough between two for a timeout of each read."""

    def dripping(wire: Wire) -> None:
        for part in parts:
            wire.send(part)
            wire.wait(seconds)

    return dripping


def bytewise(data: bytes) -> Step:
    return drip(*(bytes([byte]) for byte in data))


def for_ever(data: bytes) -> Step:
    def sending(wire: Wire) -> None:
        while not wire.over.is_set():
            wire.send(data)

    return sending


def never(wire: Wire) -> None:
    """Say nothing more, and do not close."""
    wire.wait(60)


def reset(wire: Wire) -> None:
    wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.connection.close()


def completion(content: Any = TEXT, **changed: Any) -> dict[str, Any]:
    """A right reply, some of its keys changed."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    return body | changed


def head(status: int | str = 200, *headers: str | bytes, kind: str = "application/json") -> bytes:
    """The status line and the headers, with the empty line after them."""
    lines = [f"HTTP/1.1 {status} So", f"Content-Type: {kind}", *headers]
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\r\n\r\n"


def whole(body: Any, status: int | str = 200, *headers: str | bytes, kind: str = "application/json") -> bytes:
    """A whole reply with its length; a body that is no bytes is written as JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, *headers, f"Content-Length: {len(body)}", kind=kind) + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


RIGHT = json.dumps(completion()).encode()
CHUNKED = head(200, "Transfer-Encoding: chunked")
UNTIL_CLOSED = head(200, "Connection: close")


def packed(encoding: str, body: bytes, status: int = 200) -> bytes:
    return whole(body, status, f"Content-Encoding: {encoding}")


def bomb(bits: int) -> bytes:
    """512 MiB of spaces, compressed to half a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    first = packer.compress(b" " * _MANY) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * _MANY) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * 511 + packer.flush()


_GZIP, _ZLIB = 31, 15

# How a reply is framed.
mode("plain", ANSWER, whole(RIGHT))
mode("until_closed", ANSWER, UNTIL_CLOSED, RIGHT)
mode("http_1_0", ANSWER, whole(RIGHT).replace(b"1.1", b"1.0", 1))
mode("chunked", ANSWER, CHUNKED, chunk(RIGHT), chunk(b""))
mode("chunks_of_a_byte", ANSWER, CHUNKED, *(chunk(bytes([byte])) for byte in RIGHT), chunk(b""))
mode("chunk_of_16_exabytes", DOWN, CHUNKED, b"ffffffffffffffff\r\n", RIGHT)
mode("chunk_of_too_many_digits", DOWN, CHUNKED, b"f" * 100 + b"\r\n", RIGHT)
mode("chunk_of_no_size", DOWN, CHUNKED, b"zz\r\n", RIGHT)
mode("chunk_of_a_negative_size", DOWN, CHUNKED, b"-5\r\n", RIGHT)
mode("chunk_longer_than_it_says", DOWN, CHUNKED, b"5\r\n", RIGHT, b"\r\n")
mode("chunks_without_end", DOWN, CHUNKED, chunk(RIGHT), never)
mode("chunks_for_ever", DOWN, CHUNKED, for_ever(chunk(b" " * _MANY)))
mode("chunks_of_a_byte_for_ever", DOWN, CHUNKED, for_ever(chunk(b" ") * 9000))
mode("chunk_extension_for_ever", DOWN, CHUNKED, b"5;a=", for_ever(b"a" * 9000))
mode("trailers_for_ever", DOWN, CHUNKED, chunk(RIGHT), b"0\r\n", for_ever(b"A: b\r\n" * 900))
mode("length_too_large", DOWN, head(200, f"Content-Length: {len(RIGHT) + 9}"), RIGHT)
mode("length_too_small", DOWN, head(200, f"Content-Length: {len(RIGHT) - 9}"), RIGHT)
mode("length_negative", DOWN, head(200, "Content-Length: -1"), RIGHT)
mode("length_a_word", DOWN, head(200, "Content-Length: many"), RIGHT)
mode("length_of_an_exabyte", DOWN, head(200, f"Content-Length: {10**18}"), never)
mode("length_of_40_digits", DOWN, head(200, "Content-Length: " + "9" * 40), RIGHT)
mode("length_twice", (ANSWER, DOWN), head(200, *[f"Content-Length: {len(RIGHT)}"] * 2), RIGHT)
mode("lengths_that_differ", DOWN, head(200, f"Content-Length: {len(RIGHT)}", "Content-Length: 5"), RIGHT)
mode("length_and_chunks", (ANSWER, DOWN), CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n", chunk(RIGHT), chunk(b""))
mode("transfer_unknown", DOWN, head(200, "Transfer-Encoding: gzip, chunked"), chunk(RIGHT), chunk(b""))
mode("two_replies_to_one_request", ANSWER, whole(RIGHT) + whole(completion("The other's.")))
mode("reply_before_the_request", (ANSWER, DOWN), whole(RIGHT), reads=False)

# What is no HTTP, or only its beginning.
mode("http_0_9", DOWN, RIGHT)
mode("http_2", DOWN, b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\1\0\0\0\5\0\xff\xff\xff")
mode("http_9_9", (ANSWER, DOWN), whole(RIGHT).replace(b"1.1", b"9.9", 1))
mode("tls_alert", DOWN, b"\x15\x03\x01\0\x02\x02\x46")
mode("ssh", DOWN, b"SSH-2.0-OpenSSH_9.6\r\n")
mode("noise", DOWN, bytes(range(256)) * 64)
mode("noise_for_ever", DOWN, for_ever(b"\xff" * 9000))
mode("nothing", DOWN)
mode("reset", DOWN, reset)
mode("closes_in_the_status", DOWN, b"HTTP/1.1 2")
mode("closes_in_the_headers", DOWN, whole(RIGHT)[:40])
mode("closes_in_the_body", DOWN, whole(RIGHT)[:-20])
mode("closes_in_a_chunk", DOWN, CHUNKED, chunk(RIGHT)[:-20])
mode("resets_in_the_body", DOWN, whole(RIGHT)[:-20], reset)

# Late.
mode("reads_nothing", DOWN, never, reads=False)
mode("silent", DOWN, never)
mode("drips_the_status", DOWN, bytewise(whole(RIGHT)))
mode("drips_a_header", DOWN, b"HTTP/1.1 200 So\r\n", bytewise(b"A: " + b"b" * 999))
mode("drips_headers", DOWN, b"HTTP/1.1 200 So\r\n", drip(*[b"A: b\r\n"] * 999))
mode("drips_the_body", DOWN, whole(RIGHT)[:-90], bytewise(RIGHT[-90:]))
mode("drips_chunks", DOWN, CHUNKED, bytewise(chunk(RIGHT)))
mode("drips_spaces", DOWN, UNTIL_CLOSED, bytewise(b" " * 999))
mode("drips_a_refusal", DOWN, head(400, "Content-Length: 999"), bytewise(b" " * 999))
mode("drips_hints", DOWN, drip(*[head(103)] * 99))
mode("drips_a_stream", DOWN, UNTIL_CLOSED, drip(*[b"data: {}\n\n"] * 99))
mode("stops_in_the_headers", DOWN, whole(RIGHT)[:40], never)
mode("stops_in_the_body", DOWN, whole(RIGHT)[:-20], never)
mode("stops_before_it_closes", DOWN, UNTIL_CLOSED, RIGHT, never)

# Endless and huge.
mode("status_for_ever", DOWN, b"HTTP/1.1 200 ", for_ever(b"a" * 9000))
mode("header_for_ever", DOWN, b"HTTP/1.1 200 So\r\nA: ", for_ever(b"a" * 9000))
mode("headers_for_ever", DOWN, b"HTTP/1.1 200 So\r\n", for_ever(b"A: b\r\n" * 900))
mode("header_of_a_megabyte", DOWN, whole(RIGHT, 200, "A: " + "b" * _MANY))
mode("continue_for_ever", DOWN, for_ever(b"HTTP/1.1 100 Go on\r\n\r\n" * 900))
mode("processing_for_ever", DOWN, for_ever(head(102, "A: " + "b" * 9000)))
mode("body_for_ever", DOWN, UNTIL_CLOSED, for_ever(b" " * _MANY))
mode("text_for_ever", DOWN, UNTIL_CLOSED, RIGHT[: RIGHT.index(b"fine")], for_ever(b"a" * _MANY))
mode("body_of_64_mib", DOWN, head(200, f"Content-Length: {64 * _MANY}"), *[b" " * _MANY] * 64)
mode("body_of_7_mib", ANSWER, whole(b" " * (7 * _MANY) + RIGHT))
mode("refusal_for_ever", REFUSED, head(400, "Connection: close"), for_ever(b"a" * _MANY))
mode("failure_for_ever", DOWN, head(500, "Connection: close"), for_ever(b"a" * _MANY))
mode("redirect_for_ever", DOWN, head(302, "Location: /x", "Connection: close"), for_ever(b"a" * _MANY))

# Compressed, which is not asked for, but some gateways do nothing else.
_GZIPPED = gzip.compress(RIGHT)
mode("gzip", ANSWER, packed("gzip", _GZIPPED))
mode("gzip_by_its_old_name", ANSWER, packed("X-GZip", _GZIPPED))
mode("gzip_in_chunks_of_a_byte", ANSWER, CHUNKED[:-2] + b"Content-Encoding: gzip\r\n\r\n",
     *(chunk(bytes([byte])) for byte in _GZIPPED), chunk(b""))  # fmt: skip
mode("gzip_of_parts", ANSWER, packed("gzip", b"".join(map(gzip.compress, (RIGHT[:50], b"", RIGHT[50:])))))
mode("gzip_of_7_mib", ANSWER, packed("gzip", gzip.compress(b" " * (7 * _MANY) + RIGHT)))
mode("deflate", ANSWER, packed("deflate", zlib.compress(RIGHT)))
mode("refusal_gzip", REFUSED, packed("gzip", gzip.compress(b'{"error": {"message": "max_tokens is too large"}}'), 400))
mode("refusal_gzip_cut", REFUSED, packed("gzip", gzip.compress(b'{"error": {"message": "no"}}')[:-9], 400))
mode("refusal_brotli", REFUSED, packed("br", b"\x8b\x02\x80abc\x03", 400))
mode("gzip_cut", DOWN, packed("gzip", _GZIPPED[:-1]))
mode("gzip_of_nothing", DOWN, packed("gzip", b""))
mode("gzip_damaged", DOWN, packed("gzip", _GZIPPED[:-8] + bytes(8)))
mode("gzip_and_more", DOWN, packed("gzip", _GZIPPED + b"more"))
mode("gzip_of_nothings_for_ever", DOWN, UNTIL_CLOSED[:-2] + b"Content-Encoding: gzip\r\n\r\n",
     for_ever(gzip.compress(b"") * 900))  # fmt: skip
mode("refusal_gzip_of_nothings_for_ever", REFUSED, head(400, "Content-Encoding: gzip", "Connection: close"),
     for_ever(gzip.compress(b"") * 900))  # fmt: skip
mode("gzip_bomb", DOWN, packed("gzip", bomb(_GZIP)))
mode("gzip_of_a_gzip_bomb", DOWN, packed("gzip, gzip", gzip.compress(bomb(_GZIP))))
mode("deflate_bomb", DOWN, packed("deflate", bomb(_ZLIB)))
mode("refusal_gzip_bomb", REFUSED, packed("gzip", bomb(_GZIP), 400))
mode("brotli", DOWN, packed("br", b"\x8b\x02\x80abc\x03"))
mode("zstd", DOWN, packed("zstd", b"\x28\xb5\x2f\xfd\x04\x00"))
mode("encoding_unknown", DOWN, packed("x-rot13", RIGHT))
mode("encoding_9000_times", DOWN, packed("gzip, " * 9000, RIGHT))
mode("encoding_twice", DOWN, whole(RIGHT, 200, "Content-Encoding: identity", "Content-Encoding: gzip"))
mode("identity", ANSWER, packed("identity", RIGHT))
mode("says_gzip_and_is_not", DOWN, packed("gzip", RIGHT))

# Statuses and headers.
for status in (401, 403, 404, 405, 406, 408, 409, 418, 429, 451, 500, 501, 502, 503, 504, 599, 999):
    mode(f"status_{status}", DOWN, whole({"error": {"message": "no"}}, status))
for status in (400, 413, 422):
    mode(f"status_{status}", REFUSED, whole({"error": {"message": "no"}}, status))
for written in ("099", "000", "2000", "20", "-1", "abc", ""):
    mode(f"status_is_{written or 'missing'}", DOWN, whole(RIGHT, written))
mode("status_201", ANSWER, whole(RIGHT, 201))
mode("status_204_with_a_body", DOWN, whole(RIGHT, 204))
mode("status_205_with_a_body", (ANSWER, DOWN), whole(RIGHT, 205))
mode("status_206", DOWN, whole(RIGHT[:9], 206, "Content-Range: bytes 0-8/99"))
mode("status_304_with_a_body", DOWN, whole(RIGHT, 304))
mode("continue_then_answer", ANSWER, b"HTTP/1.1 100 Go on\r\n\r\n", whole(RIGHT))
mode("switches_protocols", DOWN, head(101, "Upgrade: websocket", "Connection: Upgrade"), RIGHT)
mode("header_with_nul", DOWN, whole(RIGHT, 200, "A: b\0c"))
mode("header_without_colon", DOWN, whole(RIGHT, 200, "nothing"))
mode("header_without_name", DOWN, whole(RIGHT, 200, ": nothing"))
mode("header_with_a_bare_return", DOWN, whole(RIGHT, 200, "A: b\rContent-Length: 5"))
mode("header_folded", ANSWER, whole(RIGHT, 200, "A: b\r\n c"))
mode("header_not_ascii", ANSWER, whole(RIGHT, 200, "A: 情感", b"B: \xff\xfe"))
mode("header_9000_times", (ANSWER, DOWN), whole(RIGHT, 200, *["A: b"] * 9000))
mode("cookies", ANSWER, whole(RIGHT, 200, *[f"Set-Cookie: c{number}=v; Path=/" for number in range(99)]))
for name in ("hex", "rot13", "zip", "idna", "utf-7", "utf-16", "nothing", "undefined"):
    mode(f"charset_{name}", ANSWER, whole(RIGHT, 200, kind=f"application/json; charset={name}"))
    mode(f"refusal_charset_{name}", REFUSED, whole(RIGHT, 400, kind=f"text/html; charset={name}"))
    mode(f"failure_charset_{name}", DOWN, whole(b"so", 500, kind=f"text/html; charset={name}"))
for name, value in {
    "in_30_years": "1000000000",
    "negative": "-5",
    "nan": "nan",
    "infinite": "inf",
    "too_large": "1e400",
    "of_many_digits": "9" * 5000,
    "a_word": "soon",
    "a_date": "Fri, 31 Dec 9999 23:59:59 GMT",
    "no_date": "Fri, 99 Dec 99999999999999999999 23:59:59 GMT",
}.items():
    mode(f"retry_after_{name}", DOWN, whole({}, 429, f"Retry-After: {value}", f"Retry-After-Ms: {value}"))
mode("retry_a_refusal", REFUSED, whole({}, 400, "x-should-retry: true"))
mode("retry_a_wrong_key", DOWN, whole({}, 401, "x-should-retry: true"))
mode("retry_a_redirect", DOWN, lambda wire: whole({}, 307, "x-should-retry: true", f"Location: {wire.other}"))
mode("retry_an_answer", ANSWER, whole(RIGHT, 200, "x-should-retry: true", "Retry-After: 99"))

# Elsewhere: nothing may be sent there.


def elsewhere(status: int, where: str, *headers: str) -> Step:
    """A reply that leads somewhere, "{other}" being the second listener and "{key}" our own key."""
    return lambda wire: whole({}, status, f"Location: {where.format(other=wire.other, key=wire.key)}", *headers)


for status in (300, 301, 302, 303, 307, 308):
    mode(f"redirect_{status}", DOWN, elsewhere(status, "{other}/v1/chat/completions"))
for name, where in {
    "with_a_password": f"http://me:{PASSWORD}@127.0.0.1:9/v1?token={PASSWORD}#{PASSWORD}",
    "with_our_key": "{other}/{key}/v1",
    "to_itself": "",
    "to_this_host": "/elsewhere",
    "without_a_scheme": "//127.0.0.1:9/v1",
    "to_a_file": "file:///etc/passwd",
    "to_a_script": "javascript:alert(1)",
    "to_no_host": "http://",
    "to_no_port": "http://127.0.0.1:port/v1",
    "to_no_ipv6": "http://[::1/v1",
    "to_a_long_path": "/" + "a" * 60000,
    "to_letters": "http://情感.example/情感",
    "to_escapes": "http://a.example/\x1b[31m\u202e%0a%00",
}.items():
    mode(f"redirect_{name}", DOWN, elsewhere(307, where))
mode("redirect_nowhere", DOWN, whole({}, 302))
mode("redirect_twice", DOWN, lambda wire: whole({}, 302, *[f"Location: {wire.other}/v1"] * 2))
mode(
    "link_elsewhere", ANSWER, lambda wire: whole(RIGHT, 200, f"Location: {wire.other}", f"Refresh: 0; url={wire.other}")
)
mode("alt_svc_elsewhere", ANSWER, lambda wire: whole(RIGHT, 200, f'Alt-Svc: h2="{wire.other}"; ma=99'))

# What is no reply of the protocol.
mode("empty", DOWN, whole(b""))
mode("html", DOWN, whole(b"<!doctype html><title>Welcome</title>", kind="text/html"))
mode("cut_json", DOWN, whole(RIGHT[:-1]))
mode("two_values", DOWN, whole(RIGHT + RIGHT))
mode("bom", ANSWER, whole(b"\xef\xbb\xbf" + RIGHT))
mode("utf_16", ANSWER, whole(RIGHT.decode().encode("utf-16")))
mode("not_utf_8", DOWN, whole(RIGHT.replace(b"fine", b"f\xffne")))
mode("nested_lists", DOWN, whole(b"[" * 200_000 + b"]" * 200_000))
mode("nested_objects", DOWN, whole(b'{"a":' * 200_000 + b"1" + b"}" * 200_000))
mode("nested_choices", DOWN, whole(b'{"choices":' + b"[" * 200_000 + b"]" * 200_000 + b"}"))
mode("nested_refusal", REFUSED, whole(b'{"error":' * 200_000 + b"1" + b"}" * 200_000, 400))
for depth in (100, 800, 900, 940, 960, 970, 980, 990):
    inner = b'{"error":' + b"[" * depth + b"]" * depth + b"}"
    mode(f"error_{depth}_deep", (ODD, DOWN), whole(inner))
    mode(f"refusal_{depth}_deep", REFUSED, whole(inner, 400))
mode("wide", DOWN, whole(b"[" + b"{}," * 2_000_000 + b"1]"))
mode("many_choices", ANSWER, whole(completion(choices=completion()["choices"] * 20_000)))
mode("number_of_100000_digits", DOWN, whole(RIGHT.replace(b"3,", b"9" * 100_000 + b",", 1)))
mode("tokens_of_4000_digits", ANSWER, whole(RIGHT.replace(b"3,", b"9" * 4000 + b",", 1)))
mode("tokens_nan", ANSWER, whole(RIGHT.replace(b"3,", b"NaN,", 1)))
mode("tokens_infinite", ANSWER, whole(RIGHT.replace(b"3,", b"-1e999,", 1)))
mode("key_twice", ANSWER, whole(RIGHT[:-1] + b',"id":1,"id":2}'))
mode("stream", DOWN, whole(b"data: " + RIGHT + b"\n\ndata: [DONE]\n\n", kind="text/event-stream"))
mode("error_in_200", ODD, whole({"error": {"message": "upstream", "code": 502}}))
mode("error_in_200_of_halves", ODD, whole({"error": {"message": "\ud83d\n\0\x1b[31m\u202e"}}))
mode("error_in_200_and_choices", ANSWER, whole(completion(error={"message": "a warning"})))
mode("error_of_7_mib", ODD, whole({"error": {"message": "a" * (7 * _MANY)}}))
mode("refusal_of_halves", REFUSED, whole({"error": {"message": "\ud83d\n\0\x1b[31m\u202e"}}, 400))
mode("refusal_of_bytes", REFUSED, whole(b"\xff\xfe\0\n\r", 400))
mode("answer_of_halves", ANSWER, whole(completion("a \ud83d b \udfff c \0 d")))
mode("answer_of_7_mib", ANSWER, whole(completion("a" * (7 * _MANY))))
mode("answer_of_parts", BLANK, whole(completion([{"type": "text", "text": TEXT}])))
mode("answer_of_spaces", BLANK, whole(completion(" \n\u3000")))
mode("answer_with_our_key", ANSWER, lambda wire: whole(completion(f"Your key is {wire.key}.")))
mode("error_with_our_key", ODD, lambda wire: whole({"error": {"message": f"bad key {wire.key}"}}))
mode("refusal_with_our_key", REFUSED, lambda wire: whole(f"bad key {wire.key}".encode(), 400))
for status in (302, 401, 500):
    mode(f"status_{status}_with_our_key", DOWN, lambda wire, status=status: whole(wire.key.encode(), status))  # type: ignore[misc]
mode("reason_with_our_key", DOWN, lambda wire: whole(b"", f"500 bad key {wire.key}"))

# A wrong type in every field of a right reply.
_WRONG: dict[str, Any] = {
    "null": None,
    "true": True,
    "negative": -1,
    "float": 1.5,
    "word": "word",
    "list": [],
    "lists": [[]],
    "object": {},
    "objects": [{}],
}


def _with(path: tuple[str | int, ...], value: Any) -> bytes:
    if not path:
        return json.dumps(value).encode()
    body: Any = completion()
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(body).encode()


_MESSAGE = ("choices", 0, "message")
for label, path in {
    "body": (),
    "choices": ("choices",),
    "choice": ("choices", 0),
    "message": _MESSAGE,
    "content": (*_MESSAGE, "content"),
    "role": (*_MESSAGE, "role"),
    "tool_calls": (*_MESSAGE, "tool_calls"),
    "finish_reason": ("choices", 0, "finish_reason"),
    "index": ("choices", 0, "index"),
    "usage": ("usage",),
    "prompt_tokens": ("usage", "prompt_tokens"),
    "completion_tokens": ("usage", "completion_tokens"),
    "id": ("id",),
    "object": ("object",),
    "created": ("created",),
    "model": ("model",),
    "error": ("error",),
}.items():
    for kind, wrong in _WRONG.items():
        outcome = ANSWER  # nobody looks at the field, or it is a number that is not counted then
        if label == "content" and kind != "word":
            outcome = BLANK
        elif label in ("body", "choices", "choice", "message"):
            outcome = BLANK if (label, kind) in {("message", "object"), ("choices", "list")} else DOWN
        mode(f"{label}_{kind}", outcome, whole(_with(path, wrong)))


class HostileServer:
    """Serves each of MODES at an address of its own; a context manager.

    Args:
        steps: what to do with a request in the place of what its address says, by its body.

    Attributes:
        counts: how many requests each mode has had.
        headers: the lines of the headers of all requests.
        elsewhere: connections to the second listener, to which redirects lead; it is right and would answer.
        other: its address.
    """

    def __init__(self, steps: Callable[[bytes], Sequence[Step]] | None = None) -> None:
        self._steps = steps
        self.counts: Counter[str] = Counter()
        self.headers: list[bytes] = []
        self.elsewhere = 0
        self._over, self._lock = threading.Event(), threading.Lock()
        self._servers = [_server(self._answer), _server(self._count)]
        self.other = f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    def url(self, name: str) -> str:
        """The base_url of a mode."""
        return f"http://127.0.0.1:{self._servers[0].server_address[1]}/{name}/v1"

    def __enter__(self) -> "HostileServer":
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _answer(self, connection: socket.socket) -> None:
        wire = Wire(connection, self._over, self.other)
        try:
            for line, headers, rest in self._heads(connection):
                name = line.split(b"/")[1].decode()
                with self._lock:
                    self.counts[name] += 1
                    self.headers += headers
                wire.key = next((h.split(b"Bearer ")[1].decode() for h in headers if b"Bearer " in h), "")
                body = rest() if self._steps or MODES[name].reads else b""
                for step in self._steps(body) if self._steps else MODES[name].steps:
                    if data := step if isinstance(step, bytes) else step(wire):
                        wire.send(data)
                if name not in ("plain", "two_replies_to_one_request"):  # which keep the connection
                    break
        except (Gone, OSError):
            pass

    def _count(self, connection: socket.socket) -> None:
        self.elsewhere += 1
        for _ in self._heads(connection):
            connection.sendall(whole(RIGHT))
            break

    def _heads(self, connection: socket.socket) -> Iterator[tuple[bytes, list[bytes], Callable[[], bytes]]]:
        """(request line, headers, what reads the body) of each request on a connection."""
        file = connection.makefile("rb")
        while (line := file.readline()).strip():
            headers = list(iter(lambda: file.readline().strip(), b""))
            length = next((int(h.split(b":")[1]) for h in headers if h.lower().startswith(b"content-length")), 0)
            yield line, headers, lambda length=length: file.read(length)  # type: ignore[misc]


def _server(answer: Callable[[socket.socket], None]) -> socketserver.ThreadingTCPServer:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            answer(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that went away

    return Server(("127.0.0.1", 0), Handler)
