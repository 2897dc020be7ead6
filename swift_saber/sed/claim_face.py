"""Words by which a record speaks of a face, in English and Chinese, and what each of them states.

A topic is what is spoken of ("brows", 嘴角), a value what is said of it ("raised", 下垂); MEANS tells what a value
states about a topic: "PROPERTY DIRECTION STRENGTH", where "rises" and "falls" stand for a change. "*" is any topic of
ours or none, "-" is none. All lists are ours.
"""

from collections.abc import Mapping

#: Property of the face -> its action units (FACS). All of them belong to it; `expression` is how much the face does.
ACTION_UNITS: dict[str, tuple[int, ...]] = {
    "brow_raiser": (1, 2),
    "inner_brow_raiser": (1,),
    "brow_lowerer": (4,),
    "upper_lid_raiser": (5,),
    "cheek_raiser": (6,),
    "lid_tightener": (7,),
    "nose_wrinkler": (9,),
    "upper_lip_raiser": (10,),
    "lip_corner_puller": (12,),
    "lip_corner_depressor": (15,),
    "lip_pucker": (18,),
    "lip_tightener": (23,),
    "lip_pressor": (24,),
    "lips_part": (25,),
    "jaw_drop": (26,),
    "lip_bite": (32,),
    "eyes_closed": (43,),
    "blink": (45,),
    "expression": (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 20, 23, 25, 26),
}

TOPICS = {
    "brow": "brow, brows, eyebrow, eyebrows, forehead, 眉, 眉毛, 眉头, 双眉, 眉宇, 眉心, 眉眼, 眉梢, 眉峰",
    "inner_brow": "inner brows, inner eyebrows, inner corners of his brows, inner corners of her brows, 眉毛内侧, "
    "眉头内侧",
    "lid": "eyelids, upper eyelids, lids, 眼皮, 上眼睑",
    "eye": "eye, eyes, 眼, 眼睛, 双眼, 双目, 两眼",
    "nose": "nose, 鼻子, 鼻",
    "cheek": "cheek, cheeks, 脸颊, 面颊, 苹果肌, 颧肌",
    "upper_lip": "upper lip, 上唇",
    "lips": "lip, lips, 嘴唇, 双唇, 下唇, 唇",
    "corner": "corner of his mouth, corner of her mouth, corner of the mouth, corners of his mouth, "
    "corners of her mouth, corners of the mouth, corners of their mouth, lip corners, mouth corners, "
    "corners of his lips, corners of her lips, 嘴角, 唇角",
    "mouth": "mouth, 嘴, 嘴巴",
    "jaw": "jaw, chin, 下巴, 下颌",
    "face": "face, expression, expressions, features, 脸, 面部, 面容, 表情, 神情, 脸上",
    "unread": "gaze, 眼神, 目光, 视线",
    "tears": "tears, tear, 泪, 泪水, 眼泪, 泪光",
    "other": "voice, tone, head, shoulders, hand, hands, arm, arms, body, door, 声音, 语气, 头, 肩膀, 手, 双手, 身体",
}

