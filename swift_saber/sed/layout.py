"""SED, structured evidence decomposition: how a record becomes the answer a model learns, and how answers are read.

Knows the instructions, the order and layout of the evidence, and the exact way back; how answers in other layouts
are understood is in sed/read.py. Knows nothing of files, media or swift.

Published (SABER-LLM, arXiv 2601.18321, its README and figures): the Chinese instruction, the six dimensions, evidence
before reasoning. Ours: the English instruction, the headings and the layout, since the released model's layout is
not documented.

The layout is one section for each dimension, all six always there, a blank line between them:

    ### Scene
    A man and a woman stand in a kitchen.

    ### Voice
    ...

A line of a field that starts with "### ", or with backslashes and "### ", gets one more backslash in front, so no
text can be taken for a heading. Only "\\n" ends a line.
"""

import re
from dataclasses import dataclass
from typing import Literal

from swift_saber.sed.read import read
from swift_saber.sed.record import ACOUSTIC, CONCLUSION, DIMENSIONS, VISUAL, Record
from swift_saber.text.language import Language

Order = Literal["released", "figure"]

#: "zh" is the released prompt, byte for byte: the published weights expect it. "en" is our wording of its four tasks.
INSTRUCTIONS: dict[str, str] = {
    "zh": (
        "请通过依次完成以下任务，对提供的媒体进行一次全面的多模态分析：\n"
        "- 请详细描述视频的场景及其背景信息。\n"
        "- 请对这段音频进行详细分析。\n"
        "- 请详细分析说话者的面部表情和肢体语言。\n"
        "- 最后，请综合以上所有观察结果，对说话者的情绪状态进行全面分析。"
    ),
    "en": (
        "Please carry out a full multimodal analysis of the provided media by completing these tasks in order:\n"
        "- Describe the scene of the video and its background in detail.\n"
        "- Analyse the audio in detail.\n"
        "- Analyse the speaker's facial expression and body language in detail.\n"
        "- Finally, bring all of these observations together in a thorough analysis of the speaker's emotional state."
    ),
}
DEFAULT_INSTRUCTION = INSTRUCTIONS["zh"]

#: "released": scene, audio, face and body, emotion, as the released prompt asks. "figure": visual evidence, acoustic
#: evidence, reasoning, as the paper's figures draw it; the order inside each group is ours.
ORDERS: dict[Order, tuple[str, ...]] = {
    "released": DIMENSIONS,
    "figure": (*VISUAL, *ACOUSTIC, CONCLUSION),
}

#: The heading of each dimension (ours), written in the order of DIMENSIONS; also its name wherever one is shown.
HEADINGS: dict[str, dict[str, str]] = {
    language: dict(zip(DIMENSIONS, names, strict=True))
    for language, names in {
        "zh": ("视频场景", "声音特征", "语音内容", "面部表情", "肢体语言", "情感分析"),
        "en": ("Scene", "Voice", "Speech", "Facial expression", "Body language", "Emotion"),
    }.items()
}

_MARK = "### "
_OWN_HEADINGS = {_MARK + name: dim for names in HEADINGS.values() for dim, name in names.items()}
_LAYOUTS = {
    tuple(_MARK + HEADINGS[language][dim] for dim in dims): (language, order)
    for language in HEADINGS
    for order, dims in ORDERS.items()
}
_HEADING_LINES = re.compile(f"^(?:{'|'.join(map(re.escape, _OWN_HEADINGS))})$", re.MULTILINE)
_TO_ESCAPE = re.compile(r"^(?=\\*### )", re.MULTILINE)
_TO_UNESCAPE = re.compile(r"^\\(?=\\*### )", re.MULTILINE)

