"""EMER, with a judge over HTTP and numbers worked out by hand."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import emer
from swift_saber.evaluation.benchmarks.clips_by_name import OPEN_PROMPTS
from swift_saber.evaluation.benchmarks.emer import CRITERIA
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import open_judge
from swift_saber.evaluation.summary import write_items, write_scores
from swift_saber.models.service import Service
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.wheel import Wheels
from tests.llm_server import Asked, LLMServer, Reply, fails, say
from tests.text.test_wheel import emotion_wheel

#: Each text tells the scripted judge which labels it has: "<...>".
ROWS = {
    "clip_1": '在视频中，她微笑。,"She smiles, and says ""fine"". <happily, downcast>"',
    "clip_2": "他很愤怒。,He shouts. <furious>",
    "clip_3": "他说话。,He talks.\nNo feeling is seen. <neutral>".replace("\n", " "),
    "clip_4": "她哭。,She cries. <blue>",
}
ANSWERS = {"clip_1": "A smile that hides. <glad, livid, neutral>", "clip_2": "", "clip_3": "Calm. <glad>"}


def reference(folder: Path, rows: dict[str, str] = ROWS) -> Path:
    path = folder / "reference.csv"
    text = "name,chinese,english\n" + "".join(f"{name},{texts}\n" for name, texts in rows.items())
    path.write_text(text, encoding="utf-8-sig")
    return path


def script(asked: Asked) -> Reply:
    """Labels as the text says; overlaps of 8 and 6."""
    if "clue_overlap" in asked.text:
        return say(json.dumps({"reason": "Both smile.", "clue_overlap": 8, "label_overlap": 6}))
    return say(json.dumps({"labels": re.search("<(.*?)>", asked.text)[1].split(", ")}))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    return Wheels(emotion_wheel(tmp_path_factory.mktemp("w") / "emotion_wheel"))


def made(folder: Path, wheel: Wheels | None, run: Any = script, answers: dict[str, str] = ANSWERS) -> list[Item]:
    folder.mkdir(exist_ok=True)
    with LLMServer(run) as server:
        service = Service.read({"model": "m", "base_url": server.url, "retries": 0}, "judge")
        with open_judge(service, folder / "judge") as judge:
            return emer.items(reference(folder), answers, {"clip_4": "no sound"}, judge, wheel)


def test_every_clip_is_an_item_and_what_is_not_answered_gets_the_lowest_score(tmp_path: Path) -> None:
    one, empty, calm, missing = made(tmp_path, None)
    assert [one.id, empty.id, calm.id, missing.id] == list(ROWS)
    assert (one.state, empty.state, calm.state, missing.state) == ("answered", "invalid", "answered", "missing")
    assert one.truth == 'She smiles, and says "fine". <happily, downcast>'
    assert one.prediction == one.response == ANSWERS["clip_1"]
    assert one.scores == {"clue_overlap": 8, "label_overlap": 6}
    assert one.details == {"judge's reason": "Both smile."}
    assert empty.scores == missing.scores == {"clue_overlap": 1, "label_overlap": 1}
    assert missing.details == {"reject": "no sound"}
    assert empty.prediction is missing.prediction is None


def test_the_scores_of_the_overlaps(tmp_path: Path) -> None:
    scores = emer.scores(made(tmp_path, None))
    # Two answered, two not: (8 + 8 + 1 + 1) / 4 and (6 + 6 + 1 + 1) / 4.
    assert set(scores["metrics"]) == set(CRITERIA)
    assert scores["metrics"]["clue_overlap"]["value"] == 4.5
    assert scores["metrics"]["label_overlap"]["value"] == 3.5
    counts = {name: scores["metrics"]["clue_overlap"][name] for name in ("n", "invalid", "missing", "unjudged")}
    assert counts == {"n": 4, "invalid": 1, "missing": 1, "unjudged": 0}
    assert "4 clips; the later version of EMER has 332" in scores["notes"]


def test_the_scores_of_the_labels(tmp_path: Path, wheels: Wheels) -> None:
    items = made(tmp_path, wheels)
    assert items[0].details["labels"] == {"reference": ["happily", "downcast"], "answer": ["glad", "livid", "neutral"]}
    assert items[3].details["labels"] == {"reference": ["blue"], "answer": []}
    scores = emer.scores(items, wheels)
    # clip_3 has no true label in a wheel; clip_2 and clip_4 have no answer and are 0. clip_1, as test_wheel.py works it
    # out: wheel 1 P 1/2, R 1/2; wheels 2 to 5 P 1/2, R 1. Means over three clips: 1/6, 1/6, F 1/6; and 1/6, 1/3, F 2/9.
    level1 = {name: scores["metrics"][f"ew_{name}_level1"] for name in ("precision", "recall", "f1")}
    assert level1["precision"]["value"] == pytest.approx(1 / 6)
    assert level1["recall"]["value"] == pytest.approx((1 / 6 + 4 / 3) / 5)
    assert level1["f1"]["value"] == pytest.approx((1 / 6 + 8 / 9) / 5)
    # Second rings: wheel 1 has 1/2 and 1/2 again, wheels 2 to 5 have 0.
    assert scores["metrics"]["ew_f1_level2"]["value"] == pytest.approx(1 / 6 / 5)
    assert scores["metrics"]["ew_f1_level1+2"]["value"] == pytest.approx((1 / 6 + 8 / 9 + 1 / 6) / 10)
    assert (level1["f1"]["n"], level1["f1"]["missing"], level1["f1"]["unjudged"]) == (4, 1, 0)
    assert 0 == level1["f1"]["low"] < level1["f1"]["value"] < level1["f1"]["high"]
    # Known: happily, downcast, furious, blue; of the answers glad, livid, glad.
    assert "reference labels: the wheels know 4 of 5; not neutral (1)" in scores["notes"]
    assert "answer labels: the wheels know 3 of 4; not neutral (1)" in scores["notes"]
    assert "1 of 4 clips have no reference label in any wheel: not in the EW scores" in scores["notes"]


def test_answers_that_are_the_reference_have_perfect_labels_in_any_order(tmp_path: Path, wheels: Wheels) -> None:
    answers = {name: texts.rpartition(",")[2] if name == "clip_2" else texts for name, texts in ROWS.items()}
    items = made(tmp_path, wheels, answers=answers)
    scores = emer.scores(items, wheels)
    assert {
        scores["metrics"][f"ew_{name}_{level}"]["value"]
        for name in ("f1", "recall")
        for level in ("level1", "level1+2")
    } == {1}
    assert emer.scores(random.Random(1).sample(items, len(items)), wheels) == scores


def test_a_judge_that_fails_half_of_the_time_is_counted_and_never_left_out_silently(
    tmp_path: Path, wheels: Wheels
) -> None:
    rows = {f"c{number}": f"好。,Text {number}. <glad>" for number in range(8)}
    answers = {name: f"Answer {name}. <glad>" for name in rows}

    def half(asked: Asked) -> Reply:
        odd = int(re.findall(r"(?:Text |Answer c)(\d)", asked.text)[0]) % 2
        if "clue_overlap" in asked.text:
            wrong = [say("no"), say('{"clue_overlap": 99, "label_overlap": 2}'), fails(400)]
            return wrong[asked.number % 3] if odd else script(asked)
        return say("labels: glad") if odd and "Answer c" in asked.text else script(asked)

    with LLMServer(half) as server:
        service = Service.read({"model": "m", "base_url": server.url, "retries": 0}, "judge")
        with open_judge(service, tmp_path / "judge") as judge:
            items = emer.items(reference(tmp_path, rows), answers, {}, judge, wheels)
    assert [item.state for item in items] == ["answered", "unjudged"] * 4
    assert items[1].scores == {"clue_overlap": None, "label_overlap": None}
    assert items[1].details["labels"] == {"reference": ["glad"], "answer": None}
    assert re.match("overlaps: c1: .*; answer labels: c1: it is no JSON", items[1].details["judge failed"])
    metrics = emer.scores(items, wheels)["metrics"]
    for name, value in {"clue_overlap": 8, "label_overlap": 6, "ew_f1_level1": 1}.items():
        assert metrics[name]["value"] == value
        assert (metrics[name]["n"], metrics[name]["unjudged"]) == (8, 4)


def test_the_items_and_scores_can_be_written(tmp_path: Path, wheels: Wheels) -> None:
    items = made(tmp_path, wheels)
    scores = {"benchmark": "emer", "model": "m", "judge": "j", **emer.scores(items, wheels), "manifest": {}}
    write_items(tmp_path / "run", items)
    write_scores(tmp_path / "run", scores)
    # Markdown escapes the underscores.
    assert "ew_f1_level1+2" in (tmp_path / "run" / "scores.md").read_text(encoding="utf-8").replace("\\", "")


def test_the_users_labels_take_the_place_of_the_judges(tmp_path: Path, wheels: Wheels) -> None:
    path = reference(tmp_path)
    truths, said = {name: ["glad"] for name in ROWS}, {"clip_1": ["merry"]}
    items = emer.items(path, ANSWERS, {}, None, wheels, truth_labels=truths, answer_labels=said)
    assert [item.scores for item in items] == [{}] * 4
    # One of four clips has a label, and only wheel 1 knows it: there it is in the same group as glad.
    metrics = emer.scores(items, wheels)["metrics"]
    assert set(metrics) == {
        f"ew_{n}_{level}" for n in ("f1", "precision", "recall") for level in ("level1", "level2", "level1+2")
    }
    assert metrics["ew_recall_level1"]["value"] == pytest.approx((1 / 4 + 4 * 0) / 5)
    with pytest.raises(InputError, match="there is none; name a judge or give labels"):
        emer.items(path, ANSWERS, {}, None, wheels, truth_labels=truths)


def test_answers_and_labels_of_unknown_clips_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 of 3 are of no clip .the first: 'clip_x'"):
        emer.items(reference(tmp_path), {"clip_1": "a", "clip_x": "b", "clip_y": "c"}, {}, None)


def test_scores_with_wheels_of_items_without_labels_are_refused(tmp_path: Path, wheels: Wheels) -> None:
    with pytest.raises(InputError, match="make the items with the emotion wheels"):
        emer.scores(made(tmp_path, None), wheels)


def test_questions_ask_the_published_instruction_about_each_clips_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("USE_AUDIO_IN_VIDEO", raising=False)
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("clip_1.mp4", "clip_1.wav", "clip_2.AVI", "clip_3.mkv", "clip_4.mp4", "other.mp4"):
        (clips / name).touch()
    rows = list(emer.questions(reference(tmp_path), clips, "zh"))
    assert [row["id"] for row in rows] == list(ROWS)
    assert rows[0] == {
        "id": "clip_1",
        "language": "zh",
        "messages": [{"role": "user", "content": INSTRUCTIONS["zh"]}],
        "videos": [str(clips / "clip_1.mp4")],
        "audios": [str(clips / "clip_1.wav")],
    }
    assert (rows[1]["videos"], rows[1]["audios"]) == ([str(clips / "clip_2.AVI")],) * 2  # the sound inside
    opened = list(emer.questions(reference(tmp_path), clips, "en", "open"))
    assert opened[0]["messages"][0]["content"] == OPEN_PROMPTS["en"]
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    assert [row["audios"] for row in emer.questions(reference(tmp_path), clips)][:2] == [
        [str(clips / "clip_1.wav")],
        [],
    ]
    items = emer.items(reference(tmp_path), {}, {}, None, media_folder=clips)
    assert (items[0].videos, items[0].audios) == ([str(clips / "clip_1.mp4")], [str(clips / "clip_1.wav")])
    assert (items[1].videos, items[1].audios) == ([str(clips / "clip_2.AVI")], [])


def test_clips_that_are_not_there_are_counted(tmp_path: Path) -> None:
    (tmp_path / "clip_2.mp4").touch()
    with pytest.raises(InputError, match="3 of 4 clips are not there .the first: 'clip_1.mp4'"):
        list(emer.questions(reference(tmp_path), tmp_path))
    with pytest.raises(InputError, match="nowhere: file: No such file"):
        list(emer.questions(reference(tmp_path), tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"reference\.csv: column name: is not there"),
        (b"name,chinese,english\n", r"reference\.csv: file: holds no clip"),
        (b"clip,english\na,b\n", r"column name: is not there; the first line is 'clip, english'|column name"),
        (b"name,chinese\na,b\n", r"column english: is not there"),
        (b"name,chinese,english\na,b,c\nb,b,c\na,b,c\n", r"reference\.csv:4: name: 'a' is there twice"),
        (b"name,chinese,english\na,b,c\n,b,c\n", r"reference\.csv:3: name: is blank"),
        (b"name,chinese,english\na,b, \n", r"reference\.csv:2: english: of 'a' is blank"),
        (b"name,chinese,english\na,b\n", r"reference\.csv:2: english: of 'a' is blank"),
        (b"name,chinese,english\na,b,c,d\n", r"reference\.csv:2: line: has more cells than the first line"),
        (b"name,chinese,english\n../a,b,c\n", r"reference\.csv:2: name: '\.\./a' is no plain file name"),
        (b'name,chinese,english\na,b,"c\n', r"line: is no CSV"),
        ("name,chinese,english\na,好,c\n".encode("gbk"), r"reference\.csv: file: not UTF-8"),
        (b"name,chinese,english\na,b,\nb,b,\nc,b,c\n", r"rows: 2 of 3 cannot be used \(the first: .*:2: english"),
    ],
)
def test_a_wrong_reference_is_named_with_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "reference.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        emer.read_reference(path)


def test_the_other_languages_column_may_be_blank_or_missing(tmp_path: Path) -> None:
    path = tmp_path / "reference.csv"
    path.write_text("name,chinese\na,好\n", encoding="utf-8")
    assert emer.read_reference(path, "zh")[0].texts == {"zh": "好", "en": ""}


FIRST = {"gt-chi.csv": "他大声喊叫，因此推测他很愤怒。", "gt-eng.csv": "He shouts, so it is inferred that he is angry."}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The two files of EMER's first version."""
    for name, text in FIRST.items():
        rows = f'names,emotions,subtitles,reasons\nclip_1,x,"a, b","{text}"\nclip_2,y,,"{text}"\n'
        (tmp_path / name).write_text(rows, encoding="utf-8")
    return tmp_path


