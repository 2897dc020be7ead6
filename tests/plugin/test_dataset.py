"""`--dataset` through ms-swift's own load_dataset, with the plugin registered."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS, parse

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
        {"conversations": [{"from": "user", "value": "one"}, {"from": "assistant", "value": "two"}]},
        {
            "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}],
            "images": ["a.png"],
            "audio_desc": "flat",
            "sentiment_analysis": "positive",
        },
    ],
)
def test_rows_of_another_format_go_to_ms_swifts_own_loader(data: Path, stock: dict[str, Any]) -> None:
    write_rows(data, [stock])
    row = load(data)[0]
    assert row["messages"] == [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert "id" not in row


@pytest.mark.parametrize(
    "mention",
    [
        {"task": "sentiment_analysis"},
        {"meta": {"sentiment_analysis": "positive", "audio_desc": "flat"}},
        {"sentiment_analysis": "positive"},
        {"note": '"sentiment_analysis": 1, "audio_desc": 2'},
    ],
    ids=["value", "nested", "column", "text"],
)
@pytest.mark.parametrize("name", ["data.json", "data.jsonl"])
def test_stock_rows_that_mention_a_key_of_ours_go_to_ms_swifts_own_loader(
    tmp_path: Path, mention: dict[str, Any], name: str
) -> None:
    rows = [{"query": "one", "response": "two", **mention}] * 2
    text = json.dumps(rows, indent=1) if name == "data.json" else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / name).write_text(text)
    messages = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert [row["messages"] for row in load(tmp_path / name)] == [messages] * 2


def test_a_key_of_ours_may_be_mapped_to_a_column_of_ms_swift(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps([{"review": "Fine.", "sentiment_analysis": "positive"}]))
    [row] = load(tmp_path / "data.json", columns={"review": "query", "sentiment_analysis": "response"})
    assert [message["content"] for message in row["messages"]] == ["Fine.", "positive"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc counts the bytes that a process has read")
@pytest.mark.parametrize("name", ["data.json", "data.jsonl", "data.txt", "folder"])
def test_of_a_foreign_file_only_the_head_is_read(tmp_path: Path, name: str) -> None:
    from swift.dataset import DatasetLoader
    from swift.dataset.dataset_syntax import DatasetSyntax

    from swift_saber.data.convert import HEAD_BYTES

    def bytes_read() -> int:
        return int(re.findall(r"rchar: (\d+)", Path("/proc/self/io").read_text())[0])

    dataset = path = tmp_path / name
    if name == "folder":
        dataset.mkdir()
        path = dataset / "data.json"
    stock = json.dumps({"query": "one", "response": "x" * 1000})
    inside = ",\n".join([stock] * 8000 + [json.dumps({"query": "two", "task": "sentiment_analysis", **ENGLISH})])
    path.write_text(inside.replace(",\n", "\n") if path.suffix == ".jsonl" else f"[{inside}]")
    assert path.stat().st_size > 7 * HEAD_BYTES
    before = bytes_read()
    meta = DatasetSyntax.parse(str(dataset)).get_dataset_meta(False)
    # The head, a first line and what counting costs; nothing near the size of the file.
    assert bytes_read() - before < 2 * HEAD_BYTES
    assert meta.loader is DatasetLoader


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


def test_ms_swifts_other_names_for_media_count(data: Path, media: Any) -> None:
    single = {"video": media["videos"][0], "audio": media["audios"][0]}
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    write_rows(data, [{**ENGLISH, **single}, {"messages": messages, **single}, single])
    assert [(row["videos"], row["audios"]) for row in load(data)] == [(media["videos"], media["audios"])] * 3


def test_the_id_is_that_of_the_row_as_given(data: Path, media: Any) -> None:
    from swift_saber.data.rows import row_id

    rows = [{**ENGLISH, **media}, dict(media), {"messages": [{"role": "user", "content": "Why?"}], **media}]
    write_rows(data, rows)
    assert [row["id"] for row in load(data)] == [row_id(row) for row in rows]


def test_columns_of_the_users_own_are_mapped_by_ms_swift(data: Path) -> None:
    write_rows(data, [{"messages": [{"role": "user", "content": "x"}], "clip": "a.mp4"}])
    assert load(data, columns={"clip": "videos"})[0]["videos"] == ["a.mp4"]


def test_a_stream_stops_at_its_first_bad_row(data: Path, media: Any) -> None:
    write_rows(
        data, [{"id": str(i), **ENGLISH, **media, "videos": [] if i == 1 else media["videos"]} for i in range(4)]
    )
    rows = iter(load(data, streaming=True))
    with pytest.raises(InputError, match="data.jsonl:2: videos"):
        list(rows)


@pytest.mark.parametrize("name", ["data.json", "data.txt"])
def test_records_in_a_file_of_another_kind_are_not_taken_for_text(tmp_path: Path, media: Any, name: str) -> None:
    (tmp_path / name).write_text(json.dumps([{**ENGLISH, **media}]))
    with pytest.raises(InputError, match=r"holds SABER records; write one record a line and name the file \.jsonl"):
        load(tmp_path / name)


@pytest.mark.parametrize("inside", [None, "a.mp4", "below/a.wav"])
def test_a_folder_without_a_record_is_named(inside: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    if inside:
        (folder / inside).parent.mkdir(exist_ok=True)
        (folder / inside).touch()
    with pytest.raises(InputError, match="clips: dataset: is a folder without a record; name a folder of records"):
        load(folder)


def test_a_folder_of_jsonl_files_asks_for_the_files(data: Path, media: Any) -> None:
    write_rows(data, [{**ENGLISH, **media}])
    with pytest.raises(InputError, match="is a folder of JSONL files"):
        load(data.parent)


def test_records_behind_rows_of_another_format_are_not_lost(data: Path, media: Any) -> None:
    write_rows(data, [{"query": "one", "response": "two"}, {**ENGLISH, **media}])
    with pytest.raises(InputError, match="data.jsonl:2: row: is a SABER record among rows of another format"):
        load(data)


def test_a_video_inside_a_turn_is_checked_like_any_other(data: Path) -> None:
    for part, said in [
        ({"type": "video", "video": "http://127.0.0.1:9/a.mp4"}, "addresses in data are not fetched"),
        ({"type": "video_url", "video_url": {"url": "gone.mp4"}}, "gone.mp4: no such file"),
        ({"typo": "video"}, "has a part of no known type"),
    ]:
        write_rows(data, [{"messages": [{"role": "user", "content": [part, {"type": "text", "text": "Why?"}]}]}])
        with pytest.raises(InputError, match=said):
            load(data)


def test_the_clips_of_a_turn_are_those_that_ms_swift_takes_out_of_it(data: Path, media: Any) -> None:
    from swift.template.template_inputs import StdTemplateInputs

    parts = [
        {"type": "video_url", "video_url": {"url": media["videos"][0]}},
        {"type": "text", "text": "What is said in "},
        {"type": "audio", "audio": media["audios"][0]},
        {"type": "text", "text": "?"},
    ]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": "Joy."}]
    write_rows(data, [{"messages": messages}])
    row = load(data)[0]
    taken = StdTemplateInputs.remove_messages_media(messages)  # which changes them
    assert row["messages"] == messages
    assert (row["videos"], row["audios"]) == (taken["videos"], taken["audios"]) == (media["videos"], media["audios"])


def test_a_clip_without_audios_has_none_written_for_it_and_an_empty_list_stays(data: Path, media: Any) -> None:
    write_rows(data, [{"videos": media["videos"]}, {"videos": media["videos"], "audios": []}])
    assert list(load(data)["audios"]) == [None, []]


@pytest.mark.parametrize("text", ['[{"videos": ["a.mp4"]}]', '[\n{"videos": ["a.mp4"]}\n]'])
def test_an_array_in_the_place_of_rows_is_named(data: Path, text: str) -> None:
    data.write_text(text)
    with pytest.raises(InputError, match="data.jsonl: file: is one JSON array, not rows; write one object a line"):
        load(data)


def test_a_pipe_is_no_dataset(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(InputError, match=r"pipe.jsonl: file: is no regular file"):
        load(tmp_path / "pipe.jsonl")


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


@pytest.mark.parametrize("word", ["1", "True", "yes", "ON"])
def test_no_sound_file_is_asked_for_where_ms_swift_takes_the_sound_from_the_video(
    data: Path, media: Any, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.utils import strtobool

    assert strtobool(word)  # which ms-swift reads the variable with
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", word)
    write_rows(data, [{**ENGLISH, "videos": media["videos"]}])
    assert load(data)[0]["audios"] == []


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
        ({**ENGLISH, "rejected_response": "x"}, "rejected_response: stands beside a SABER record"),
        ({"messages": [{"role": "user", "content": "\ud83d"}]}, "cannot be written as UTF-8"),
        ({**ENGLISH, "videos": ["a\0.mp4"]}, "is not a path"),
        ({"query": "a", "response": "b"}, "neither a SABER record nor messages"),
        ({"messages": [{"role": "user", "content": "<video><video>x"}]}, "messages: 2 times <video> for 1 videos"),
    ],
)
def test_a_bad_row_stops_the_run_with_its_line(data: Path, media: Any, row: dict[str, Any], said: str) -> None:
    data.write_text("".join(json.dumps(line) + "\n" for line in ({**ENGLISH, **media}, {**media, **row})))
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
