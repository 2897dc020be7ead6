"""Sentences as records have them, and the claims that a person reads in them. How well they are read:

    python -m tests.sed.said

The first were written before the reader, which was made to read them all. The others were written when it stood, sixty
at a time; of what is claimed (strength and place aside) it read of each, before it was mended by them:

    SECOND_   precision 68/71 = 0.96, recall 68/90 = 0.76
    THIRD_    precision 62/67 = 0.93, recall 62/72 = 0.86
    FOURTH_   precision 53/61 = 0.87, recall 53/79 = 0.67
    together  precision 183/199 = 0.92, recall 183/241 = 0.76

That, and not what it makes of them now, is how well it reads what it was not shown.

A claim is written as: "not" where it is denied; the property; "rises" or "falls" where it changes, else the direction
as a sign (0 for what is normal); its strength 1..3; "start", "end", "throughout" or "moments" where the sentence says
where.
"""

from collections import Counter
from collections.abc import Mapping

from swift_saber.sed.claims import Claim, read_face, read_voice

VOICE_EN: dict[str, str] = {
    # pitch
    "The speaker has a male voice with a moderate pitch and a conversational volume.": "pitch 0 2; loudness 0 2",
    "The voice is high and warm.": "pitch + 2",
    "The voice is low and hostile.": "pitch_or_loudness - 2",
    "Her pitch is slightly higher than usual.": "pitch + 1",
    "His pitch is very low.": "pitch - 3",
    "A high-pitched, trembling, fast voice.": "pitch + 2; tremor + 2; rate + 2",
    "He speaks in a deep voice.": "pitch - 2",
    "The pitch rises sharply at the end of the sentence.": "pitch rises 3 end",
    "Her intonation goes up on the last word.": "pitch rises 2 end",
    "The question ends with a rising intonation.": "pitch rises 2 end",
    "Her voice drops in pitch toward the end.": "pitch falls 2 end",
    "The pitch is not high.": "not pitch + 2",
    "The pitch stays within the normal range and does not rise.": "pitch 0 2; not pitch rises 2",
    "He takes a deep breath before he speaks.": "",
    "She is in high spirits and greets everyone.": "",
    "Her voice is shrill.": "pitch + 2",
    # range
    "The delivery is flat and monotone.": "pitch_range - 2; pitch_range - 2",
    "He reads the line in a monotonous tone.": "pitch_range - 2",
    "Her intonation is lively and varied.": "pitch_range + 2; pitch_range + 2",
    "There is little variation in pitch.": "pitch_range - 2",
    "The pitch fluctuates a lot.": "pitch_range + 3",
    # loudness
    "He speaks loudly throughout.": "loudness + 2 throughout",
    "The voice is not loud.": "not loudness + 2",
    "She says it softly, almost in a whisper.": "loudness - 2; loudness - 3",
    "He shouts the last words.": "loudness + 3 end",
    "He does not shout; he keeps his voice low.": "not loudness + 3; loudness - 2",
    "In a low voice, he asks her to leave.": "loudness - 2",
    "The volume increases as she goes on.": "loudness rises 2",
    "She raises her voice at the end.": "loudness rises 2 end",
    "He lowers his voice when the door opens.": "loudness falls 2",
    "Each sentence is louder than the one before.": "loudness rises 2",
    "He grows louder and louder.": "loudness rises 2",
    "A man in a loud shirt speaks quietly.": "loudness - 2",
    "At first she murmurs, then her volume rises.": "loudness - 2 start; loudness rises 2",
    "His voice trails off.": "loudness falls 2",
    "The voice sounds as if he were about to shout.": "",
    # rate
    "The pace is fast.": "rate + 2",
    "She talks slowly and quietly.": "rate - 2; loudness - 2",
    "He speaks at a measured pace.": "rate - 1",
    "Her speech speeds up in the second half.": "rate rises 2 end",
    "He slows down towards the end.": "rate falls 2 end",
    "The speaking rate is neither fast nor slow.": "rate 0 2",
    "The words come rapidly and at a high volume.": "rate + 2; loudness + 2",
    "He gives a quick glance and speaks at a normal pace.": "rate 0 2",
    # pauses, silence, tremor
    "There is a long pause before the answer.": "pause + 3",
    "She speaks without any pauses.": "not pause + 2",
    "He pauses briefly in the middle.": "pause + 1",
    "Nobody speaks in the clip.": "silence + 2",
    "The clip is silent.": "silence + 2",
    "Her voice trembles slightly.": "tremor + 1",
    "The voice is steady and shows no tremor.": "tremor - 2; not tremor + 2",
    # others, and what is none of ours
    "A woman's voice in the background is loud and shrill, while the man speaks quietly.": "loudness - 2",
    "The man's voice is low-pitched; the woman's is high-pitched.": "pitch - 2",
    "Loud music plays, and the speaker's voice is soft.": "loudness - 2",
    "The tone is calm and friendly.": "",
    "His tone is inquisitive and slightly puzzled, delivering the line in a smooth, even cadence.": "rate_range - 2",
    "The room is quiet and her voice is clear.": "",
    "With high energy and deep emotion he thanks the audience.": "",
    'He says "speak louder" in a soft voice.': "loudness - 2",
    "The voice is neither loud nor soft, but the tempo is quick.": "loudness 0 2; rate + 2",
}

