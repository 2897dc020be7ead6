"""Rows that are wrong in several hundred ways, each kind with a name, mixed with good ones.

Every kind is one line of a JSONL which must end as a reject with its reason, whatever stands before and after it. What
is odd and can be asked all the same (a byte order mark, Windows line ends, an id that is a number) is among the good
ones. Needs nothing but the path of a clip.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Make = Callable[[str], bytes]


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        kind: what is wrong with it; None for a good row.
        text: with its end.
    """

    kind: str | None
    text: bytes


def mixed(clip: Path, seed: int, count: int, *, good_share: float = 0.3) -> Iterator[Line]:
    """Yield lines in a random order: every kind of wrong as often as every other, good rows in between.

    The first is good: one that opens an array says that the file is one.

    Args:
        clip: a video that can be used.
        seed: of the order, and of what is cut, changed and nested.
        count: lines.
        good_share: how many of them are good.
    """
    chance = random.Random(seed)
    bad, good = hostile(clip, chance), fine(clip)
    names: list[str] = []
    for number in range(count):
        name = f"{seed}-{number}"
        if number == 0 or chance.random() < good_share:
            kind = chance.choice(sorted(good))
            yield Line(None, good[kind](name))
            continue
        if not names:
            names = sorted(bad)
            chance.shuffle(names)
        kind = names.pop()
        yield Line(kind, bad[kind](name))


def fine(clip: Path) -> dict[str, Make]:
    """Return what can be asked, by what is odd about it."""
    video = str(clip)
    user = {"role": "user", "content": "What is felt?"}
    part = {"role": "user", "content": [{"type": "video", "video": video}, {"type": "text", "text": "?"}]}
    rows: dict[str, dict[str, Any]] = {
        "a question": {"videos": [video]},
        "one path for a list": {"videos": video},
        "the other name": {"video": video},
        "messages": {"videos": [video], "messages": [user]},
        "a part": {"messages": [part]},
        "an answer": {"videos": [video], "messages": [user, {"role": "assistant", "content": "Joy."}]},
        "nulls": {"videos": [video], "audios": None, "language": None, "channel": None, "images": None},
        "columns that say nothing": {"videos": [video], "images": [], "tools": [], "system": "", "objects": {}},
        "unknown columns": {"videos": [video], "labels": {"a": [1, None, True]}, "n": 1e308, "zero": -0.0},
        "an empty key": {"videos": [video], "": ""},
        "half a character in a column of no meaning": {"videos": [video], "note": "\ud800"},
        "emoji as two escapes": {"videos": [video], "messages": [{"role": "user", "content": "\U0001f600?"}]},
        "90 levels": {"videos": [video], "labels": nested(88)},
        "other writing": {
            "videos": [video],
            "messages": [{"role": "user", "content": "\u202eعاطفة 情绪 \u2028 \x9b\x1b[31m"}],
        },
    }

    def row(columns: dict[str, Any]) -> Make:
        return lambda name: _line({"id": name, **columns})

    made = {kind: row(columns) for kind, columns in rows.items()}
    made["a byte order mark"] = lambda name: b"\xef\xbb\xbf" + _line({"id": name, "videos": [video]})
    made["Windows line ends"] = lambda name: _line({"id": name, "videos": [video]})[:-1] + b"\r\n"
    made["white space"] = lambda name: b" \t" + _line({"id": name, "videos": [video]})[:-1] + b"\t \n"
    made["blank lines"] = lambda name: b"\n \t\r\n" + _line({"id": name, "videos": [video]}) + b"\r\n"
    # Ids of other kinds that are names all the same.
    ids = {"a number": lambda name: int(name.replace("-", "")), "signs": lambda name: f"\u202e{name}/../\x1b[2J\n\0"}
    for kind, of in ids.items():
        made[f"an id of {kind}"] = lambda name, of=of: _line({"id": of(name), "videos": [video]})
    made["a long id"] = lambda name: _line({"id": name + "x" * 10_000, "videos": [video]})
    return made


