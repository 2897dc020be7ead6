"""Words about a voice and a face alike: how much, when and of whom something is said, and what stands for nothing.

What is said of either is in sed/claim_voice.py and claim_face.py; how words are put together is sed/claims.py's. All
lists are ours.
"""

#: Words that say how much, -1 or +1 in strength.
DEGREES = {
    "slight": "slight, slightly, a little, a bit, a touch, somewhat, relatively, fairly, mildly, moderately, subtle, "
    "subtly, marginally, brief, briefly, short, momentary, 略, 略微, 略显, 稍, 稍微, 稍稍, 稍显, 微微, 轻微, 轻轻, "
    "有些, 有点, 有一点, 较, 比较, 较为, 偏, 些许, 相对, 短暂, 一些, faint, faintly, 一抹, 一丝, 淡淡",
    "strong": "very, deep, sharp, steep, 紧紧, extremely, highly, really, unusually, exceptionally, remarkably, "
    "sharply, dramatically, significantly, considerably, greatly, a lot, strongly, particularly, especially, too, "
    "long, lengthy, prolonged, frequent, frequently, many, numerous, broad, broadly, deeply, tightly, 非常, 极, "
    "极其, 极为, 极度, 十分, 特别, 异常, 格外, 过于, 急剧, 大幅, 大幅度, 剧烈, 强烈, 频繁, 惊人, 极了, 长, 很长, 多, "
    "很多, 频频, at the top of his lungs, at the top of her lungs, at the top of his voice, at the top of her voice",
}
WHERE = {
    "end": "at the end, final syllable, last syllable, toward the end, towards the end, in the end, by the end, "
    "near the end, finally, at last, last word, last words, last sentence, last phrase, final word, final words, "
    "second half, 句尾, 句末, 末尾, 结尾, 最后, 后半段, 后半句, 后面, 尾声, ends up, ends in, ending in, "
    "by the close, at the close, closing words, closing line, last few words, final few words",
    "start": "at first, initially, at the beginning, at the start, in the beginning, first half, 开头, 起初, 一开始, "
    "开始时, 最初, 句首, first word, first words, first syllable, 第一个字, 前半段, 前半句, starts out, starts off, "
    "started out, started off, the first few words, opening words, opening line, first line",
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
#: What is only compared with, or not yet there.
HYPOTHESES = (
    "if, either, whether, would, should, perhaps, possibly, typically, used to, normally, usually, as if, as though, "
    "like someone, about to, on the verge of, "
    "ready to, 仿佛, 好像, "
    "像是, 可能, 也许, 或许, 假如, 假设, 倘若, 应该, 本可以, 本应, 一般来说, 一般而言, 通常, 听不出是, 看不出是, "
    "说不清, 分不清, 难以判断, 很难判断, 无法判断, 如同, 犹如, 宛如, 好似, 快要, 即将, 险些, 差点, 似要, 如果, 要是, "
    "以为, 要么, 是否, 是不是, 有没有, 能否"
)
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
    # Of somebody else only where it is said whose: "his brother", 她的同事.
    "relative": "brother, sister, son, daughter, colleague, boss, neighbour, neighbor, friend, friends, 弟弟, 哥哥, "
    "姐姐, 妹妹, 儿子, 女儿, 同事, 老板, 邻居, 朋友",
    # What sounds, or is looked at, where it is the first that a clause names.
    "thing": "guitar, piano, phone, telephone, engine, dog, dogs, applause, subtitle, subtitles, caption, captions, "
    "painting, photo, photograph, poster, portrait, emoji, 钢琴, 吉他, 鼓声, 电话, 手机, 铃声, 收音机, 发动机, 掌声, "
    "雨声, 风声, 雷声, 狗叫, 字幕, 照片, 海报, 画像",
}
#: What else sounds.
SOURCES = (
    "background, music, soundtrack, traffic, noise, television, radio, siren, 背景, 音乐, 配乐, 伴奏, 噪音, 杂音, "
    "电视, 广播, 歌声, 车声"
)
#: Words inside of which others would be found.
NOTHING = (
    "sample rate, sampling rate, bit rate, frame rate, heart rate, falls short, fall short, fell short, 工作节奏, "
    "生活节奏, 画面节奏, 剪辑节奏, 车速, "
    "tone of the scene, pace of the scene, rhythm of the scene, pace of the editing, rhythm of the editing, "
    "pace of the film, pace of the story, "
    "even if, even when, even though, even as, even so, even louder, even softer, even faster, even slower, even more, "
    "on the one hand, on the other hand, at large, the rest, 高兴, 平静, 平和, 平时, 平常, 平凡, 公平, 水平, 镜头, "
    "念头, 仰头, 抬头, 歪头, 歪着头, 低着头, 侧头, 扭头, 街头, 点头, 摇头, 回头, 头发, 高度, 高大, 提高兴致, 低头, "
    "高低, 大小, 快慢, 强弱, 轻重, 响起, 大概, 大约, 大量, 大部分, 大多, 大家, 大衣, 巨大, 扩大, 小心, 小孩, 小时, "
    "小说, 愉快, 轻快, 欢快, 快乐, 畅快, 痛快, 爽快, 快步, 赶快, 傲慢, 怠慢, 弱点, 年轻, 轻松, 轻视, 轻蔑, 影响, 反响, "
    "音响, 尖刻, 高傲, 崇高, 高级, 口吃, 说明, 说服, 问题, 疑问, 询问, 质问, 手法, 比较多, 强大, 宽大, 长相, 擅长, "
    "成长, 特长, 延长, 长发, 长裙, 长袍, 其中, 转身, 转头, 转向, 似笑非笑, 皮笑肉不笑, 哭笑不得, 不苟言笑, 于正常, "
    "于平均, 于一般, 于常人, 平均, 玩笑, 笑话, 好笑, 可笑, 搞笑, 咬紧牙关, 咬牙, 咬着牙, 咬牙切齿"
)

#: Values that are adjectives or adverbs, and nothing beside a noun or verb that is no topic: "a quick glance".
ADJECTIVES = """
    high low deep loud quiet fast slow measured moderate flat lively expressive steady even varied high-pitched
    low-pitched trembles open closed wide neutral lowered raised relaxed
    small reduced restricted unremarkable urgent sluggish
"""
#: What of these is always a verb.
VERBS = """
    lift lifts raise raises raising rise rises rose quirk quirks cock cocks lowers opens close closes closing
    shuts widen widens narrows arch arches vary varies
"""
#: English words behind an adjective that are no noun to which it belongs, or one that changes nothing ("range").
NO_NOUN = """
    and or but nor with without in at as to for when while than that which who because so then from by on of off into
    until is are was were be been the a an he she they it his her their its this these throughout overall enough again
    during after before though yet now here toward towards together high wide open if not range level levels limits much
    up down between within across over through around along
"""
