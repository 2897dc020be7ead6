"""The words by which an answer's line announces a dimension, in Chinese and English.

All lists are ours: the released model's layout is not documented. How they are used is sed_tolerant.py's.
"""

import re

# A key of several dimensions: names that may mean any of them.
_NAMES = {
    "video_desc": """视频 视频场景 视频内容 视频画面 视频背景 视频背景信息 场景 场景背景 画面 背景 背景信息 环境
        video; video desc; video content; video scene; scene; visual scene; background; background information;
        setting; environment; context""",
    "video_desc facial_exp_desc body_lang_desc": """视觉 视觉证据 视觉信息 视觉特征
        visual; visuals; visual evidence; visual information; visual features""",
    "acoustic_feat": """音频 音频信息 音频特征 声音 声音特征 声学 声学特征 声学证据 听觉 听觉证据 语音 语音特征 语气
        语调 语气语调 语调语气 语音语调 语音语气 声音语调 语速语调 音色
        audio; audio desc; audio features; audio evidence; acoustic; acoustics; acoustic feat; acoustic feature;
        acoustic features; acoustic evidence; voice; voice features; voice quality; vocal; vocal features; vocal tone;
        vocal quality; vocal qualities; vocal delivery; vocal expression; tone; tone of voice; prosody; sound""",
    "speech_content": """语音内容 语音转写 语音文本 说话内容 讲话内容 言语内容 话语内容 对话内容 对话 对白
        台词 转写 转录 字幕
        speech; speech content; spoken content; spoken words; verbal content; transcript; transcription;
        speech transcript; dialogue; dialog; utterance""",
    "facial_exp_desc": """面部 面部表情 面部神态 脸部 脸部表情 表情 神情 神态
        face; facial; facial exp desc; facial expression; facial expressions; facial cues; facial evidence; expression;
        expressions""",
    "body_lang_desc": """肢体 肢体语言 肢体动作 身体 身体语言 身体动作 身体姿态 动作 姿态 姿势 体态 手势
        body; bodily; bodily expression; bodily movements; body language; body lang desc; body movement; body movements; body posture; gesture; gestures; posture;
        movement; movements""",
    "sentiment_analysis": """情感 情绪 情感状态 情绪状态 情感推理 情绪推理 情感判断 情绪判断 情感结论 情绪结论 情感倾向
        情绪倾向 综合 综合推理 总体 总体情感 总体情绪 整体 推理 结论 总结
        emotion; emotions; emotional; emotional state; emotional states; emotion reasoning; emotional reasoning;
        sentiment; overall; overall impression; holistic; holistic reasoning; reasoning; synthesis; conclusion;
        summary; comprehensive; integrated""",
}
#: Name as normalised (lower case, without markup) -> its dimensions, in the order of DIMENSIONS.
DIMENSIONS_OF = {
    name.strip(): tuple(dims.split())
    for dims, names in _NAMES.items()
    for line in names.split("\n")
    for name in (line.split(";") if ";" in line else line.split())
    if name.strip()
}

_AUDIO = frozenset({"acoustic_feat", "speech_content"})
_PERSON = frozenset({"facial_exp_desc", "body_lang_desc"})
#: Under a heading of the key, a heading further down may move its text to these dimensions.
GROUP = {
    "video_desc": frozenset({"video_desc"}),
    **dict.fromkeys(_AUDIO, _AUDIO),
    **dict.fromkeys(_PERSON, _PERSON),
    "sentiment_analysis": frozenset({"sentiment_analysis"}),
}
# What may stand around a known name: "the speaker's", "detailed", "analysis".
BEFORE_NAME = re.compile(
    r"^(?:(?:(?:the|its|detailed|comprehensive|integrated|overall|thorough|full|in-depth) ){0,4}"
    r"(?:(?:description|analysis) of (?:the )?)?(?:(?:speaker|man|woman|person|character)['’]?s? )?"
    r"|(?:请|对(?![话白])|详细|全面|综合|整体|描述|分析){0,4}(?:(?:说话|讲话)[人者]的?|人物的?)?)"
)
AFTER_NAME = re.compile(
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
_CUES_ZH = {
    "speech_content": r"(?:语音内容|说话内容|讲话内容|台词)(?:是|为|：|:|“)|说道?[：:]\s?[“\"「]",
    "acoustic_feat": r"音频|声音|嗓音|语音|语气|语调|声学|[是为][^，。]{1,12}，(?:声音|嗓音|音量|音调|语速)",
    "video_desc": r"视频|画面|镜头|场景|片段",
    "facial_exp_desc": r"面部|面带|表情|脸部|神情|眼神|眉",
    "body_lang_desc": r"肢体|身体|姿态|手势|体态|身姿|将?双手",
    "sentiment_analysis": r"综合|综上|总而言之|总的来说|总体|整体|情感|情绪",
}
_CUES_EN = {
    "speech_content": r"(?:says|said)[,:] ?[\"“]|(?:transcript|spoken words) (?:is|are|reads)\b",
    "acoustic_feat": r"(?:audio|voice|vocal|tone|acoustic|intonation)\b"
    r"|(?:has|speaks with|speaks in) an? (?:[a-z-]{1,20},? ){0,3}(?:voice|tone)\b",
    "video_desc": r"(?:video|scene|clip|footage|setting|background|camera)\b",
    "facial_exp_desc": r"(?:facial|face|expression|eyebrows?|eyes|brows?|mouth|lips|gaze|smile)\b",
    "body_lang_desc": r"(?:body|posture|gestures?|hands?|arms?|shoulders?)\b",
    "sentiment_analysis": r"(?:overall|combining|emotion|emotional|sentiment)\b",
}
CUE = {
    dim: re.compile(f"{_LEAD_ZH}(?:{_CUES_ZH[dim]})|{_LEAD_EN}(?:{_CUES_EN[dim]})", re.IGNORECASE) for dim in _CUES_ZH
}
# What else the opening clause may be about; another dimension there makes a cue unclear ("视频中的声音…").
TOPIC = {
    "acoustic_feat": re.compile(r"音频|声音|嗓音|语气|语调|\b(?:audio|voice|tone|vocal)\b", re.IGNORECASE),
    "video_desc": re.compile(r"画面|场景|\b(?:video|scene|clip|footage)\b", re.IGNORECASE),
    "facial_exp_desc": re.compile(r"面部|表情|神情|\b(?:facial|expressions?)\b", re.IGNORECASE),
    "body_lang_desc": re.compile(r"肢体|手势|姿态|\b(?:body|gestures?|posture)\b", re.IGNORECASE),
    "sentiment_analysis": re.compile(r"情感|情绪|\b(?:emotions?|emotional|sentiment)\b", re.IGNORECASE),
}
# These open the last paragraph whatever they name next ("综合视频、音频和表情，…").
CLOSING = re.compile(
    r"(?:最后，?)?(?:综合|综上|总而言之|总的来说)|(?:整体|总体)的?(?:情感|情绪)"
    r"|overall,|(?:the )?overall (?:sentiment|emotion|mood)|in (?:summary|conclusion)|to sum up|taken together",
    re.IGNORECASE,
)