VALUES = {
    "smile": "smile, smiles, smiled, smiling, 微笑, 笑容, 笑意, 笑着, 笑, 笑脸, 苦笑, 冷笑, 浅笑, 含笑, smirk*",
    "smile widens": "smile widens, smile widened, grin widens, smile grows",
    "grin": "grin, grins, grinned, grinning, 咧嘴一笑, 咧嘴笑",
    "laugh": "beam, beams, beaming, laugh, laughs, laughing, laughed, 大笑, 咧嘴大笑, 灿烂的笑容, 满脸笑容, "
    "笑容满面, 开怀大笑, wide smile, wide grin, big smile, big grin, beaming smile",
    "frown": "frown, frowns, frowned, frowning, scowl*, 皱眉, 皱着眉, 皱着眉头, 皱起眉, 皱起眉头, 蹙眉, 紧皱眉头, "
    "紧锁眉头, 眉头紧锁, 眉头紧皱, 眉头微皱, 双眉紧锁, 愁眉",
    "furrowed": "furrow*, knit, knitted, drawn together, draw together, draws together, knit together, "
    "pulled together, 紧锁, 紧皱, 微皱, 皱起, 紧蹙, 微蹙, 皱成一团, 皱, 拧, 拧在一起, 拧成一团, 蹙起, 蹙, "
    "drawn slightly together, drawn tightly together, drawn close together, pulled slightly together, 深锁, 深皱, "
    "轻蹙, 皱紧, 拧紧, 锁紧, pull together, pulls together, 微锁",
    "raised": "raise, raises, raised, raising, lifted, lift, lifts, arched, upturned, turned up, turn up, turns up, "
    "pulled up, curl up, curls up, curled up, upward, upwards, 上扬, 上翘, 上挑, 扬起, 挑起, 翘起, 抬起, 抬高, 上抬, "
    "微扬, 挑高, 勾起, 高挑, 向上, shoot up, shoots up, shot up, go up, goes up, arch, arches, rise, rises, rising, "
    "rose, curve up, curves up, curving up, curl upward, curls upward, quirk, quirks, quirked, cock, cocks, cocked, "
    "hike*, 上提, 提起, 上弯, 弯起, 微翘, 翘, 扬, 微勾, 一高一低, 一挑, 高耸",
    "eyebrow flash": "挑眉, 扬眉, 挑着眉, 扬着眉, 扬起眉毛, 挑起眉毛, 挑了挑眉",
    "lowered": "lowered, lower, lowers, drawn down, pulled down, "
    "droop*, 下垂, 下拉, 向下, 下撇, 下压, 压低, pulled downward, pulled downwards, drawn downward, "
    "downward, downwards, sag, sags, sagging, 耷拉, 下弯, 一撇",
    "relaxed": "relaxed, smooth, unfurrowed, 舒展, 放松, 平展",
    "wide": "wide, widen, widens, widened, wide open, 睁大, 瞪大, 圆睁, 睁得很大, 瞪得很大, 张大, 大张, 大开, "
    "张得很大, 张得老大, 张得大大, 睁得大大的, 瞪得大大的, bulge, bulges, bulging, rounded, 瞪得圆圆的, 睁得圆圆的, "
    "瞪得溜圆, 睁得溜圆, 瞪得滚圆",
    "wide-eyed": "wide-eyed, 瞪大眼睛, 睁大眼睛, 瞪大双眼, 睁大双眼, 瞪圆双眼, 目瞪口呆, 瞪眼, 瞪着眼, 瞪圆, "
    "瞪圆了眼睛, 瞪圆眼睛",
    "narrowed": "narrow, narrows, narrowed, narrowing, 眯起, 眯着, 微眯, 眯成一条缝",
    "squint": "squint*, 眯眼, 眯起眼睛, 眯着眼, 眯着眼睛, 眯起双眼",
    "closed": "close, closes, closed, closing, shut, shuts, 闭上, 闭着, 闭, 微闭, 闭合, 合上, squeezed shut, "
    "shutting, screwed shut, 轻闭, 闭紧",
    "shut tight": "紧闭",
    "half shut": "half-closed, half closed, half-shut, half shut, half-lidded, 半闭, 半合, 半眯, heavy-lidded, hooded",
    "eyes shut": "闭目, 闭眼, 闭着眼, 闭着眼睛, 闭上眼, 闭上眼睛, 紧闭双眼, 闭上双眼, 双目紧闭",
    "open": "open, opens, opened, agape, ajar, gapes, gaping, 张开, 张着, 微张, 半张, 睁开",
    "agape": "open-mouthed, slack-jawed, 张嘴, 张着嘴, 张大嘴巴, 张开嘴, 张口",
    "mouth wide": "张大嘴",
    "parted": "parted, part, parts, 微启, 轻启, 分开",
    "dropped": "drop, drops, dropped, hangs open, slack, falls open, fell open, fall open",
    "pressed": "press, presses, pressed, pressing, pressed together, compressed, 抿紧, 抿成一条线, clamped, "
    "clamped shut",
    "press lips": "抿嘴, 抿着嘴, 抿着嘴唇, 抿唇, 抿着唇, 抿了抿嘴, 抿起嘴, 抿, 紧抿, tight-lipped, 抿着",
    "thin line": "a thin line, a hard line, a tight line, a straight line, a grim line, 一条直线, 一条线",
    "creased": "creased, pinched, bunched, contracted, 聚拢",
    "turned down": "turned down, turn down, turns down, downturned, turned downward",
    "mouth down": "撇嘴, 瘪嘴, 撇着嘴, 瘪着嘴, 撇了撇嘴, 瘪了瘪嘴",
    "stretched": "咧开",
    "tightened": "tight, tighten, tightens, tightened, thinned",
    "pursed": "purse, purses, pursed, pursing, pucker*, 噘起, 撅起, 噘嘴, 撅嘴, 嘟嘴, 嘟着嘴, 嘟起嘴, 撅着嘴, "
    "噘着嘴, 撅起嘴, 噘起嘴, pout*",
    "bites": "bite, bites, biting, bit, 咬着, 咬住, 咬, chew, chews, chewing, 咬紧, bites down on, biting down on, "
    "chews on, chewing on, chew on",
    "bites lip": "咬唇, 咬着嘴唇, 咬着下唇, 咬住下唇, 咬嘴唇, 咬着唇, 咬了咬嘴唇",
    "wrinkled": "wrinkle, wrinkles, wrinkled, wrinkling, scrunch*",
    "wrinkles nose": "皱鼻, 皱起鼻子, 皱了皱鼻子, 皱着鼻子, 皱了皱鼻",
    "crinkled": "crow's feet, crinkle, crinkles, crinkled, crinkling, 鱼尾纹, 笑纹, 细纹, 皱纹",
    "blinks": "blink, blinks, blinked, blinking, 眨眼, 眨了眨眼, 眨眼睛, 眨动",
    "still": "expressionless, deadpan, impassive, poker-faced, 面无表情, 毫无表情, 没有表情, 没有任何表情, 无表情, "
    "木然, 呆滞, stony-faced, stone-faced, 没什么表情, 不动声色",
    "neutral": "neutral, blank, 平淡, 中性, stony, wooden, vacant, frozen, motionless",
    "lively": "animated, lively, 丰富, 生动",
}

