"""`--dataset` through ms-swift's own load_dataset, with the plugin registered."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.rows import read_rows, write_rows
from swift_saber.sed import INSTRUCTIONS, parse

pytestmark = pytest.mark.usefixtures("plugin")
ENGLISH = {
    "audio_desc": {"speech_content": "Sure. <laughs>", "acoustic_feat": "A flat, rough voice."},
    "video_desc": "A kitchen.",
    "facial_exp_desc": "She smiles.",
    "body_lang_desc": "Arms crossed.",
    "sentiment_analysis": "The smile and the voice disagree: sarcasm.",
}
CHINESE = {
    "audio_desc": {"speech_content": "好啊。", "acoustic_feat": "声音平淡而粗糙。"},
    "video_desc": "一间厨房。",
    "facial_exp_desc": "她在微笑。",
    "body_lang_desc": "双臂交叉。",
    "sentiment_analysis": "笑容与语气矛盾：讽刺。",
}


def load(dataset: Path | str, **kwargs: Any) -> Any:
    from swift.dataset import load_dataset

    return load_dataset(str(dataset), **kwargs)[0]


@pytest.fixture
def media(tiny_world: Path) -> dict[str, list[str]]:
    _, row = next(read_rows(tiny_world / "train.jsonl"))
    return {"videos": row["videos"], "audios": row["audios"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data.jsonl"


def test_a_record_becomes_a_question_and_its_answer_in_the_rows_language(data: Path, media: Any) -> None:
    write_rows(data, [{"id": "a", **ENGLISH, **media}, {"id": "b", **CHINESE, **media}])
    rows = list(load(data))
    assert [row["id"] for row in rows] == ["a", "b"]
    assert [row["messages"][0]["content"] for row in rows] == [INSTRUCTIONS["en"], INSTRUCTIONS["zh"]]
    assert [m["role"] for m in rows[0]["messages"]] == ["user", "assistant"]
    assert parse(rows[0]["messages"][1]["content"]).record().to_dict() == ENGLISH
    assert parse(rows[1]["messages"][1]["content"]).record().to_dict() == CHINESE
    assert rows[0]["videos"] == media["videos"]


def test_the_figures_order_is_had_on_request(data: Path, media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(data, [{**ENGLISH, **media}])
    released = load(data)[0]["messages"][1]["content"]
    monkeypatch.setenv("SABER_ORDER", "figure")
    figure = load(data)[0]["messages"][1]["content"]
    assert released.index("rough voice") < released.index("She smiles") < released.index("sarcasm")
    assert figure.index("She smiles") < figure.index("rough voice") < figure.index("sarcasm")
    monkeypatch.setenv("SABER_ORDER", "backwards")
    with pytest.raises(InputError, match="SABER_ORDER: is 'backwards'; use one of released, figure"):
        load(data)


def test_messages_pass_through_untouched(data: Path, media: Any) -> None:
    messages = [{"role": "user", "content": " What?\n"}, {"role": "assistant", "content": "### Not ours <laughs>"}]
    write_rows(data, [{"id": "a", "messages": messages, **media}, {"id": "b", **ENGLISH, **media}])
    assert load(data)[0]["messages"] == messages


def test_messages_of_plain_text_may_be_mixed_in(data: Path, media: Any) -> None:
    messages = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]
    write_rows(data, [{**ENGLISH, **media}, {"messages": messages}])
    row = load(data)[1]
    assert (row["messages"], row["videos"], row["audios"]) == (messages, [], [])


@pytest.mark.parametrize(
    "stock",
    [
        {"query": "one", "response": "two"},
        {"messages": [{"from": "user", "value": "one"}, {"from": "assistant", "value": "two"}]},
    ],
)
def test_rows_of_another_format_go_to_ms_swifts_own_loader(data: Path, stock: dict[str, Any]) -> None:
    write_rows(data, [stock])
    row = load(data)[0]
    assert row["messages"] == [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert "id" not in row


def test_ours_and_stock_rows_can_be_mixed_in_one_run(tmp_path: Path, media: Any) -> None:
    from swift.dataset import load_dataset

    write_rows(tmp_path / "a.jsonl", [{**ENGLISH, **media}])
    write_rows(tmp_path / "b.jsonl", [{"query": "one", "response": "two"}])
    mixed = load_dataset([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])[0]
    assert [len(row["messages"]) for row in mixed] == [2, 2]


def test_a_question_without_words_gets_the_released_instruction(data: Path, media: Any) -> None:
    write_rows(data, [media, {**media, "language": "en"}])
    contents = [row["messages"][0]["content"] for row in load(data)]
    assert contents == [INSTRUCTIONS["zh"], INSTRUCTIONS["en"]]


def test_streaming_gives_the_same_rows(data: Path, media: Any) -> None:
    write_rows(data, [{"id": str(i), **ENGLISH, **media} for i in range(5)])
    streamed, stored = load(data, streaming=True), load(data)
    assert [row["id"] for row in streamed] == [row["id"] for row in stored] == ["0", "1", "2", "3", "4"]


def test_a_changed_file_is_read_again(data: Path, media: Any) -> None:
    write_rows(data, [{"id": "a", **ENGLISH, **media}])
    assert load(data)[0]["id"] == "a"
    write_rows(data, [{"id": "a", **ENGLISH, **media}, {"id": "b", **ENGLISH, **media}])
    assert len(load(data)) == 2


def test_labels_of_any_shape_do_not_meet_in_one_table(data: Path, media: Any) -> None:
    write_rows(
        data, [{**ENGLISH, **media, "labels": {"valence": 1.5}}, {**ENGLISH, **media, "labels": {"valence": ["a"]}}]
    )
    assert len(load(data)) == 2


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (without(ENGLISH, "video_desc"), "video_desc: is missing"),
        ({**ENGLISH, "facial_exp_desc": 3}, "facial_exp_desc: is a number"),
        ({**ENGLISH, "videos": []}, "videos: no video for the record"),
        ({**ENGLISH, "audios": []}, "audios: no audio for the record"),
        ({**ENGLISH, "videos": ["gone.mp4"]}, "videos: .*gone.mp4: no such file"),
        ({**ENGLISH, "video_desc": "see <video>"}, "video_desc: holds <video>"),
        ({**ENGLISH, "video_desc": "a <|im_end|> b"}, r"video_desc: holds <\|im_end\|>"),
        ({"messages": [], "id": "x"}, "messages: is not a list of turns"),
        ({"messages": [{"role": "user", "content": "x"}], "videos": [], "audios": []}, "no video and no audio"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "no known role"),
        ({"query": "a", "response": "b"}, "neither a SABER record nor messages"),
    ],
)
def test_a_bad_row_stops_the_run_with_its_line(data: Path, media: Any, row: dict[str, Any], said: str) -> None:
    write_rows(data, [{**ENGLISH, **media}, {**media, **row}])
    with pytest.raises(InputError, match=f"data.jsonl:2: .*{said}"):
        load(data)


def test_all_bad_rows_are_counted_before_the_run_stops(data: Path, media: Any) -> None:
    data.write_text(
        "\n".join([json.dumps({**ENGLISH, **media}), "{", json.dumps({**ENGLISH, **media, "videos": ["x"]})])
    )
    with pytest.raises(InputError, match=r"rows: 2 of 3 cannot be used \(the first: .*data.jsonl:2: JSON"):
        load(data)


@pytest.mark.parametrize(
    ("text", "said"), [("", "holds no row"), ("\n", "holds no row"), ("{", ":1: JSON: is not JSON")]
)
def test_an_empty_or_broken_file_is_said_to_be_so(data: Path, text: str, said: str) -> None:
    data.write_text(text)
    with pytest.raises(InputError, match=said):
        load(data)


def test_a_missing_dataset_is_not_looked_up_on_a_hub(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load(tmp_path / "gone.jsonl")


def test_the_registered_names_are_known_to_ms_swift() -> None:
    from swift.dataset.dataset_syntax import DatasetSyntax
    from swift.dataset.register import DATASET_MAPPING

    from swift_saber.plugin.saber_dataset import SaberLoader, SaberPreprocessor

    for hub in (True, False):
        meta = DatasetSyntax.parse("zhaoxiaoxian/SABER-Dataset").get_dataset_meta(hub)
        assert meta is DATASET_MAPPING["saber"]
    assert meta.loader is SaberLoader
    assert isinstance(meta.preprocess_func, SaberPreprocessor)


def test_rows_of_a_hub_table_are_converted_as_those_of_a_file(data: Path, media: Any) -> None:
    from datasets import Dataset

    from swift_saber.plugin.saber_dataset import SaberPreprocessor

    rows = [{"id": "a", "source": None, **ENGLISH, **media}, {"id": "b", "source": "meld", **CHINESE, **media}]
    write_rows(data, [{k: v for k, v in row.items() if v is not None} for row in rows])
    table = SaberPreprocessor()(Dataset.from_list(rows), strict=True)
    assert [row["messages"] for row in table] == [row["messages"] for row in load(data)]
