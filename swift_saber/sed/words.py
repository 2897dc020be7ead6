"""How a line of an answer announces a dimension, in Chinese and English: the words, and the forms of headings.

All lists are ours: the released model's layout is not documented. What follows from a heading for the lines around it
is sed/read.py's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from swift_saber.sed.record import ACOUSTIC, BODY, CONCLUSION, DIMENSIONS, FACE, SCENE, SPEECH, VISUAL, VOICE

# The names of headings, by what they may mean.
_NAMES = {
    (SCENE,): """视频 视频场景 视频内容 视频画面 视频背景 视频背景信息 场景 场景背景 画面 背景 背景信息 环境
        video; video desc; video content; video scene; scene; visual scene; background; background information;
        setting; environment; context""",
    VISUAL: """视觉 视觉证据 视觉信息 视觉特征
        visual; visuals; visual evidence; visual information; visual features""",
    (VOICE,): """音频 音频信息 音频特征 声音 声音特征 声学 声学特征 声学证据 听觉 听觉证据 语音 语音特征 语气
        语调 语气语调 语调语气 语音语调 语音语气 声音语调 语速语调 音色
        audio; audio desc; audio features; audio evidence; acoustic; acoustics; acoustic feat; acoustic feature;
        acoustic features; acoustic evidence; voice; voice features; voice quality; vocal; vocal features; vocal tone;
        vocal quality; vocal qualities; vocal delivery; vocal expression; tone; tone of voice; prosody; sound""",
    (SPEECH,): """语音内容 语音转写 语音文本 说话内容 讲话内容 言语内容 话语内容 对话内容 对话 对白
        台词 转写 转录 字幕
        speech; speech content; spoken content; spoken words; verbal content; transcript; transcription;
        speech transcript; dialogue; dialog; utterance""",
    (FACE,): """面部 面部表情 面部神态 脸部 脸部表情 表情 神情 神态
        face; facial; facial exp desc; facial expression; facial expressions; facial cues; facial evidence; expression;
        expressions""",
    (BODY,): """肢体 肢体语言 肢体动作 身体 身体语言 身体动作 身体姿态 动作 姿态 姿势 体态 手势
        body; bodily; bodily expression; bodily movements; body language; body lang desc;
        body movement; body movements; body posture; gesture; gestures; posture;
        movement; movements""",
    (CONCLUSION,): """情感 情绪 情感状态 情绪状态 情感推理 情绪推理 情感判断 情绪判断 情感结论 情绪结论 情感倾向
        情绪倾向 综合 综合推理 总体 总体情感 总体情绪 整体 推理 结论 总结
        emotion; emotions; emotional; emotional state; emotional states; emotion reasoning; emotional reasoning;
        sentiment; overall; overall impression; holistic; holistic reasoning; reasoning; synthesis; conclusion;
        summary; comprehensive; integrated""",
}
#: Name as normalised (lower case, without markup) -> its dimensions, in the order of DIMENSIONS.
_DIMENSIONS_OF = {
    name.strip(): dims
    for dims, names in _NAMES.items()
    for line in names.split("\n")
    for name in (line.split(";") if ";" in line else line.split())
    if name.strip()
}

#: Under a heading of the key, a heading further down may move its text to these dimensions.
_GROUP = {dim: frozenset(dims) for dims in ((SCENE,), ACOUSTIC, (FACE, BODY), (CONCLUSION,)) for dim in dims}
# What may stand around a known name: "the speaker's", "detailed", "analysis".
_NAME_PREFIX = re.compile(
    r"^(?:(?:(?:the|its|detailed|comprehensive|integrated|overall|thorough|full|in-depth) ){0,4}"
    r"(?:(?:description|analysis) of (?:the )?)?(?:(?:speaker|man|woman|person|character)['’]?s? )?"
    r"|(?:请|对(?![话白])|详细|全面|综合|整体|描述|分析){0,4}(?:(?:说话|讲话)[人者]的?|人物的?)?)"
)
_NAME_SUFFIX = re.compile(
    r"(?: (?:description|analysis|assessment|evaluation|interpretation|details|summary|cues|characteristics)"
    r"|(?<=.)的?(?:进行)?(?:详细|全面|综合)?(?:分析|描述|说明|概述|评估|线索|特点))$"
)

# A cue opens its line, after a connective and the person it is about.
_LEAD_ZH = (
    r"(?:首先|其次|接着|然后|此外|最后|另外)?[，,]?(?:从|在|就|根据)?(?:整段|这段|该段|该|本段|本)?"
    r"(?:说话[人者]|讲话者|男子|女子|男性|女性|男人|女人|他|她|人物)?的?"
)
_LEAD_EN = (
    r"(?:(?:first|firstly|second|secondly|third|next|then|finally|lastly|additionally|meanwhile),? )?"
    r"(?:(?:in|from|as for|regarding|throughout) )?(?:(?:the|this|his|her|their) )?"
    r"(?:(?:speaker|man|woman|person|character)(?:['’]s)? )?"
)
# In Chinese and in English; of several that fit, the first one here counts.
_CUES = {
    SPEECH: (
        r"(?:语音内容|说话内容|讲话内容|台词)(?:是|为|：|:|“)|说道?[：:]\s?[“\"「]",
        r"(?:says|said)[,:] ?[\"“]|(?:transcript|spoken words) (?:is|are|reads)\b",
    ),
    VOICE: (
        r"音频|声音|嗓音|语音|语气|语调|声学|[是为][^，。]{1,12}，(?:声音|嗓音|音量|音调|语速)",
        r"(?:audio|voice|vocal|tone|acoustic|intonation)\b"
        r"|(?:has|speaks with|speaks in) an? (?:[a-z-]{1,20},? ){0,3}(?:voice|tone)\b",
    ),
    SCENE: (r"视频|画面|镜头|场景|片段", r"(?:video|scene|clip|footage|setting|background|camera)\b"),
    FACE: (
        r"面部|面带|表情|脸部|神情|眼神|眉",
        r"(?:facial|face|expression|eyebrows?|eyes|brows?|mouth|lips|gaze|smile)\b",
    ),
    BODY: (r"肢体|身体|姿态|手势|体态|身姿|将?双手", r"(?:body|posture|gestures?|hands?|arms?|shoulders?)\b"),
    CONCLUSION: (
        r"综合|综上|总而言之|总的来说|总体|整体|情感|情绪",
        r"(?:overall|combining|emotion|emotional|sentiment)\b",
    ),
}
_CUE = {
    dim: re.compile(f"{_LEAD_ZH}(?:{chinese})|{_LEAD_EN}(?:{english})", re.IGNORECASE)
    for dim, (chinese, english) in _CUES.items()
}
# What else the opening clause may be about; another dimension there makes a cue unclear ("视频中的声音…"). Nothing says
# that it is about the words spoken.
_TOPIC = {
    VOICE: re.compile(r"音频|声音|嗓音|语气|语调|\b(?:audio|voice|tone|vocal)\b", re.IGNORECASE),
    SCENE: re.compile(r"画面|场景|\b(?:video|scene|clip|footage)\b", re.IGNORECASE),
    FACE: re.compile(r"面部|表情|神情|\b(?:facial|expressions?)\b", re.IGNORECASE),
    BODY: re.compile(r"肢体|手势|姿态|\b(?:body|gestures?|posture)\b", re.IGNORECASE),
    CONCLUSION: re.compile(r"情感|情绪|\b(?:emotions?|emotional|sentiment)\b", re.IGNORECASE),
}
# These open the last paragraph whatever they name next ("综合视频、音频和表情，…").
_CLOSING = re.compile(
    r"(?:最后，?)?(?:综合|综上|总而言之|总的来说)|(?:整体|总体)的?(?:情感|情绪)"
    r"|overall,|(?:the )?overall (?:sentiment|emotion|mood)|in (?:summary|conclusion)|to sum up|taken together",
    re.IGNORECASE,
)

#: A line of markup only.
RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,}|`{3,}\w{0,20})\s*")

_NAME_LIMIT = 80
# Markup and numbering before a name: "## ", "- ", "**", "1. ", "一、", "（1）", "1.1 ", "①", "第一步", "Step 2", "【".
_PREFIX = re.compile(
    r"(?P<lead>[\s>#*_•·●■◆-]{0,20})"
    r"(?:(?P<small>\d{1,2}(?:\.\d{1,2}){1,2}(?!\d)[.、．)）:：]?"
    r"|(?:[ivx]{1,4}|[a-f])[.、．)）:：]|[（(]\d{1,2}[）)]|[①-⑩])"
    r"|(?P<digits>\d{1,2})[.、．)）:：]|(?P<han>[一二三四五六七八九十]{1,2})[.、．)）:：]"
    r"|[（(](?P<round>[一二三四五六七八九十]{1,2})[）)]"
    r"|(?P<part>第?[一二三四五六七八九十](?:部分|步)[:：、]?"
    r"|(?:step|part|task|section|步骤|任务|部分)\s?(?:\d{1,2}|[一二三四五六七八九十])[.、:：)）]?))?"
    r"[\s#*_【《「『\[]{0,20}",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[\s>]*(?:[•·●■◆]|-(?!-)|\*\s)")
_NAME_END = re.compile(r"[:：】》」』\]]|\*\*|__|\s[-–—]\s|——")
_NAME_MARKS = re.compile(r"[】》」』\]]?\s{0,4}(?:\*\*|__)?\s{0,4}(?:[:：]|[-–—]{1,2}\s|——)?\s{0,4}(?:\*\*|__)?\s{0,4}")
_MARKUP = re.compile(r"[\s#*_·]+")
# A translation in parentheses is one more part: "Scene (场景)".
_JOIN = re.compile(r"\s?(?:[/／|&+、,，()（）与和及]|以及|\band\b)\s?")
_CLAUSE_END = re.compile(r"[，。！？；：,.!?;:]")
# Ranks of headings, the highest first: "#" to "######" are 1 to 6; "一、" and "Step 1"; "（一）" and "**1. "; bold;
# "【"; "1. "; a plain name; "a.", "1.1" and "（1）"; bullets. A step of indentation is deeper than all of these.
_OWN, _PART, _ROUND, _BOLD, _BRACKETS, DIGITS, PLAIN, SMALL, _BULLETED, STEP = 3, 10, 11, 12, 13, 14, 18, 20, 24, 100


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that has the form of a heading or of a list item."""

    rank: int
    dims: tuple[str, ...]  # Empty when the name is unknown.
    text: str  # What follows the name on its line.
    alone: bool
    number: int | None
    clear: bool  # It can be nothing but a heading, whatever its name.
    numbered: bool  # The same, if its number goes on from the section before.

    @property
    def is_item(self) -> bool:
        return not self.alone or self.rank % STEP in (DIGITS, SMALL, _BULLETED)

    @property
    def group(self) -> frozenset[str]:
        return frozenset().union(*(_GROUP[dim] for dim in self.dims))


