import json
import os
import pickle
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.sed.record import (
    DIMENSIONS,
    Record,
    Row,
    infer_language,
    load_record,
)
from swift_saber.text.language import text_language
from swift_saber.text.strict_json import dumps, parse_json

ENGLISH = {
    "audio_desc": {
        "speech_content": "You sold my bike? <laughs> Great.",
        "acoustic_feat": "A woman's voice, flat and slow, with a short dry laugh.",
    },
    "video_desc": "Two friends sit on a porch in the evening.",
    "facial_exp_desc": "She smiles with her mouth only.",
    "sentiment_analysis": "Her smile and her flat voice disagree: she is being sarcastic.",
    "body_lang_desc": "Her arms stay crossed.",
}
CHINESE = {
    "audio_desc": {"speech_content": "我没事，你先走吧。", "acoustic_feat": "女声，音量低，语速慢，尾音发颤。"},
    "video_desc": "一名女子独自站在车站的站台上，背景是驶离的列车。",
    "facial_exp_desc": "她努力微笑，眼眶泛红。",
    "sentiment_analysis": "话语平静，但声音发颤、眼眶泛红，她在掩饰悲伤。",
    "body_lang_desc": "她双手紧握背包带，身体微微后退。",
}


def without(obj, *keys):
    return {key: value for key, value in obj.items() if key not in keys}


def error_of(function, *args):
    with pytest.raises(InputError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("obj", [ENGLISH, CHINESE])
def test_record_round_trip(obj):
    assert Record.from_dict(obj).to_dict() == obj


def test_dimensions_are_the_record_fields_in_prompt_order():
    record = Record("scene", "voice", "words", "face", "body", "emotion")
    assert [getattr(record, dim) for dim in DIMENSIONS] == ["scene", "voice", "words", "face", "body", "emotion"]


def test_key_order_is_free():
    assert Record.from_dict(dict(reversed(ENGLISH.items()))) == Record.from_dict(ENGLISH)


def test_unknown_keys_are_kept():
    obj = {**ENGLISH, "note": {"by": "小王"}, "audio_desc": {**ENGLISH["audio_desc"], "snr": 12.5}}
    record = Record.from_dict(obj)
    assert (record.extra, record.audio_extra) == ({"note": {"by": "小王"}}, {"snr": 12.5})
    assert record.to_dict() == obj


def test_blank_text_is_a_text():
    obj = {**ENGLISH, "video_desc": ""}
    assert Record.from_dict(obj).to_dict() == obj


@pytest.mark.parametrize("bad", [None, 3, 1.5, True, ["x"], {"a": 1}])
def test_wrong_type_names_row_and_field(bad):
    error = error_of(Record.from_dict, {**ENGLISH, "video_desc": bad}, "data.jsonl:12")
    assert (error.where, error.field) == ("data.jsonl:12", "video_desc")


@pytest.mark.parametrize("key", ["speech_content", "acoustic_feat"])
def test_missing_audio_key_is_named_with_its_object(key):
    obj = {**ENGLISH, "audio_desc": without(ENGLISH["audio_desc"], key)}
    assert error_of(Record.from_dict, obj).field == f"audio_desc.{key}"


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_missing_key_is_named(key):
    error = error_of(Record.from_dict, without(ENGLISH, key))
    assert (error.field, error.problem) == (key, "is missing")


def test_misspelt_key_is_suggested():
    obj = {**without(ENGLISH, "facial_exp_desc"), "facial_expr_desc": "x"}
    assert error_of(Record.from_dict, obj).remedy == "rename 'facial_expr_desc' to 'facial_exp_desc'"


def test_audio_desc_must_be_an_object():
    assert error_of(Record.from_dict, {**ENGLISH, "audio_desc": "a voice"}).field == "audio_desc"


@pytest.mark.parametrize("bad", [None, [], "text", 1])
def test_record_must_be_an_object(bad):
    assert error_of(Record.from_dict, bad).field == "record"


@pytest.mark.parametrize("where", ["video_desc", "note"])
def test_lone_surrogate_is_refused(where):
    assert "\\ud83d" in str(error_of(Record.from_dict, {**ENGLISH, where: "x\ud83d"}))


def test_error_reads_where_field_problem_remedy_on_one_line():
    error = InputError("a\nb.jsonl:1", "id", "is\u2028bad", "fix\tit")
    assert str(error) == "a\\nb.jsonl:1: id: is\\u2028bad; fix\\tit"


def test_long_bad_value_is_shortened():
    error = error_of(Row.from_dict, {**ENGLISH, "language": "z" * 10_000})
    assert len(str(error)) < 300


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(InputError("w", "f", "p", "r")))
    assert (str(error), error.remedy) == ("w: f: p; r", "r")


def test_row_round_trip():
    row = {
        **CHINESE,
        "id": "clip-1",
        "source": "MELD",
        "language": "zh",
        "videos": ["a.mp4"],
        "audios": ["a.wav", "b.wav"],
        "consistency": "inconsistent",
        "labels": {"emotion": "sad", "valence": -0.6},
        "speaker": 7,
    }
    assert Row.from_dict(row).to_dict() == row


def test_row_keys_are_not_record_extras():
    row = Row.from_dict({**ENGLISH, "id": "a", "videos": ["v.mp4"], "split": "dev"})
    assert row.record.extra == {"split": "dev"}


def test_absent_row_keys_stay_absent():
    row = Row.from_dict(ENGLISH)
    assert (row.id, row.source, row.videos, row.audios, row.consistency, row.labels) == (None, None, (), (), None, {})
    assert row.to_dict() == ENGLISH


