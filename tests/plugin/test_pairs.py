"""Preference pairs as `--dataset`, through ms-swift's own load_dataset and template."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from swift_saber.data.convert import row_kind
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS
from tests.plugin.rlhf import pair

pytestmark = pytest.mark.usefixtures("plugin")
SIDES = ("", "rejected_")


def load(dataset: Path, **kwargs: Any) -> Any:
    from swift.dataset import load_dataset

    return load_dataset(str(dataset), **kwargs)[0]


@pytest.fixture(scope="module")
def clips(tiny_world: Path) -> list[dict[str, Any]]:
    return [{key: row[key] for key in ("videos", "audios")} for _, row in read_rows(tiny_world / "train.jsonl")][:3]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "pairs.jsonl"


@pytest.fixture
def template(processor: Any) -> Any:
    from swift.template import get_template

    made = get_template(processor, template_type="qwen2_5_omni")
    made.set_mode("rlhf")
    return made


def messages(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def own_media(clip: dict[str, Any], rejected: list[dict[str, str]]) -> dict[str, Any]:
    """Columns of a rejected side with turns and media of its own."""
    media = {f"rejected_{key}": value for key, value in clip.items()}
    return {"rejected_response": None, "rejected_messages": rejected, **media}


def test_a_pair_keeps_its_id_both_answers_the_media_of_both_and_the_consistency(data: Path, clips: Any) -> None:
    write_rows(data, [pair(0, clips[0]), pair(1, clips[1], consistency=None)])
    first, second = load(data)
    assert first["id"] == "pair-0"
    assert first["messages"] == pair(0, clips[0])["messages"]
    assert first["rejected_messages"] == messages("", pair(0, clips[0])["rejected_response"])
    assert [first[f"{side}videos"] for side in SIDES] == [clips[0]["videos"]] * 2
    assert [first[f"{side}audios"] for side in SIDES] == [clips[0]["audios"]] * 2
    assert (first["channel"], second["channel"]) == ("inconsistent", None)


def test_a_rejected_side_may_have_media_of_its_own_under_the_same_words(data: Path, clips: Any) -> None:
    swapped = own_media(clips[1], pair(0, clips[0])["messages"])
    write_rows(data, [pair(0, clips[0], **swapped)])
    row = load(data)[0]
    assert row["messages"] == row["rejected_messages"]
    assert (row["videos"], row["rejected_videos"]) == (clips[0]["videos"], clips[1]["videos"])


def test_scores_become_a_margin_only_while_the_margin_scale_is_on(
    data: Path, clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(data, [pair(0, clips[0]), pair(1, clips[1])])
    assert [row["margin"] for row in load(data)] == [None, None]
    monkeypatch.setenv("SABER_MARGIN_SCALE", "0.5")
    assert [row["margin"] for row in load(data)] == [4 - 2, 5 - 2]
    monkeypatch.delenv("SABER_MARGIN_SCALE")
    assert [row["margin"] for row in load(data)] == [None, None]


def test_a_margin_column_is_handed_on_as_it_is(data: Path, clips: Any) -> None:
    write_rows(data, [pair(0, clips[0], scores=None, margin=1.25)])
    assert load(data)[0]["margin"] == 1.25


def test_a_stream_gives_the_same_pairs(data: Path, clips: Any) -> None:
    write_rows(data, [pair(number, clip) for number, clip in enumerate(clips)])
    assert [dict(row) for row in load(data, streaming=True)] == [dict(row) for row in load(data)]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"consistency": "consistent", "rejected_response": "b", "videos": ["a.mp4"]}, "pair"),
        ({"rejected_messages": [], "rejected_audios": ["a.wav"]}, "pair"),
        ({"rejected_response": "b", "videos": ["a.mp4"], "margin": 1.0, "note": "a column of the user's own"}, "pair"),
        ({"rejected_response": "b", "videos": ["a.mp4"], "system": "Be brief."}, None),
        ({"rejected_response": "b", "videos": ["a.mp4"], "images": ["a.png"]}, None),
        ({"rejected_response": "b"}, None),
        ({"videos": ["a.mp4"], "margin": 1.0}, None),
    ],
)
def test_what_is_read_here_and_what_goes_to_ms_swifts_loader(row: dict[str, Any], kind: str | None) -> None:
    assert row_kind({"messages": messages("Why?", "a"), **row}) == kind


USER = {"role": "user", "content": "Why?"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"rejected_response": None}, "rejected_response: is missing"),
        ({"rejected_response": ["b"]}, "rejected_response: is a list, not a string"),
        ({"rejected_response": " \n"}, "rejected_response: ends with an empty answer"),
        ({"rejected_response": "see <video>"}, "rejected_response: has an answer with <video>"),
        ({"rejected_messages": messages("", "b")}, "rejected_response: stands beside rejected_messages"),
        ({"rejected_videos": ["a.mp4"]}, "rejected_videos: stands beside rejected_response"),
        ({"messages": messages("", "a"), "rejected_response": " a\n"}, "rejected: has the chosen side's text"),
        ({"messages": messages("", "")}, "messages: ends with an empty answer"),
        ({"messages": [USER]}, "messages: ends with a turn of the user"),
        ({"messages": messages("", "a")[1:]}, "messages: has no user turn"),
        ({"messages": []}, "messages: is not a list of turns"),
        ({"messages": None}, "messages: is not a list of turns"),
        ({"videos": [], "audios": []}, "videos: no video and no audio for the chosen side"),
        ({"videos": ["gone.mp4"]}, "videos: .*gone.mp4: no such file"),
        ({"consistency": "conflict"}, "consistency: is 'conflict'; use one of consistent, inconsistent"),
        ({"consistency": ["consistent"]}, "consistency: is "),
        ({"channel": "consistent"}, "channel: .*write it as consistency"),
        ({"scores": 3}, "scores: is a number"),
        ({"scores": {"chosen": 4}}, "scores.rejected: is missing"),
        ({"scores": {"chosen": True, "rejected": 0}}, "scores.chosen: is true/false"),
        ({"scores": {"chosen": "4", "rejected": 0}}, "scores.chosen: is a string"),
        ({"scores": {"chosen": 4, "rejected": 4}}, "scores: rejects an answer of 4 for one of 4"),
        ({"scores": {"chosen": 1.5, "rejected": 4}}, "scores: rejects an answer of 4 for one of 1.5"),
        ({"margin": 1.0}, "margin: stands beside scores"),
        ({"scores": None, "margin": 0}, "margin: is 0"),
        ({"language": "de"}, "language: is 'de'"),
        ({"kind": 3}, "kind: is a number"),
        ({"images": ["a.png"]}, "row: is no preference pair"),
    ],
)
def test_a_bad_pair_stops_the_run_with_its_line(data: Path, clips: Any, columns: Any, said: str) -> None:
    bad = {**pair(1, clips[1]), **columns}
    data.write_text("".join(json.dumps(row) + "\n" for row in (pair(0, clips[0]), bad)))
    with pytest.raises(InputError, match=f"pairs.jsonl:2: {said}"):
        load(data)


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_score_that_is_no_number_stops_the_run(data: Path, clips: Any, number: str) -> None:
    text = json.dumps(pair(0, clips[0])).replace('"chosen": 4.0', f'"chosen": {number}')
    assert number in text
    data.write_text(text)
    with pytest.raises(InputError, match="pairs.jsonl:1: "):
        load(data)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({}, "rejected_videos: no video and no audio for the rejected side"),
        ({"rejected_videos": ["gone.mp4"]}, "rejected_videos: .*gone.mp4: no such file"),
    ],
)
def test_a_rejected_side_with_turns_of_its_own_needs_its_media(data: Path, clips: Any, missing: Any, said: str) -> None:
    write_rows(data, [pair(0, clips[0], **own_media({}, messages("", "b")), **missing)])
    with pytest.raises(InputError, match=f"pairs.jsonl:1: {said}"):
        load(data)


@pytest.mark.parametrize(
    ("option", "column"), [("SABER_INCONSISTENT_WEIGHT", "consistency"), ("SABER_MARGIN_SCALE", "scores")]
)
def test_an_option_that_needs_a_column_finds_each_pair_without_it(
    data: Path, clips: Any, monkeypatch: pytest.MonkeyPatch, option: str, column: str
) -> None:
    write_rows(data, [pair(0, clips[0]), pair(1, clips[1], **{column: None}), pair(2, clips[2], **{column: None})])
    assert len(load(data)) == 3
    monkeypatch.setenv(option, "2")
    with pytest.raises(InputError, match=f"2 of 3 cannot .*pairs.jsonl:2: {column}: .* missing, which {option}"):
        load(data)


def test_pairs_and_other_rows_do_not_share_a_file(data: Path, clips: Any) -> None:
    question = {"messages": [USER], **clips[0]}
    write_rows(data, [question, pair(0, clips[0])])
    with pytest.raises(InputError, match="pairs.jsonl:2: row: is a preference pair.*; keep pairs in a file of their"):
        load(data)
    write_rows(data, [pair(0, clips[0]), dict(clips[0])])
    with pytest.raises(InputError, match="pairs.jsonl:2: row: is no preference pair"):
        load(data)
    write_rows(data, [pair(0, clips[0]), question])
    with pytest.raises(InputError, match="pairs.jsonl:2: rejected_response: is missing"):
        load(data)


def test_an_empty_file_is_said_to_be_so(data: Path) -> None:
    data.write_text("")
    with pytest.raises(InputError, match="holds no row"):
        load(data)


def test_pairs_may_be_mixed_with_pairs_in_ms_swifts_own_format(tmp_path: Path, clips: Any) -> None:
    from swift.dataset import load_dataset

    write_rows(tmp_path / "a.jsonl", [pair(0, clips[0])])
    stock = {"messages": messages("Why?", "a"), "rejected_messages": messages("Why?", "b"), "system": "Be brief."}
    write_rows(tmp_path / "b.jsonl", [{**stock, **clips[0]}])
    mixed = load_dataset([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])[0]
    assert [row["rejected_messages"][-1]["content"] for row in mixed][1] == "b"


def prompt(encoded: dict[str, Any], side: str) -> list[int]:
    tokens = zip(encoded[f"{side}_input_ids"], encoded[f"{side}_labels"], strict=True)
    return [token for token, label in tokens if label < 0]


@pytest.mark.parametrize(("language", "asked"), [(None, "zh"), ("en", "en")])
def test_both_sides_of_a_pair_without_a_question_are_asked_the_same(
    data: Path, clips: Any, template: Any, processor: Any, language: str | None, asked: str
) -> None:
    # The rejected answer's language is another one, and must not change the question.
    sides = {"messages": messages("", "她在微笑。"), **own_media(clips[0], messages("", "She is happy."))}
    write_rows(data, [pair(0, clips[0], **sides, language=language)])
    encoded = template.encode(dict(load(data)[0]))
    assert prompt(encoded, "chosen") == prompt(encoded, "rejected")
    question = processor.tokenizer.encode(INSTRUCTIONS[asked])
    tokens = prompt(encoded, "chosen")
    assert any(tokens[i : i + len(question)] == question for i in range(len(tokens)))


def encoded_pairs(path: Path, clips: Any, template: Any, **columns: Any) -> list[dict[str, Any]]:
    write_rows(path, [pair(number, clip, **columns) for number, clip in enumerate(clips)])
    return [template.encode(dict(row), return_length=True) for row in load(path)]


def test_the_batch_tells_the_consistency_only_when_asked(data: Path, clips: Any, template: Any) -> None:
    # pair() calls number 0 inconsistent, 1 and 2 consistent.
    stock = template.data_collator(encoded_pairs(data, clips, template))
    template.pair_needs = {}
    ours = template.data_collator(encoded_pairs(data, clips, template))
    assert ours.pop("consistency").tolist() == [1, 0, 0]
    assert ours.keys() == stock.keys()
    assert "margin" not in stock
    unknown = template.data_collator(encoded_pairs(data, clips, template, consistency=None))
    assert unknown["consistency"].tolist() == [-1, -1, -1]


@pytest.mark.parametrize("packing", [False, True])
def test_without_padding_the_pairs_stand_in_the_order_of_their_consistency(
    data: Path, clips: Any, template: Any, packing: bool
) -> None:
    a, b, c = encoded_pairs(data, clips, template)
    order = [b, a, c]
    template.pair_needs, template.padding_free, template.packing = {}, True, packing
    batch = template.data_collator([[b], [a, c]] if packing else order)
    assert batch["consistency"].tolist() == [0, 1, 0]
    # ms-swift cuts the one long row where positions begin anew: first half chosen, second half rejected.
    positions = batch.get("text_position_ids", batch["position_ids"])
    starts = (positions.flatten() == 0).nonzero().flatten().tolist()
    parts = [part.tolist() for part in batch["input_ids"].flatten().tensor_split(starts[1:])]
    assert parts == [row[f"{side}_input_ids"] for side in ("chosen", "rejected") for row in order]


@pytest.mark.parametrize(
    ("needs", "columns", "said"),
    [
        ({"consistency": "W"}, {"consistency": None}, "row pair-0: consistency: is missing, which W needs"),
        ({"scores": "M"}, {}, "row pair-0: scores: is missing, which M needs"),
    ],
)
def test_a_batch_with_a_pair_that_an_option_cannot_be_applied_to_stops_the_run(
    data: Path, clips: Any, template: Any, needs: Any, columns: Any, said: str
) -> None:
    batch = encoded_pairs(data, clips, template, **columns)
    template.pair_needs = needs
    with pytest.raises(InputError, match=said):
        template.data_collator(batch)


def test_a_margin_reaches_the_batch(data: Path, clips: Any, template: Any) -> None:
    template.pair_needs = {"scores": "M"}
    batch = template.data_collator(encoded_pairs(data, clips, template, scores=None, margin=2.5))
    assert torch.equal(batch["margin"], torch.full((3,), 2.5))


def test_a_broken_clip_of_the_rejected_side_is_reported_by_the_pairs_id(
    data: Path, clips: Any, template: Any, tmp_path: Path
) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    (tmp_path / "broken.mp4").write_bytes(b"no video here")
    rejected = own_media({**clips[0], "videos": [str(tmp_path / "broken.mp4")]}, messages("", "b"))
    write_rows(data, [pair(7, clips[0], **rejected)])
    with kept(tmp_path), pytest.raises(Exception):  # noqa: B017  # whichever error the reader ends with
        template.encode(dict(load(data)[0]))
    entry = json.loads((tmp_path / "bad_rows.jsonl").read_text())
    assert entry["id"] == "pair-7"
    assert "broken.mp4: is not a readable video" in entry["reason"]