def hostile(clip: Path, chance: random.Random) -> dict[str, Make]:
    """Return what must be rejected, by kind."""
    made: dict[str, Make] = {}
    for part in (
        _not_json,
        _wrong_types,
        _half_characters,
        _addresses,
        _no_files,
        _no_questions,
        _tags,
        _records,
        _pairs,
    ):
        for kind, make in part(str(clip), chance):
            assert kind not in made, kind
            made[kind] = make
    return made


def nested(levels: int, inner: Any = 0) -> Any:
    """Return so many lists in one another."""
    for _ in range(levels):
        inner = [inner]
    return inner


def _line(row: Any) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _row(columns: dict[str, Any]) -> Make:
    return lambda name: _line({"id": name, **columns})


Kinds = Iterator[tuple[str, Make]]


def _not_json(clip: str, chance: random.Random) -> Kinds:
    """Lines that hold no row."""

    def good(name: str) -> bytes:
        return _line({"id": name, "videos": [clip], "messages": [{"role": "user", "content": "情绪"}]})[:-1]

    for name, whole in (
        ("a string", b'"a.mp4"'),
        ("a number", b"7"),
        ("a huge number", b"9" * 5000),
        ("minus zero", b"-0"),
        ("true", b"true"),
        ("null", b"null"),
        ("an empty array", b"[]"),
        ("an array of strings", b'["a.mp4"]'),
        ("an empty string", b'""'),
        ("words", b"this is not JSON"),
        ("a comment", b"// videos"),
        ("a comment of Python", b"# videos"),
        ("CSV", b"id,video"),
        ("XML", b"<row id='a'/>"),
        ("YAML", b"- id: a"),
        ("a path", b"/etc/passwd"),
        ("a bracket", b"{"),
        ("an end", b"}"),
        ("two brackets", b"[{"),
        ("a NUL byte", b"\0"),
        ("zeros", b"\0" * 4096),
        ("a byte order mark inside", b'{"\xef\xbb\xbf": 1} \xef\xbb\xbf{}'),
        ("a PNG", b"\x89PNG\r"),
        ("gzip", gzip.compress(b'{"videos": []}', mtime=0).replace(b"\n", b"")),
        ("bytes of no text", bytes(range(128, 256))),
        ("overlong UTF-8", b'{"id": "\xc0\xaf"}'),
        ("UTF-8 of half a character", b'{"id": "\xed\xa0\x80"}'),
        ("beyond Unicode", b'{"id": "\xf4\x90\x80\x80"}'),
        ("Latin-1", '{"id": "é"}'.encode("latin-1")),
        ("GB18030", '{"id": "情绪"}'.encode("gb18030")),
        ("UTF-16", '{"id": "a"}'.encode("utf-16-le").replace(b"\n", b"")),
        ("UTF-16 with its mark", '{"id": "a"}'.encode("utf-16").replace(b"\n", b"")),
        ("UTF-32", '{"id": "a"}'.encode("utf-32-le").replace(b"\n", b"")),
        ("a carriage return between rows", b'{"id": "a"}\r{"id": "b"}'),
        ("other white space", '\u00a0{"id": "a"}'.encode()),
        ("a vertical tab", b'\x0b{"id": "a"}'),
        ("a control character in a string", b'{"id": "a\x01b"}'),
        ("a tab in a string", b'{"id": "a\tb"}'),
        ("a NUL in a string", b'{"id": "a\0b"}'),
        ("a bad escape", b'{"id": "\\x41"}'),
        ("half an escape", b'{"id": "\\u12"}'),
        ("an open string", b'{"id": "a'),
        ("single quotes", b"{'id': 'a'}"),
        ("no quotes", b'{id: "a"}'),
        ("Python's words", b'{"id": None, "videos": True}'),
        ("a comma at the end", b'{"id": "a",}'),
        ("a comma in an array", b'{"videos": ["a",]}'),
        ("no comma", b'{"id": "a" "videos": []}'),
        ("no colon", b'{"id" "a"}'),
        ("a number with a zero before it", b'{"id": 01}'),
        ("a number with a plus", b'{"id": +1}'),
        ("a hexadecimal number", b'{"id": 0x1}'),
        ("an unfinished number", b'{"id": 1.}'),
        ("NaN", b'{"margin": NaN}'),
        ("Infinity", b'{"margin": Infinity}'),
        ("-Infinity", b'{"margin": -Infinity}'),
        ("a float that is too large", b'{"margin": 1e999}'),
        ("a float that is too small", b'{"margin": -1e999}'),
        ("an integer of 5,000 digits", b'{"margin": ' + b"1" * 5000 + b"}"),
        ("an integer of 100,000 digits", b'{"margin": ' + b"1" * 100_000 + b"}"),
        ("a key twice", b'{"id": "a", "id": "b"}'),
        ("a key twice, once escaped", b'{"id": "a", "\\u0069d": "b"}'),
        ("a key twice deep inside", b'{"labels": {"a": [{"b": 1, "b": 2}]}}'),
        ("two empty keys", b'{"": 1, "": 2}'),
    ):
        yield f"line: {name}", lambda _, whole=whole: whole + b"\n"
    for name, after in (
        ("a comma", b","),
        ("a bracket", b"}"),
        ("words", b" trailing"),
        ("another row", b' {"id": "x"}'),
        ("a NUL byte", b"\0"),
        ("a bad byte", b"\xff"),
        ("a semicolon", b";"),
        ("a byte order mark", b"\xef\xbb\xbf"),
        ("a form feed", b"\x0c"),
        ("a comment", b" // ok"),
    ):
        yield f"line: after it {name}", lambda row, after=after: good(row) + after + b"\n"
    for name, before in (
        ("a comma", b","),
        ("a bracket", b"["),
        ("a NUL byte", b"\0"),
        ("two byte order marks", b"\xef\xbb\xbf\xef\xbb\xbf"),
        ("data:", b"data: "),
        ("a bad byte", b"\xfe"),
        ("a lone surrogate", b"\xed\xb0\x80"),
    ):
        yield f"line: before it {name}", lambda row, before=before: before + good(row) + b"\n"
    for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.99):
        yield (
            f"line: cut at {share:.0%}",
            lambda row, share=share: good(row)[: int(len(good(row)) * share) or 1] + b"\n",
        )
    yield "line: a byte changed to no text", lambda row: _changed(good(row), chance)
    # Around what Python can parse, which differs by how deep the caller stands.
    for levels in (101, 200, 400, *range(900, 1001, 10), 1500, 5000, 200_000):
        yield (
            f"depth: lists, {levels}",
            lambda row, levels=levels: good(row)[:-1] + b', "labels": ' + b"[" * levels + b"]" * levels + b"}\n",
        )
        yield (
            f"depth: objects, {levels}",
            lambda row, levels=levels: (
                good(row)[:-1] + b', "labels": ' + b'{"a":' * levels + b"1" + b"}" * (levels + 1) + b"\n"
            ),
        )
        yield (
            f"depth: in a turn, {levels}",
            lambda row, levels=levels: (
                b'{"id": "%s", "videos": [%s], "messages": [{"role": "user", "content": "?", "more": '
                % (row.encode(), json.dumps(clip).encode())
                + b"[" * levels
                + b"]" * levels
                + b"}]}\n"
            ),
        )
    yield "depth: open, 100,000", lambda _: b'{"a": ' + b"[" * 100_000 + b"\n"