def heading_of(line: str, own: Mapping[str, str]) -> Heading | None:
    """A line as a heading or list item; None for other lines. `own` holds whole lines that are headings."""
    if not line or line.isspace() or RULE.fullmatch(line):
        return None
    if line.rstrip() in own:
        return Heading(_OWN, (own[line.rstrip()],), "", True, None, True, True)
    prefix = _PREFIX.match(line)
    assert prefix is not None  # It also matches nothing.
    start = prefix.end()
    closed = _NAME_END.search(line, start, start + _NAME_LIMIT)
    end = closed.start() if closed else min(len(line), start + _NAME_LIMIT + 1)
    name = line[start:end] if end - start <= _NAME_LIMIT else ""
    after = _NAME_MARKS.match(line, end)
    text_at = after.end() if after else end
    text = line[text_at:].rstrip()
    if line.count("**") == 2 and text.endswith("**"):
        text = text[:-2]  # The whole line was bold.

    lead = prefix["lead"]
    hashes = min(prefix.group().count("#"), 6)
    bullet = _BULLET.match(lead)
    bold_at = bullet.end() if bullet else 0
    if hashes:
        rank = hashes
    elif bullet:
        rank = _BULLETED
    elif prefix["han"] or prefix["part"]:
        rank = _PART
    elif prefix["round"] or (prefix["digits"] and re.search(r"[*_]", lead)):
        rank = _ROUND
    elif prefix["digits"]:
        rank = DIGITS
    elif prefix["small"]:
        rank = SMALL
    elif re.search(r"[*_]", prefix.group()):
        rank = _BOLD
    else:
        rank = _BRACKETS if re.search(r"[【《「『\[]", prefix.group()) else PLAIN
    if not hashes:
        rank += indent_of(lead) * STEP
    han = prefix["han"] or prefix["round"]
    number = int(prefix["digits"]) if prefix["digits"] else "一二三四五六七八九十".find(han) + 1 if han else None

    dims = _dimensions(name)
    titled = bool(name.strip()) and not re.search(r"[。！？；，.!?;,…]\s*$|[\"“”]", name)
    colon = bool(re.search(r"[:：】—–-]", line[end:text_at]))
    bold = bool(re.search(r"\*\*|__|【", line[bold_at:start]))
    clear = titled and (bool(re.match(r"\s{0,3}#{1,6}\s", line)) or (bold and (colon or not text)))
    is_item = bullet or number or (prefix["small"] and prefix["small"][-1] not in ":：")  # "A: Hello" is no item.
    if not (dims or clear or is_item):
        return None
    return Heading(rank, dims, text, bool(hashes) or not text, number, clear, titled and (colon or not text))


