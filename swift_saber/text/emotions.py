"""Which emotion a text concludes, by its words, in Chinese and English: no model and no judge is asked.

Emotions are EMOTIONS, plus a test set's own labels, which are sought by their own name. All
words and rules are ours. "Calm" and "worried" are none of the common emotions, as when labels of datasets are mapped,
and "hostile" says how a voice is: sarcasm has such a voice too.

The rule: a word that is denied where it stands ("not angry", 并不生气) names nothing. Of the sentences, the last one
that names an emotion is the conclusion. If it names one, that is the answer; if it names two ("happy or angry"), the
text decides nothing, and the answer is invalid. A word inside of a longer one of the list ("calm" in "forced calm") is
only the longer one. Irony, and a denial that is spread over a sentence, are beyond the rule: they need a judge.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

#: The emotions that labels of all datasets are mapped to; what fits none of them has no common emotion. Ours: the
#: union of the categories that at least two of the ten datasets have.
EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")

# What datasets call them beside these names.
_LABELS = {
    "anger": "angry",
    "disgusted": "disgust",
    "disgusting": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "surprising": "surprise",
}

#: emotion -> English words, where a "*" stands for any ending, and Chinese words.
WORDS: dict[str, tuple[str, str]] = {
    "angry": (
        "angry angrily anger* annoy* irritat* furious* fury rage raging enrag* outrage* resent* indignant* "
        "indignation exasperat* mad",
        "愤怒 生气 恼怒 恼火 气愤 愤慨 怒火 怒气 怒意 发怒 暴怒 不满 不悦 愤恨 怨恨 烦躁 不耐烦",
    ),
    "contempt": (
        "contempt* scorn* disdain* disparag* sneer*",
        "轻蔑 蔑视 鄙视 鄙夷 不屑 轻视 藐视 看不起 瞧不起",
    ),
    "disgust": ("disgust* repuls* revulsion revolt* loath* repugnan*", "厌恶 恶心 嫌恶 反感 嫌弃 憎恶 作呕"),
    "fear": (
        "fear fears feared fearing fearful* afraid scared terrified terror fright* horrified horror panic*",
        "恐惧 害怕 惧怕 恐慌 惊恐 畏惧 惊慌 惶恐 胆怯",
    ),
    "happy": (
        "happy happi* joy joys joyful* joyous* delight* cheer cheerful* glad gladly elat* pleased amused amusement",
        "高兴 快乐 开心 喜悦 愉快 愉悦 欢快 欢乐 欣喜 幸福 欢喜 兴高采烈 喜欢",
    ),
    "neutral": ("neutral neutrality neutrally", "中性 中立 无明显情绪 没有明显情绪 没有明显的情绪 无明显情感"),
    "sad": (
        "sad sadly sadder saddest sadden* sadness sorrow* grief grieving grieved unhapp* mourn* heartbroken dejected "
        "dejection despond* depress* melanchol* gloom*",
        "悲伤 难过 伤心 悲痛 哀伤 忧伤 沮丧 悲哀 失落 哀愁 悲戚 忧郁 心碎 不高兴 不开心 不快乐",
    ),
    "surprise": (
        "surpris* astonish* amaze* amazing* startl* shocked stunned",
        "惊讶 惊奇 吃惊 诧异 震惊 惊异 意外 惊愕 讶异",
    ),
}

# A point inside of a number or a name ends no sentence.
_SENTENCES = re.compile(r"[。！？!?;；\n]+|\.(?=\s|$)")
_NEGATION_EN = re.compile(
    r"(?:\b(?:not|never|without|nor|neither|no|hardly|isn't|isnt|wasn't|aren't|weren't|doesn't|don't|didn't|cannot|"
    r"can't|lacks?|lacking|rather than|instead of|far from|free of|absence of|anything but)"
    r"(?!\s+(?:only|just|merely|simply|without|doubt|hide|hiding|conceal|contain|suppress|mask|help)\b))"
    # up to three words between, but nothing that turns the sentence
    r"(?:\s+(?!but\b|yet\b|rather\b)[\w'-]+){0,3}\s*$"
)
_NEGATION_ZH = re.compile(
    r"(?:没有|没|看不出|听不出|看不到|听不到|谈不上|并非|绝非|而非|并不|绝不|决不|毫不|毫无|并无|不是|不太|不再|不算|不带|"
    r"不含|不感到|不觉得|不显得|无|非|未|缺乏|缺少)"
    # up to four characters between, but nothing that turns the sentence
    r"[^，。、；：,;:但却而]{0,4}$|不$"
)
# These begin with a denial and deny nothing.
_NO_NEGATION_ZH = re.compile(
    r"非常|不仅|不只|不但|不单|不光|不止|不禁|不由|不断|不住|不得不|无比|无疑|莫非|除非|"
    r"(?:无法|毫不|不加|没有|并未|未)(?:掩饰|隐藏|抑制|压抑)"
)
_HAN = re.compile(r"[\u3400-\u9fff]")


def common_emotion(label: str) -> str | None:
    """Return the emotion of EMOTIONS that a dataset's label means ("Joy": "happy"), or None: "calm", "worried"."""
    label = label.strip().lower()
    return label if label in EMOTIONS else _LABELS.get(label)