def _changed(line: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(line))
    return line[:place] + b"\xff" + line[place + 1 :] + b"\n"


# JSON values of all types, of which each column takes some.
VALUES: dict[str, Any] = {
    "true": True,
    "false": False,
    "zero": 0,
    "a number": 7,
    "a large number": 10**400,
    "a float": 1.5,
    "an empty string": "",
    "a string": "abc",
    "a blank": " \t\n",
    "an empty list": [],
    "a list of nothing": [None],
    "a list of lists": [[]],
    "a list of strings": ["abc"],
    "a list of numbers": [1, 2],
    "a list of objects": [{"a": 1}],
    "an empty object": {},
    "an object": {"a": 1},
    "lists in lists": nested(40),
}
_NO_STRINGS = [name for name in VALUES if "string" not in name and name != "a blank"] + ["a list of strings"]
_NAMED_NOTHING = {"an empty string", "an empty list", "an empty object"}


def _wrong_types(clip: str, chance: random.Random) -> Kinds:
    """Values of another type than their column has."""
    user = {"role": "user", "content": "What is felt?"}

    def part(**said: Any) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": [said, {"type": "text", "text": "?"}]}]}

    lists = [name for name in VALUES if name.startswith(("a list", "an empty list", "lists"))]
    objects = [name for name in VALUES if "object" in name and "list" not in name]
    wrong: dict[str, tuple[list[str], Callable[[Any], dict[str, Any]]]] = {
        "id": (["true", "false", *lists, *objects], lambda value: {"id": value, "videos": [clip]}),
        "language": ([*VALUES], lambda value: {"videos": [clip], "language": value}),
        "channel": (_NO_STRINGS, lambda value: {"videos": [clip], "channel": value}),
        "videos": ([*VALUES], lambda value: {"videos": value}),
        "video": ([*VALUES], lambda value: {"video": value}),
        "a path among videos": ([*VALUES], lambda value: {"videos": [clip, value]}),
        "audios": (
            [name for name in VALUES if name not in {"an empty list"}],
            lambda value: {"videos": [clip], "audios": value},
        ),
        "messages": ([*VALUES], lambda value: {"videos": [clip], "messages": value}),
        "a turn": ([*VALUES], lambda value: {"videos": [clip], "messages": [user, value]}),
        "role": ([*VALUES], lambda value: {"videos": [clip], "messages": [{"role": value, "content": "?"}]}),
        "content": (
            [name for name in _NO_STRINGS if name != "an empty list"],
            lambda value: {"videos": [clip], "messages": [{"role": "user", "content": value}]},
        ),
        "a part": ([*VALUES], lambda value: {"messages": [{"role": "user", "content": [value]}], "videos": [clip]}),
        "a part's type": ([*VALUES], lambda value: part(type=value, video=clip)),
        "a part's text": (_NO_STRINGS, lambda value: {**part(type="text", text=value), "videos": [clip]}),
        "a part's video": ([*VALUES], lambda value: part(type="video", video=value)),
        "a part's audio": ([*VALUES], lambda value: {**part(type="audio", audio=value), "videos": [clip]}),
        "a part's image": ([*VALUES], lambda value: {**part(type="image", image=value), "videos": [clip]}),
        "a part's address": ([*VALUES], lambda value: part(type="video_url", video_url={"url": value})),
    }
    for column, (names, columns) in wrong.items():
        for name in names:
            yield f"{column}: {name}", _row(columns(VALUES[name]))