VOICE_ZH: dict[str, str] = {
    # pitch
    "说话人为成年男性，声音洪亮，音调中等。": "loudness + 2; pitch 0 2",
    "声音低沉，语气充满敌意。": "pitch - 2",
    "音调偏高，语速较快。": "pitch + 1; rate + 1",
    "她的声音尖细而急促。": "pitch + 2; rate + 2",
    "语调在句尾上扬。": "pitch rises 2 end",
    "声调上扬，带有疑问。": "pitch rises 2",
    "尾音微微上扬。": "pitch rises 1 end",
    "说到最后，音调明显降低。": "pitch falls 2 end",
    "音高并不高。": "not pitch + 2",
    "他情绪高涨，神情高兴。": "",
    "他用低沉的嗓音缓缓说道。": "pitch - 2; rate - 2",
    "声音高亢。": "pitch + 2; loudness + 2",
    "音调不高不低。": "pitch 0 2",
    # range
    "语调平淡，没有起伏。": "pitch_range - 2; not pitch_range + 2",
    "语调抑扬顿挫，富有变化。": "pitch_range + 2; pitch_range + 2",
    "音调起伏较大。": "pitch_range + 2",
    "全程语调单调。": "pitch_range - 2 throughout",
    # loudness
    "音量很大。": "loudness + 2",
    "音量不大，声音轻柔。": "not loudness + 2; loudness - 2",
    "他压低声音说话。": "loudness - 2",
    "她低声说了几句。": "loudness - 2",
    "说话人大声喊叫。": "loudness + 2; loudness + 3",
    "音量逐渐提高。": "loudness rises 2",
    "声音越来越小。": "loudness falls 2",
    "最后一句音量突然增大。": "loudness rises 2 end",
    "语气激动，提高了嗓门。": "loudness rises 2",
    "音量和语速都适中。": "loudness 0 2; rate 0 2",
    "音量正常，比之前略微提高。": "loudness 0 2; loudness rises 1",
    "他没有提高音量。": "not loudness rises 2",
    "她几乎是在耳语。": "loudness - 3",
    "他仿佛要喊出来。": "",
    # rate
    "语速平缓。": "rate - 1",
    "语速缓慢，中间有较长的停顿。": "rate - 2; pause + 2",
    "语速非常快。": "rate + 3",
    "说到后面语速加快。": "rate rises 2 end",
    "语速先快后慢。": "rate falls 2",
    "他说话不紧不慢。": "rate 0 2",
    "语速不快，但音量较高。": "not rate + 2; loudness + 1",
    "说话速度稍慢，声音很低。": "rate - 1; pitch_or_loudness - 2",
    # pauses, silence, tremor
    "在说第二句话时，他有轻微的停顿和重复（“我...我”），这增强了话语的诚恳感。": "pause + 1",
    "中间没有停顿。": "not pause + 2",
    "停顿较多，气息不稳。": "pause + 2",
    "沉默片刻后才回答。": "pause + 2",
    "片段中没有人说话。": "silence + 2",
    "声音微微颤抖。": "tremor + 1",
    "声音平稳，毫无颤抖。": "tremor - 2; not tremor + 2",
    # others, and what is none of ours
    "语气平静。": "",
    "吐字清晰，语气真诚。": "",
    "他深吸一口气，呼吸急促。": "",
    "背景中有女人的尖叫声，说话人声音低沉。": "pitch - 2",
    "背景音乐响亮，男声轻柔。": "loudness - 2",
    "男子声音低沉，旁边的女子声音尖锐。": "pitch - 2",
    "环境安静，房间很大。": "",
    "她说“快一点”，语速却很慢。": "rate - 2",
    "整体音量偏低，语调平稳，语速均匀。": "loudness - 1; pitch_range - 2; rate_range - 2",
}

