"""Whole answers in layouts that are not ours: which text lands in which dimension, and what is left over."""

import itertools
import json

import pytest

from swift_saber.sed.layout import parse
from swift_saber.sed.record import DIMENSIONS, Record

# Each case: the answer, the six fields in the order of DIMENSIONS (None: not found), the remainder.
ANSWERS = {
    "Chinese tasks, nested bullets and numbers": (
        """**任务一：视频场景及背景信息描述**
室内厨房，灯光昏暗。
- **动作**：切菜

**任务二：音频详细分析**
女声低沉。
- **语音内容**：“我没事。”
- **背景**：有空调噪音

整体来看，声音压抑。

**任务三：说话者的面部表情和肢体语言分析**
面部表情：嘴唇紧闭。
肢体语言：双臂交叉。

**任务四：说话者情绪状态综合分析**
她在掩饰悲伤。
1. **视觉**：嘴唇紧闭
2. **声音**：低沉""",
        [
            "室内厨房，灯光昏暗。\n- **动作**：切菜",
            "女声低沉。\n- **背景**：有空调噪音\n\n整体来看，声音压抑。",
            "“我没事。”",
            "嘴唇紧闭。",
            "双臂交叉。",
            "她在掩饰悲伤。\n1. **视觉**：嘴唇紧闭\n2. **声音**：低沉",
        ],
        "",
    ),
    "Chinese numerals, numbered items, an unknown section, a plain conclusion": (
        """一、视频场景与背景信息
厨房。
1. **人物**：一位女士
2. **动作**：切菜

二、详细音频分析
1. **语音内容**：“我没事。”
2. **语气语调**：平淡
3. **情感色彩**：悲伤

三、人物关系
母女。

四、面部表情与肢体语言
（1）面部表情：皱眉
（2）肢体语言：抱胸

综合分析：她很难过。""",
        [
            "厨房。\n1. **人物**：一位女士\n2. **动作**：切菜",
            "2. **语气语调**：平淡\n3. **情感色彩**：悲伤",
            "“我没事。”",
            "皱眉",
            "抱胸",
            "她很难过。",
        ],
        "三、人物关系\n母女。",
    ),
    "English tasks, a title, bullets in every section": (
        """## Comprehensive Multimodal Analysis

### 1. Scene and Background
The video takes place in a dim kitchen.

### 2. Audio Analysis
- **Speech content:** "I'm fine."
- **Tone:** flat, trembling
- **Background noise:** fridge hum

### 3. Facial Expressions and Body Language
- **Facial expressions:** tight lips
- **Body language:** arms crossed
- **Overall impression:** guarded

### 4. Comprehensive Emotional Analysis
- **Visual:** smile
- **Voice:** flat
She hides sadness.""",
        [
            "The video takes place in a dim kitchen.",
            "- **Tone:** flat, trembling\n- **Background noise:** fridge hum",
            '"I\'m fine."',
            "tight lips\n- **Overall impression:** guarded",
            "arms crossed",
            "- **Visual:** smile\n- **Voice:** flat\nShe hides sadness.",
        ],
        "## Comprehensive Multimodal Analysis",
    ),
    "numbered and bold, indented bullets, a closing paragraph": (
        """1. **Scene and Background:** A dim kitchen.
   - **Actions:** She cuts bread.
   - **Body language:** turned away
2. **Audio Analysis:**
   - **Speech Content:** "I'm fine."
   - **Background sounds:** a fridge
3. **Relationship:** Two friends.
4. **Facial Expressions and Body Language:**
   - **Facial Expressions:** tight lips
   - **Body Language:** crossed arms
5. **Emotional State:** She hides sadness.
   - **Visual cues:** tight lips

Overall, she is sad.""",
        [
            "A dim kitchen.\n   - **Actions:** She cuts bread.\n   - **Body language:** turned away",
            "- **Background sounds:** a fridge",
            '"I\'m fine."',
            "tight lips",
            "crossed arms",
            "She hides sadness.\n   - **Visual cues:** tight lips\n\nOverall, she is sad.",
        ],
        "3. **Relationship:** Two friends.",
    ),
    "headings with a known name as title, and an unknown one": (
        """# Video Analysis
Here is my analysis.

## Detailed Description of the Scene
A porch.

## Detailed Audio Analysis
Flat voice.
### Transcript
Hi.
### Emotional tone
dry

## Speaker's Facial Expressions
A smile.

## Background Music
Piano.
- **Voice:** a singer

## Conclusion
Sarcasm.""",
        ["A porch.", "Flat voice.\n### Emotional tone\ndry", "Hi.", "A smile.", None, "Sarcasm."],
        "# Video Analysis\nHere is my analysis.\n\n## Background Music\nPiano.\n- **Voice:** a singer",
    ),
    "bold lines": (
        """**视频场景**
厨房。

**声音特征**
低沉。

**背景音乐**
钢琴。

**语音内容**
“你好。”
【笑】
**她停顿了**很久。

**肢体语言**
**表情**：无
**手部**：紧握

**面部表情**
紧皱

**情感分析**
**声音线索**：低沉
难过。""",
        [
            "厨房。",
            "低沉。",
            "“你好。”\n【笑】\n**她停顿了**很久。",
            "无\n紧皱",
            "**手部**：紧握",
            "**声音线索**：低沉\n难过。",
        ],
        "**背景音乐**\n钢琴。",
    ),
    "bold names with their text behind them": (
        """**Visual Scene Description:** kitchen
**Vocal Characteristics:** flat
**Verbal Content:** "hi"
**Weather:** rain
**Facial Cues:** smile
**"Wow."**
**Bodily Cues:** still
**Integrated Emotional Assessment:** sad""",
        ["kitchen", "flat", '"hi"', 'smile\n**"Wow."**', "still", "sad"],
        "**Weather:** rain",
    ),
    "bullets only": (
        """- **Scene:** A porch.
- **Audio:** flat
  - **Speech:** "Great."
  - **Background:** birds
- **Relationship:** friends
- **Face:** thin smile
- **Body:** crossed arms
- **Emotion:** sarcasm""",
        ["A porch.", "flat\n- **Background:** birds", '"Great."', "thin smile", "crossed arms", "sarcasm"],
        "- **Relationship:** friends",
    ),
    "visual evidence, acoustic evidence, reasoning": (
        """### Visual Evidence
**Scene:** kitchen
**Facial Expression:** frown
**Body Language:** arms crossed

### Acoustic Evidence
**Speech Content:** "I'm fine."
**Volume:** low

### Reasoning
**Visual evidence:** a frown
**Acoustic evidence:** low
The words and **tone** disagree.""",
        [
            "kitchen",
            "**Volume:** low",
            '"I\'m fine."',
            "frown",
            "arms crossed",
            "**Visual evidence:** a frown\n**Acoustic evidence:** low\nThe words and **tone** disagree.",
        ],
        "",
    ),
    "free paragraphs and one heading that weighs the evidence": (
        """视频拍摄于厨房，一名女子在切菜。

从音频来看，她的声音低沉。

她没有看镜头。

情感分析：
从以下几点判断：
声音：低沉。
表情：僵硬。
因此她很难过。""",
        [
            "视频拍摄于厨房，一名女子在切菜。",
            "从音频来看，她的声音低沉。",
            None,
            None,
            None,
            "从以下几点判断：\n声音：低沉。\n表情：僵硬。\n因此她很难过。",
        ],
        "她没有看镜头。",
    ),
    "numbers that start again": (
        """1. 视频场景
厨房。
1. 人物：一位女士
2. 动作：切菜
2. 音频分析
2.1 语音内容
你好
2.2 背景音
冰箱
3. 面部表情与肢体语言
皱眉。
4. 人物关系
母女。
5. 整体情绪分析
悲伤。""",
        ["厨房。\n1. 人物：一位女士\n2. 动作：切菜", "2.2 背景音\n冰箱", "你好", "皱眉。", None, "悲伤。"],
        "4. 人物关系\n母女。",
    ),
    "plain names": (
        """Scene and Background

A kitchen.

Audio

Flat.
Note: hard to hear.

Facial Expression and Body Language

She smiles.
Her arms are crossed.

Emotional State

Sad.""",
        ["A kitchen.", "Flat.\nNote: hard to hear.", None, "She smiles.", "Her arms are crossed.", "Sad."],
        "",
    ),
    "our headings with a section between them that is not ours": (
        """### 视频场景
室内
# 房间
**声音**：无

### 声音特征
低沉

### 其他说明
- **表情**：无

### 情感分析
难过""",
        ["室内\n# 房间\n**声音**：无", "低沉", None, None, None, "难过"],
        "### 其他说明\n- **表情**：无",
    ),
}


