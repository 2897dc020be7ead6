"""Reading answers that are not in our layout: other headings, JSON, paragraphs with a clear cue.

Knows where a line may announce a dimension (sed_words.py has the words); knows nothing of how we write answers,
except that the caller names its own heading lines.

Rules, in order:

1. A JSON object with record keys (nested as released, or flat; fenced or bare) before any heading: its string values
   are the fields, all else stays in the remainder. An explicit "" counts as found.
2. Headings: a line that begins, after markup and numbering, with a known name that a colon, a closing mark or the
   line's end closes. The text up to the next heading is its section.
   - If the first heading is one of the caller's own lines, only "### " lines are headings, and a blank section counts
     as found unless the text ends there (it was cut off). Otherwise a blank section is not found.
   - The same dimension again is appended on a new line.
   - A heading of several dimensions ("面部表情和肢体语言") gives its text to the first of them, in the order of
     DIMENSIONS; a line inside that begins with a cue for another of them moves on to it. Nothing is given twice.
3. Lines before the first heading, or all lines when there is none: a line that begins with a cue of exactly one
   dimension ("视频中…", "The voice ...") is its text, and so are the lines after it up to a blank line or another cue.
   A heading's section wins over a cue. Without a cue, the line stays in the remainder.

A section cut off at the end of the text is kept as far as it goes. All is linear in the length of the text.
"""

import re
from collections.abc import Mapping

from swift_saber.annotation import DIMENSIONS
from swift_saber.errors import InputError
from swift_saber.sed_words import CLOSING, CUE, DIMENSION_OF, TOPIC
from swift_saber.strict_json import dumps, parse_json