FACE_EN: dict[str, str] = {
    "The face smiles.": "lip_corner_puller + 2",
    "The face frowns.": "brow_lowerer + 2",
    "The man's eyebrows are slightly furrowed as he looks down at the mug.": "brow_lowerer + 1",
    "His mouth is slightly agape as he speaks.": "jaw_drop + 1",
    "The woman has a relatively neutral expression, her lips slightly parted.": "expression - 1; lips_part + 1",
    "A slow smile spreads across her face.": "lip_corner_puller rises 2",
    "The smile fades at the end.": "lip_corner_puller falls 2 end",
    "She does not smile.": "not lip_corner_puller + 2",
    "Her eyebrows are raised and her eyes are wide open.": "brow_raiser + 2; upper_lid_raiser + 2",
    "His eyes narrow and his jaw is clenched.": "lid_tightener + 2",
    "She presses her lips together.": "lip_pressor + 2",
    "The corners of his mouth turn down.": "lip_corner_depressor + 2",
    "With her eyes closed, she listens.": "eyes_closed + 2",
    "His jaw drops.": "jaw_drop + 2",
    "She wrinkles her nose and grins broadly.": "nose_wrinkler + 2; lip_corner_puller + 3",
    "He gives a quick glance to the side.": "",
    "His eyes are calm and focused.": "",
    "His face is expressionless.": "expression - 2",
    "The man frowns; the woman beside him smiles.": "brow_lowerer + 2",
    "He looks as if he were about to smile.": "",
    "He blinks several times and bites his lip.": "blink + 2; lip_bite + 2",
    "There is no frown on her brow.": "not brow_lowerer + 2",
}

FACE_ZH: dict[str, str] = {
    "说话人面带温和而真诚的微笑，眼神明亮。": "lip_corner_puller + 2",
    "他的眉毛微微上扬，嘴角上翘。": "brow_raiser + 1; lip_corner_puller + 2",
    "她眉头紧锁，眼里含着泪水。": "brow_lowerer + 2",
    "眉头紧皱，嘴角下垂。": "brow_lowerer + 2; lip_corner_depressor + 2",
    "双唇紧闭，没有笑容。": "lip_pressor + 2; not lip_corner_puller + 2",
    "他睁大眼睛，嘴巴微张。": "upper_lid_raiser + 2; jaw_drop + 1",
    "她眯起眼睛，皱了皱鼻子。": "lid_tightener + 2; nose_wrinkler + 2",
    "他抿着嘴唇，目光低垂。": "lip_pressor + 2",
    "面无表情。": "expression - 2",
    "笑容逐渐消失。": "lip_corner_puller falls 2",
    "她闭着眼睛，轻轻皱眉。": "eyes_closed + 2; brow_lowerer + 1",
    "他没有皱眉。": "not brow_lowerer + 2",
    "眼神坚定，直视前方。": "",
    "男子皱着眉，对面的女子微笑着。": "brow_lowerer + 2",
    "她挑起眉毛，咬着下唇。": "brow_raiser + 2; lip_bite + 2",
    "他咧嘴大笑，频繁眨眼。": "lip_corner_puller + 3; blink + 3",
    "他好像要笑出来。": "",
    "说话人眉头舒展，表情放松。": "brow_lowerer - 2",
}

SECOND_VOICE_EN: dict[str, str] = {
    "A young woman speaks in a bright, cheerful voice at a brisk pace.": "rate + 2",
    "The man's voice is deep and authoritative, and he takes his time with every word.": "pitch - 2; rate - 2",
    "Her delivery is rushed and breathless, the words tumbling over one another.": "rate + 2",
    "The pitch stays fairly flat for a while and only lifts on the final word.": "pitch_range - 1; pitch rises 2 end",
    "He sounds tired; his volume is a little lower than normal.": "loudness - 1",
    "She starts out quietly and ends up yelling.": "loudness - 2 start; loudness + 3 end",
    "There's a noticeable quiver in her voice when she says goodbye.": "tremor + 2 moments",
    "The speaker hardly pauses between sentences.": "not pause + 2",
    "His tone remains even, with no change in loudness.": "pitch_range - 2; not loudness_range + 2",
    "The voice is neither raised nor hurried.": "not loudness + 2; not rate + 2",
    "Her voice is noticeably higher in pitch during the second sentence.": "pitch + 2",
    "After two seconds of silence he answers in a monotone.": "pause + 2; pitch_range - 2",
    "A child can be heard screaming in the background while the mother talks calmly.": "",
    "The audio is noisy, and the speech is hard to make out.": "",
    "She lowers her pitch to imitate her boss.": "pitch falls 2",
    "He speaks so softly that the words are barely audible.": "loudness - 2",
    "The interviewer asks loudly, but the speaker replies at a moderate volume.": "loudness 0 2",
    "Her speaking speed picks up, and her voice gets louder with each phrase.": "rate rises 2; loudness rises 2",
    "The words are drawn out slowly, separated by long pauses.": "rate - 2; rate - 2; pause + 3",
    "His laughter is loud, yet his voice stays soft and slow.": "loudness - 2; rate - 2",
}

