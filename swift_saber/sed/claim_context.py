"""What stands around a value and turns it: that it is denied, only tried, or so in a part of the clip alone.

    The pace starts slow.        of the start
    音量变化不明显                 denied
    He tries to speak loudly.    nothing is stated

Each function is given the plain text of the sentence before and after the word, as far as claim_pieces.NEAR. What is
not known to hold of the whole clip is marked as of a part rather than held against all of it.
"""

import re
from typing import Literal

from swift_saber.text.lexicon import denied

Where = Literal["start", "end", "throughout", "moments"]

_BETWEEN_EN = r"(?:[\w'-]+\s+)"
# These begin with a denial and deny nothing, or deny a denial; and what an English one denies ends with "and".
_NOT_DENIED = re.compile(
    r"无奈|无力|无助|无辜|(?:并非|不是|绝非|不能说|并不是)(?:没有|不|毫无)|不无|"
    r"\b(?:not|never|hardly|scarcely|no|nothing) (?:[\w']+ ){0,2}?(?:above|beyond|than)\b|"
    r"\b(?:not|never|hardly) without\b|\b(?:no|not a) (?:lack|shortage|absence) of\b"
)
_DENIAL_ENDS = re.compile(r".*\b(?:and|(?<!anything )but|with)\b")
_DENIES = re.compile(
    r"\b(?:barely|scarcely)\s+$|"
    rf"\b(?:devoid of|nothing(?! less| short| but)|(?<!or )(?<!no )less(?! and))\s+{_BETWEEN_EN}?$|"
    r"\b(?<!\ba )(?:little|minimal|negligible|scant|barely any|hardly any|scarcely any|limited)\s+$|"
    r"(?:没有?|未|不)(?:因|由于|随)[^,]{0,15}$|(?:不能说|说不上|称不上|算不上|不见)[^,但却而]{0,8}$|"
    r"不像[^,但却而]{0,8}(?:那么|那样|那般)$|"
    r"(?:没有?|毫无|听不出|缺乏|缺少)[^,但却而]{0,5}(?:起伏|变化|停顿|波动|颤抖|提高|升高|降低)(?:和|或|与|及|、|以及)[^,]{0,3}$"
)
_DENIES_AFTER = re.compile(
    r"(?:也|都|并|却|得|的)?不(?:太|怎么|很|算|甚|够)?(?:明显|显著|突出|清楚|[起下]来)|(?:甚微|甚少|极少|极小|有限|几乎没有)|(?:未|没有)出现|"
    r"\s+(?:does|do|did) not (?:appear|form|show)\b|"
    r"\s+(?:absent|missing|inactive|not (?:present|active|visible|observed|detected))\b|"
    r"\s+(?:is|are|was|were)\s+(?:(?:almost|very|nearly|virtually)\s+)?"
    r"(?:rare|few|scarce|infrequent|absent|minimal|negligible|limited|"
    r"not (?:noticeable|heard|obvious|marked|pronounced))\b"
)
# "to speak in a low voice" is what is asked for, "to stop in a low voice" how.
_TRIED = re.compile(
    r"\b(?:ask|tell|beg|urge|order|advise|warn|remind|request)(?:s|ed|ing)?\s+(?:[\w'-]+\s+){1,3}?"
    rf"to\s+(?:(?:be|speak|talk|keep|stay)\s+{_BETWEEN_EN}{{0,2}})?$|\btold\s+{_BETWEEN_EN}{{1,3}}?"
    rf"to\s+(?:(?:be|speak|talk|keep|stay)\s+{_BETWEEN_EN}{{0,2}})?$|"
    r"(?:\bden(?:y|ies|ied|ying)\s+(?:having|that)|\baccus(?:e|es|ed|ing)\s+(?:\w+\s+)?of|"
    rf"\bnothing (?:suggests|indicates|shows))\s+{_BETWEEN_EN}{{0,3}}$|否认[^,、地着]{{0,6}}$|"
    r"(?:要求|示意|嘱咐|吩咐|批评|抱怨|提醒|(?<![满着有])希望)(?![式般])[^,、的地得时着]{0,8}$|"
    r"(?:\b(?:want(?:s|ed)?|try|tries|tried|trying|attempt(?:s|ed|ing)?|refus(?:e|es|ed|ing)|fail(?:s|ed|ing)?|"
    r"threaten(?:s|ed|ing)?|tempted|unable|unwilling|reluctant|"
    r"(?:hard|difficult|impossible|wrong) to (?:call|describe))(?:\s+to)?|"
    r"\bcould have|\b(?:hold(?:s|ing)?\s+back|held back|refrain(?:s|ed|ing)?)\s+from|\bstop(?:s|ped|ping)?|"
    rf"\b(?:lower|softer|quieter|less|short|shy)\s+(?:than|of)(?:\s+that of)?)\s+{_BETWEEN_EN}{{0,3}}$|"
    r"\bbetween\s+(?:an?\s+)?(?:[\w-]+\s+and\s+(?:an?\s+)?)?$|"
    r"(?:试图|企图|想要|本想|很想|想说|恨不得|恨不能|几乎要|几乎想|忍住|忍着|克制|拒绝|不肯|不敢|与其说)[^,]{0,6}$"
)
_START = re.compile(
    r"(?:\b(?:(?:start|begin)(?:s|ed|ning|ing)?|began|(?:clip|recording|speaker|line|s?he) opens)\s+"
    r"(?:off\s+|out\s+)?(?:(?:in|at|with|on)\s+)?(?:an?\s+)?|"
    rf"(?<!\bfar )\bfrom\s+(?:an?\s+)?|(?<!never )\b(?:once|formerly|previously)\s+){_BETWEEN_EN}?$|"
    r"(?:从|由|(?<!首)先|先是|原本|原先|本来|起先)(?:很|较|是|比较|相对)?$"
)
_END = re.compile(
    rf"(?:\b(?:end|finish)(?:s|es|ed|ing)?\s+(?:up\s+|off\s+)?(?:(?:in|at|with|on)\s+)?(?:an?\s+)?|"
    rf"\bfrom\s+[\w' -]{{1,30}}?\bto\s+(?:an?\s+)?){_BETWEEN_EN}?$|(?:从|由|先)[^,]{{1,8}}[到至后](?:很|较|又|是)?$"
)
_MOMENT = re.compile(
    r"\b(?:when|as|while|upon|whenever)\s+(?:(?:he|she|they|the \w+)\s+(?:says?|said|mentions?|utters?|reach(?:es)?)|"
    r"saying|mentioning|uttering)\b|\b(?:on|at|with) (?:the|certain|key|some|a few|single|that|this|these) "
    r"(?!(?:last|final|end))(?:\w+ )?words?\b|\b(?:the|one|a single) word\b|[字词][上时]|"
    r"(?<!没)有时(?!间)[^,]*$|[说讲提念]到(?:这|那|\s|[^,]{0,8}时)"
)
_MOMENT_AFTER = re.compile(r"(?:再|然后|随即|又|随后|之后|接着)(?:到|回|变|降|落|转|升)")