# ms-swift puts media in place of the first group (Template.special_tokens); tokenizers read the second as control.
_RESERVED = re.compile(
    r"<(?:image|video|audio|bbox|ref-object|cot-process|start-image)>|<\|[^\s<>|]{1,64}\|>",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What `parse` read in a text.

    Every character of the text that is not white space is in `fields`, in `remainder`, or was markup (a heading, a
    rule, an escape, JSON syntax).
    """

    #: The text of each dimension found; the others have no key.
    fields: dict[str, str]
    #: What belongs to no dimension: thinking, a preamble, sections of unknown headings, paragraphs without a clear cue.
    remainder: str
    #: The text is byte for byte what `render` writes for a record with these fields.
    exact: bool

    @property
    def found(self) -> tuple[str, ...]:
        """The dimensions found, in the order of DIMENSIONS."""
        return tuple(dim for dim in DIMENSIONS if dim in self.fields)

    @property
    def missing(self) -> tuple[str, ...]:
        """The dimensions not found, in the order of DIMENSIONS."""
        return tuple(dim for dim in DIMENSIONS if dim not in self.fields)

    def record(self) -> Record:
        """Return the six fields as a record.

        Raises:
            ValueError: a dimension is missing; the message names it.
        """
        if self.missing:
            raise ValueError(f"the answer has no {', '.join(self.missing)}")
        return Record(**self.fields)  # type: ignore[arg-type]


def render(record: Record, *, language: Language = "zh", order: Order = "released") -> str:
    """Return the answer that a model learns for a record: the evidence first, the emotion last.

    Args:
        record: the annotation; blank fields keep their heading. Its unknown keys are not written.
        language: the language of the headings.
        order: a key of ORDERS.
    """
    headings = HEADINGS[language]
    sections = ((headings[dim], _TO_ESCAPE.sub(r"\\", getattr(record, dim))) for dim in ORDERS[order])
    return "\n\n".join(f"{_MARK}{heading}\n{text}" for heading, text in sections)


def parse(text: str) -> Answer:
    """Return what a model's answer says, dimension by dimension. Never raises, whatever the text.

    What `render` wrote comes back exactly. Other layouts are read as far as the evidence is clear (sed/read.py
    says how): headings in many spellings, JSON, paragraphs with a cue. Those fields lose surrounding white space.

    Thinking before the answer (up to </think>) goes to the remainder. White space that a server strips around our
    layout costs nothing: a last heading whose blank text went with it still counts as found, with exact False.
    """
    fields = _read_exact(text)
    if fields is not None:
        return Answer(fields, "", True)
    thinking, body = _split_thinking(text)
    stripped = body.strip()
    # The text of the last section is blank and was stripped together with its line end.
    fields = _read_exact(body.lstrip()) or _read_exact(stripped + "\n")
    if fields is not None:
        return Answer(fields, thinking, False)
    fields, remainder, own = read(body, _OWN_HEADINGS)
    if not fields:
        return Answer({}, text, False)
    if own:
        fields = {dim: _TO_UNESCAPE.sub("", value) for dim, value in fields.items()}
    return Answer(fields, "\n\n".join(part for part in (thinking, remainder) if part), False)


def _read_exact(text: str) -> dict[str, str] | None:
    """The six fields of a text that render wrote, else None."""
    if not text.startswith(_MARK):
        return None
    lines = text.split("\n")
    places = [index for index, line in enumerate(lines) if line in _OWN_HEADINGS]
    layout = _LAYOUTS.get(tuple(lines[index] for index in places))
    if layout is None:
        return None
    language, order = layout
    fields: dict[str, str] = {}
    for dim, start, end in zip(ORDERS[order], places, [*places[1:], len(lines) + 1], strict=True):
        # The line before the next heading is the blank line between sections.
        fields[dim] = _TO_UNESCAPE.sub("", "\n".join(lines[start + 1 : end - 1]))
    # The grammar above is a little wider than what render writes; writing it again settles it.
    return fields if render(Record(**fields), language=language, order=order) == text else None  # type: ignore[arg-type]


def _split_thinking(text: str) -> tuple[str, str]:
    """Split off a model's thinking; chat templates often put the opening tag into the prompt, not the answer."""
    opened = text.lstrip().startswith("<think>")
    if not opened and "<think>" in text:
        return "", text
    head, tag, body = text.partition("</think>")
    if tag:
        return (head + tag).strip(), body
    return (text.strip(), "") if opened else ("", text)


def reserved_markup(text: str) -> str | None:
    """Return the first media tag or control token in a text, else None.

    ms-swift would put media in place of <image>, <video>, <audio> and its other tags, and a tokenizer reads
    <|im_end|> and the like as control; sound events such as <laughs> are plain text.
    """
    match = _RESERVED.search(text)
    return match.group() if match else None


def places(text: str) -> dict[str, tuple[int, int]]:
    """Return where the text of each dimension of an answer stands, as (start, end) in characters.

    A dimension that is blank is left out; in another layout than ours, one whose text does not stand there in one
    piece as well, or stands there twice.
    """
    answer = parse(text)
    found: dict[str, tuple[int, int]] = {}
    if answer.exact:
        headings = [*_HEADING_LINES.finditer(text)]
        ends = [*(heading.start() - len("\n\n") for heading in headings[1:]), len(text)]
        for heading, end in zip(headings, ends, strict=True):
            found[_OWN_HEADINGS[heading.group()]] = (heading.end() + 1, end)
    else:
        for dimension, field in answer.fields.items():
            if text.count(field) == 1:
                found[dimension] = (start := text.find(field), start + len(field))
    return {dimension: span for dimension, span in found.items() if text[slice(*span)].strip()}
