"""Columns of the user's own in `--dataset`: those that ms-swift keeps are kept, with the values that they have."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.plugin.rlhf import pair
from tests.plugin.test_dataset import ENGLISH, load

pytestmark = pytest.mark.usefixtures("plugin")
OURS = {"id", "language", "channel", "messages", "videos", "audios", "dataset"}


#: Of each further column, the values of three rows.
FURTHER: dict[str, list[Any]] = {
    "emotion": ["joy", "123", None],
    "solution": ["joy", "anger", "fear"],
    "valence": [1, 0.5, None],
    "take": [1, 2, 3],
    "acted": [True, None, False],
    "speakers": [["a", "b"], [], ["c"]],
    "label": [0, 1, 1],
}
#: Those whose values have no type in common; ms-swift's own loader stops at the first and the second.
MIXED: dict[str, list[Any]] = {
    "score": [1, "2", None],
    "answers": [["a"], "a", {"b": [1]}],
    "meta": [{"a": 1}, {"b": [2]}, None],
    "none": [None, 1, "1"],
}


def rows(media: dict[str, Any], columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    question = {"messages": [{"role": "user", "content": "What is felt?"}], **media}
    made = [{**question, "id": str(number)} for number in range(3)]
    for name, values in columns.items():
        for row, value in zip(made, values, strict=True):
            row[name] = value
    return made


@pytest.mark.parametrize("streaming", [False, True])
def test_a_reward_finds_every_column_with_the_values_that_stand_in_the_file(
    data: Path, media: Any, streaming: bool
) -> None:
    write_rows(data, rows(media, FURTHER | MIXED))
    table = list(load(data, remove_unused_columns=False, streaming=streaming))
    assert set(table[0]) == OURS | FURTHER.keys() | MIXED.keys()
    for name, values in (FURTHER | MIXED).items():
        found = [row[name] for row in table]
        assert found == values, name
        if name != "valence":  # 1 is 1.0 in a column of numbers
            assert [type(value) for value in found] == [type(value) for value in values], name


def test_they_are_the_columns_and_values_of_ms_swifts_own_loader(data: Path, media: Any) -> None:
    from swift.dataset import DatasetLoader, DatasetMeta

    write_rows(data, rows(media, FURTHER))
    for every in (True, False):
        ours = load(data, remove_unused_columns=not every)
        theirs = DatasetLoader(remove_unused_columns=not every)._load_dataset_path(str(data), DatasetMeta())
        kept = set(theirs.column_names) - OURS
        assert (
            kept - {"images", "objects", "chat_template_kwargs"} - {name for name in kept if name.endswith("_messages")}
            == set(ours.column_names) - OURS
        )
        for name in kept & set(ours.column_names):
            assert list(ours[name]) == list(theirs[name])
            assert ours.features[name] == theirs.features[name], name


def test_a_label_reaches_the_methods_that_know_it_and_nothing_else_does(data: Path, media: Any) -> None:
    write_rows(data, rows(media, {"label": [True, False, True], "emotion": ["joy"] * 3}))
    table = load(data)
    assert set(table.column_names) == OURS | {"label"}
    assert list(table["label"]) == [True, False, True]


def test_a_column_of_a_record_or_a_pair_is_kept_as_well(data: Path, media: Any) -> None:
    labels = [{"emotion": "joy"}, {"valence": 1}]
    write_rows(data, [{**ENGLISH, **media, "labels": one} for one in labels])
    table = load(data, remove_unused_columns=False)
    assert list(table["labels"]) == labels
    assert list(table["video_desc"]) == [ENGLISH["video_desc"]] * 2
    write_rows(data, [pair(number, media, labels=one, scores=None) for number, one in enumerate(labels)])
    table = load(data, remove_unused_columns=False)
    assert list(table["labels"]) == labels
    assert "rejected_response" not in table.column_names


def test_a_column_that_comes_late_is_found(data: Path, media: Any) -> None:
    """Behind what decides on the kind of a file."""
    made = rows(media, {"note": ["x" * (1 << 20), "", ""]})
    made[2]["emotion"] = "joy"
    write_rows(data, made)
    assert list(load(data, remove_unused_columns=False)["emotion"]) == [None, None, "joy"]


def test_other_columns_make_another_table_and_the_same_ones_do_not(data: Path, media: Any) -> None:
    write_rows(data, rows(media, {"emotion": ["joy"] * 3}))
    with_them, without = load(data, remove_unused_columns=False), load(data)
    assert ("emotion" in with_them.column_names, "emotion" in without.column_names) == (True, False)
    again = load(data, remove_unused_columns=False)
    assert again.cache_files == with_them.cache_files != without.cache_files


def test_a_stream_says_where_a_column_changes_what_it_holds(data: Path, media: Any) -> None:
    made = rows(media, {"emotion": ["joy"] * 3})
    lines = [json.dumps({**made[0], "id": str(number)}) for number in range(1000)]
    data.write_text("\n".join([*lines, json.dumps({**made[1], "emotion": 3})]))
    with pytest.raises(InputError, match="data.jsonl:1001: emotion: is a number, and not what the rows at the head"):
        list(load(data, remove_unused_columns=False, streaming=True))


@pytest.mark.parametrize(
    ("value", "said"),
    [("\ud83d", "cannot be written as UTF-8"), ({"id": 1 << 70}, "holds what `datasets` cannot store")],
)
def test_a_value_that_no_table_can_hold_is_named(data: Path, media: Any, value: Any, said: str) -> None:
    data.write_text(json.dumps(rows(media, {"emotion": [value] * 3})[0]))
    with pytest.raises(InputError, match=f"data.jsonl:1: emotion: {said}"):
        load(data, remove_unused_columns=False)


def test_a_number_beyond_64_bits_is_a_number(data: Path, media: Any) -> None:
    write_rows(data, rows(media, {"number": [1 << 70, 1, 0.5]}))
    assert list(load(data, remove_unused_columns=False)["number"]) == [float(1 << 70), 1, 0.5]


def test_a_question_and_its_answer_in_ms_swifts_own_columns_go_to_its_loader(data: Path, media: Any) -> None:
    write_rows(data, [{**media, "input": "What is felt?", "solution": "Joy."}])
    assert [turn["content"] for turn in load(data)[0]["messages"]] == ["What is felt?", "Joy."]


# GRPO takes the answer out of a row; a reward finds it in "solution".

ASKED = {"role": "user", "content": "What is felt?"}
JOY = [ASKED, {"role": "assistant", "content": "Joy."}]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_reward_finds_the_answer_that_a_row_has(data: Path, media: Any, streaming: bool) -> None:
    write_rows(data, [{**ENGLISH, **media}, {"messages": JOY, **media}, {"messages": [ASKED], **media}])
    table = list(load(data, remove_unused_columns=False, streaming=streaming))
    assert [row["solution"] for row in table] == [render(Record.from_dict(ENGLISH), language="en"), "Joy.", None]
    assert "solution" not in next(iter(load(data, streaming=streaming)))


def test_a_solution_of_the_users_own_stays_what_it_is(data: Path, media: Any) -> None:
    write_rows(data, [{"messages": JOY, "solution": "sad", **media}, {"messages": JOY, **media}])
    assert list(load(data, remove_unused_columns=False)["solution"]) == ["sad", None]


def test_questions_alone_have_none(data: Path, media: Any) -> None:
    write_rows(data, [{"messages": [ASKED], **media}, media])
    assert set(load(data, remove_unused_columns=False)[0]) == OURS


def test_a_reward_finds_the_answers_of_a_folder_of_records(tmp_path: Path, media: Any) -> None:
    for kind, suffix in (("videos", ".mp4"), ("audios", ".wav")):
        shutil.copy(media[kind][0], tmp_path / f"one{suffix}")
    (tmp_path / "one.json").write_text(json.dumps(ENGLISH))
    wanted = render(Record.from_dict(ENGLISH), language="en")
    assert list(load(tmp_path, remove_unused_columns=False)["solution"]) == [wanted]
    assert "solution" not in load(tmp_path)[0]


def test_a_reward_finds_the_answers_of_a_table_of_a_hub(media: Any) -> None:
    from datasets import Dataset

    from swift_saber.plugin.saber_dataset import SaberPreprocessor

    table = SaberPreprocessor()(Dataset.from_list([{**ENGLISH, **media}]), strict=True)
    assert list(table["solution"]) == [render(Record.from_dict(ENGLISH), language="en")]