def _half_characters(clip: str, chance: random.Random) -> Kinds:
    """Halves of a pair of surrogates, which JSON can spell and no UTF-8 file can hold."""
    user = {"role": "user", "content": "?"}
    for which, half in (
        ("first", "\ud83d"),
        ("second", "\ude00"),
        ("a byte's", "\udcff"),
        ("wrong order", "\ude00\ud83d"),
    ):
        for column, columns in (
            ("id", {"id": half, "videos": [clip]}),
            ("channel", {"videos": [clip], "channel": half}),
            ("language", {"videos": [clip], "language": half}),
            ("videos", {"videos": [half]}),
            ("videos, an absolute path", {"videos": [f"/{half}.mp4"]}),
            ("audios", {"videos": [clip], "audios": [half]}),
            ("content", {"videos": [clip], "messages": [{"role": "user", "content": half}]}),
            ("role", {"videos": [clip], "messages": [{"role": half, "content": "?"}]}),
            ("key of a turn", {"videos": [clip], "messages": [{**user, half: 1}]}),
            (
                "text of a part",
                {"videos": [clip], "messages": [{"role": "user", "content": [{"type": "text", "text": half}]}]},
            ),
            ("type of a part", {"videos": [clip], "messages": [{"role": "user", "content": [{"type": half}]}]}),
            ("video of a part", {"messages": [{"role": "user", "content": [{"type": "video", "video": half}]}]}),
            ("picture", {"videos": [clip], "messages": [{"role": "user", "content": f"<img>{half}</img>?"}]}),
        ):
            yield f"half a character ({which}): {column}", _row(columns)
        yield f"format: half a character ({which})", _row({half: half})


