"""What binds a value to its topic: to which of a sentence's topics "high" belongs.

    a high pitch; the pitch is high     the topic behind a value, else the last one before it
    pitch and volume are low            those that are named together
    a quick glance                      none: a noun that is no topic of ours

It knows places and the small words between them, and not what a value states: that is sed/claims.py's.
"""

import re
from collections.abc import Iterator

from swift_saber.sed import claim_words as words
from swift_saber.sed.claim_pieces import NEAR, Sentence, Word

#: Topics of which nothing is measured: a breath, a gaze, and what is neither voice nor face.
NOT_OURS = frozenset(("other", "unread"))

_NOT_TOGETHER = NOT_OURS | {"speak"}
_ADJECTIVES = frozenset(words.ADJECTIVES.split())
_VERBS = frozenset(words.VERBS.split())
_NO_NOUN = frozenset(words.NO_NOUN.split())
_COURSES = frozenset(("rises", "raises", "leaps", "falls", "lowers"))
_NOUNS = frozenset(("pause", "whisper", "murmur", "shout", "trembles", "varied", "changes", "smile", "grin"))
# Between an adjective and its noun no other small word stands: "loud and clear voice", "narrows his eyes".
_BARRIERS = _NO_NOUN - {"and", "his", "her", "their", "its", "the"}

_LINKED = re.compile(
    r"\b(?:is|are|was|were|be|been|being|sounds?|remains?|stays?|seems?|becomes?|became|grows?|gets?|turns?|keeps?|"
    r"but|neither|nor)\s+"
    r"(?:(?:\w+ly|very|quite|rather|a bit|a little|somewhat|not|too|more|also|both|neither)\s+)*$"
)
_OWNER = r"(?:(?:his|her|their|its|the)\s+)?"
_OWNED = re.compile(rf"\s+of\s+{_OWNER}")
_IN_TOPIC = re.compile(rf"\s+in\s+{_OWNER}$")
_DIRECT = re.compile(rf"(?:-\w+)?\s+{_OWNER}(?:[\w'-]+\s+){{0,2}}$")
_COMMA = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+)"
_CHAIN = re.compile(rf"{_COMMA}(?:[\w'-]+(?:\s[\w'-]+)?(?:{_COMMA}|\s+)){{0,4}}$")
_TOGETHER = re.compile(r"\s*(?:,|and|&|/)\s*(?:and\s+|the\s+|his\s+|her\s+)?$|(?:和|与|及|以及|、|/)$")
_OBJECT_ZH = re.compile(r"[着了起上]{0,2}(?:自己的|他的|她的)?$")
_OF_ZH = re.compile(r"(?:而[^,。]{1,4})?的[^,。;的]{0,4}$")
_NOUN = re.compile(r"\s+([\w'-]+)")
# 低音 is a note, and 的 leads to what is no topic.
_NOUN_ZH = re.compile(r"音|的(?!水平|程度|状态|范围|幅度|弧度|趋势)[\u3400-\u9fff]")
_FILLERS = re.compile(
    r"(?:明显|突然|忽然|陡然|骤然|猛地|一下子|[放压说讲拉]得|没有|[没无未很较偏略稍微非常十分都也并不太比显相对整体始终直变得是有些点逐渐越来且而又却则但极最更加过特别格外"
    r"算为于了一既仍保持依旧还、和时])*$"
)


def is_linked(sentence: Sentence, word: Word) -> bool:
    """Whether a value stands behind "is" or the like."""
    return bool(_LINKED.search(sentence.plain, max(sentence.start, word.start - NEAR), word.start))


