import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.sed.layout import DEFAULT_INSTRUCTION, HEADINGS, INSTRUCTIONS, ORDERS, parse, render, reserved_markup
from swift_saber.sed.record import DIMENSIONS, Record, load_record

RECORD = Record("a porch", "a flat voice", "Great. <laughs>", "a thin smile", "crossed arms", "sarcasm")


def fields_of(record):
    return {dim: getattr(record, dim) for dim in DIMENSIONS}


# ---- instructions and layout


def test_chinese_instruction_is_the_released_prompt():
    lines = [
        "请通过依次完成以下任务，对提供的媒体进行一次全面的多模态分析：",
        "- 请详细描述视频的场景及其背景信息。",
        "- 请对这段音频进行详细分析。",
        "- 请详细分析说话者的面部表情和肢体语言。",
        "- 最后，请综合以上所有观察结果，对说话者的情绪状态进行全面分析。",
    ]
    expected = hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
    assert hashlib.sha256(INSTRUCTIONS["zh"].encode("utf-8")).hexdigest() == expected
    assert DEFAULT_INSTRUCTION is INSTRUCTIONS["zh"]


def test_english_instruction_asks_the_same_tasks_in_the_same_order():
    text = INSTRUCTIONS["en"]
    places = [text.index(word) for word in ("scene", "audio", "facial expression", "body language", "emotional state")]
    assert places == sorted(places)
    assert text.count("\n- ") == INSTRUCTIONS["zh"].count("\n- ") == 4


def test_layout_in_the_released_order():
    assert render(RECORD, language="en") == (
        "### Scene\na porch\n\n### Voice\na flat voice\n\n### Speech\nGreat. <laughs>\n\n"
        "### Facial expression\na thin smile\n\n### Body language\ncrossed arms\n\n### Emotion\nsarcasm"
    )


def test_chinese_headings_are_the_default():
    headings = [line for line in render(RECORD).split("\n") if line.startswith("### ")]
    assert headings == [
        "### 视频场景",
        "### 声音特征",
        "### 语音内容",
        "### 面部表情",
        "### 肢体语言",
        "### 情感分析",
    ]


def test_figure_order_is_visual_then_acoustic_then_reasoning():
    headings = [line for line in render(RECORD, language="en", order="figure").split("\n") if line.startswith("### ")]
    assert headings == [
        "### Scene",
        "### Facial expression",
        "### Body language",
        "### Voice",
        "### Speech",
        "### Emotion",
    ]


# ---- exactness

_FRAGMENTS = [
    *(f"### {name}" for names in HEADINGS.values() for name in names.values()),
    *("\n", "\n\n", "\r", "\r\n", "\u2028", " ", "\\", "\\### ", "\\\\### Scene", "### ", "###", "#", "### Other"),
    *('"', "'", "<laughs>", "<think>", "</think>", "{", "}", '{"video_desc": "x"}', "```", "---", "**", "\x00", "\x85"),
    *("Scene:", "视频场景：", "Overall, ", "我...我", "a", "\U0001f600"),
]
_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.sampled_from(_FRAGMENTS), max_size=10).map("".join),
)
_RECORDS = st.builds(Record, *[_TEXT] * 6)
_LAYOUT = {"language": st.sampled_from(list(HEADINGS)), "order": st.sampled_from(list(ORDERS))}


@settings(max_examples=400, deadline=None)
@given(record=_RECORDS, **_LAYOUT)
def test_what_render_writes_comes_back_exactly(record, language, order):
    answer = parse(render(record, language=language, order=order))
    assert (answer.fields, answer.remainder, answer.exact) == (fields_of(record), "", True)
    assert answer.record() == record


@settings(max_examples=200, deadline=None)
@given(record=_RECORDS, **_LAYOUT)
def test_exact_means_that_render_writes_this_text(record, language, order):
    # A text one edit away from a rendered one is either rendered from other fields, or not called exact.
    text = render(record, language=language, order=order)
    for changed in (
        text[:-1],
        text + " ",
        text + "\n",
        " " + text,
        text.replace("\\", "", 1),
        text.replace("\n", "", 1),
    ):
        answer = parse(changed)
        if answer.exact:
            assert changed in {render(answer.record(), language=lang, order=o) for lang in HEADINGS for o in ORDERS}


def test_a_heading_inside_a_field_gets_one_backslash():
    text = render(Record("### Scene", "\\### 面部表情", "", "", "", ""), language="en")
    assert text.startswith("### Scene\n\\### Scene\n\n### Voice\n\\\\### 面部表情\n\n### Speech\n")