#: Spellings of an address, for one that a test listens at; the last ones are other ways to name no file.
ADDRESSES = {
    "plain": "{}",
    "upper case": "HTTP{:.0}://{host}/x.mp4",
    "mixed case": "hTtP://{host}/x.mp4",
    "a space before": " {}",
    "a space after": "{} ",
    "a newline before": "\n{}",
    "a newline after": "{}\n",
    "a tab before": "\t{}",
    "a carriage return before": "\r{}",
    "a no-break space before": "\u00a0{}",
    "a wide space before": "\u3000{}",
    "a line separator before": "\u2028{}",
    "a NUL before": "\0{}",
    "a byte order mark before": "\ufeff{}",
    "a tab inside": "ht\ttp://{host}/x.mp4",
    "a newline inside": "http:\n//{host}/x.mp4",
    "one slash": "http:/{host}/x.mp4",
    "no slash": "http:{host}/x.mp4",
    "three slashes": "http:///{host}/x.mp4",
    "backslashes": "http:\\\\{host}\\x.mp4",
    "no scheme": "//{host}/x.mp4",
    "a user": "http://user:word@{host}/x.mp4",
    "quotes": '"{}"',
    "brackets": "<{}>",
    "a dot before": "./{}",
    "https": "https://{host}/x.mp4",
    "ftp": "ftp://{host}/x.mp4",
    "rtsp": "rtsp://{host}/x.mp4",
    "tcp": "tcp://{host}",
    "s3": "s3://bucket/x.mp4",
    "file": "file:///etc/passwd",
    "file with one slash": "file:/etc/passwd",
    "file in upper case": "FILE:///etc/passwd",
    "data": "data:video/mp4;base64,AAAA",
    "data in upper case": "DATA:video/mp4;base64,AAAA",
    "data after a space": " data:video/mp4;base64,AAAA",
    "base64": "AAAAIGZ0eXBpc29t" * 200,
    "concat": "concat:{}|/etc/passwd",
    "subfile": "subfile,,start,0,end,0,,:{}",
    "cache": "cache:{}",
    "async": "async:{}",
    "pipe": "pipe:0",
    "a pattern": "%03d.mp4",
}


def addresses(host: str) -> dict[str, str]:
    """Return every spelling of an address at HOST:PORT, by its name."""
    plain = f"http://{host}/x.mp4"
    return {
        name: spelled.replace("{:.0}", "").replace("{host}", host).replace("{}", plain)
        for name, spelled in ADDRESSES.items()
    }