SECOND_VOICE_ZH: dict[str, str] = {
    "说话者声音低沉，语速缓慢，带有哽咽的感觉。": "pitch - 2; rate - 2",
    "声音明亮，语调上扬，节奏轻快。": "pitch rises 2",
    "音色偏暗，整体语速不快，句子之间停顿明显。": "not rate + 2; pause + 2",
    "她说话的声音越来越轻，最后几乎听不见。": "loudness falls 2",
    "语调极高，带有强烈的疑问感。": "pitch + 3",
    "说话时音量忽然升高，随后又恢复正常。": "loudness rises 2; loudness 0 2",
    "男人的嗓门很大，语速像连珠炮一样快。": "loudness + 2; rate + 2",
    "说话人声音颤抖，呼吸急促，语速不稳定。": "tremor + 2; rate_range + 2",
    "语气温和，声音不高，吐字缓慢。": "not pitch_or_loudness + 2; rate - 2",
    "开头声音平静，说到“不可能”时突然提高了音调。": "pitch rises 2 moments",
    "她的声音又尖又细，语速快得惊人。": "pitch + 2; rate + 3",
    "整段话一气呵成，没有明显的停顿。": "pause - 2 throughout; not pause + 2",
    "语调平直，缺少变化，听起来很机械。": "pitch_range - 2; not pitch_range + 2",
    "电视里的声音很吵，老人说话轻声细语。": "loudness - 2",
    "他一字一顿地说，声音压得很低。": "pause + 2; loudness - 2",
    "音量中等偏低，语速略快。": "loudness - 1; rate + 1",
    "音频中只有环境噪音，没有人说话。": "silence + 2",
    "她的语速比对方快得多。": "",
    "说话声断断续续，尾音拖得很长。": "pause + 2; rate - 2 end",
    "他说这番话时既没有提高嗓门，也没有加快语速。": "not loudness rises 2; not rate rises 2",
}

SECOND_FACE_EN: dict[str, str] = {
    "The man stares straight ahead with a tight-lipped smile.": "lip_corner_puller + 2; lip_pressor + 2",
    "Her brows are knitted and the corners of her lips pulled downward.": "brow_lowerer + 2; lip_corner_depressor + 2",
    "He rolls his eyes and lets out a sigh.": "",
    "Her mouth falls open and her eyebrows shoot up.": "jaw_drop + 2; brow_raiser + 2",
    "There is a faint smile on his lips that does not reach his eyes.": "lip_corner_puller + 1",
    "Her forehead is smooth and her eyes are half closed.": "brow_lowerer - 2; eyes_closed + 1",
    "The speaker's face stays blank while the woman opposite him laughs.": "expression - 2",
    "He gives a wide grin, his eyes squeezed shut.": "lip_corner_puller + 3; eyes_closed + 2",
    "Without frowning, she lifts her eyebrows a little.": "not brow_lowerer + 2; brow_raiser + 1",
    "His lips tremble and tears run down his cheeks.": "",
}

SECOND_FACE_ZH: dict[str, str] = {
    "人物眉头微蹙，眼神忧郁，嘴角下垂。": "brow_lowerer + 1; lip_corner_depressor + 2",
    "他双眼眯成一条缝，咧着嘴笑。": "lid_tightener + 2; lip_corner_puller + 2",
    "嘴角紧抿，下颌紧绷。": "lip_pressor + 2",
    "她的笑容渐渐收敛，眉毛拧在一起。": "lip_corner_puller falls 2; brow_lowerer + 2",
    "说话人全程没有笑，表情十分冷淡。": "not lip_corner_puller + 2 throughout",
    "她瞪圆了眼睛，嘴张得老大。": "upper_lid_raiser + 2; jaw_drop + 3",
    "男子微微一笑，眼角出现细纹。": "lip_corner_puller + 1; cheek_raiser + 2",
    "眉毛抬高，眼睛睁大，嘴唇微微分开。": "brow_raiser + 2; upper_lid_raiser + 2; lips_part + 1",
    "他眼睛半闭，神情疲惫。": "eyes_closed + 1",
    "女孩撅着嘴，低头不看镜头。": "lip_pucker + 2",
}