_NAME_LIMIT = 80
# Markup and numbering before a name: "## ", "- ", "**", "1. ", "一、", "（1）", "①", "第一部分：", "Step 2: ", "【".
_PREFIX = re.compile(
    r"[\s>#*_•·●■◆-]{0,20}"
    r"(?:(?:\d{1,2}|[一二三四五六七八九十]{1,2}|[ivx]{1,4}|[a-f])[.、．)）:：]"
    r"|[（(](?:\d{1,2}|[一二三四五六七八九十]{1,2})[）)]|[①-⑩]"
    r"|第?[一二三四五六七八九十]部分[:：、]?"
    r"|(?:step|part|task|section|步骤|任务|部分)\s?(?:\d{1,2}|[一二三四五六七八九十])[.、:：)）]?)?"
    r"[\s#*_【《「『\[]{0,20}",
    re.IGNORECASE,
)
_NAME_END = re.compile(r"[:：】》」』\]]|\*\*|__|\s[-–—]\s|——")
_AFTER_NAME = re.compile(r"[】》」』\]]?\s{0,4}(?:\*\*|__)?\s{0,4}(?:[:：]|[-–—]{1,2}\s|——)?\s{0,4}(?:\*\*|__)?\s{0,4}")
_MARKUP = re.compile(r"[\s#*_·]+")
_OWNER = re.compile(
    r"^(?:the |(?:detailed |full )?(?:description|analysis) of (?:the )?|(?:speaker|man|woman|person|character)['’]?s? "
    r"|(?:说话|讲话)[人者]的?|人物的?|对)"
)
_SUFFIX = re.compile(
    r"(?: (?:description|analysis|details|summary)|(?<=.)的?(?:详细|全面|综合)?(?:分析|描述|说明|概述|评估))$"
)
# A translation in parentheses is one more part: "Scene (场景)".
_JOIN = re.compile(r"\s?(?:[/／|&+、,，()（）与和及]|以及|\band\b)\s?")
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,}|`{3,}\w{0,20})\s*")

_CLAUSE_END = re.compile(r"[，。！？；：,.!?;:]")


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
    headings = _headings(lines, own_headings)
    before = lines[: headings[0][0]] if headings else lines
    if any("{" in line for line in before):
        found = _read_json(text)
        if found is not None:
            return *found, False
    own = bool(headings) and lines[headings[0][0]].rstrip() in own_headings
    if own:
        headings = [heading for heading in headings if lines[heading[0]].startswith("### ")]
    sections: dict[str, list[str]] = {}
    for number, (index, dims, first) in enumerate(headings):
        last = number == len(headings) - 1
        end = len(lines) if last else headings[number + 1][0]
        body = [first, *lines[index + 1 : end]]
        if not own:
            body = [line for line in body if not _RULE.fullmatch(line)]
        if any(line.strip() for line in body):
            _add_section(sections, dims, body)
        elif own and not last:
            sections.setdefault(dims[0], [])
    remainder = _read_paragraphs(before, sections, own)
    fields = {dim: "\n".join(sections[dim]) for dim in DIMENSIONS if dim in sections}
    return fields, remainder, own


def _headings(lines: list[str], own: Mapping[str, str]) -> list[tuple[int, list[str], str]]:
    """The headings as (line index, dimensions, text on the heading's own line)."""
    headings = []
    for index, line in enumerate(lines):
        if not line or line.isspace():
            continue
        if line.rstrip() in own:
            headings.append((index, [own[line.rstrip()]], ""))
            continue
        start = _PREFIX.match(line).end()  # type: ignore[union-attr]  # It also matches nothing.
        closed = _NAME_END.search(line, start, start + _NAME_LIMIT)
        if closed is None and len(line) - start > _NAME_LIMIT:
            continue
        end = closed.start() if closed else len(line)
        dims = _dimensions(line[start:end])
        if dims:
            rest = _AFTER_NAME.match(line, end)
            text = line[rest.end() if rest else end :].rstrip()
            if line.count("**") == 2 and text.endswith("**"):
                text = text[:-2]  # The whole line was bold.
            headings.append((index, dims, text))
    return headings


def _reduced(name: str) -> str:
    """A heading's name without markup, "the speaker's" and "analysis"."""
    name = _MARKUP.sub(" ", name).strip().lower()
    return _SUFFIX.sub("", _OWNER.sub("", _OWNER.sub("", name))).strip()


def _dimensions(name: str) -> list[str]:
    """The dimensions that a heading's name stands for; none when any part of it is unknown."""
    name = _reduced(name)
    if not name:
        return []
    if name in DIMENSION_OF:
        return [DIMENSION_OF[name]]
    dims = set()
    for part in _JOIN.split(name.replace("其", "").replace("的", "")):
        if not part.strip():
            continue
        dim = DIMENSION_OF.get(_reduced(part))
        if dim is None:
            return []
        dims.add(dim)
    return [dim for dim in DIMENSIONS if dim in dims]


def _add_section(sections: dict[str, list[str]], dims: list[str], body: list[str]) -> None:
    texts: dict[str, list[str]] = {dims[0]: []}
    dim = dims[0]
    for line in body:
        if len(dims) > 1:
            cue = _cue(line)
            dim = cue if cue in dims else dim
        texts.setdefault(dim, []).append(line)
    for dim, lines in texts.items():
        text = "\n".join(lines).strip()
        if text:
            sections.setdefault(dim, []).append(text)


def _cue(line: str) -> str | None:
    """The one dimension that the opening of a line clearly announces, else None."""
    start = _PREFIX.match(line).end()  # type: ignore[union-attr]
    opening = line[start : start + 120]
    if opening.rstrip().endswith((":", "：")) and len(line) <= start + 120:
        return None  # It announces what follows: "Based on the video, here is my analysis:".
    if CLOSING.match(opening):
        return "sentiment_analysis"
    dim = next((dim for dim, cue in CUE.items() if cue.match(opening)), None)
    if dim is None or dim == "speech_content":
        return dim
    end = _CLAUSE_END.search(opening)
    clause = opening[: end.start()] if end else opening
    others = {other for other, topic in TOPIC.items() if other != dim and topic.search(clause)}
    if dim != "video_desc":
        others.discard("sentiment_analysis")  # "The tone is emotional" is about the tone.
    if dim == "facial_exp_desc":
        others.discard("body_lang_desc")  # The released prompt asks for both together; the face comes first.
    return None if others else dim


def _read_paragraphs(lines: list[str], sections: dict[str, list[str]], own: bool) -> str:
    """Add lines with a cue to the sections that no heading gave; return the others."""
    taken = set(sections)
    remainder: list[str] = []
    paragraphs: dict[str, list[str]] = {}
    dim: str | None = None
    for line in lines:
        if not line.strip():
            dim = None
            remainder.append(line)
            continue
        cue = None if own else _cue(line)
        if cue is not None:
            dim = None if cue in taken else cue
        if dim is not None:
            paragraphs.setdefault(dim, []).append(line.strip())
        elif not (_RULE.fullmatch(line) and (sections or paragraphs)):
            remainder.append(line)
    sections.update(paragraphs)
    return _tidy(remainder)


def _tidy(lines: list[str]) -> str:
    """The lines of a remainder, without the gaps that what was taken out left behind."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _read_json(text: str) -> tuple[dict[str, str], str] | None:
    """The fields of the JSON object between the first and the last brace, and the rest; None if it is no record."""
    start, end = text.find("{"), text.rfind("}") + 1
    try:
        obj = parse_json(text[start:end], "answer")
        dumps(obj).encode("utf-8")
    except (InputError, UnicodeEncodeError, RecursionError):
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
    around = [line for line in (text[:start] + "\n" + text[end:]).split("\n") if not _RULE.fullmatch(line)]
    parts = [_tidy(around), dumps(rest) if rest else ""]
    return fields, "\n\n".join(part for part in parts if part)