def places(path: str, clip: str) -> dict[str, dict[str, Any]]:
    """Return rows that name a path in place of a clip, by where it stands."""

    def turn(content: Any) -> list[dict[str, Any]]:
        return [{"role": "user", "content": content}]

    def part(kind: str, value: Any) -> list[dict[str, Any]]:
        return turn([{"type": kind, kind: value}, {"type": "text", "text": "?"}])

    return {
        "videos": {"videos": [path]},
        "video": {"video": path},
        "second video": {"videos": [clip, path]},
        "audios": {"videos": [clip], "audios": [path]},
        "audio": {"audio": path},
        "a part": {"messages": part("video", path)},
        "a part with its address": {"messages": part("video_url", {"url": path})},
        "a part of sound": {"videos": [clip], "messages": part("audio", path)},
        "a picture": {"videos": [clip], "messages": part("image", path)},
        "a picture with its address": {"videos": [clip], "messages": part("image_url", {"url": path})},
        "a picture in words": {"videos": [clip], "messages": turn(f"<img>{path.translate(_ONE_LINE)}</img>?")},
        "a picture in words, spaced": {
            "videos": [clip],
            "messages": turn(f"<img> {path.translate(_ONE_LINE)} </img>?"),
        },
        "images": {"videos": [clip], "messages": turn("?"), "images": [path]},
        "rejected_videos": {
            "videos": [clip],
            "messages": [*turn("?"), {"role": "assistant", "content": "Joy."}],
            "rejected_response": "Anger.",
            "rejected_videos": [path],
        },
    }


_ONE_LINE = {ord("\n"): " "}  # ms-swift's <img> ends at a line's end


def _addresses(clip: str, chance: random.Random) -> Kinds:
    for spelling, path in addresses("127.0.0.1:9").items():
        for place, columns in places(path, clip).items():
            yield f"address, {spelling}: {place}", _row(columns)


def _no_files(clip: str, chance: random.Random) -> Kinds:
    """Paths of what is no file with a clip."""
    for name, path in (
        ("missing", "/no/such/clip.mp4"),
        ("missing, relative", "no/such/clip.mp4"),
        ("a folder", "/"),
        ("the folder", "."),
        ("a device", "/dev/null"),
        ("a device without an end", "/dev/zero"),
        ("a terminal", "/dev/tty"),
        ("below a file", f"{clip}/clip.mp4"),
        ("a space after it", f"{clip} "),
        ("a newline after it", f"{clip}\n"),
        ("a NUL in it", f"{clip}\0.mp4"),
        ("a NUL", "\0"),
        ("a name of 300 letters", "/" + "x" * 300 + ".mp4"),
        ("a path of 5,000 letters", "/x" * 2500),
        ("a home", "~/clip.mp4"),
        ("a variable", "$HOME/clip.mp4"),
        ("a terminal's escape", "\x1b[2J\x9b31m.mp4"),
        ("written from right to left", "\u202e4pm.clip"),
        ("a separator", "a\u2028b.mp4"),
    ):
        for column in ("videos", "audios"):
            yield f"file, {name}: {column}", _row({column: [path]})


def _no_questions(clip: str, chance: random.Random) -> Kinds:
    """Rows of other formats, and columns that change what is asked."""
    user, answer = {"role": "user", "content": "?"}, {"role": "assistant", "content": "Joy."}
    for column in ("query", "response", "instruction", "output", "prompt", "conversation", "conversations"):
        yield f"format: {column}", _row({"videos": [clip], column: "abc"})
    for column in (
        *("system", "system_prompt", "tools", "objects", "teacher_prompt", "chat_template_kwargs", "margin"),
        *("positive_messages", "negative_messages", "rejected_response", "rejected_messages", "rejected_videos"),
    ):
        for name in ("a string", "a number", "a list of objects", "an object"):
            columns = {"videos": [clip], "messages": [user, answer], column: VALUES[name]}
            yield f"format: {column} beside messages, {name}", _row(columns)
    yield "format: ShareGPT", _row({"videos": [clip], "messages": [{"from": "human", "value": "?"}]})
    yield "format: nothing", lambda _: b"{}\n"
    yield "format: a column of nothing", lambda name: _line({name: None})
    yield "format: an id alone", _row({})
    yield "format: unknown columns", _row({"a": 1, "b": [2]})
    yield "format: 10,000 columns", _row({f"c{number}": number for number in range(10_000)})
    yield "format: a key of 100,000 letters", _row({"x" * 100_000: 1})
    yield "format: keys that move the cursor", _row({"\x1b[2J\x9b\u202e\n": 1})
    yield "format: no turn", _row({"messages": []})
    yield "format: a pair", _row({"videos": [clip], "messages": [user, answer], "rejected_response": "Sad."})


