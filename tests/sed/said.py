"""Sentences as records have them, and the claims that a person reads in them: all that the reader was made to read.

How well it reads what it was not shown is tests/sed/held_out.py.

A claim is written as: "not" where it is denied; the property; "rises" or "falls" where it changes, else the direction
as a sign (0 for what is normal); its strength 1..3; "start", "end", "throughout" or "moments" where the sentence says
where.
"""

from swift_saber.sed.claims import Claim

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

# What each of the reader's rules is for, by a sentence that it misread or left unread before.
RULES_VOICE: dict[str, str] = {
    # who or what a value is said of
    "The volume of her voice is low.": "loudness - 2",
    "The pitch of his voice rises.": "pitch rises 2",
    "Tension rises in her voice.": "",
    "Her voice is full of rising panic.": "",
    "The narrator reads with measured pauses.": "pause + 2",
    "The speaker's average pitch is high.": "pitch + 2",
    "A baritone, slow and soft.": "pitch - 2; rate - 2; loudness - 2",
    "低音浑厚。": "",
    # what is denied, what is only compared or supposed
    "Her delivery is anything but monotone.": "not pitch_range - 2",
    "His voice never rises above a murmur.": "not pitch_or_loudness rises 2; loudness - 2",
    "Her voice barely trembles.": "not tremor + 2",
    "He doesn't speak loudly.": "not loudness + 2",
    "Her usually loud voice is tiny here.": "loudness - 2",
    "Loudness fluctuates between soft and loud.": "loudness_range + 2",
    "Mean pitch is lower than in the previous clip.": "",
    "无法判断音调是否升高。": "",
    "语速低于正常水平。": "rate - 2",
    "语速既不快也不慢。": "not rate + 2; not rate - 2",
    # what turns, and when
    "声音一下子低了下去，语速慢了下来。": "pitch_or_loudness falls 2; rate falls 2",
    "She has a rising inflection at the end and no pauses.": "pitch rises 2 end; not pause + 2",
    "她一直在笑，音调上扬。": "pitch rises 2",
    # ranges
    "The pitch range is wide and the dynamic range is limited.": "pitch_range + 2; loudness_range - 2",
    "整段话音量忽大忽小。": "loudness_range + 2 throughout",
    "高亢的声调。": "pitch + 2",
}

RULES_FACE: dict[str, str] = {
    "AU4 and AU07 are visible, with AU12 absent.": "brow_lowerer + 2; lid_tightener + 2; not lip_corner_puller + 2",
    "Eyebrows slightly raised, eyes closed.": "brow_raiser + 1; eyes_closed + 2",
    "He raises an eyebrow.": "brow_raiser + 2",
    "Her chest rises and her brows are furrowed.": "brow_lowerer + 2",
    "The corners of her mouth lift into a smile.": "lip_corner_puller + 2",
    "There are wrinkles at the corners of the eyes.": "",
    "嘴角勾起一抹冷笑。": "lip_corner_puller + 1",
    "笑意从脸上褪去。": "lip_corner_puller falls 2",
    "他收起笑容。": "lip_corner_puller falls 2",
    "眉头一皱。": "brow_lowerer + 2",
    "他咬紧牙关，似笑非笑。": "",
}

# Of somebody or something else, only asked for, only possible, or no longer so.
NOT_SAID_VOICE: dict[str, str] = {
    "His brother is said to have a very deep voice, but we do not hear him.": "",
    "His father's voice is loud; his own is soft.": "loudness - 2",
    "他的弟弟声音更低沉。": "",
    "他和朋友聊天，语速快。": "rate + 2",
    "Talking with friends, he speaks fast.": "rate + 2",
    "The guitar rises in pitch as she waits for her turn.": "",
    "A phone rings loudly before he answers.": "",
    "The dog barks; he whispers.": "loudness - 3",
    "钢琴声低沉缓慢。": "",
    "On the phone, she speaks quickly in a hushed voice.": "rate + 2; loudness - 2",
    "他在电话里大声说话。": "loudness + 2",
    "She asks him to speak more slowly.": "",
    "She told the children to be quiet.": "",
    "He tells her to leave in a loud voice.": "loudness + 2",
    "She tells the story in a low voice.": "loudness - 2",
    "她要求对方放慢语速。": "",
    "他批评同事说话太小声。": "",
    "她抱怨着，声音提高。": "loudness rises 2",
    "他用要求的口吻大声说话。": "loudness + 2",
    "He should speak louder to be understood.": "",
    "The voice is perhaps slightly high.": "",
    "声音可能偏低。": "",
    "他的声音听不出是高是低。": "",
    "他本可以大声反驳，却没有。": "",
    "He used to stutter and pause a lot.": "",
    "不能说她的语速慢。": "not rate - 2",
    "声音并不像看上去那么低沉。": "not pitch - 2",
    "The frame rate is low.": "",
    "The pace of the editing is fast.": "",
    "He denies having shouted.": "",
    "He denies it loudly.": "loudness + 2",
    "He is accused of speaking too fast.": "",
    "Nothing suggests that she raises her voice.": "",
    "她否认自己大声说过话。": "",
    "画面节奏缓慢，镜头拉得很长。": "",
}
NOT_SAID_FACE: dict[str, str] = {
    "His colleague raises an eyebrow while he remains still.": "",
    "The painting behind her shows a smiling woman.": "",
    "照片里的人张着嘴。": "",
    "The brows are hidden under a hat, possibly furrowed.": "",
    "His smile does not appear once.": "not lip_corner_puller + 2",
    "不见一丝笑容。": "not lip_corner_puller + 1",
    "The smile is gone.": "lip_corner_puller falls 2",
    "她的笑容已经不见了。": "lip_corner_puller falls 2",
}

VOICE = VOICE_EN | VOICE_ZH | ODD_VOICE | RULES_VOICE | NOT_SAID_VOICE
FACE = FACE_EN | FACE_ZH | RULES_FACE | NOT_SAID_FACE


def short(claim: Claim) -> str:
    """A claim as the tables write it."""
    sign = claim.change or "-0+"[claim.direction + 1]
    parts = ["not" if claim.denied else "", claim.property, sign, str(claim.strength), claim.where or ""]
    return " ".join(part for part in parts if part)


def expected(text: str) -> list[str]:
    return sorted(each for each in text.split("; ") if each)