THIRD_VOICE_EN: dict[str, str] = {
    "His voice is gravelly and low, almost a growl.": "pitch_or_loudness - 2",
    "She talks fast, barely taking a breath between clauses.": "rate + 2",
    "A cold, flat tone with clipped consonants.": "pitch_range - 2",
    "The pitch contour is wide and playful, rising and falling within a single phrase.": "pitch_range + 2",
    "He raises the pitch on the name and stretches the vowel.": "pitch rises 2",
    "The voice is slightly shaky at first but steadies later on.": "tremor + 1 start; tremor falls 2",
    "Volume and tempo both increase toward the end.": "loudness rises 2 end; rate rises 2 end",
    "She has a loud, high voice.": "loudness + 2; pitch + 2",
    "It is a quiet conversation in a busy restaurant.": "",
    "He answers without hesitation, in a voice that is a touch louder than usual.": "loudness + 1",
    "The old man's speech is slow, with many pauses, and his voice is weak.": "rate - 2; pause + 3",
    "Her intonation is not monotone.": "not pitch_range - 2",
    "The speaker keeps a steady rhythm and never speeds up.": "rate_range - 2; not rate rises 2",
    "A second voice, much deeper, interrupts him.": "",
    "The last sentence is spoken in a hushed tone.": "loudness - 2 end",
    "His pitch dips on the final syllable.": "pitch falls 2 end",
    "She laughs softly, and her tone warms.": "",
    "If he spoke more slowly he would be easier to follow.": "",
    "Her normally loud voice is reduced to a murmur.": "loudness - 2",
    "He speaks with a high pitch at a slow pace.": "pitch + 2; rate - 2",
}

THIRD_VOICE_ZH: dict[str, str] = {
    "男性说话人嗓音沙哑，音量偏小，语速偏慢。": "loudness - 1; rate - 1",
    "她的声音清亮，语气轻松，句尾语调微微上扬。": "pitch rises 1 end",
    "说话人的音调忽高忽低，情绪很不稳定。": "pitch_range + 2",
    "声音很小，像蚊子一样。": "loudness - 2",
    "他放慢语速，加重了语气。": "rate falls 2",
    "语速由慢变快，音量也越来越大。": "rate rises 2; loudness rises 2",
    "停顿的时间很长，大约有三秒。": "pause + 3",
    "音调不算高，但很有穿透力。": "not pitch + 2",
    "她声嘶力竭地喊着，声音尖锐刺耳。": "loudness + 3; pitch + 2",
    "男子平静地陈述，语调没有明显起伏。": "not pitch_range + 2",
    "小女孩的声音稚嫩，音高偏高，语速不快不慢。": "pitch + 1; rate 0 2",
    "说话人快速地眨眼，声音却很平稳。": "tremor - 2",
    "说到伤心处，她的声音开始发抖。": "tremor + 2",
    "对方的声音很大，说话人只是小声回应。": "loudness - 2",
    "音频质量较低，听不清说话内容。": "",
    "他用极低的音量快速说完了这句话。": "loudness - 3; rate + 2",
    "语气生硬，每个字都咬得很重。": "",
    "声调平稳，音量始终保持在较低的水平。": "pitch_range - 2; loudness - 1 throughout",
    "中间停了一下，接着音量陡然拔高。": "pause + 2; loudness rises 2",
    "如果不看画面，会以为他在大声争吵。": "",
}

THIRD_FACE_EN: dict[str, str] = {
    "A deep frown creases her forehead.": "brow_lowerer + 3",
    "His eyes are wide, his jaw slack.": "upper_lid_raiser + 2; jaw_drop + 2",
    "The speaker smiles with her lips closed and her head tilted.": "lip_corner_puller + 2; lips_part - 2",
    "One eyebrow is raised; the mouth forms a thin, hard line.": "brow_raiser + 2; lip_pressor + 2",
    "She looks down, her lower lip caught between her teeth.": "lip_bite + 2",
    "His smile broadens as the applause grows.": "lip_corner_puller rises 2",
    "The boy's expression hardly changes.": "",
    "She narrows her eyes and wrinkles her nose slightly.": "lid_tightener + 2; nose_wrinkler + 1",
    "He never once smiles, and his brows remain drawn together.": "not lip_corner_puller + 2; brow_lowerer + 2",
    "The open door frames her face, which is in shadow.": "",
}

