"""Words by which a record speaks of a voice, in English and Chinese, and what each of them states.

A topic is what is spoken of ("pitch", 语速), a value what is said of it ("high", 偏快); MEANS tells what a value states
about a topic: "PROPERTY DIRECTION STRENGTH", where "rises" and "falls" stand for a change. "*" is any topic of ours or
none, "-" is none. All lists are ours.

What may mean two things is either left out or named so: a voice that is "low" is low or soft.
"""

from collections.abc import Mapping

#: Properties of the voice. `pitch_or_loudness`: the words leave open which of the two.
PROPERTIES = (
    *("pitch", "pitch_range", "loudness", "loudness_range", "rate", "rate_range"),
    *("pause", "silence", "tremor", "pitch_or_loudness"),
)

TOPICS = {
    "pitch": "pitch, pitches, register, 音调, 声调, 音高, 调门, fundamental frequency, f0, 基频, 话音调, "
    "speaking pitch",
    "intonation": "intonation, inflection, inflections, melody, prosody, 语调, 腔调, 句调",
    "ending": "尾音",
    "pitch_range": "pitch range, pitch variability, tonal range, range of pitch, 音域",
    "loudness_range": "dynamic range, volume range, loudness range",
    "loudness": "volume, loudness, 音量, 声量, 响度, 嗓门, vocal intensity, amplitude, sound level, 话音量, "
    "speaking volume, voice volume",
    "rate": "pace, pacing, rate, tempo, speed, cadence, rhythm, 语速, 说话速度, 讲话速度, 节奏, 速度, rate of speech, "
    "rate of speaking, speaking rate, speech rate, speaking pace, speaking speed, speech speed, talking speed, "
    "speech tempo",
    "voice": "voice, voices, vocal, vocals, tone, tones, timbre, delivery, speech, utterance, 声音, 嗓音, 声线, 音色, "
    "女声, 男声, 童声, 语音, 人声, 说话声, 话音, 说话声音, 嗓子, 语气, 口吻, speaking voice, speaking tone, "
    "speaking style",
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

VALUES = {
    "high": "high, higher, highest, elevated",
    "tall": "高, 高昂",
    "high-pitched": "high-pitched, high pitched, higher-pitched, shrill*, squeaky, piercing, falsetto, 尖细, 尖锐, "
    "尖利, 尖厉, 尖声",
    "sharp": "尖",
    "ringing": "高亢",
    "low": "low, lower, lowest, 低",
    "deep": "deep, deeper, 深沉",
    "low-pitched": "low-pitched, low pitched, lower-pitched, deep-voiced, baritone, rumbl*, 低沉",
    "loud": "loud, louder, loudest, loudly, 大, 响",
    "aloud": "booming, thunder*, raised voice, raised voices, 大声, 高声, 洪亮, 响亮, 嘹亮, 宏亮, deafening, "
    "ear-splitting, full-throated, at full volume, boom, booms, boomed, 声如洪钟, 大嗓门, 扯着嗓子, 放声, 震耳欲聋",
    "shout": "shout*, yell*, scream*, bellow*, roar*, 喊, 喊叫, 喊道, 大喊, 大叫, 叫喊, 呼喊, 吼, 吼叫, 怒吼, 咆哮, "
    "尖叫, 嘶吼, 大吼, 大骂, 吼道, 吼声, shriek*, holler*, bawl*, belt out, belts out, belting out, belted out, 嚷, "
    "嚷嚷, 嚷道, 叫嚷, 嘶喊, 高喊",
    "quiet": "quiet, quieter, quietly, soft, softer, softly, hushed, subdued, muted, faint, faintly, 小, 弱, 轻, "
    "轻柔, 微弱, 细弱, 细小, 低微, 低弱",
    "under": "in a low voice, in low voices, in a low tone, soft-spoken, under his breath, under her breath, "
    "keeps his voice low, keeps her voice low, keeping his voice low, keeping her voice low, 小声, 低声, 轻声, 悄声, "
    "轻声细语, 低声细语, keeps his voice down, keeps her voice down, keeping his voice down, keeping her voice down, "
    "低语, 细声细语, 细声细气, 轻轻地说, 轻轻说",
    "press down": "压低, 压得很低, 压得低, 压得极低",
    "whisper": "whisper*, 耳语, 窃窃私语, 悄悄话, 气声",
    "murmur": "murmur*, mutter*, mumbl*, 嘟囔, 喃喃, 呢喃, 咕哝, 喃喃自语",
    "mid loudness": "neither loud nor soft, neither loud nor quiet, neither soft nor loud, neither quiet nor loud, "
    "不大不小",
    "fast": "fast, faster, fastest, quick, quicker, quickly, rapid, rapidly, hurried, hurriedly, rushed, brisk, "
    "briskly, swift, swiftly, hasty, hastily, 快, 急促, 飞快, 快速, 急速, 匆忙, 迅速, 飞速, 匆匆, 急匆匆",
    "hurries": "rattle off, rattles off, rattled off, rattling off, reels off, gabbl*, rushes through, "
    "rushing through, races through, racing through, hurries through, tumble out, tumbles out, tumbling out, "
    "in a rush, in a hurry, at a brisk clip, at a fast clip, at a rapid clip, at a good clip, 连珠炮, 机关枪, "
    "噼里啪啦",
    "headlong": "breakneck, at full speed, at top speed, at full tilt, a mile a minute, at lightning speed",
    "urgent": "urgent, frantic, frenetic, hectic, 紧凑",
    "slow": "slow, slower, slowest, slowly, unhurried, leisurely, drawl*, drawn-out, 慢, 缓慢, 缓缓, 迟缓, 徐缓, "
    "慢慢地说, 慢慢说, 慢条斯理, 慢悠悠, 拖得很长, 拖长, 拖得长, drawn out, 拉长, 慢吞吞",
    "measured": "measured, deliberate, 舒缓",
    "sluggish": "sluggish, plodding, languid, 拖沓",
    "gentle slope": "平缓",
    "takes time": "takes his time, takes her time, taking his time, taking her time, takes their time, drag out, "
    "drags out, dragging out, dragged out, draws out, drawing out, stretches out his words, stretches out her words, "
    "lingers over, lingering over",
    "mid rate": "neither fast nor slow, neither slow nor fast, 不快不慢, 不紧不慢, 不疾不徐",
    "mid pitch": "mid-pitched, medium-pitched, middle-pitched",
    "moderate": "moderate, medium, normal, average, conversational, mid-range, ordinary, neither high nor low, "
    "neither low nor high, 适中, 中等, 正常, 一般, 不高不低",
    "unremarkable": "unremarkable, comfortable",
    "reduced": "reduced, diminished",
    "small": "small, tiny",
    "wide": "wide, broad, large, 宽, 宽广, 很宽",
    "restricted": "restricted, limited, compressed, 很窄, 窄, 狭窄",
    "flat": "flat, flatly, toneless, 平淡, 平板, 平直, 单调, 呆板, 平",
    "monotone": "monoton*, droning, 平铺直叙",
    "little varied": "little variation, limited variation, minimal variation, narrow, 起伏不大, 起伏较小, 起伏很小, "
    "变化不大, 变化较小, little dynamic range, little range, narrow range, little inflection, hardly moves, "
    "barely moves, scarcely moves",
    "varied": "varied, varying, vary, varies, variation, variations, variable, fluctuat*, modulat*, 忽高忽低, "
    "起伏, 波动, 时高时低",
    "varied loud": "忽大忽小, 时大时小, 忽强忽弱, 时强时弱",
    "varied fast": "忽快忽慢, 时快时慢, 快慢不一, 快慢不均",
    "changes": "变化, 变化丰富, 富有变化, 富于变化, 多变, change, changes, changing",
    "lively": "lively, animated, sing-song, singsong, melodic",
    "expressive": "expressive, dynamic, colourful, colorful, 丰富, 生动",
    "cadenced": "抑扬顿挫",
    "steady": "steady, stable, constant, consistent, unwavering, 平稳, 稳定, 稳",
    "even": "even, evenly, uniform, 均匀",
    "rises": "rise, rises, rising, rose, risen, climb*, increas*, go up, goes up, going up, went up, upward, upwards, "
    "ascend*, escalat*, lifts, 升高, 上升, 提升, 变高, 渐高, 先低后高, 由低到高, 由低转高, 从低到高, 升调, 先抑后扬, "
    "前低后高, 前平后扬",
    "raises": "raise, raises, raised, raising, 提高, 抬高, 拔高",
    "leaps": "leap, leaps, leapt, jump, jumps, jumped, soar*, spike, spikes, spiked, shoots up, shot up, 飙升, 骤升, "
    "陡升, 攀升, 走高",
    "lilts": "upward lilt, rising lilt, uptick, 上扬, 上挑",
    "swells": "swell*, crescendo, 变大, 增大, 加大, 放大, 增强, 渐强, 变响, 由小变大, 由弱到强, 先小后大, 前小后大",
    "falls": "fall, falls, falling, fell, drop, drops, dropped, dropping, decreas*, go down, goes down, going down, "
    "went down, dip, dips, descend*, sink, sinks, sank, declin*, downward, downwards, diminish*, lessen*, 下降, 降低, "
    "降下, 变低, 渐低, 回落, 先高后低, 由高到低, 由高转低, 下沉, 从高到低, 降调, 下滑, 滑落, 走低, 骤降, 陡降, "
    "先扬后抑, 前高后低",
    "lowers": "lowers, lowered, lowering, 放低",
    "fades": "fade, fades, faded, fading, soften, softens, softened, softening, trail off, trails off, trailed off, "
    "trailing off, 减弱, 变小, 渐弱, 变轻, 放轻, 减小, 由大变小, 由强到弱, taper*, dies away, dies down, peters out, "
    "dwindl*, 先大后小, 前大后小",
    "quickens": "speed up, speeds up, sped up, speeding up, quicken*, accelerat*, 加快, 加速, 变快, 渐快, 先慢后快, "
    "由慢转快, picks up, picked up, picking up, 前慢后快",
    "slows": "slows, slowed, slowing, slow down, slows down, slowed down, slowing down, decelerat*, 放慢, 减慢, "
    "变慢, 放缓, 减缓, 渐慢, 先快后慢, 由快转慢, slacken*, 前快后慢",
    "pause": "pause, pauses, paused, pausing, halting, haltingly, silent pause, silent pauses, moment of silence, "
    "moments of silence, silent for a moment, falls silent, fell silent, 停顿, 顿了顿, 顿了一下, 停了一下, 断断续续, "
    "沉默片刻, 沉默了片刻, 沉默了一会, 片刻的沉默, 短暂的沉默, 短暂沉默, seconds of silence, second of silence, "
    "一字一顿, 一顿一顿, 沉默了几秒, 沉默几秒, 停了几秒, 停顿了几秒, gap between, gaps between, gap of, gaps of, "
    "gap before, gaps before, breaks between, 时断时续",
    "long pause": "停了很久, 停了好久, 停了好一会, 停了好几秒, 停顿了好几秒, 停顿了很久, 沉默了很久, 沉默了好几秒, "
    "沉默良久, 沉默许久, 停顿良久, 停了半晌",
    "fluent": "fluent*, uninterrupted, few pauses, minimal pauses, rarely pauses, seldom pauses, rare pauses, "
    "barely pauses, barely any pauses, scarcely any pauses, scarcely pauses, pauses are rare, pauses are few, 流畅, "
    "流利, 连贯, 一气呵成, 停顿较少, 停顿很少, 停顿极少, 停顿不多, 停顿稀少, 极少停顿, 少有停顿, 鲜有停顿, 停顿少, "
    "很少停顿, 一口气说完, 一口气地说, barely any breaks, hardly any breaks, few breaks, no breaks, without a break, "
    "without breaks, 不带喘气, 不喘气",
    "silent": "nobody speaks, nobody is speaking, no one speaks, no one is speaking, no speech, no voice, "
    "no dialogue, no spoken words, no words are spoken, says nothing, does not speak, doesn't speak, silent, "
    "complete silence, 没有人说话, 无人说话, 没有说话声, 没有人声, 无人声, 没有对白, 没有语音, 没有说话, 未说话, "
    "一言不发, 静音, 无声, 保持沉默, 全程沉默, nobody says a word, no one says a word, says not a word",
    "trembles": "trembl*, tremul*, quiver*, quaver*, shaky, shaking, shakes, tremor, tremors, unsteady, waver, "
    "wavers, wavering, 颤抖, 发颤, 发抖, 颤音, 颤动, 哆嗦, 抖动, wobbl*, warbl*, shakily, unsteadily, 打颤, 微颤, "
    "轻颤, 颤着, 颤巍巍",
    "steadies": "steadies, steadied, steadying",
    "unstable": "不稳",
}

MEANS: Mapping[str, Mapping[str, str]] = {
    "high": {"pitch intonation voice ending": "pitch + 2", "loudness": "loudness + 2", "rate": "rate + 2"},
    "tall": {"pitch intonation ending": "pitch + 2", "loudness": "loudness + 2", "voice": "pitch_or_loudness + 2"},
    "high-pitched": {"*": "pitch + 2"},
    "sharp": {"pitch intonation voice ending": "pitch + 2"},
    "ringing": {"pitch intonation": "pitch + 2", "loudness": "loudness + 2", "*": "pitch + 2, loudness + 2"},
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
    "hurries": {"*": "rate + 2"},
    "headlong": {"*": "rate + 3"},
    "urgent": {"rate": "rate + 2"},
    "slow": {"rate voice speak intonation ending wording": "rate - 2"},
    "measured": {"rate voice speak": "rate - 1"},
    "sluggish": {"rate": "rate - 2"},
    "gentle slope": {"rate": "rate - 1", "pitch intonation": "pitch_range - 2"},
    "takes time": {"*": "rate - 2"},
    "mid rate": {"*": "rate 0 2"},
    "mid pitch": {"*": "pitch 0 2"},
    "moderate": {"pitch intonation": "pitch 0 2", "loudness": "loudness 0 2", "rate": "rate 0 2"},
    "unremarkable": {"pitch": "pitch 0 2", "loudness": "loudness 0 2", "rate": "rate 0 2"},
    "reduced": {
        "pitch": "pitch - 2",
        "loudness": "loudness - 2",
        "rate": "rate - 2",
        "pitch_range": "pitch_range - 2",
        "loudness_range": "loudness_range - 2",
    },
    "small": {"voice": "loudness - 2", "pitch_range": "pitch_range - 2", "loudness_range": "loudness_range - 2"},
    "wide": {"pitch_range": "pitch_range + 2", "loudness_range": "loudness_range + 2"},
    "restricted": {"pitch_range": "pitch_range - 2", "loudness_range": "loudness_range - 2"},
    "flat": {"pitch intonation voice speak": "pitch_range - 2", "loudness": "loudness_range - 2"},
    "monotone": {"*": "pitch_range - 2"},
    "little varied": {
        "pitch intonation voice pitch_range": "pitch_range - 2",
        "loudness loudness_range": "loudness_range - 2",
        "rate": "rate_range - 2",
    },
    "varied": {
        "pitch intonation voice": "pitch_range + 2",
        "loudness": "loudness_range + 2",
        "rate": "rate_range + 2",
    },
    "varied loud": {"*": "loudness_range + 2"},
    "varied fast": {"*": "rate_range + 2"},
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
    "leaps": {"pitch intonation": "pitch rises 2", "loudness": "loudness rises 2", "rate": "rate rises 2"},
    "lilts": {"pitch intonation ending voice speak -": "pitch rises 2", "loudness": "loudness rises 2"},
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
    "long pause": {"*": "pause + 3"},
    "fluent": {"*": "pause - 2"},
    "silent": {"*": "silence + 2"},
    "trembles": {"*": "tremor + 2"},
    "steadies": {"voice": "tremor falls 2"},
    "unstable": {"voice": "tremor + 2", "rate": "rate_range + 2"},
}

#: How a voice is in what is no property of ours; a clause with one of them speaks of the voice.
MANNERS = "breathy, hoarse*, rasp*, husky, articulate*, enunciat*, 沙哑, 嘶哑, 哭腔, 清脆, 浑厚"
