"""Words by which a record speaks of voice and face, in English and Chinese, and what each of them states.

A topic is what is spoken of ("pitch", 语速), a value what is said of it ("high", 偏快); MEANS tells what a value states
about a topic. All lists are ours. How words are put together is sed/claims.py's.

A value states "PROPERTY DIRECTION STRENGTH"; "rises" and "falls" stand for a change. "*" is any topic of ours or none,
"-" is none. What may mean two things is either left out or named so: a voice that is "low" is low or soft.
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
#: Properties of the voice. `pitch_or_loudness`: the words leave open which of the two.
VOICE_PROPERTIES = (
    *("pitch", "pitch_range", "loudness", "loudness_range", "rate", "rate_range"),
    *("pause", "silence", "tremor", "pitch_or_loudness"),
)

VOICE_TOPICS = {
    "pitch": "pitch, pitches, register, 音调, 声调, 音高, 调门",
    "intonation": "intonation, inflection, inflections, melody, prosody, 语调, 腔调, 句调",
    "ending": "尾音",
    "loudness": "volume, loudness, 音量, 声量, 响度, 嗓门",
    "rate": "pace, pacing, rate, tempo, speed, cadence, rhythm, 语速, 说话速度, 讲话速度, 节奏, 速度",
    "voice": "voice, voices, vocal, vocals, tone, tones, timbre, delivery, speech, utterance, 声音, 嗓音, 声线, "
    "音色, 女声, 男声, 童声, 语音, 人声, 说话声, 话音, 说话声音, 嗓子, 语气, 口吻",
    "speak": "speak, speaks, speaking, spoke, spoken, talk, talks, talking, say, says, said, saying, utter*, read, "
    "reads, word, words, sentence, line, lines, asks, asked, answers, replies, deliver, delivers, delivering, "
    "delivered, 说, 说道, 说话, 说着, 讲, 讲话, 讲述, 问, 问道, 回答",
    "wording": "articulation, enunciation, diction, 吐字, 咬字, 发音",
    "unread": "breath, breaths, breathe, breathes, breathing, 气息, 呼吸",
    "other": "sigh*, laugh*, chuckl*, cough*, sob, sobs, sobbing, room, rooms, street, emotion*, mood, feeling*, "
    "energy, spirits, stress, tension, expression, eyes, gaze, face, smile*, glance*, lips, hand, hands, body, "
    "shoulders, head, effort, door, footsteps, 叹气, 叹息, 笑声, 笑, 房间, 环境, 街道, 情绪, 情感, 感情, 心情, 气氛, "
    "氛围, 神情, 眼神, 表情, 目光, 双手, 身体, 肩膀, 嘴唇, 脚步声, 掌声",
}

VOICE_VALUES = {
    "high": "high, higher, highest, elevated",
    "tall": "高, 高昂",
    "high-pitched": "high-pitched, high pitched, higher-pitched, shrill*, squeaky, piercing, falsetto, 尖细, 尖锐, "
    "尖利, 尖厉",
    "sharp": "尖",
    "ringing": "高亢",
    "low": "low, lower, lowest, 低",
    "deep": "deep, deeper, 深沉",
    "low-pitched": "low-pitched, low pitched, lower-pitched, deep-voiced, baritone, rumbl*, 低沉",
    "loud": "loud, louder, loudest, loudly, 大, 响",
    "aloud": "booming, thunder*, raised voice, raised voices, 大声, 高声, 洪亮, 响亮, 嘹亮, 宏亮",
    "shout": "shout*, yell*, scream*, bellow*, roar*, 喊, 喊叫, 喊道, 大喊, 大叫, 叫喊, 呼喊, 吼, 吼叫, 怒吼, 咆哮, "
    "尖叫, 嘶吼, 大吼, 大骂, 吼道, 吼声",
    "quiet": "quiet, quieter, quietly, soft, softer, softly, hushed, subdued, muted, faint, faintly, 小, 弱, 轻, "
    "轻柔, 微弱, 细弱",
    "under": "in a low voice, in low voices, in a low tone, soft-spoken, under his breath, under her breath, "
    "keeps his voice low, keeps her voice low, keeping his voice low, keeping her voice low, 小声, 低声, 轻声, 悄声, "
    "轻声细语, 低声细语",
    "press down": "压低, 压得很低, 压得低, 压得极低",
    "whisper": "whisper*, 耳语, 窃窃私语, 悄悄话, 气声",
    "murmur": "murmur*, mutter*, mumbl*, 嘟囔, 喃喃, 呢喃, 咕哝, 喃喃自语",
    "mid loudness": "neither loud nor soft, neither loud nor quiet, neither soft nor loud, neither quiet nor loud, "
    "不大不小",
    "fast": "fast, faster, fastest, quick, quicker, quickly, rapid, rapidly, hurried, hurriedly, rushed, brisk, "
    "briskly, swift, swiftly, hasty, hastily, 快, 急促, 飞快, 快速, 急速, 匆忙, 连珠炮",
    "slow": "slow, slower, slowest, slowly, unhurried, leisurely, drawl*, drawn-out, 慢, 缓慢, 缓缓, 迟缓, 徐缓, "
    "慢慢地说, 慢慢说, 慢条斯理, 慢悠悠, 拖得很长, 拖长, 拖得长, drawn out",
    "measured": "measured, deliberate, 舒缓",
    "gentle slope": "平缓",
    "takes time": "takes his time, takes her time, taking his time, taking her time, takes their time",
    "mid rate": "neither fast nor slow, neither slow nor fast, 不快不慢, 不紧不慢, 不疾不徐",
    "mid pitch": "mid-pitched, medium-pitched, middle-pitched",
    "moderate": "moderate, medium, normal, average, conversational, mid-range, ordinary, neither high nor low, "
    "neither low nor high, 适中, 中等, 正常, 一般, 不高不低",
    "flat": "flat, flatly, toneless, 平淡, 平板, 平直, 单调, 呆板, 平",
    "monotone": "monoton*",
    "little varied": "little variation, limited variation, minimal variation, narrow, 起伏不大, 起伏较小, 起伏很小, "
    "变化不大, 变化较小, little dynamic range, little range, narrow range, little inflection",
    "varied": "varied, varying, vary, varies, variation, variations, variable, fluctuat*, modulat*, 忽高忽低, "
    "忽大忽小, 忽快忽慢, 起伏, 波动, 时快时慢, 时高时低, 时大时小, 时强时弱",
    "changes": "变化, 变化丰富, 富有变化, 富于变化, 多变, change, changes, changing",
    "lively": "lively, animated, sing-song, singsong, melodic",
    "expressive": "expressive, dynamic, colourful, colorful, 丰富, 生动",
    "cadenced": "抑扬顿挫",
    "steady": "steady, steadily, stable, constant, consistent, unwavering, 平稳, 稳定, 稳",
    "even": "even, evenly, uniform, 均匀",
    "rises": "rise, rises, rising, rose, risen, climb*, increas*, go up, goes up, going up, went up, upward, "
    "upwards, ascend*, escalat*, lifts, 升高, 上升, 提升, 变高, 渐高, 先低后高, 由低到高, 由低转高, 从低到高",
    "raises": "raise, raises, raised, raising, 提高, 抬高, 拔高",
    "lilts": "上扬, 上挑",
    "swells": "swell*, crescendo, 变大, 增大, 加大, 放大, 增强, 渐强, 变响, 由小变大, 由弱到强",
    "falls": "fall, falls, falling, fell, drop, drops, dropped, dropping, decreas*, go down, goes down, going down, "
    "went down, dip, dips, descend*, sink, sinks, sank, declin*, downward, downwards, diminish*, lessen*, 下降, "
    "降低, 降下, 变低, 渐低, 回落, 先高后低, 由高到低, 由高转低, 下沉, 从高到低",
    "lowers": "lowers, lowered, lowering, 放低",
    "fades": "fade, fades, faded, fading, soften, softens, softened, softening, trail off, trails off, trailed off, "
    "trailing off, 减弱, 变小, 渐弱, 变轻, 放轻, 减小, 由大变小, 由强到弱",
    "quickens": "speed up, speeds up, sped up, speeding up, quicken*, accelerat*, 加快, 加速, 变快, 渐快, 先慢后快, "
    "由慢转快, picks up, picked up, picking up",
    "slows": "slows, slowed, slowing, slow down, slows down, slowed down, slowing down, decelerat*, 放慢, 减慢, "
    "变慢, 放缓, 减缓, 渐慢, 先快后慢, 由快转慢",
    "pause": "pause, pauses, paused, pausing, halting, haltingly, silent pause, silent pauses, moment of silence, "
    "moments of silence, silent for a moment, falls silent, fell silent, 停顿, 顿了顿, 顿了一下, 停了一下, 断断续续, "
    "沉默片刻, 沉默了片刻, 沉默了一会, 片刻的沉默, 短暂的沉默, 短暂沉默, seconds of silence, second of silence, "
    "一字一顿, 一顿一顿, 沉默了几秒, 沉默几秒, 停了几秒, 停顿了几秒",
    "fluent": "fluent*, uninterrupted, few pauses, minimal pauses, rarely pauses, seldom pauses, rare pauses, "
    "barely pauses, barely any pauses, scarcely any pauses, scarcely pauses, pauses are rare, pauses are few, "
    "流畅, 流利, 连贯, 一气呵成, 停顿较少, 停顿很少, 停顿极少, 停顿不多, 停顿稀少, 极少停顿, 少有停顿, 鲜有停顿, "
    "停顿少, 很少停顿, 一口气说完, 一口气地说",
    "silent": "nobody speaks, nobody is speaking, no one speaks, no one is speaking, no speech, no voice, "
    "no dialogue, no spoken words, no words are spoken, says nothing, does not speak, doesn't speak, silent, "
    "complete silence, 没有人说话, 无人说话, 没有说话声, 没有人声, 无人声, 没有对白, 没有语音, 没有说话, 未说话, "
    "一言不发, 静音, 无声, 保持沉默, 全程沉默, nobody says a word, no one says a word, says not a word",
    "trembles": "trembl*, tremul*, quiver*, quaver*, shaky, shaking, shakes, tremor, tremors, unsteady, waver, "
    "wavers, wavering, 颤抖, 发颤, 发抖, 颤音, 颤动, 哆嗦, 抖动",
    "unstable": "不稳",
}

VOICE_MEANS: Mapping[str, Mapping[str, str]] = {
    "high": {"pitch intonation voice ending": "pitch + 2", "loudness": "loudness + 2", "rate": "rate + 2"},
    "tall": {"pitch intonation ending": "pitch + 2", "loudness": "loudness + 2", "voice": "pitch_or_loudness + 2"},
    "high-pitched": {"*": "pitch + 2"},
    "sharp": {"pitch intonation voice ending": "pitch + 2"},
    "ringing": {"*": "pitch + 2, loudness + 2"},
    "low": {
        "pitch intonation ending": "pitch - 2",
        "loudness": "loudness - 2",
        "rate": "rate - 2",
        "voice": "pitch_or_loudness - 2",
    },
    "deep": {"pitch intonation voice": "pitch - 2"},
    "low-pitched": {"*": "pitch - 2"},
    "loud": {"loudness voice speak person": "loudness + 2"},
    "aloud": {"*": "loudness + 2"},
    "shout": {"*": "loudness + 3"},
    "quiet": {"loudness voice speak person intonation ending": "loudness - 2"},
    "under": {"*": "loudness - 2"},
    "press down": {"loudness voice": "loudness - 2", "pitch intonation": "pitch - 2"},
    "whisper": {"*": "loudness - 3"},
    "murmur": {"*": "loudness - 2"},
    "mid loudness": {"*": "loudness 0 2"},
    "fast": {"rate voice speak intonation wording": "rate + 2"},
    "slow": {"rate voice speak intonation ending wording": "rate - 2"},
    "measured": {"rate voice speak": "rate - 1"},
    "gentle slope": {"rate": "rate - 1", "pitch intonation": "pitch_range - 2"},
    "takes time": {"*": "rate - 2"},
    "mid rate": {"*": "rate 0 2"},
    "mid pitch": {"*": "pitch 0 2"},
    "moderate": {"pitch intonation": "pitch 0 2", "loudness": "loudness 0 2", "rate": "rate 0 2"},
    "flat": {"pitch intonation voice speak": "pitch_range - 2", "loudness": "loudness_range - 2"},
    "monotone": {"*": "pitch_range - 2"},
    "little varied": {
        "pitch intonation voice": "pitch_range - 2",
        "loudness": "loudness_range - 2",
        "rate": "rate_range - 2",
    },
    "varied": {
        "pitch intonation voice": "pitch_range + 2",
        "loudness": "loudness_range + 2",
        "rate": "rate_range + 2",
    },
    "changes": {"pitch intonation": "pitch_range + 2", "loudness": "loudness_range + 2", "rate": "rate_range + 2"},
    "lively": {"pitch intonation voice speak": "pitch_range + 2"},
    "expressive": {"pitch intonation": "pitch_range + 2"},
    "cadenced": {"*": "pitch_range + 2"},
    "steady": {
        "voice": "tremor - 2",
        "pitch intonation": "pitch_range - 2",
        "loudness": "loudness_range - 2",
        "rate": "rate_range - 2",
    },
    "even": {
        "pitch intonation voice speak": "pitch_range - 2",
        "loudness": "loudness_range - 2",
        "rate": "rate_range - 2",
    },
    "rises": {
        "pitch intonation ending": "pitch rises 2",
        "loudness": "loudness rises 2",
        "rate": "rate rises 2",
        "voice": "pitch_or_loudness rises 2",
    },
    "raises": {
        "pitch intonation ending": "pitch rises 2",
        "loudness voice": "loudness rises 2",
        "rate": "rate rises 2",
    },
    "lilts": {"pitch intonation ending voice -": "pitch rises 2", "loudness": "loudness rises 2"},
    "swells": {"loudness voice": "loudness rises 2"},
    "falls": {
        "pitch intonation ending": "pitch falls 2",
        "loudness": "loudness falls 2",
        "rate": "rate falls 2",
        "voice": "pitch_or_loudness falls 2",
    },
    "lowers": {
        "pitch intonation ending": "pitch falls 2",
        "loudness voice": "loudness falls 2",
        "rate": "rate falls 2",
    },
    "fades": {"loudness voice speak person": "loudness falls 2"},
    "quickens": {"rate voice speak person -": "rate rises 2"},
    "slows": {"rate voice speak person -": "rate falls 2"},
    "pause": {"*": "pause + 2"},
    "fluent": {"*": "pause - 2"},
    "silent": {"*": "silence + 2"},
    "trembles": {"*": "tremor + 2"},
    "unstable": {"voice": "tremor + 2", "rate": "rate_range + 2"},
}

FACE_TOPICS = {
    "brow": "brow, brows, eyebrow, eyebrows, forehead, 眉, 眉毛, 眉头, 双眉, 眉宇, 眉心",
    "inner_brow": "inner brows, inner eyebrows, inner corners of his brows, inner corners of her brows, 眉毛内侧, "
    "眉头内侧",
    "lid": "eyelids, upper eyelids, lids, 眼皮, 上眼睑",
    "eye": "eye, eyes, 眼, 眼睛, 双眼, 双目, 两眼",
    "nose": "nose, 鼻子, 鼻",
    "cheek": "cheek, cheeks, 脸颊, 面颊, 苹果肌",
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

FACE_VALUES = {
    "smile": "smile, smiles, smiled, smiling, 微笑, 笑容, 笑意, 笑着, 笑, 笑脸, 苦笑, 冷笑, 浅笑, 含笑",
    "smile widens": "smile widens, smile widened, grin widens, smile grows",
    "grin": "grin, grins, grinned, grinning, 咧嘴一笑, 咧嘴笑",
    "laugh": "beam, beams, beaming, laugh, laughs, laughing, laughed, 大笑, 咧嘴大笑, 灿烂的笑容, 满脸笑容, "
    "笑容满面, 开怀大笑, wide smile, wide grin, big smile, big grin, beaming smile",
    "frown": "frown, frowns, frowned, frowning, scowl*, 皱眉, 皱着眉, 皱着眉头, 皱起眉, 皱起眉头, 蹙眉, 紧皱眉头, "
    "紧锁眉头, 眉头紧锁, 眉头紧皱, 眉头微皱, 双眉紧锁, 愁眉",
    "furrowed": "furrow*, knit, knitted, drawn together, draw together, draws together, knit together, "
    "pulled together, 紧锁, 紧皱, 微皱, 皱起, 紧蹙, 微蹙, 皱成一团, 皱, 拧, 拧在一起, 拧成一团, 蹙起, 蹙",
    "raised": "raise, raises, raised, raising, lifted, lift, lifts, arched, upturned, turned up, turn up, turns up, "
    "pulled up, curl up, curls up, curled up, upward, upwards, 上扬, 上翘, 上挑, 扬起, 挑起, 翘起, 抬起, 抬高, 上抬, "
    "微扬, 挑高, 勾起, 高挑, 向上, shoot up, shoots up, shot up, go up, goes up, arch, arches",
    "eyebrow flash": "挑眉, 扬眉, 挑着眉, 扬着眉, 扬起眉毛, 挑起眉毛, 挑了挑眉",
    "lowered": "lowered, lower, lowers, drawn down, turned down, turn down, turns down, downturned, pulled down, "
    "droop*, 下垂, 下拉, 向下, 下撇, 下压, 压低, pulled downward, pulled downwards, drawn downward, turned downward",
    "relaxed": "relaxed, smooth, unfurrowed, 舒展, 放松, 平展",
    "wide": "wide, widen, widens, widened, wide open, 睁大, 瞪大, 圆睁, 睁得很大, 瞪得很大, 张大, 大张, 大开, "
    "张得很大, 张得老大, 张得大大, 睁得大大的, 瞪得大大的",
    "wide-eyed": "wide-eyed, 瞪大眼睛, 睁大眼睛, 瞪大双眼, 睁大双眼, 瞪圆双眼, 目瞪口呆, 瞪眼, 瞪着眼, 瞪圆, "
    "瞪圆了眼睛, 瞪圆眼睛",
    "narrowed": "narrow, narrows, narrowed, narrowing, 眯起, 眯着, 微眯, 眯成一条缝",
    "squint": "squint*, 眯眼, 眯起眼睛, 眯着眼, 眯着眼睛, 眯起双眼",
    "closed": "close, closes, closed, closing, shut, shuts, 闭上, 闭着, 闭, 微闭, 闭合, 合上, squeezed shut, shutting",
    "shut tight": "紧闭",
    "half shut": "half-closed, half closed, half-shut, half shut, half-lidded, 半闭, 半合, 半眯",
    "eyes shut": "闭目, 闭眼, 闭着眼, 闭着眼睛, 闭上眼, 闭上眼睛, 紧闭双眼, 闭上双眼, 双目紧闭",
    "open": "open, opens, opened, agape, ajar, gapes, gaping, 张开, 张着, 微张, 半张, 睁开",
    "agape": "open-mouthed, slack-jawed, 张嘴, 张着嘴, 张大嘴巴, 张开嘴, 张口",
    "mouth wide": "张大嘴",
    "parted": "parted, part, parts, 微启, 轻启, 分开",
    "dropped": "drop, drops, dropped, hangs open, slack, falls open, fell open, fall open",
    "pressed": "press, presses, pressed, pressing, pressed together, compressed, 抿紧, 抿成一条线",
    "press lips": "抿嘴, 抿着嘴, 抿着嘴唇, 抿唇, 抿着唇, 抿了抿嘴, 抿起嘴, 抿, 紧抿, tight-lipped, 抿着",
    "thin line": "a thin line, a hard line, a tight line, a straight line, a grim line, 一条直线, 一条线",
    "tightened": "tight, tighten, tightens, tightened, thinned",
    "pursed": "purse, purses, pursed, pursing, pucker*, 噘起, 撅起, 噘嘴, 撅嘴, 嘟嘴, 嘟着嘴, 嘟起嘴, 撅着嘴, "
    "噘着嘴, 撅起嘴, 噘起嘴",
    "bites": "bite, bites, biting, bit, 咬着, 咬住, 咬, chew, chews, chewing",
    "bites lip": "咬唇, 咬着嘴唇, 咬着下唇, 咬住下唇, 咬嘴唇, 咬着唇, 咬了咬嘴唇",
    "wrinkled": "wrinkle, wrinkles, wrinkled, wrinkling, scrunch*, 皱鼻, 皱起鼻子, 皱了皱鼻子, 皱着鼻子, 皱了皱鼻",
    "crinkled": "crow's feet, crinkle, crinkles, crinkled, crinkling, 鱼尾纹, 笑纹, 细纹, 皱纹",
    "blinks": "blink, blinks, blinked, blinking, 眨眼, 眨了眨眼, 眨眼睛, 眨动",
    "still": "expressionless, deadpan, impassive, poker-faced, 面无表情, 毫无表情, 没有表情, 没有任何表情, 无表情, "
    "木然, 呆滞",
    "neutral": "neutral, blank, 平淡, 中性",
    "lively": "animated, lively, 丰富, 生动",
}

FACE_MEANS: Mapping[str, Mapping[str, str]] = {
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
    "tightened": {"lips mouth": "lip_tightener + 2"},
    "pursed": {"lips mouth -": "lip_pucker + 2"},
    "bites": {"lips": "lip_bite + 2"},
    "bites lip": {"*": "lip_bite + 2"},
    "wrinkled": {"nose -": "nose_wrinkler + 2"},
    "crinkled": {"eye -": "cheek_raiser + 2"},
    "blinks": {"*": "blink + 2"},
    "still": {"*": "expression - 2"},
    "neutral": {"face": "expression - 2"},
    "lively": {"face": "expression + 2"},
}

#: Words that say how much, -1 or +1 in strength.
DEGREES = {
    "slight": "slight, slightly, a little, a bit, a touch, somewhat, relatively, fairly, mildly, moderately, subtle, "
    "subtly, marginally, brief, briefly, short, momentary, 略, 略微, 略显, 稍, 稍微, 稍稍, 稍显, 微微, 轻微, 轻轻, "
    "有些, 有点, 有一点, 较, 比较, 较为, 偏, 些许, 相对, 短暂, 一些, faint, faintly, 一抹, 一丝, 淡淡",
    "strong": "very, deep, sharp, steep, 紧紧, extremely, highly, really, unusually, exceptionally, remarkably, "
    "sharply, dramatically, significantly, considerably, greatly, a lot, strongly, particularly, especially, too, "
    "long, lengthy, prolonged, frequent, frequently, many, numerous, broad, broadly, deeply, tightly, 非常, 极, "
    "极其, 极为, 极度, 十分, 特别, 异常, 格外, 过于, 急剧, 大幅, 大幅度, 剧烈, 强烈, 频繁, 惊人, 极了, 长, 很长, 多, "
    "很多, 频频",
}
WHERE = {
    "end": "at the end, final syllable, last syllable, toward the end, towards the end, in the end, by the end, "
    "near the end, finally, at last, last word, last words, last sentence, last phrase, final word, final words, "
    "second half, 句尾, 句末, 末尾, 结尾, 最后, 后半段, 后半句, 后面, 尾声, ends up, ends in, ending in",
    "start": "at first, initially, at the beginning, at the start, in the beginning, first half, 开头, 起初, 一开始, "
    "开始时, 最初, 句首, first word, first words, first syllable, 第一个字, "
    "前半段, 前半句, starts out, starts off, started out, started off",
    "throughout": "throughout, the whole time, all along, from start to finish, 全程, 始终, 一直, 从头到尾, "
    "自始至终, 整段, 通篇, from beginning to end",
    "moments": "at times, sometimes, occasionally, now and then, now and again, from time to time, at one point, "
    "at moments, in places, here and there, for a moment, momentarily, once or twice, only once, rarely, seldom, "
    "at some points, 偶尔, 时而, 间或, 一度, 一瞬间, 瞬间, 刹那间, 个别, 某些, 几处, 很少, 极少, 中途, 关键词",
}
#: After one of these a direction is a change: "becomes loud".
BECOMES = (
    "become, becomes, became, becoming, grow, grows, grew, growing, get, gets, got, getting, turn, turns, turned, "
    "turning, increasingly, gradually, progressively, more and more, 变得, 变, 转为, 转, 逐渐, 渐渐, 渐, 越来越, "
    "愈发, 愈来愈, 慢慢, 日渐"
)
#: How something of the face goes on.
COURSES = {
    "rises": "spreads, spread, broadens, deepens, widening, brightens, 加深, 扩大, 绽放, 展开, 绽开, 浮现, returns",
    "falls": "fades, fade, faded, fading, vanishes, vanished, disappears, disappeared, 消失, 收起, 收敛, 淡去, 褪去, "
    "隐去, 收住",
}
#: What is only compared with, or not yet there.
HYPOTHESES = (
    "if, either, whether, would, normally, usually, as if, as though, like someone, about to, on the verge of, "
    "ready to, 仿佛, 好像, "
    "像是, 如同, 犹如, 宛如, 好似, 快要, 即将, 险些, 差点, 似要, 如果, 要是, 以为, 要么"
)
#: How a voice is in what is no property of ours; a clause with one of them speaks of the voice.
MANNERS = "breathy, hoarse*, rasp*, husky, articulate*, enunciat*, 沙哑, 嘶哑, 哭腔, 清脆, 浑厚"
PERSONS = {
    "man": "man, men, boy, male, father, husband, gentleman, guy, 男, 男子, 男人, 男性, 男孩, 男士, 父亲, 丈夫",
    "woman": "woman, women, girl, female, mother, wife, lady, 女, 女子, 女人, 女性, 女孩, 女士, 母亲, 妻子",
    "he": "he, his, him, 他",
    "she": "she, her, hers, 她",
    "speaker": "speaker, narrator, 说话人, 说话者, 讲话者, 讲述者, 主讲人",
    "other": "other man, other woman, other person, other speaker, other people, others, another man, another woman, "
    "another person, another speaker, another voice, other voice, other voices, second man, second woman, "
    "second speaker, second voice, someone else, listener, interviewer, interlocutor, audience, crowd, bystanders, "
    "off-screen, offscreen, 另一个, 另一名, 另一位, 另一人, 另外一, 对方, 对话者, 其他人, 其他, 旁人, 旁边, 对面, "
    "身旁, 观众, 听众, 听者, 画外",
}
#: What else sounds.
SOURCES = (
    "background, music, soundtrack, traffic, noise, television, radio, siren, 背景, 音乐, 配乐, 伴奏, 噪音, 杂音, "
    "电视, 广播, 歌声, 车声"
)
#: Words inside of which others would be found.
NOTHING = (
    "even if, even when, even though, even as, even so, even louder, even softer, even faster, even slower, "
    "even more, on the one hand, on the other hand, at large, the rest, 高兴, 平静, 平和, 平时, 平常, 平凡, 公平, "
    "水平, 镜头, 念头, 仰头, 抬头, 歪头, 歪着头, 低着头, 侧头, 扭头, 街头, 点头, 摇头, 回头, 头发, 高度, 高大, "
    "提高兴致, 低头, 高低, 大小, 快慢, 强弱, 轻重, 响起, "
    "大概, 大约, 大量, 大部分, 大多, 大家, 大衣, 巨大, 扩大, 小心, 小孩, 小时, 小说, 愉快, 轻快, "
    "欢快, 快乐, 畅快, 痛快, 爽快, 快步, 赶快, 傲慢, 怠慢, 弱点, 年轻, 轻松, 轻视, 轻蔑, 影响, 反响, 音响, 尖刻, "
    "高傲, 崇高, 高级, 口吃, 说明, 说服, 问题, 疑问, 询问, 质问, 手法, 比较多, 强大, 宽大, 长相, 擅长, 成长, 特长, "
    "延长, 长发, 长裙, 长袍, 其中, 转身, 转头, 转向"
)

#: Values that are adjectives or adverbs, and nothing beside a noun or verb that is no topic: "a quick glance".
ADJECTIVES = """
    high low deep loud quiet fast slow measured moderate flat lively expressive steady even varied high-pitched
    low-pitched trembles open closed wide neutral lowered raised relaxed
"""
#: What of these is always a verb.
VERBS = """
    lift lifts raise raises raising lowers opens close closes closing shuts widen
    widens narrows arch arches vary varies
"""
#: English words behind an adjective that are no noun to which it belongs, or one that changes nothing ("range").
NO_NOUN = """
    and or but nor with without in at as to for when while than that which who because so then from by on of off into
    until is are was were be been the a an he she they it his her their its this these throughout overall enough again
    during after before though yet now here toward towards together high wide open if not range level levels much
"""