THIRD_FACE_ZH: dict[str, str] = {
    "她的嘴角抽动了一下，勉强挤出一个笑容。": "lip_corner_puller + 2",
    "说话人双眉上扬，嘴巴张开，显得十分惊讶。": "brow_raiser + 2; jaw_drop + 2",
    "他面色阴沉，眉头拧成一团。": "brow_lowerer + 2",
    "女人含泪微笑，嘴唇不住地颤抖。": "lip_corner_puller + 2",
    "镜头中的男人闭目沉思，嘴角平直。": "eyes_closed + 2",
    "他冷冷地看着对方，嘴角扯出一丝冷笑。": "lip_corner_puller + 1",
    "她一会儿皱眉，一会儿又舒展开来。": "brow_lowerer + 2; brow_lowerer - 2",
    "眼睛半睁半闭，嘴唇干裂。": "eyes_closed + 1",
    "男孩鼓起腮帮，嘟着嘴。": "lip_pucker + 2",
    "他没有睁大眼睛，也没有张嘴。": "not upper_lid_raiser + 2; not jaw_drop + 2",
}

FOURTH_VOICE_EN: dict[str, str] = {
    "The woman speaks in a clear, mid-pitched voice with a lilting cadence.": "pitch 0 2",
    "He is practically whispering, and his breath is audible.": "loudness - 3",
    "Her voice has a nasal quality, with a rather high pitch and little dynamic range.": "pitch + 2; pitch_range - 2",
    "The pace starts slow but quickens as she becomes excited.": "rate - 2 start; rate rises 2",
    "He bellows the order, then drops to a mutter.": "loudness + 3; loudness - 2",
    "There is a gap of about one second before the second clause.": "pause + 2",
    "The speaker's voice carries a sense of urgency, with rapid delivery and sharp rises in pitch.": (
        "rate + 2; pitch rises 3"
    ),
    "The tone is conversational, and the volume does not vary much.": "not loudness_range + 2",
    "His low, rumbling voice contrasts with the woman's bright soprano.": "pitch_or_loudness - 2; pitch - 2",
    "Nobody says a word for the whole clip; only the wind is heard.": "silence + 2",
    "She sounds close to tears: her voice wavers and breaks.": "tremor + 2",
    "A narrator reads the text evenly and without emphasis.": "pitch_range - 2",
    "The voice is strained but not raised.": "not loudness + 2",
    "Every phrase ends on a higher note than it began.": "pitch rises 2 end",
    "He speaks at normal volume, neither rushing nor dragging.": "loudness 0 2; not rate + 2; not rate - 2",
    "The speech is muffled by the loud engine.": "",
    "Her voice softens when she mentions her son.": "loudness falls 2 moments",
    "The delivery is halting, with several short pauses.": "pause + 2; pause + 1",
    "The tempo is somewhat slower than average.": "rate - 1",
    "The man talks over the woman, whose voice is barely audible.": "",
}

FOURTH_VOICE_ZH: dict[str, str] = {
    "说话人为年轻女性，嗓音甜美，音高中等偏高。": "pitch + 1",
    "语速较慢，语气中带着犹豫，几次停顿。": "rate - 1; pause + 2",
    "他的声音浑厚有力，但音量并不大。": "not loudness + 2",
    "整体语调比较平，没有抑扬顿挫。": "pitch_range - 1; not pitch_range + 2",
    "说最后一个字时音调下沉。": "pitch falls 2 end",
    "声音压抑而低沉，仿佛在极力克制。": "pitch - 2",
    "她用近乎耳语的声音说了一句话。": "loudness - 3",
    "背景人声嘈杂，主说话人不得不提高音量。": "loudness rises 2",
    "语速时快时慢，节奏不稳。": "rate_range + 2; rate_range + 2",
    "声音清晰，音量适中，没有颤音。": "loudness 0 2; not tremor + 2",
    "老人说话慢吞吞的，声音有些发颤。": "rate - 2; tremor + 1",
    "他突然大吼一声，随即沉默了几秒。": "loudness + 3; pause + 2",
    "音调从高到低滑落，带着失望。": "pitch falls 2",
    "她笑着说话，语速轻快，声音上扬。": "pitch rises 2",
    "两人同时开口，女声盖过了男声。": "",
    "全片没有对白，只有钢琴曲。": "silence + 2",
    "语速正常，比开头稍快。": "rate 0 2; rate rises 1",
    "说话者的声线偏低，语调波动很小。": "pitch_or_loudness - 1; pitch_range - 2",
    "他没有停顿，一口气说完。": "not pause + 2; pause - 2",
    "语气不急不躁，吐字从容。": "",
}