@pytest.mark.parametrize("language", list(HEADINGS))
def test_blank_fields_are_found(language):
    answer = parse(render(Record("", "", "", "", "", ""), language=language))
    assert answer.exact
    assert answer.found == DIMENSIONS


def test_white_space_before_our_layout_costs_nothing():
    record = Record(" a porch", "", "", "a smile\n", "", "sarcasm")
    answer = parse("\n " + render(record))
    assert (answer.record(), answer.remainder, answer.exact) == (record, "", False)


def test_a_stripped_blank_last_section_is_found_but_not_exact():
    text = render(Record("a porch", "a voice", "", "a smile", "", ""), language="en").strip()
    assert text.endswith("### Emotion")
    answer = parse(text)
    assert answer.record() == Record("a porch", "a voice", "", "a smile", "", "")
    assert not answer.exact


def test_cut_off_layout_keeps_what_was_written():
    text = render(Record("a porch", "", "Scene: one", "a thin smile", "", "x"), language="en")
    answer = parse(text[: text.index(" smile")])
    assert answer.fields == {
        "video_desc": "a porch",
        "acoustic_feat": "",
        "speech_content": "Scene: one",
        "facial_exp_desc": "a thin",
    }
    assert answer.missing == ("body_lang_desc", "sentiment_analysis")


def test_a_section_cut_off_at_its_heading_is_not_found():
    assert parse("### Scene\na porch\n\n### Voice\n").found == ("video_desc",)


def test_escapes_are_undone_in_a_cut_off_layout():
    assert parse("### Scene\n\\### Voice\nx\n\n### Voice\ny").fields == {
        "video_desc": "### Voice\nx",
        "acoustic_feat": "y",
    }


def test_record_names_the_missing_dimensions():
    with pytest.raises(ValueError, match="no speech_content, facial_exp_desc, body_lang_desc, sentiment_analysis"):
        parse("### Scene\na porch\n\n### Voice\nflat").record()


# ---- thinking, preambles, other layouts


@pytest.mark.parametrize("opening", ["<think>", ""])
def test_thinking_goes_to_the_remainder(opening):
    answer = parse(f"{opening}Scene: hm\n</think>\n\n{render(RECORD)}")
    assert answer.record() == RECORD
    assert answer.remainder == f"{opening}Scene: hm\n</think>"
    assert not answer.exact


def test_thinking_without_an_end_is_no_answer():
    assert parse("<think>\nScene: a porch").found == ()


def test_a_preamble_goes_to_the_remainder():
    answer = parse("Sure! Here is the analysis of the video:\n\n" + render(RECORD, language="en"))
    assert answer.record() == RECORD
    assert answer.remainder == "Sure! Here is the analysis of the video:"


@pytest.mark.parametrize(
    ("line", "dim"),
    [
        ("Scene: TEXT", "video_desc"),
        ("SCENE： TEXT", "video_desc"),
        ("1. 视频场景：TEXT", "video_desc"),
        ("一、视频描述\nTEXT", "video_desc"),
        ("## Video Description\nTEXT", "video_desc"),
        ("视频的场景及其背景信息：TEXT", "video_desc"),
        ("video_desc: TEXT", "video_desc"),
        ("（2）音频分析：TEXT", "acoustic_feat"),
        ("**Acoustic features**\nTEXT", "acoustic_feat"),
        ("- **Tone of voice:** TEXT", "acoustic_feat"),
        ("② 声学特征：TEXT", "acoustic_feat"),
        ("【台词】TEXT", "speech_content"),
        ("Transcript: TEXT", "speech_content"),
        ("说话内容：TEXT", "speech_content"),
        ("**Facial expression:** TEXT", "facial_exp_desc"),
        ("3) The speaker's facial expressions — TEXT", "facial_exp_desc"),
        ("### 面部表情（Facial Expression）\nTEXT", "facial_exp_desc"),
        ("# 身体语言\nTEXT", "body_lang_desc"),
        ("Step 4: Gestures and posture: TEXT", "body_lang_desc"),
        ("四、情绪状态分析：TEXT", "sentiment_analysis"),
        ("说话者的情绪状态综合分析：\nTEXT", "sentiment_analysis"),
        ("**结论：TEXT**", "sentiment_analysis"),
        ("**综合分析**：TEXT", "sentiment_analysis"),
        ("Overall emotional state\nTEXT", "sentiment_analysis"),
        ("Sentiment Analysis: TEXT", "sentiment_analysis"),
    ],
)
def test_heading_spellings(line, dim):
    answer = parse(line.replace("TEXT", "It is so."))
    assert answer.fields == {dim: "It is so."}
    assert (answer.remainder, answer.exact) == ("", False)


