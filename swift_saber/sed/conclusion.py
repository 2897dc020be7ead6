"""What an answer concludes, and what its face and its voice say apart: read of the text, never guessed.

    emotion    what the conclusion names, as evaluation reads it (text/emotions.py): one of EMOTIONS; where none of them
               is named, one of OTHERS. None where it names none, or two.
    valence    of the conclusion: "positive", "negative" or "neutral"; None where the words decide nothing
    face       valence of the line about the facial expression, by itself
    voice      valence of the line about the voice, by itself; what is said in words does not count
    conflict   True where one of face and voice is positive and the other negative, else False; None where either says
               nothing. Something neutral contradicts nothing.

The valence of a text: of the common emotion that it concludes; where that is none, is neutral, or has no valence of its
own (surprise), of all words of WORDS in it. Neutral yields to the other two, and a text with both has none. Published
are neither columns nor rules: all of this is ours, and a judge reads more (pipeline/stages/consistency.py).
"""

from collections.abc import Mapping
from typing import Any, Literal

from swift_saber.sed.record import CONCLUSION, FACE, VOICE
from swift_saber.text.emotions import WORDS as EMOTION_WORDS
from swift_saber.text.emotions import named_emotions
from swift_saber.text.lexicon import Lexicon

Valence = Literal["positive", "negative", "neutral"]

#: The names of what conclude returns, in its order.
COLUMNS = ("emotion", "valence", "face", "voice", "conflict")

#: What is named often and is no common emotion -> its words.
OTHERS: dict[str, tuple[str, ...]] = {
    "sarcastic": ("sarcas*", "ironic*", "irony", "mocking*", "讽刺", "嘲讽", "反讽", "讥讽", "挖苦"),
    "worried": ("worr*", "anxious*", "anxiety", "nervous*", "担心", "担忧", "忧虑", "焦虑", "焦急", "紧张", "不安"),
    "calm": ("calm*", "composed", "composure", "平静", "镇定", "冷静", "沉着"),
    "forced calm": ("forced calm", "强装镇定", "故作镇定", "强作镇定", "故作平静", "强装平静"),
}
_VALENCE: dict[str, Valence] = {  # of an emotion; surprise has none of its own
    "happy": "positive",
    **dict.fromkeys(("angry", "contempt", "disgust", "fear", "sad", "sarcastic", "worried", "forced calm"), "negative"),
    **dict.fromkeys(("neutral", "calm"), "neutral"),
}

#: valence -> words for how a face or a voice is, English and Chinese.
WORDS: dict[Valence, tuple[str, str]] = {
    "positive": (
        "smil* grin* laugh* beam* warm warmly warmth friendly friendliness kindly kindness gentle gently tender* "
        "affectionate* playful* excited excitedly enthusias* eager* upbeat lively optimis* positiv* grateful* "
        "gratitude proud* relieved",
        "笑 笑容 微笑 嘴角上扬 嘴角上翘 温暖 温柔 温和 和蔼 亲切 友好 友善 热情 轻快 活泼 兴奋 乐观 积极 正面 感激 "
        "欣慰 赞许 自豪",
    ),
    "negative": (
        "frown* scowl* glar* glower* grimac* sulk* pout* hostil* harsh* aggressiv* bitter* icy stern* scold* scoff* "
        "smirk* tense* tension distress* frustrat* disappoint* pessimis* negativ* displeas* dissatisf* impatien* cry "
        "cries crying cried sob sobs sobbing tearful* tears weep* wept groan* sigh* trembl* quiver* pained painful* "
        "helpless* desperat* despair* hopeless* asham* embarrass* guilt* hurt jealous* agitat* uneasy uneasiness",
        "皱眉 蹙眉 紧皱 紧锁 嘴角下垂 嘴角向下 瞪 咬牙 冷笑 嘲笑 讥笑 敌意 冷漠 冷淡 冰冷 严厉 尖刻 刻薄 凶狠 挑衅 "
        "责备 指责 抱怨 质问 哭 泪 哽咽 抽泣 啜泣 叹气 叹息 颤抖 痛苦 无奈 失望 绝望 委屈 沉重 压抑 凝重 阴沉 着急 "
        "尴尬 羞愧 愧疚 内疚 消极 负面",
    ),
    "neutral": (
        "plain plainly flat flatly monoton* matter-of-fact expressionless deadpan impassive even-toned steady steadily "
        "serious* relaxed attentive* focused",
        "平淡 平稳 面无表情 没有表情 毫无表情 严肃 认真 专注 放松 轻松",
    ),
}
#: What says two valences at a time.
MIXED = (
    *("forced smile", "fake smile", "bitter smile", "wry smile", "tears of joy"),
    *("苦笑", "强颜欢笑", "似笑非笑", "皮笑肉不笑", "哭笑不得", "喜极而泣"),
)

_OTHERS = Lexicon(OTHERS)
_WORDS = Lexicon({**{name: " ".join(each).split() for name, each in WORDS.items()}, **OTHERS, "mixed": MIXED})
_MEANS: dict[str, set[Valence]] = {
    **{name: {name} for name in WORDS},
    **{name: {_VALENCE[name]} for name in OTHERS},
    "mixed": {"positive", "negative"},
}
# The same and the words of emotions, for who asks which words decide; which of them do is _valence's to say.
_ALL_WORDS = Lexicon(
    {
        **{emotion: " ".join(each).split() for emotion, each in EMOTION_WORDS.items() if emotion in _VALENCE},
        **{name: " ".join(each).split() for name, each in WORDS.items()},
        **OTHERS,
        "mixed": MIXED,
    }
)
_ALL_MEAN: dict[str, set[Valence]] = {**{emotion: {each} for emotion, each in _VALENCE.items()}, **_MEANS}


def conclude(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of COLUMNS, in their order.

    Args:
        fields: the text of each dimension that an answer has, as layout.Answer.fields.
    """
    conclusion = fields.get(CONCLUSION, "")
    emotion = _emotion(conclusion)
    face, voice = _valence(fields.get(FACE, "")), _valence(fields.get(VOICE, ""))
    return {
        "emotion": emotion,
        "valence": _VALENCE.get(emotion or "") or _valence(conclusion),
        "face": face,
        "voice": voice,
        "conflict": {face, voice} == {"positive", "negative"} if face and voice else None,
    }


def clashing_words(fields: Mapping[str, str], concluded: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the words of a record by which its face and its voice conflict, as they are written there.

    Args:
        fields: as conclude takes them.
        concluded: what conclude returns of them.

    Returns:
        (of the face, of the voice); two empty lists where there is no conflict.
    """
    if not concluded["conflict"]:
        return [], []
    face, voice = (
        _ALL_WORDS.words(fields[dimension], {name for name, each in _ALL_MEAN.items() if each == {concluded[side]}})
        for dimension, side in ((FACE, "face"), (VOICE, "voice"))
    )
    return face, voice


def _emotion(text: str) -> str | None:
    """The one emotion that a conclusion names."""
    named = named_emotions(text)
    if not named and (said := _OTHERS.sentences(text)):
        named = sorted(said[-1])
    return named[0] if len(named) == 1 else None


def _valence(text: str) -> Valence | None:
    """What a text says, taken as a whole."""
    said = {_VALENCE[emotion] for emotion in named_emotions(text) if emotion in _VALENCE}
    if not said - {"neutral"}:
        for names in _WORDS.sentences(text):
            for name in names:
                said |= _MEANS[name]
    said = said - {"neutral"} or said
    return said.pop() if len(said) == 1 else None