FOURTH_FACE_EN: dict[str, str] = {
    "A tight smile plays on her lips while her brow stays furrowed.": "lip_corner_puller + 2; brow_lowerer + 2",
    "The man's mouth is set in a grim line and his eyes are narrowed slightly.": "lip_pressor + 2; lid_tightener + 1",
    "Her eyebrows arch and her lips part.": "brow_raiser + 2; lips_part + 2",
    "He winces, shutting his eyes briefly.": "eyes_closed + 1",
    "There is no trace of a smile on the speaker's face.": "not lip_corner_puller + 2",
    "She chews on her bottom lip and blinks rapidly.": "lip_bite + 2; blink + 2",
    "His nostrils flare and his jaw tightens.": "",
    "The corners of her mouth lift ever so slightly.": "lip_corner_puller + 1",
    "The listener frowns, but the speaker keeps smiling.": "lip_corner_puller + 2",
    "Her face relaxes and the smile returns.": "lip_corner_puller rises 2",
}

FOURTH_FACE_ZH: dict[str, str] = {
    "她紧紧皱着眉头，嘴唇抿成一条直线。": "brow_lowerer + 3; lip_pressor + 2",
    "男人挑了挑眉，露出一丝得意的笑容。": "brow_raiser + 2; lip_corner_puller + 1",
    "她的眼睛睁得大大的，嘴微微张着。": "upper_lid_raiser + 2; jaw_drop + 1",
    "表情木然，看不出喜怒。": "expression - 2",
    "他眯着眼打量对方，嘴角向下撇。": "lid_tightener + 2; lip_corner_depressor + 2",
    "听到这句话后，她脸上的笑容凝固了。": "",
    "说话人频频眨眼，目光躲闪。": "blink + 3",
    "他仰头大笑，露出牙齿。": "lip_corner_puller + 3",
    "她双眼紧闭，眉心紧蹙。": "eyes_closed + 2; brow_lowerer + 2",
    "老人满脸皱纹，神态安详。": "",
}

#: What is still misread, and how.
# Of 204 that were written to be misread, those that were; how they are written is how they are odd.
ODD_VOICE: dict[str, str] = {
    # what is tried, held back or compared with is not done
    "She tries to speak loudly but only a whisper comes out.": "loudness - 3",
    "He refuses to lower his voice.": "",
    "He stops shouting and begins to speak quietly.": "loudness - 2",
    "She holds back from shouting.": "",
    "He sounds like he wants to scream.": "",
    "He could have shouted.": "",
    "It is hard to call this voice loud.": "",
    "The volume is lower than that of a shout.": "",
    "他几乎要喊出来，却压低了声音。": "loudness - 2",
    "与其说语速快，不如说吐字急。": "",
    "说话者试图放慢语速，但仍然很快。": "",
    # denials
    "There is nothing high-pitched about this voice.": "not pitch + 2",
    "The pace is less fast than one would think.": "not rate + 2",
    "Her voice is devoid of pauses.": "not pause + 2",
    "Little change in volume.": "not loudness_range + 2",
    "Her voice is not without pauses.": "pause + 2",
    "The pause is not long.": "not pause + 3",
    "声音并没有因为愤怒而提高。": "not loudness rises 2",
    "语速慢不下来。": "not rate - 2",
    "音量变化不明显。": "not loudness_range + 2",
    "听不出任何起伏或停顿。": "not pause + 2",
    "并非没有停顿。": "pause + 2",
    "停顿不长。": "not pause + 3",
    # few is next to none
    "She seldom pauses.": "pause - 2",
    "Pauses are rare.": "pause - 2",
    "There are barely any pauses.": "pause - 2",
    "停顿极少，语速极快。": "pause - 2; rate + 3",
    "句子之间停顿不多。": "pause - 2",
    # parts
    "The pitch starts high and ends low.": "pitch + 2 start; pitch - 2 end",
    "The volume goes from loud to soft.": "loudness + 2 start; loudness - 2 end",
    "Her once loud voice is quiet now.": "loudness + 2 start; loudness - 2",
    "原本高亢的声音变得低沉。": "pitch + 2 start; loudness + 2 start; pitch falls 2",
    "The pitch rises and then falls back.": "pitch rises 2 moments; pitch falls 2 moments",
    "His voice rises and falls.": "pitch_or_loudness rises 2 moments; pitch_or_loudness falls 2 moments",
    "音调由低到高再到低。": "pitch rises 2 moments",
    "Sometimes his voice is loud.": "loudness + 2 moments",
    "She occasionally raises her voice.": "loudness rises 2 moments",
    'On the word "never" her pitch rises sharply.': "pitch rises 3 moments",
    'When he says "go", his voice gets louder.': "loudness rises 2 moments",
    "At one point she shouts.": "loudness + 3 moments",
    "他在“绝不”二字上提高音量。": "loudness rises 2 moments",
    "有时声音很大，有时很小。": "loudness + 2 moments; loudness - 2 moments",
    "很少提高音量。": "loudness rises 2 moments",
    # words inside of others
    "The tone is high-spirited and loud-mouthed.": "",
    "She speaks in a low-key tone.": "",
    "The voice is either high or low.": "",
    "声音要么高要么低。": "",
    "He is soft-hearted, his voice firm and loud.": "loudness + 2",
    "She speaks too quietly to be heard over the loud music.": "loudness - 3",
    "音量大小适中，音调高低适中。": "loudness 0 2; pitch 0 2",
    "声音高低起伏很大。": "pitch_range + 3",
    "音乐声渐弱，她的声音响起。": "",
}