@pytest.mark.parametrize(
    "line",
    [
        "Seen: a porch",
        "He said: no",
        "Lights and weather: rain",
        "x" * 100 + " Scene: a porch",
    ],
)
def test_lines_that_are_no_heading(line):
    assert parse(line).remainder == line


@pytest.mark.parametrize("line", ["Emotion (angry): he shouts", "Emotion and weather: rain"])
def test_a_name_with_unknown_words_is_a_cue_and_loses_none_of_them(line):
    assert parse(line).fields == {"sentiment_analysis": line}


def test_a_numbered_chinese_answer():
    answer = parse(
        "1. **视频场景**：车站的站台。\n2. **音频分析**：女声，尾音发颤，她说“我没事”。\n"
        "3. **面部表情**：眼眶泛红。\n   嘴唇紧闭。\n4. **综合分析**：她在掩饰悲伤。"
    )
    assert answer.fields == {
        "video_desc": "车站的站台。",
        "acoustic_feat": "女声，尾音发颤，她说“我没事”。",
        "facial_exp_desc": "眼眶泛红。\n   嘴唇紧闭。",
        "sentiment_analysis": "她在掩饰悲伤。",
    }


def test_speech_inside_the_audio_section_is_found_by_its_own_heading():
    answer = parse("音频分析：\n声音低沉。\n说话内容：“我没事。”\n表情：平静。")
    assert answer.fields == {
        "acoustic_feat": "声音低沉。",
        "speech_content": "“我没事。”",
        "facial_exp_desc": "平静。",
    }


def test_a_merged_section_goes_to_its_first_dimension_only():
    answer = parse("面部表情和肢体语言：她微笑，双臂交叉。\n情感分析：讽刺。")
    assert answer.fields == {"facial_exp_desc": "她微笑，双臂交叉。", "sentiment_analysis": "讽刺。"}


def test_a_merged_section_is_split_at_a_clear_cue():
    answer = parse(
        "## Facial Expression and Body Language\nShe smiles thinly.\n\nHer arms stay crossed.\nShe leans back."
    )
    assert answer.fields == {
        "facial_exp_desc": "She smiles thinly.",
        "body_lang_desc": "Her arms stay crossed.\nShe leans back.",
    }


def test_a_repeated_heading_is_appended():
    assert parse("Tone: flat.\nScene: a porch.\nProsody: slow.").fields == {
        "video_desc": "a porch.",
        "acoustic_feat": "flat.\nslow.",
    }


def test_a_blank_section_of_another_layout_is_not_found():
    assert parse("**Scene**\n\n**Voice**\nflat").found == ("acoustic_feat",)


def test_rules_and_fences_between_sections_are_markup():
    answer = parse("```markdown\n# Scene\na porch\n\n---\n\n# Voice\nflat\n```")
    assert (answer.fields, answer.remainder) == ({"video_desc": "a porch", "acoustic_feat": "flat"}, "")


def test_windows_line_ends():
    answer = parse(render(RECORD, language="en").replace("\n", "\r\n"))
    assert answer.record() == RECORD


# ---- free paragraphs


def test_chinese_paragraphs_with_clear_cues():
    paragraphs = [
        "视频特写了一位站在站台上的女子。",
        "从音频来看，她的声音发颤。",
        "说话者的面部表情紧绷，双手紧握。",
        "综合以上画面、声音和表情，她在掩饰悲伤。",
    ]
    answer = parse("\n\n".join(paragraphs))
    assert answer.fields == {
        "video_desc": paragraphs[0],
        "acoustic_feat": paragraphs[1],
        "facial_exp_desc": paragraphs[2],
        "sentiment_analysis": paragraphs[3],
    }
    assert answer.remainder == ""


def test_english_paragraphs_with_clear_cues():
    paragraphs = [
        "In the video, two friends sit on a porch.",
        "The speaker has a low, flat voice.",
        "The woman's eyebrows are raised.",
        "Her arms stay crossed.",
        "The overall sentiment of the clip is sarcastic.",
    ]
    answer = parse("\n\n".join(paragraphs))
    assert [answer.fields.get(dim) for dim in DIMENSIONS] == [
        paragraphs[0],
        paragraphs[1],
        None,
        paragraphs[2],
        paragraphs[3],
        paragraphs[4],
    ]