_USUALLY = re.compile(
    r"\b(?:his|her|their|its|the|an?)\s+(?:normally|usually|typically)\s+[\w' -]+\s(?:is|was|are|were|has|sounds)\b"
)
_TURNS_ZH = re.compile(r"了?(?:起来|上去|上来|下来|下去)")
_THAN = re.compile(r"[^,;]{0,20}?\bthan\s+([^,;]{0,30})")
_BEFORE = re.compile(r"\b(?:before|earlier|previous\w*|first|beginning|start)\b(?! (?:clip|recording|speaker|video)\b)")
_USUAL = re.compile(r"usual|normal|average|typical|expected|natural|necessary|needed")
_THAN_ZH = re.compile(
    r"比(?!较)(?:(之前|先前|刚才|开头|起初|前面|前一句|上一句|一开始|开始|最初)|(平时|平常|一般|正常|往常))?"
)


def turns(after: str) -> bool:
    """Whether a level is come to, by what follows it: 慢下来."""
    return bool(_TURNS_ZH.match(after))


def only_usual(before: str) -> bool:
    """Whether what is usual ends before a word: "her usually loud voice is tiny here"."""
    return bool(_USUALLY.search(before))


def is_denied(before: str, word: str, after: str, han: bool) -> bool:
    """Whether a word is denied where it stands."""
    before = _NOT_DENIED.sub("", before)
    if not han:
        before = _DENIAL_ENDS.sub("", before)
    return denied(before, word) or bool(_DENIES.search(before) or _DENIES_AFTER.match(after))


def compared(before: str, word: str, after: str, han: bool) -> Literal["before", "usual", "another"] | None:
    """Return what a value is compared with: "before" in the clip, or else; the words before it are of its clause."""
    if han:
        found = _THAN_ZH.search(before)
        return found and ("before" if found[1] else "usual" if found[2] else "another")
    than = _THAN.match(after) if word.endswith("er") else None
    if than is None:
        return None
    return "usual" if _USUAL.search(than[1]) else "before" if _BEFORE.search(than[1]) else "another"


def is_tried(before: str) -> bool:
    """Whether something is wanted, tried, stopped or held back, so that nothing is stated of it."""
    return bool(_TRIED.search(before))


def part(before: str, after: str) -> Where | None:
    """Return of what part of the clip a word is, by the words that lead to it; None where they do not say.

    The words that name a part wherever they stand, "finally" and 有时, are claim_words.WHERE's.
    """
    if _END.search(before):
        return "end"
    if _START.search(before):
        return "start"
    return "moments" if _MOMENT_AFTER.match(after) or _MOMENT.search(before) or _MOMENT.search(after) else None
