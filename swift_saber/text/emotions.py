"""Which emotion a text concludes, by its words, in Chinese and English: no model and no judge is asked.

Emotions are EMOTIONS, plus a test set's own labels, which are sought by their own name. All
words and rules are ours. "Calm" and "worried" are none of the common emotions, as when labels of datasets are mapped,
and "hostile" says how a voice is: sarcasm has such a voice too.

The rule: a word that is denied where it stands ("not angry", 并不生气) names nothing (text/lexicon.py). Of the
sentences, the last one that names an emotion is the conclusion. If it names one, that is the answer; if it names two
("happy or angry"), the text decides nothing, and the answer is invalid. Irony, and a denial that is spread over a
sentence, are beyond the rule: they need a judge.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from swift_saber.text.lexicon import Lexicon

#: The emotions that labels of all datasets are mapped to; what fits none of them has no common emotion. Ours: the
#: union of the categories that at least two of SABER's ten datasets have.
EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")

#: The label that holds a dataset's own words for what is none of them, as own_emotions returns them. Where a clip has
#: several emotions, common ones are among them, and it has no single one.
OWN_EMOTIONS = "own_emotions"

# What datasets call them beside these names. Chinese are the names of the emotions alone: sets have 喜欢 or 烦躁 beside
# 高兴 and 愤怒, and then these are others.
_CHINESE = {
    "angry": "愤怒 生气",
    "contempt": "轻蔑 蔑视 鄙视",
    "disgust": "厌恶 恶心",
    "fear": "恐惧 害怕",
    "happy": "高兴 快乐 开心 喜悦",
    "neutral": "中性 中立",
    "sad": "悲伤 伤心 难过",
    "surprise": "惊讶 惊奇 吃惊",
}
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
_LABELS |= {word: emotion for emotion, words in _CHINESE.items() for word in words.split()}

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


def common_emotion(label: str) -> str | None:
    """Return the emotion of EMOTIONS that a dataset's label means ("Joy", 喜悦: "happy"), or None: "calm", 平静."""
    label = label.strip().lower()
    return label if label in EMOTIONS else _LABELS.get(label)


def own_emotions(labels: Iterable[str | None]) -> list[str]:
    """Return those of a dataset's labels that mean no common emotion, in lower case, sorted, each once."""
    found = {label.strip().lower() for label in labels if label and not common_emotion(label)}
    return sorted(found - {""})


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
    said = _lexicon(tuple(sorted(own))).sentences(text)
    return sorted(said[-1]) if said else []


@lru_cache(maxsize=16)
def _lexicon(own: tuple[str, ...]) -> Lexicon:
    common = {emotion: " ".join(lists).split() for emotion, lists in WORDS.items()}
    return Lexicon(common, [label for label in own if label not in WORDS])