@pytest.mark.parametrize("case", list(ANSWERS))
def test_whole_answers(case):
    text, fields, remainder = ANSWERS[case]
    answer = parse(text)
    assert [answer.fields.get(dim) for dim in DIMENSIONS] == fields
    assert (answer.remainder, answer.exact) == (remainder, False)


def test_our_layout_cut_off_inside_a_heading():
    answer = parse("### 视频场景\n室内\n\n### 声音特征\n低沉\n\n### 语")
    assert answer.fields == {"video_desc": "室内", "acoustic_feat": "低沉"}
    assert answer.remainder == "### 语"


# ---- sub-headings in every pair of forms

_NAMES = {
    "video_desc": "场景",
    "acoustic_feat": "音频",
    "facial_exp_desc": "面部表情",
    "sentiment_analysis": "综合分析",
}
# From the highest rank to the deepest.
_FORMS = [
    "# {}",
    "## {}",
    "一、{}",
    "**1. {}**",
    "**{}**",
    "1. **{}**：",
    "{}：",
    "- **{}**：",
    "  - {}：",
    "    * {}：",
]
_MAY_MOVE = {
    "acoustic_feat": {"acoustic_feat", "speech_content"},
    "facial_exp_desc": {"facial_exp_desc", "body_lang_desc"},
}


