"""Chinese numerals as digits, so that two ways of writing one number compare as equal."""

import re
from decimal import Decimal

_DIGITS = {char: str(value) for value, chars in enumerate(("零〇", "一", "二两", *"三四五六七八九")) for char in chars}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}

# Bounded, since recognisers that hear noise repeat themselves without end.
_MIXED = re.compile(r"(?<![0-9.])([0-9]{1,9}(?:\.[0-9]{1,9})?)([百千万亿]{1,3})(?![百千万亿])")
_NUMERAL = re.compile(f"[{''.join([*_DIGITS, *_UNITS, *_MYRIADS])}]+")
_PERCENT = re.compile(r"百分之([0-9]+(?:\.[0-9]+)?)")
_POINT = re.compile(r"(?<=[0-9])[点:](?=[0-9])")


def to_digits(text: str) -> str:
    """Return a Chinese text with its numbers in digits; the rule is ours.

    - A number with units becomes its value: 二十五 and 25 are 25; 两千零二十六 is 2026; 25万 and 二十五万 are 250000;
      一千五 is 1500, as it is meant in speech.
    - Numerals without units go one by one: 二零二六 is 2026, 一三八 is 138. So 一 and 两 are digits in words too (一起
      is 1起), which harms no comparison, since both texts are treated alike.
    - 三点五 and 3:50 have a point (3.5, 3.50), and 百分之五 is 5%.
    - What is no well-formed number stays: 千万别去, 万一, 三四十.

    Args:
        text: in half-width characters, without spaces between Chinese characters.
    """
    text = _MIXED.sub(_mixed, text)
    text = _NUMERAL.sub(lambda found: _numeral(found[0]), text)
    return _PERCENT.sub(r"\1%", _POINT.sub(".", text))


def _mixed(found: re.Match[str]) -> str:
    value = Decimal(found[1])
    for unit in found[2]:
        value *= (_UNITS | _MYRIADS)[unit]
    return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def _numeral(run: str) -> str:
    if all(char in _DIGITS for char in run):
        return "".join(_DIGITS[char] for char in run)
    value = _value(run)
    return run if value is None else str(value)


def _value(run: str) -> int | None:
    """The value of a numeral that has units, or None where it is not well-formed."""
    total = section = 0  # 三万 is in total and 二百 in section when 三万二百 is read so far
    digit: int | None = None
    unit, myriad = 10**4, 10**12  # the last ones read; each must be smaller than that before
    spoken = 10  # what a last digit without unit is tenths of: 一千五 is 1500
    for char in run:
        if _DIGITS.get(char) == "0":
            if digit is not None:
                return None
            spoken = 10
        elif char in _DIGITS:
            if digit is not None:
                return None
            digit = int(_DIGITS[char])
        elif char in _UNITS:
            if _UNITS[char] >= unit or (digit is None and char != "十"):
                return None
            unit = spoken = _UNITS[char]
            section += (1 if digit is None else digit) * unit
            digit = None
        else:
            section += digit or 0
            if section == 0 or _MYRIADS[char] >= myriad:
                return None
            myriad = spoken = _MYRIADS[char]
            total += section * myriad
            section, digit, unit = 0, None, 10**4
    return total + section + (digit or 0) * (spoken // 10)