def test_the_first_version_has_names_and_reasons_and_a_file_for_each_language(first: Path) -> None:
    for name, language in (("gt-chi.csv", "zh"), ("gt-eng.csv", "en")):
        found = emer.read_reference(first / name, language)
        assert [clip.name for clip in found] == ["clip_1", "clip_2"]
        assert [clip.texts[language] for clip in found] == 2 * [FIRST[name]]
    with pytest.raises(InputError, match="gt-chi.csv: column reasons: are written in 'zh', .* give --language zh"):
        emer.read_reference(first / "gt-chi.csv", "en")


def test_clips_are_asked_about_in_a_language_that_the_reference_has_not(first: Path) -> None:
    for name in ("clip_1.mp4", "clip_2.mp4"):
        (first / name).touch()
    rows = list(emer.questions(first / "gt-eng.csv", first, "zh"))
    assert [(row["id"], row["messages"][0]["content"]) for row in rows] == [
        (name, INSTRUCTIONS["zh"]) for name in ("clip_1", "clip_2")
    ]


def test_the_scores_name_the_edition_of_the_wheels_and_count_as_it_does(
    tmp_path: Path, wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = reference(tmp_path)
    # Wheel 1 alone knows the one reference label.
    labels = {"clip_1": ["merry"]}
    items = emer.items(path, ANSWERS, {}, None, wheels, truth_labels=labels, answer_labels={"clip_1": ["glad"]})
    ours = emer.scores(items, wheels)
    assert ours["metrics"]["ew_f1_level1"]["value"] == 1
    assert f"emotion wheels: {wheels.named}; a wheel that knows no reference label is left out" in ours["notes"][1]
    monkeypatch.setattr(wheels, "edition", "MER2026")
    as_2026 = emer.scores(items, wheels)
    assert as_2026["metrics"]["ew_f1_level1"]["value"] == pytest.approx(1 / 5)
    assert "emotion wheels: those of MER2026 (" in as_2026["notes"][1]
    assert as_2026["notes"][1].endswith("counts as 0")