class Topics:
    """The topics of a sentence, and which of its values belong to them."""

    def __init__(self, sentence: Sentence) -> None:
        self._sentence, self._words, self._plain = sentence, sentence.words, sentence.plain
        self._before, self._behind = sentence.last("topic"), sentence.following("topic")

    def of(self, word: Word, alone: bool) -> list[Word | None]:
        """Return the topics to which a value belongs; [None] where it stands for itself, [] where it says nothing.

        Args:
            word: the value.
            alone: whether it states something without a topic, as "whispers" does.
        """
        after = self._after(word)
        if after:
            return [after, *([] if alone else self._together(after, +1))]
        if self._of_unknown(word) or (word.han and len(word.text) == 1 and not self._joined(word)):
            return [None] if alone else []
        before = self._head(self._before[word.at])
        if before:
            return [before, *([] if alone else self._together(before, -1))]
        following = self._behind[word.at]
        return [following if following and following.name == "speak" and word.text.endswith("ly") else None]

    def _head(self, topic: Word | None) -> Word | None:
        """What a topic is only the owner of: in "the volume of her voice" the volume."""
        owned = next((each for each in self._sentence.back(topic) if each.kind != "person"), None) if topic else None
        if topic is None or owned is None or owned.kind != "topic" or owned.name in _NOT_TOGETHER:
            return topic
        return owned if _OWNED.fullmatch(self._sentence.between(owned, topic)) else topic

    def _after(self, word: Word) -> Word | None:
        """The topic behind a value to which it belongs."""
        topic = self._behind[word.at]
        if topic is None or topic.start - word.end > NEAR:
            return None
        gap = self._plain[word.end : topic.start]
        beside = self._beside_topic(word)
        if word.han and topic.name == "speak":
            return topic if gap in ("", "地") else None
        if word.han:
            return topic if _OF_ZH.match(gap) or (_OBJECT_ZH.match(gap) and not beside) else None
        if _IN_TOPIC.match(gap):
            # Tension that rises in a voice is not the voice.
            return None if topic.name == "voice" and word.name in _COURSES else topic
        barriers = _BARRIERS - {"a", "an"} if word.text in _VERBS else _BARRIERS  # "raises an eyebrow"
        if topic.name == "speak" or word.text.endswith("ly") or not barriers.isdisjoint(gap.split()):
            return None
        if _DIRECT.match(gap) and " and " not in gap:
            return topic
        chained = (
            word.name in _ADJECTIVES and word.text not in _VERBS and not beside and not is_linked(self._sentence, word)
        )
        return topic if chained and _CHAIN.match(gap) else None

    def _together(self, topic: Word, step: int) -> Iterator[Word]:
        """The topics that are named together with one: pitch and volume."""
        while 0 <= topic.at + step < len(self._words):
            other = self._words[topic.at + step]
            gap = self._sentence.between(topic, other)
            if other.kind != "topic" or other.name in _NOT_TOGETHER or topic.name in _NOT_TOGETHER:
                return
            if topic.han != other.han or not _TOGETHER.match(gap) or (topic.han and "," in gap):
                return
            topic = other
            yield topic

    def _of_unknown(self, word: Word) -> bool:
        """Whether a value belongs to a noun that is no topic ("a quick glance"), or a verb ("quickly escalates")."""
        behind = self._sentence.behind(word)
        if word.han:
            return bool(_NOUN_ZH.match(behind))
        adverb = word.text.endswith("ly")
        # "rising panic" in a voice is not a rising voice.
        adjective = word.name in _ADJECTIVES or (word.name in _COURSES and word.text.endswith("ing"))
        if not adjective or word.text in _VERBS or (not adverb and is_linked(self._sentence, word)):
            return False
        noun = _NOUN.match(behind)
        if not noun or noun[1] in _NO_NOUN or noun[1].endswith("ly"):
            return False
        known = self._words[word.at + 1] if word.at + 1 < len(self._words) else None
        if known is None or known.start != word.end + noun.start(1):
            return True
        # "measured pauses" are no measured voice.
        return known.kind == "source" or (known.kind == "value" and (adverb or known.name in _NOUNS))

    def _joined(self, word: Word) -> bool:
        """Whether nothing but small words stands between a character and the known word before it in its clause."""
        before = self._words[word.at - 1] if word.at else None
        last = before.end if before and before.piece is word.piece else word.piece.start
        return word.start - last <= 8 and bool(_FILLERS.match(self._plain[last : word.start]))

    def _beside_topic(self, word: Word) -> bool:
        """Whether a topic stands right before a value: "eyes widened, brows raised", 音调高音量低."""
        if word.han:
            before = self._words[word.at - 1] if word.at else None
            return before is not None and before.kind == "topic" and before.piece is word.piece and self._joined(word)
        beside = word
        for before in self._sentence.back(word):
            if before.piece is not word.piece or not self._sentence.between(before, beside).isspace():
                return False
            if before.kind not in ("degree", "value"):
                return before.kind == "topic"
            beside = before
        return False