def find_emotion(text: str, own: Collection[str] = ()) -> str | None:
    """Return the one emotion that a text concludes, or None where it names none, or two in its conclusion.

    Args:
        text: in Chinese, English or both.
        own: labels beside the common ones, lower case; each is sought by its own name.
    """
    found = named_emotions(text, own)
    return found[0] if len(found) == 1 else None


def named_emotions(text: str, own: Collection[str] = ()) -> list[str]:
    """Return the emotions that the concluding sentence of a text names, sorted; [] where no sentence names one.

    Args:
        text, own: as find_emotion.
    """
    words = _words(tuple(sorted(own)))
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    conclusion: set[str] = set()
    for sentence in _SENTENCES.split(plain):
        named = {
            words.emotion(match.group())
            for match in words.pattern.finditer(sentence)
            if not _denied(sentence[: match.start()], match.group())
        }
        conclusion = named or conclusion
    return sorted(conclusion)


def _denied(before: str, word: str) -> bool:
    """Whether what stands before a word in its sentence denies it."""
    if _HAN.search(word):
        return bool(_NEGATION_ZH.search(_NO_NEGATION_ZH.sub("", before)))
    return bool(_NEGATION_EN.search(before))


class _Words(NamedTuple):
    pattern: re.Pattern[str]
    whole: dict[str, str]
    stems: dict[str, str]

    def emotion(self, found: str) -> str:
        """The emotion of what the pattern has found: a whole word, else one with the longest stem that fits."""
        if found in self.whole:
            return self.whole[found]
        return self.stems[max((stem for stem in self.stems if found.startswith(stem)), key=len)]


@lru_cache(maxsize=16)
def _words(own: tuple[str, ...]) -> _Words:
    """What finds the words, longer ones first, and what they mean."""
    pairs = [(_regex(word), word, emotion) for emotion, lists in WORDS.items() for word in " ".join(lists).split()]
    pairs += [(re.escape(label), label, label) for label in own if label not in WORDS]
    pairs.sort(key=lambda pair: -len(pair[1]))
    # The word boundaries stand outside: a search that begins with a set of letters is much the faster one.
    han = "|".join(regex for regex, word, _ in pairs if _HAN.search(word))
    other = "|".join(regex for regex, word, _ in pairs if not _HAN.search(word))
    return _Words(
        re.compile(rf"{han}|\b(?:{other})\b"),
        {word: emotion for _, word, emotion in pairs},
        {word[:-1]: emotion for regex, word, emotion in pairs if regex.endswith("[a-z]*")},
    )


def _regex(word: str) -> str:
    return re.escape(word[:-1]) + "[a-z]*" if word.endswith("*") else re.escape(word)