def _tags(clip: str, chance: random.Random) -> Kinds:
    """Tags for clips that are not there, and clips as words."""
    for name, content in (
        ("a video too many", "<video><video>?"),
        ("a sound too many", "<video><audio>?"),
        ("a picture too many", "<image>?"),
        ("1,000 videos", "<video>" * 1000),
        ("a video's path as words", f"<video>{clip}</video>?"),
        ("a sound's path as words", f"<audio>{clip}</audio>?"),
        ("an address as words", "<video>http://127.0.0.1:9/x.mp4</video>?"),
    ):
        columns = {"videos": [clip], "audios": [], "messages": [{"role": "user", "content": content}]}
        yield f"tags: {name}", _row(columns)
    for role in ("system", "user", "tool"):
        turns = [{"role": role, "content": "<video><video>"}, {"role": "user", "content": "?"}]
        yield f"tags: too many in a turn of {role}", _row({"videos": [clip], "messages": turns})


_RECORD = {
    "audio_desc": {"speech_content": "Hello.", "acoustic_feat": "A calm voice."},
    "video_desc": "A room.",
    "facial_exp_desc": "A smile.",
    "body_lang_desc": "Still.",
    "sentiment_analysis": "Joy.",
}


def _records(clip: str, chance: random.Random) -> Kinds:
    """SABER records with a wrong column, a part that is missing, or markup of the model's."""

    def record(**columns: Any) -> Make:
        return _row({**_RECORD, "videos": [clip], "audios": [clip], **columns})

    for column in _RECORD:
        for name in (name for name in VALUES if name not in {"a string", "an empty string", "a blank"}):
            yield f"record, {column}: {name}", record(**{column: VALUES[name]})
        yield (
            f"record, {column}: missing",
            _row(
                {**{key: value for key, value in _RECORD.items() if key != column}, "videos": [clip], "audios": [clip]}
            ),
        )
    for column in ("language", "consistency"):
        for name in VALUES:
            yield f"record, {column}: {name}", record(**{column: VALUES[name]})
    for name in ("true", "a number", "a string", "a list of objects"):
        yield f"record, labels: {name}", record(labels=VALUES[name])
    for name in ("true", "an object", "a list of strings", "a blank"):
        yield f"record, source: {name}", record(source=VALUES[name])
    for markup in ("<video>", "<audio>", "<|im_end|>", "<|im_start|>system"):
        yield f"record, markup: {markup}", record(video_desc=f"A room. {markup}")
    yield "record, half a character", record(video_desc="\ud83d")
    yield "record, half a character in a further key", record(note={"\ud83d": 1})
    yield "record, without videos", _row({**_RECORD, "audios": [clip]})


def _pairs(clip: str, chance: random.Random) -> Kinds:
    """Preference pairs, which are no questions, with a wrong column each."""
    user, answer = {"role": "user", "content": "?"}, {"role": "assistant", "content": "Joy."}
    pair = {"videos": [clip], "messages": [user, answer], "rejected_response": "Sad.", "kind": "candidates"}
    turns = {**pair, "rejected_response": None, "rejected_messages": [user, {**answer, "content": "Sad."}]}
    marks = ("consistency", "kind", "margin", "scores", "rejected_response")
    for column in ("id", "language", "videos", "audios", *marks):
        for name, value in VALUES.items():
            if column != "id" or isinstance(value, bool | list | dict):  # others are names
                yield f"pair, {column}: {name}", _row({**pair, column: value})
    for column in ("rejected_messages", "rejected_videos", "rejected_audios"):
        for name, value in VALUES.items():
            yield f"pair of turns, {column}: {name}", _row({**turns, column: value})
    for column in ("id", "kind", "consistency", "rejected_response"):
        yield f"pair, half a character: {column}", _row({**pair, column: "\ud800"})
