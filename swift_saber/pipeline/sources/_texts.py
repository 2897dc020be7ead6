"""Tables and texts of a dataset, opened in the encoding that they are in. Knows nothing of what they say."""

import csv
import os
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from swift_saber.data.rows import must_be_regular
from swift_saber.errors import InputError, unreadable
from swift_saber.pipeline.sources._files import STAND_INS, stand_in

UTF8 = "utf-8-sig"
# Control characters that stand where cp1252 has quotes and dashes, in texts that were once read as Latin-1, by what is
# meant: no table means the controls. Five of them are no character of cp1252 either, and stay.
_CONTROLS = {code: text for code in range(0x80, 0xA0) if (text := bytes([code]).decode("cp1252", "ignore"))}
_CONTROL = re.compile("[\x80-\x9f]")
_CUT = "unexpected end of data"  # in UTF-8, as Python says it
_BLOCK = 1 << 20  # bytes
_LONGEST_LINE = 1 << 20  # characters of a table; a file without line ends would be held in memory as a whole


def is_encoding(name: object) -> bool:
    """Whether Python decodes texts by that name."""
    try:
        return isinstance(name, str) and bool("a".encode(name))
    except (LookupError, ValueError):  # there is no such one, or it is none of texts; ValueError of a name with a NUL
        return False


@contextmanager
def opened(path: str | os.PathLike[str], encoding: str | None, option: str, errors: str = "strict") -> Iterator[TextIO]:
    """Give a text file, opened as UTF-8 where it is such, else in an encoding; line ends stay as they are.

    So that one table in another encoding does not spoil those beside it, UTF-8 comes first: next to no text in another
    encoding can be decoded as such.

    Args:
        encoding: of what is not UTF-8; None where all is.
        option: by which a user names it.
        errors: as of bytes.decode.

    Raises:
        InputError: the file cannot be opened, or a pointer or a page stands in its place; or it is not decoded, or no
            CSV, in the body of the statement.
    """
    must_be_regular(path)
    found = UTF8
    try:
        if os.path.lexists(path) and (problem := stand_in(path)):
            raise InputError(str(path), "file", problem, STAND_INS[problem])
        found = _found(path, encoding)
        with open(path, encoding=found, errors=errors, newline="") as file:
            yield file
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeError as error:
        reason = str(error)  # e.g. that UTF-16 has no mark
        if isinstance(error, UnicodeDecodeError):
            reason = error.reason + _in_line(path, found)
        problem, remedy = f"not UTF-8 ({reason})", f"save it as UTF-8, or name its encoding in {option}"
        if found != UTF8:
            problem = f"neither UTF-8 nor {encoding} ({reason})"
        elif isinstance(error, UnicodeDecodeError) and error.reason == _CUT:
            remedy = f"copy the file again, which is cut off; or {remedy}"
        else:
            remedy = f"take the current table, or {remedy}"
        raise InputError(str(path), "file", problem, remedy) from error
    except csv.Error as error:
        raise InputError(str(path), "file", f"no CSV ({error})", "copy the file again") from error


def _found(path: str | os.PathLike[str], encoding: str | None) -> str:
    """UTF-8 where the file is such, be it cut off in a character, else the encoding."""
    if encoding is None:
        return UTF8
    decoder, beyond_ascii = getincrementaldecoder(UTF8)(), False
    with open(path, "rb") as file:
        try:
            while block := file.read(_BLOCK):
                if _is_wide(encoding) and b"\0" in block:  # as in UTF-16, which may have no mark
                    return encoding
                beyond_ascii = not decoder.decode(block).isascii() or beyond_ascii
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return UTF8 if beyond_ascii and error.reason == _CUT else encoding
    return UTF8


def _is_wide(encoding: str) -> bool:
    return b"\0" in "a".encode(encoding)


def _in_line(path: str | os.PathLike[str], encoding: str) -> str:
    """Which line it is that cannot be decoded, where lines can be told apart."""
    if not _is_wide(encoding):
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
                if len(line) == _LONGEST_LINE:
                    break
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    return f" in line {number}"
    return ""


def lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a table.

    Raises:
        csv.Error: one is too long to be of a table.
    """
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line of more than {_LONGEST_LINE:,} characters")
        yield line


def as_meant(text: str) -> str:
    """Return a text with U+2019 for U+0092 and the like."""
    return text.translate(_CONTROLS) if _CONTROL.search(text) else text