def indent_of(text: str) -> int:
    """How deep a line is indented."""
    spaces = re.match(r"[ \t]*", text)
    return len(spaces.group().expandtabs(4)) // 2 if spaces else 0


def _dimensions(name: str) -> tuple[str, ...]:
    """The dimensions that a heading's name stands for; none when any part of it is unknown."""
    name = _MARKUP.sub(" ", name).strip().lower()
    if not name:
        return ()
    known = _known(name)
    if known:
        return known
    dims: set[str] = set()
    for part in _JOIN.split(name.replace("其", "").replace("的", "")):
        known = _known(part.strip())
        if part.strip() and not known:
            return ()
        dims.update(known)
    return tuple(dim for dim in DIMENSIONS if dim in dims)


def _known(name: str) -> tuple[str, ...]:
    short = _NAME_SUFFIX.sub("", name).strip()
    for spelling in (name, short, _NAME_PREFIX.sub("", name), _NAME_PREFIX.sub("", short)):
        if spelling in _DIMENSIONS_OF:
            return _DIMENSIONS_OF[spelling]
    return ()


def cue_of(line: str) -> str | None:
    """The one dimension that the opening of a line clearly announces, else None."""
    start = _PREFIX.match(line).end()  # type: ignore[union-attr]
    opening = line[start : start + 120]
    if opening.rstrip().endswith((":", "：")) and len(line) <= start + 120:
        return None  # It announces what follows: "Based on the video, here is my analysis:".
    if _CLOSING.match(opening):
        return CONCLUSION
    dim = next((dim for dim, cue in _CUE.items() if cue.match(opening)), None)
    if dim is None or dim == SPEECH:
        return dim
    end = _CLAUSE_END.search(opening)
    clause = opening[: end.start()] if end else opening
    others = {other for other, topic in _TOPIC.items() if other != dim and topic.search(clause)}
    if dim != SCENE:
        others.discard(CONCLUSION)  # "The tone is emotional" is about the tone.
    if dim == FACE:
        others.discard(BODY)  # The released prompt asks for both together; the face comes first.
    return None if others else dim