@pytest.mark.parametrize(("top", "below"), list(itertools.combinations(_FORMS, 2)))
@pytest.mark.parametrize("name", ["背景", "语音内容", "动作", "视觉", "情绪", "面部表情和肢体语言", "天气"])
def test_a_deeper_heading_never_leaves_its_section(top, below, name):
    parts = [
        f"{top.format(title).replace('1', str(number + 1)).replace('一', '一二三四'[number])}\n"
        f"text{number}\n{below.format(name)}deep{number}"
        for number, title in enumerate(_NAMES.values())
    ]
    answer = parse("\n\n".join(parts))
    assert answer.remainder == ""
    for number, dim in enumerate(_NAMES):
        assert f"text{number}" in answer.fields[dim]
        holders = {holder for holder, text in answer.fields.items() if f"deep{number}" in text}
        assert len(holders) == 1
        assert holders <= _MAY_MOVE.get(dim, {dim})


@pytest.mark.parametrize("form", [form for form in _FORMS if form not in ("{}：", "  - {}：", "    * {}：")])
def test_an_unknown_heading_of_the_same_form_ends_the_section(form):
    names = ["场景", "天气", "音频", "人物关系", "情绪"]
    lines = [
        form.format(name).replace("1", str(number + 1)).replace("一", "一二三四五"[number])
        for number, name in enumerate(names)
    ]
    answer = parse("\n".join(f"{line}\ntext{number}" for number, line in enumerate(lines)))
    assert answer.fields == {"video_desc": "text0", "acoustic_feat": "text2", "sentiment_analysis": "text4"}
    assert answer.remainder == f"{lines[1]}\ntext1\n\n{lines[3]}\ntext3"


# ---- JSON as models write it