MISREAD = {
    "The words are drawn out slowly, separated by long pauses.": "what is said twice in one breath is read once",
    "The pitch contour is wide and playful, rising and falling within a single phrase.": "a change for a range",
    "One eyebrow is raised; the mouth forms a thin, hard line.": "a picture of a mouth",
    "She looks down, her lower lip caught between her teeth.": "a picture of a bite",
    "她一会儿皱眉，一会儿又舒展开来。": "what relaxes is not named again",
    "Every phrase ends on a higher note than it began.": "a picture of a pitch",
    "He speaks at normal volume, neither rushing nor dragging.": "verbs that are not known",
    "听到这句话后，她脸上的笑容凝固了。": "a smile that freezes is read as one",
}

VOICE = VOICE_EN | VOICE_ZH | SECOND_VOICE_EN | SECOND_VOICE_ZH | THIRD_VOICE_EN | THIRD_VOICE_ZH
VOICE |= FOURTH_VOICE_EN | FOURTH_VOICE_ZH | ODD_VOICE
FACE = (
    FACE_EN
    | FACE_ZH
    | SECOND_FACE_EN
    | SECOND_FACE_ZH
    | THIRD_FACE_EN
    | THIRD_FACE_ZH
    | FOURTH_FACE_EN
    | FOURTH_FACE_ZH
)


def short(claim: Claim) -> str:
    """A claim as the tables write it."""
    sign = claim.change or "-0+"[claim.direction + 1]
    parts = ["not" if claim.denied else "", claim.property, sign, str(claim.strength), claim.where or ""]
    return " ".join(part for part in parts if part)


def expected(text: str) -> list[str]:
    return sorted(each for each in text.split("; ") if each)


def _figures(name: str, voice: Mapping[str, str], face: Mapping[str, str]) -> str:
    """Precision and recall of property, direction, change and denial; and of all, strength and place too."""
    shown = []
    read = [(read_voice(text).claims, claims) for text, claims in voice.items()]
    read += [(read_face(text).claims, claims) for text, claims in face.items()]
    for title, words in (("what is claimed", 2), ("to the last letter", 9)):
        right = claimed = stated = 0
        for claims, known in read:
            made, there = (
                Counter(" ".join(each.split()[: words + each.startswith("not ")]) for each in side)
                for side in (map(short, claims), expected(known))
            )
            right, claimed, stated = right + (made & there).total(), claimed + made.total(), stated + there.total()
        precision, recall = right / claimed, right / stated
        shown.append(f"{title}: precision {right}/{claimed} = {precision:.3f}, recall {right}/{stated} = {recall:.3f}")
    return f"{name:10} {'; '.join(shown)}"


if __name__ == "__main__":
    print(_figures("first", VOICE_EN | VOICE_ZH, FACE_EN | FACE_ZH))
    print(_figures("SECOND_", SECOND_VOICE_EN | SECOND_VOICE_ZH, SECOND_FACE_EN | SECOND_FACE_ZH))
    print(_figures("THIRD_", THIRD_VOICE_EN | THIRD_VOICE_ZH, THIRD_FACE_EN | THIRD_FACE_ZH))
    print(_figures("FOURTH_", FOURTH_VOICE_EN | FOURTH_VOICE_ZH, FOURTH_FACE_EN | FOURTH_FACE_ZH))