@pytest.mark.parametrize(
    "line",
    [
        "视频中的声音低沉。",
        "一位女子站在站台上。",
        "She sits on a porch and says nothing about the video.",
        "Based on the video, here is my analysis:",
        "In the video the tone is flat.",
    ],
)
def test_an_unclear_opening_stays_in_the_remainder(line):
    answer = parse(line)
    assert (answer.fields, answer.remainder) == ({}, line)


def test_lines_after_a_cue_belong_to_it_up_to_a_blank_line():
    answer = parse("画面昏暗。\n一列火车驶离。\n\n她沉默不语。")
    assert answer.fields == {"video_desc": "画面昏暗。\n一列火车驶离。"}
    assert answer.remainder == "她沉默不语。"


def test_a_heading_wins_over_a_cue():
    answer = parse("画面昏暗。\n\n场景：车站。")
    assert (answer.fields, answer.remainder) == ({"video_desc": "车站。"}, "画面昏暗。")


# ---- honesty on any text


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(_FRAGMENTS), max_size=30).map("".join))
def test_parse_never_raises(text):
    answer = parse(text)
    assert set(answer.found) | set(answer.missing) == set(DIMENSIONS)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("qwz 7.,\n\t*#-`是不了"), max_size=200))
def test_without_heading_or_cue_all_is_remainder(text):
    assert (parse(text).fields, parse(text).remainder) == ({}, text)


_OPENINGS = [
    *(
        "",
        "",
        "### Scene\n",
        "### 情感分析\n",
        "**Voice:** ",
        "1. 台词：",
        "# Face and body\n",
        "In the video, ",
        "综合来看，",
    ),
    *("- ", "> ", "---\n", "```\n", "\\### ", "{", "Emotion ", "Overall (", "Scene (Setting): ", "Voice - ", "<think>"),
    *(
        "</think>",
        '{"video_desc": "',
        "Her arms ",
        "Here: ",
        "## Notes\n",
        "### 语\n",
        "**Notes:** ",
        "1. **语调**：",
        "  - ",
    ),
    *(
        "- **动作**：",
        "# 视频分析\n",
        "2. 人物：",
        "## 视觉证据\n",
        '", "video_desc": "',
        '{"audio_desc": {"speech_content": "',
    ),
]
_ENDS = ["\n", "\n\n", " ", '"}', ":\n", "**\n", "\r\n", "）\n"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_OPENINGS), st.sampled_from(_ENDS)), max_size=12))
def test_nothing_is_lost_or_told_twice(pieces):
    # Each piece carries a word of its own; wherever it lands, it lands once.
    words = [f"word{number:02}" for number in range(len(pieces))]
    answer = parse("".join(opening + word + end for (opening, end), word in zip(pieces, words, strict=True)))
    everything = "\n".join([*answer.fields.values(), answer.remainder])
    assert [everything.count(word) for word in words] == [1] * len(words)


@pytest.mark.parametrize(
    "piece",
    ["**", "1. ", "{", "### ", "<think>", "# * _ ", "(Scene ", "和", "```", "\\", "<|", "\n", " ", "- ", "第一", "a, "],
)
def test_long_repetition_is_read_like_any_text(piece):
    text = piece * (300_000 // len(piece))
    assert (parse(text).fields, parse(text).remainder) == ({}, text)
    assert reserved_markup(text) is None
    record = Record(text, text, "", "", "", text)
    assert parse(render(record)).record() == record


def test_long_repetition_of_a_section_is_kept_whole():
    assert parse("Scene: x\n" * 33_000).fields["video_desc"].count("x") == 33_000


# ---- media tags and control tokens


@pytest.mark.parametrize(
    "token",
    [
        "<image>",
        "<video>",
        "<audio>",
        "<bbox>",
        "<ref-object>",
        "<cot-process>",
        "<start-image>",
        "<|im_end|>",
        "<|AUDIO|>",
    ],
)
def test_reserved_markup_is_found(token):
    assert reserved_markup(f"他说{token}。<video>") == token


@pytest.mark.parametrize("text", ["<laughs>", "<Image>", "< image >", "<|", "<| |>", "a <|b c|>", "<images>", "<||>"])
def test_other_brackets_are_text(text):
    assert reserved_markup(text) is None


@pytest.mark.skipif("SABER_EXAMPLES" not in os.environ, reason="SABER_EXAMPLES names no folder of released records")
@pytest.mark.parametrize("language", list(HEADINGS))
@pytest.mark.parametrize("order", list(ORDERS))
def test_released_examples_come_back_exactly(language, order):
    for path in sorted(Path(os.environ["SABER_EXAMPLES"]).glob("*.json")):
        record = load_record(path)
        answer = parse(render(record, language=language, order=order))
        assert answer.exact
        assert answer.record() == record