def test_null_row_keys_mean_absent():
    nulls = dict.fromkeys(["id", "source", "language", "videos", "audios", "consistency", "labels"])
    assert Row.from_dict({**ENGLISH, **nulls}) == Row.from_dict(ENGLISH)


def test_inferred_language_is_not_written_but_a_given_one_is():
    assert Row.from_dict(CHINESE).language == "zh"
    assert "language" not in Row.from_dict(CHINESE).to_dict()
    assert Row.from_dict({**CHINESE, "language": "en"}).to_dict()["language"] == "en"


def test_one_path_is_a_list_of_one():
    assert Row.from_dict({**ENGLISH, "videos": "v.mp4"}).videos == ("v.mp4",)


def test_whole_number_id_becomes_a_string():
    assert Row.from_dict({**ENGLISH, "id": 7}).id == "7"


@pytest.mark.parametrize(
    ("key", "bad", "field"),
    [
        ("id", "", "id"),
        ("id", "a\nb", "id"),
        ("id", True, "id"),
        ("id", 1.5, "id"),
        ("source", " ", "source"),
        ("videos", "", "videos[0]"),
        ("audios", ["a.wav", ""], "audios[1]"),
        ("videos", [None], "videos[0]"),
        ("videos", {"path": "v.mp4"}, "videos"),
        ("language", "fr", "language"),
        ("consistency", "mixed", "consistency"),
        ("consistency", True, "consistency"),
        ("labels", ["sad"], "labels"),
        ("labels", {"valence": float("nan")}, "labels"),
    ],
)
def test_bad_row_key_is_named(key, bad, field):
    error = error_of(Row.from_dict, {**ENGLISH, key: bad}, "data.jsonl:3")
    assert (error.where, error.field) == ("data.jsonl:3", field)


def test_capital_letter_is_answered_with_the_right_form():
    assert error_of(Row.from_dict, {**ENGLISH, "consistency": "Consistent"}).remedy == 'write "consistent"'


def test_language_of_plain_records():
    assert (infer_language(Record.from_dict(CHINESE)), infer_language(Record.from_dict(ENGLISH))) == ("zh", "en")


def test_english_description_of_chinese_speech_is_english():
    audio = {"speech_content": "我没事，你先走吧。", "acoustic_feat": "She says “我没事” in a low voice."}
    assert infer_language(Record.from_dict({**ENGLISH, "audio_desc": audio})) == "en"


def test_chinese_description_of_english_speech_is_chinese():
    audio = {"speech_content": "I am fine, just go.", "acoustic_feat": "女声，她低声说 “I am fine”。"}
    assert infer_language(Record.from_dict({**CHINESE, "audio_desc": audio})) == "zh"


def test_speech_decides_when_nothing_is_described():
    assert infer_language(Record("", "", "I am fine.", "", "", "")) == "en"


def test_blank_record_has_the_language_of_the_released_prompt():
    assert infer_language(Record("", " ", "...", "", "123", "")) == "zh"


def test_cyrillic_is_not_chinese():
    assert infer_language(Record("Женщина улыбается", "", "", "", "", "")) == "en"


@pytest.mark.parametrize(("text", "language"), [("一间厨房 A", "zh"), ("ñ “q”", "en"), ("", None), ("1, 2 …", None)])
def test_the_language_of_a_text(text, language):
    assert text_language(text) == language


def test_dumps_is_one_line_with_chinese_readable():
    assert dumps({"a": "中\n文"}) == '{"a": "中\\n文"}'


def test_dumps_refuses_nan():
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps({"a": float("nan")})


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', "{", "", "[" * 100_000])
def test_parse_json_refuses(text):
    assert error_of(parse_json, text, "f.jsonl:9").where == "f.jsonl:9"


def test_duplicate_key_is_named_at_any_depth():
    assert "'b'" in error_of(parse_json, '{"a": {"b": 1, "c": 2, "b": 3}}', "x").problem


def test_load_record_reads_with_and_without_byte_order_mark(tmp_path):
    text = json.dumps(CHINESE, ensure_ascii=False, indent=4)
    (tmp_path / "plain.json").write_bytes(text.encode("utf-8"))
    (tmp_path / "bom.json").write_bytes(text.encode("utf-8-sig"))
    assert load_record(tmp_path / "plain.json") == load_record(tmp_path / "bom.json") == Record.from_dict(CHINESE)


def test_load_record_places_a_syntax_error_at_its_line(tmp_path):
    path = tmp_path / "clip.json"
    path.write_text('{\n  "video_desc": "a",\n  oops\n}')
    assert error_of(load_record, path).where == f"{path}:3"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\xef\xbb\xbf \n", "is empty"), (b'{"a": "\xff"}', "not UTF-8"), (b"[1]", "not an object")],
)
def test_load_record_refuses_unusable_files(tmp_path, content, problem):
    path = tmp_path / "clip.json"
    path.write_bytes(content)
    error = error_of(load_record, path)
    assert error.where == str(path)
    assert problem in error.problem


def test_load_record_names_a_missing_file_and_a_folder(tmp_path):
    assert error_of(load_record, tmp_path / "none.json").field == "file"
    assert error_of(load_record, tmp_path).field == "file"


@pytest.mark.skipif("SABER_EXAMPLES" not in os.environ, reason="SABER_EXAMPLES names no folder of released records")
def test_released_examples_round_trip():
    paths = sorted(Path(os.environ["SABER_EXAMPLES"]).glob("*.json"))
    assert paths
    for path in paths:
        assert load_record(path).to_dict() == json.loads(path.read_text(encoding="utf-8"))
