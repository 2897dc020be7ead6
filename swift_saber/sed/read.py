"""Reading answers that are not in our layout: other headings, JSON, paragraphs with a clear cue.

Knows what a heading means for the lines around it (sed/words.py says what a single line announces); knows nothing of
how we write answers, except that the caller names its own heading lines.

Rules, in order:

1. A JSON object with record keys (nested as released, or flat; fenced or bare) before any heading: its string values
   are the fields, all else stays in the remainder. Raw line ends in strings are let through, of a repeated key the
   last value counts, and an object cut off after a whole value counts up to there. An explicit "" counts as found.
2. Headings: a line that begins, after markup and numbering, with a known name that a colon, a closing mark or the
   line's end closes. Its form gives it a rank: "# " to "###### ", then "一、" and "Step 1", "（一）" and "**1. ", bold,
   "【", "1. ", a plain name, "a." and "（1）", bullets; indented ones are deeper.
   - A heading of the same rank as the open section, or a higher one, starts the next section.
   - A deeper one moves its text only inside its section's group (voice and speech; face and body; under a heading of
     several dimensions, the groups of all). Else, or when it names what its section is about, the line stays text of
     that section, markup and all.
     A deeper item ends at the next item, or where a line that is not indented follows a blank one.
   - Of one rank, these are deeper: lower numbers; and, under a heading alone on its line, one with text behind it when
     a heading alone on its line gives that dimension too, or when the section is the emotion and no numbers go on.
   - A deeper heading of the emotion after a blank line is a section if no heading of the open section's rank is.
   - A line that is clearly a heading of the same rank and form with an unknown name ends the section; it and its text
     go to the remainder. Clearly: "# ", or alone or with a colon and in bold or numbered one higher.
   - A first heading with at least three deeper ones outside its group, and none as high, is a title: no section.
   - If the first heading is one of the caller's own lines, only lines with "### " are headings, and a blank section
     counts as found unless the text ends there (it was cut off). Otherwise a blank section is not found.
   - The same dimension again is appended on a new line.
   - A heading of several dimensions ("面部表情和肢体语言") gives its text to the first of them, in the order of
     DIMENSIONS; a line inside that begins with a cue for another of them moves on to it. Nothing is given twice.
3. Lines before the first heading, or all lines when there is none: a line that begins with a cue of exactly one
   dimension ("视频中…", "The voice ...") is its text, and so are the lines after it up to a blank line or another cue.
   A heading's section wins over a cue. Without a cue, or if it is clearly a heading, the line stays in the remainder.

A section cut off at the end of the text is kept as far as it goes. All is linear in the length of the text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from swift_saber.sed.record import CONCLUSION, DIMENSIONS
from swift_saber.sed.words import PLAIN, RULE, SMALL, STEP, Heading, cue_of, heading_of, indent_of
from swift_saber.text.strict_json import dumps


def read(text: str, own_headings: Mapping[str, str]) -> tuple[dict[str, str], str, bool]:
    """Return the fields found in an answer and the remainder.

    Args:
        text: the answer, without thinking.
        own_headings: the caller's heading lines ("### Scene") and their dimensions.

    Returns:
        The text of each dimension found (maybe none), the text that belongs to none, and whether the first heading
        was one of the caller's own.
    """
    lines = text.split("\n")
    headings = [heading_of(line, own_headings) for line in lines]
    start = next((index for index, heading in enumerate(headings) if heading and heading.dims), len(lines))
    if any("{" in line for line in lines[:start]):
        found = _read_json(text)
        if found is not None:
            return *found, False
    own = start < len(lines) and lines[start].rstrip() in own_headings
    if own:
        headings = [h if line.startswith("### ") else None for h, line in zip(headings, lines, strict=True)]
    else:
        start = _after_title(headings, start)
    sections: dict[str, list[str]] = {}
    left: list[str] = []
    chunks = _chunks(lines[start:], headings[start:], own)
    for number, (dim, chunk) in enumerate(chunks, 1):
        if dim is None:
            left += ["", *chunk]
        elif any(line.strip() for line in chunk):
            sections.setdefault(dim, []).append("\n".join(chunk).strip())
        elif own and number < len(chunks):
            sections.setdefault(dim, [])
    left = _read_paragraphs(lines[:start], headings, sections, own) + left
    fields = {dim: "\n".join(sections[dim]) for dim in DIMENSIONS if dim in sections}
    return fields, _tidy(left), own


def _after_title(headings: list[Heading | None], start: int) -> int:
    """The place of the first heading that is no title of the whole answer."""
    known = [(index, heading) for index, heading in enumerate(headings) if heading and heading.dims]
    if len(known) < 4 or not known[0][1].alone:
        return start
    title, others = known[0][1], [heading for _, heading in known[1:]]
    under = {heading.dims[0] for heading in others if heading.rank < PLAIN and not title.group.issuperset(heading.dims)}
    is_title = len(under) >= 3 and all(heading.rank > title.rank for heading in others)
    return known[1][0] if is_title else start


class _Section:
    """An open section: its heading, and the dimension that its next line goes to (None: the remainder)."""

    def __init__(self, heading: Heading) -> None:
        self.heading = heading
        self.dim = heading.dims[0] if heading.dims else None


def _chunks(lines: list[str], headings: list[Heading | None], own: bool) -> list[tuple[str | None, list[str]]]:
    """The text from the first heading on, in pieces, each with its dimension (None: the remainder)."""
    given = {(h.rank, dim, alone) for h in headings if h for dim in h.dims for alone in {False, h.alone}}
    chunks: list[tuple[str | None, list[str]]] = []
    sections: list[_Section] = []
    after_blank = False
    for line, heading in zip(lines, headings, strict=True):
        if not line.strip() or (not own and RULE.fullmatch(line)):
            chunks[-1][1].extend([line] if not line.strip() else [])
            after_blank = True
            continue
        while sections and _ends(sections, line, heading, given, after_blank):
            sections.pop()
        after_blank = False
        parent = sections[-1].heading if sections else None
        opens = parent is None
        if heading and heading.dims and parent:
            opens = heading.dims != parent.dims and parent.group.issuperset(heading.dims)
        if opens and heading:
            sections.append(_Section(heading))
            line = heading.text if heading.dims else line
            chunks.append((sections[-1].dim, []))
        section = sections[-1]
        if len(section.heading.dims) > 1:
            cue = cue_of(line)
            section.dim = cue if cue in section.heading.dims else section.dim
        if chunks[-1][0] != section.dim:
            if not any(text.strip() for text in chunks[-1][1]) and chunks[-1][0] in section.heading.dims:
                chunks.pop()
            chunks.append((section.dim, []))
        chunks[-1][1].append(line)
    return chunks


def _ends(
    sections: list[_Section], line: str, new: Heading | None, given: set[tuple[int, str, bool]], after_blank: bool
) -> bool:
    """Whether a line ends the innermost open section."""
    old, inner = sections[-1].heading, len(sections) > 1
    if new is None:
        return inner and after_blank and old.is_item and indent_of(line) <= old.rank // STEP
    follows = new.number is not None and old.number is not None and new.number > old.number
    if not new.dims and not (new.clear or (follows and new.numbered and new.number == (old.number or 0) + 1)):
        return inner and new.rank <= old.rank and new.rank % STEP == old.rank % STEP
    if new.rank > old.rank:
        late = new.dims == (CONCLUSION,) and after_blank and new.rank < SMALL
        return late and (old.rank, CONCLUSION, False) not in given
    if new.rank < old.rank:
        return bool(new.dims) or new.alone or inner
    if new.number is not None and old.number is not None and not follows:
        return new.number == old.number
    if old.alone and not new.alone:
        if not new.dims:
            return inner or follows
        return (follows or old.dims != (CONCLUSION,)) and not any((old.rank, dim, True) in given for dim in new.dims)
    return True


def _read_paragraphs(
    lines: list[str], headings: list[Heading | None], sections: dict[str, list[str]], own: bool
) -> list[str]:
    """Add lines with a cue to the sections that no heading gave; return the others."""
    taken = set(sections)
    left: list[str] = []
    paragraphs: dict[str, list[str]] = {}
    dim: str | None = None
    for line, heading in zip(lines, headings, strict=False):
        is_heading = heading is not None and heading.clear and heading.alone
        if not line.strip() or is_heading:
            dim = None
            left.append(line)
            continue
        cue = None if own else cue_of(line)
        if cue is not None:
            dim = None if cue in taken else cue
        if dim is not None:
            paragraphs.setdefault(dim, []).append(line.strip())
        elif not (RULE.fullmatch(line) and (sections or paragraphs)):
            left.append(line)
    sections.update(paragraphs)
    return left


def _tidy(lines: list[str]) -> str:
    """The lines of a remainder, without the gaps that what was taken out left behind."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