#: Action units that are named by their numbers: AU12.
_NUMBERED = {
    **{f"AU{units[0]}": name for name, units in ACTION_UNITS.items() if len(units) == 1},
    "AU2": "brow_raiser",
}
VALUES |= {unit: f"au{unit[2:]}, au {unit[2:]}, au{unit[2:]:0>2}" for unit in _NUMBERED}

MEANS: Mapping[str, Mapping[str, str]] = {
    **{unit: {"*": f"{name} + 2"} for unit, name in _NUMBERED.items()},
    "smile": {"*": "lip_corner_puller + 2"},
    "smile widens": {"*": "lip_corner_puller rises 2"},
    "grin": {"*": "lip_corner_puller + 2"},
    "laugh": {"*": "lip_corner_puller + 3"},
    "frown": {"*": "brow_lowerer + 2"},
    "furrowed": {"brow -": "brow_lowerer + 2", "nose": "nose_wrinkler + 2"},
    "raised": {
        "brow": "brow_raiser + 2",
        "inner_brow": "inner_brow_raiser + 2",
        "lid": "upper_lid_raiser + 2",
        "cheek": "cheek_raiser + 2",
        "upper_lip": "upper_lip_raiser + 2",
        "corner": "lip_corner_puller + 2",
    },
    "eyebrow flash": {"*": "brow_raiser + 2"},
    "lowered": {"brow": "brow_lowerer + 2", "corner": "lip_corner_depressor + 2"},
    "relaxed": {"brow": "brow_lowerer - 2"},
    "wide": {"eye": "upper_lid_raiser + 2", "mouth": "jaw_drop + 3"},
    "wide-eyed": {"*": "upper_lid_raiser + 2"},
    "narrowed": {"eye": "lid_tightener + 2"},
    "squint": {"*": "lid_tightener + 2"},
    "closed": {"eye lid": "eyes_closed + 2", "lips mouth": "lips_part - 2"},
    "shut tight": {"lips mouth": "lip_pressor + 2", "eye": "eyes_closed + 2"},
    "half shut": {"eye lid": "eyes_closed + 1"},
    "eyes shut": {"*": "eyes_closed + 2"},
    "open": {"mouth jaw": "jaw_drop + 2", "lips": "lips_part + 2", "eye": "eyes_closed - 2"},
    "agape": {"*": "jaw_drop + 2"},
    "mouth wide": {"*": "jaw_drop + 3"},
    "parted": {"lips mouth": "lips_part + 2"},
    "dropped": {"jaw mouth": "jaw_drop + 2"},
    "pressed": {"lips mouth": "lip_pressor + 2"},
    "press lips": {"*": "lip_pressor + 2"},
    "thin line": {"mouth": "lip_pressor + 2"},
    "creased": {"brow": "brow_lowerer + 2"},
    "turned down": {"corner mouth": "lip_corner_depressor + 2"},
    "mouth down": {"*": "lip_corner_depressor + 2"},
    "stretched": {"corner mouth": "lip_corner_puller + 2"},
    "tightened": {"lips mouth": "lip_tightener + 2"},
    "pursed": {"lips mouth -": "lip_pucker + 2"},
    "bites": {"lips": "lip_bite + 2"},
    "bites lip": {"*": "lip_bite + 2"},
    "wrinkled": {"nose": "nose_wrinkler + 2"},
    "wrinkles nose": {"*": "nose_wrinkler + 2"},
    "crinkled": {"eye -": "cheek_raiser + 2", "nose": "nose_wrinkler + 2"},
    "blinks": {"*": "blink + 2"},
    "still": {"*": "expression - 2"},
    "neutral": {"face": "expression - 2"},
    "lively": {"face": "expression + 2"},
}

#: How something of the face goes on.
COURSES = {
    "rises": "spreads, spread, broadens, deepens, widening, brightens, 加深, 扩大, 绽放, 展开, 绽开, 浮现, returns",
    "falls": "fades, fade, faded, fading, gone, 不见了, vanishes, vanished, disappears, disappeared, 消失, 收起, "
    "收敛, 淡去, 褪去, 隐去, 收住, falters, slips, dissolves",
}