def test_json_answer_in_a_fence():
    record = Record("a {porch}", "", "Great.", "### Scene", " a ", "sarcasm\n")
    answer = parse(f"Here it is:\n```json\n{json.dumps(record.to_dict(), indent=2)}\n```\nDone.")
    assert answer.record() == record
    assert answer.remainder == "Here it is:\n\nDone."


def test_flat_json_keeps_what_it_cannot_place():
    answer = parse('{"video_desc": "a porch", "speech_content": "Hi.", "mood": "sad", "acoustic_feat": null}')
    assert answer.fields == {"video_desc": "a porch", "speech_content": "Hi."}
    assert json.loads(answer.remainder) == {"mood": "sad", "acoustic_feat": None}


@pytest.mark.parametrize(
    "text",
    ['{"mood": "sad"}', '{"video_desc": "cut off', '{"video_desc": 3}', '{"video_desc": "\\ud83d"}', "a { b } c", "}{"],
)
def test_json_that_is_no_record_stays_in_the_remainder(text):
    assert (parse(text).fields, parse(text).remainder) == ({}, text)


def test_json_with_a_raw_line_end_in_a_string():
    answer = parse('{"video_desc": "line one\nline two", "sentiment_analysis": "w"}')
    assert answer.fields == {"video_desc": "line one\nline two", "sentiment_analysis": "w"}
    assert answer.remainder == ""


def test_of_a_repeated_json_key_the_last_value_counts_and_the_first_is_kept():
    answer = parse(
        '{"video_desc": "v", "audio_desc": {"speech_content": "a", "speech_content": "b"}, "video_desc": "w"}'
    )
    assert answer.fields == {"video_desc": "w", "speech_content": "b"}
    assert [json.loads(part) for part in answer.remainder.split("\n\n")] == [
        {"speech_content": "a"},
        {"video_desc": "v"},
    ]


@pytest.mark.parametrize(
    ("end", "remainder"),
    [
        ("", ""),
        ("}", ""),
        (",", ""),
        (', "facial_exp_desc": "a thin', '\n\n"facial_exp_desc": "a thin'),
        (', "facial_exp_desc": "a \\', '\n\n"facial_exp_desc": "a \\'),
        ("\n```", ""),
    ],
)
def test_a_cut_off_json_answer_keeps_its_whole_values(end, remainder):
    answer = parse(
        'Here:\n{"video_desc": "a {porch}", "audio_desc": {"speech_content": "Hi.", "acoustic_feat": "low"' + end
    )
    assert answer.fields == {"video_desc": "a {porch}", "speech_content": "Hi.", "acoustic_feat": "low"}
    assert answer.remainder == "Here:" + remainder


def test_json_that_is_wrong_in_the_middle_is_left_alone():
    text = '{"video_desc": "he said "hi" there", "acoustic_feat": "x"}'
    assert (parse(text).fields, parse(text).remainder) == ({}, text)


def test_braces_before_the_json_object():
    answer = parse('The keys are {x}: {"video_desc": "v"} {"video_desc": "w"}')
    assert (answer.fields, answer.remainder) == ({"video_desc": "v"}, 'The keys are {x}: \n {"video_desc": "w"}')


@pytest.mark.parametrize(
    "piece",
    [
        '{"a":',
        '{"',
        '\\"',
        '"',
        '{"a": "b", ',
        "{ ",
        " ",
        "} ",
        ", ",
        "- **Voice**: x\n\n",
        "9. **x**：\n",
        "2. 台词：x\n1. 语调：x\n",
    ],
)
def test_long_repetition_is_read_in_time(piece):
    text = "{ " + '{"video_desc": "' + piece * (200_000 // len(piece))
    assert parse(text).fields.get("video_desc", "") == ""
    assert parse('{"video_desc": "v"' + piece[-1] * 200_000 + "x").fields.get("video_desc", "v") == "v"
    assert parse("1. Audio: x\n" + piece * (200_000 // len(piece))).fields["acoustic_feat"].startswith("x")