# A JSON string (the last one maybe cut off) or a brace.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}]', re.DOTALL)


def _read_json(text: str) -> tuple[dict[str, str], str] | None:
    """The fields of the JSON object at the first brace, and the rest; None if it is no record."""
    repeated: list[dict[str, Any]] = []

    def last_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        obj = dict(pairs)
        places = {key: place for place, (key, _) in enumerate(pairs)}
        repeated.extend({key: value} for place, (key, value) in enumerate(pairs) if places[key] != place)
        return obj

    brace = re.search(r'\{\s*"', text)
    if brace is None:
        return None
    start = brace.start()
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=last_wins)
    try:
        try:
            obj, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            repeated.clear()
            whole, end = _cut_off(text, start)
            obj = decoder.decode(whole)
        dumps([obj, repeated]).encode("utf-8")
    except (ValueError, RecursionError):  # Also NaN, half a surrogate pair, an integer of thousands of digits.
        return None
    rest = dict(obj)
    audio = rest.pop("audio_desc", None)
    audio_rest = dict(audio) if isinstance(audio, dict) else {}
    fields: dict[str, str] = {}
    for dim in DIMENSIONS:
        for holder in (audio_rest, rest):
            if dim not in fields and isinstance(holder.get(dim), str):
                fields[dim] = holder.pop(dim)
    if not fields:
        return None
    if audio_rest or (audio is not None and not isinstance(audio, dict)):
        rest["audio_desc"] = audio_rest or audio
    around = [line for line in (text[:start] + "\n" + text[end:]).split("\n") if not RULE.fullmatch(line)]
    parts = [_tidy(around), *(dumps(value) for value in (rest, *repeated) if value)]
    return fields, "\n\n".join(part for part in parts if part)


def _cut_off(text: str, start: int) -> tuple[str, int]:
    """A cut-off object, closed after its last whole string value, and where the text after it starts."""
    end, depth, depth_there, before = start, 0, 0, start
    for token in _TOKEN.finditer(text, start):
        mark = token.group()
        if mark in ("{", "}"):
            depth += 1 if mark == "{" else -1
        elif len(mark) > 1 and mark.endswith('"') and text[before : token.start()].strip() == ":":
            end, depth_there = token.end(), depth
        before = token.end()
    rest = text[end:].lstrip(" \t\r\n,}`")
    if text[end:].lstrip()[:1] not in ("", ",", "}", "`") or rest[:1] not in ("", '"'):
        return "", start  # It is wrong, not cut off.
    return text[start:end] + "}" * depth_there, len(text) - len(rest)
