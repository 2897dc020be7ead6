"""What was measured of a voice, as a sentence for the prompt of whoever describes the clip; only what is decided.

measured: pitch low for this speaker (112 Hz), loud, fast (5.8 syllables/s), longest pause 0.8 s
测得：音调低（相对该说话人，112 Hz），音量大，语速快（每秒 5.8 个音节），最长停顿 0.8 秒
"""

from swift_saber.media.prosody import Prosody
from swift_saber.sed.claims import Change, Claim, Read
from swift_saber.sed.evidence import Verdict, check
from swift_saber.sed.scale import Numbers, Scale, numbers
from swift_saber.text.language import Language

# Property -> its words for low, moderate and high.
_LEVELS: dict[Language, dict[str, tuple[str, str, str]]] = {
    "en": {
        "pitch": ("pitch low", "pitch moderate", "pitch high"),
        "pitch_range": ("intonation flat", "", "intonation lively"),
        "loudness": ("soft", "loudness moderate", "loud"),
        "rate": ("slow", "rate moderate", "fast"),
    },
    "zh": {
        "pitch": ("音调低", "音调中等", "音调高"),
        "pitch_range": ("语调平", "", "语调起伏大"),
        "loudness": ("音量小", "音量适中", "音量大"),
        "rate": ("语速慢", "语速适中", "语速快"),
    },
}
_CHANGES: dict[Language, dict[str, tuple[str, str]]] = {
    "en": {"pitch": ("pitch falls", "pitch rises"), "loudness": ("grows softer", "grows louder")},
    "zh": {"pitch": ("音调下降", "音调上升"), "loudness": ("音量减小", "音量增大")},
}
# With what it was compared; the literature's bounds and a data set go without saying.
_FOR: dict[Language, str] = {"en": " for this speaker", "zh": "相对该说话人，"}
_UNITS: dict[Language, dict[str, str]] = {
    "en": {"pitch": "{:.0f} Hz", "rate": "{:.1f} syllables/s"},
    "zh": {"pitch": "{:.0f} Hz", "rate": "每秒 {:.1f} 个音节"},
}
_PAUSE: dict[Language, str] = {"en": "longest pause {:.1f} s", "zh": "最长停顿 {:.1f} 秒"}
_SILENT: dict[Language, str] = {"en": "no voice is heard", "zh": "没有人声"}
_MEASURED: dict[Language, str] = {"en": "measured: ", "zh": "测得："}
_COMMA: dict[Language, str] = {"en": ", ", "zh": "，"}


def facts(
    measured: Prosody | Numbers, scale: Scale | None = None, language: Language = "en", speaker: str | None = None
) -> str:
    """Return what can be said of a voice; "" where nothing can.

    Args:
        measured, scale, speaker: as of sed.evidence.check.
    """
    values = numbers(measured)

    def verdict(name: str, direction: int, strength: int = 2, change: Change | None = None) -> Verdict:
        claim = Claim(name, direction, strength, False, change, None, (0, 0), "")
        return check(Read((claim,), 1, ()), values, scale, speaker).verdicts[0]

    if verdict("silence", 1).value == "agrees":
        return _MEASURED[language] + _SILENT[language]
    said = []
    for name, words in _LEVELS[language].items():
        for direction, word in zip((-1, 0, 1), words, strict=True):
            found = verdict(name, direction)
            if word and found.value == "agrees":
                said.append(_level(word, name, values, found.by == "speaker", language))
    for name, both in _CHANGES[language].items():
        found_changes = (verdict(name, -1, change="falls"), verdict(name, 1, change="rises"))
        said += [word for word, found in zip(both, found_changes, strict=True) if found.value == "agrees"]
    if verdict("pause", 1).value == "agrees":
        said.append(_PAUSE[language].format(values["pause"]))
    return _MEASURED[language] + _COMMA[language].join(said) if said else ""


def _level(word: str, name: str, values: Numbers, for_speaker: bool, language: Language) -> str:
    """A level with its number, where that means something, and for whom it holds."""
    number = _UNITS[language][name].format(values[name]) if name in _UNITS[language] else ""
    whom = _FOR[language] if for_speaker else ""
    if language == "en":
        return f"{word}{whom}" + (f" ({number})" if number else "")
    inside = f"{whom}{number}".rstrip("，")
    return word + (f"（{inside}）" if inside else "")
