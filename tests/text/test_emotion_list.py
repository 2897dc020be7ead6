"""A user's own emotions: as people write such lists, and what a text names by them."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.text.csv_table import read_csv
from swift_saber.text.emotion_list import EmotionList, read_emotions


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_own_words_in_two_languages_are_found_and_labels_are_not_mapped_to_the_common_ones(tmp_path: Path) -> None:
    path = write(tmp_path, 'Emotion,words\nJoy,"glee*, 欢喜"\nhappiness,content\nworried,"worr*, anxi*, 担心"\n')
    emotions = read_emotions(path)
    assert emotions.names == ("joy", "happiness", "worried")
    assert emotions.emotion(" JOY ") == "joy"  # the common emotion of both is happy
    assert emotions.emotion("Happiness") == "happiness"
    assert emotions.emotion("担心") == "worried"
    assert emotions.emotion("anxious") == emotions.emotion("rather worried") == "worried"
    assert emotions.emotion("not content") is emotions.emotion("joy, worry") is None
    assert emotions.emotion("angry") is None
    assert emotions.named("He seems gleeful.") == ["joy"]
    assert emotions.named("She was happy at first. She is anxious now, not content.") == ["worried"]
    assert emotions.named("他很担心。") == ["worried"]
    assert emotions.named("Joy or worry.") == ["joy", "worried"]
    assert emotions.named("He is angry.") == []


@pytest.mark.parametrize(("words", "text"), [({"worried": ["worr*"]}, "I worry."), ({"担心": []}, "他很担心。")])
def test_a_list_in_one_language_is_enough(words: dict[str, list[str]], text: str) -> None:
    assert EmotionList(words).named(text) == list(words)
    assert EmotionList(words).named("nothing of it 没有") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("emotion,words\ncalm,\ncalm,quiet\n", "table.csv:3: emotion: 'calm' is there twice"),
        ("emotion,words\ncalm,quiet\nsad,quiet\n", "table.csv:3: words: 'quiet' is a word for 'calm' too"),
        ("emotion,words\ncalm,qu*et\n", "has a \\* inside"),
        ("emotion,words\n,quiet\n", "emotion: is blank"),
        ("emotion,words\n", "holds no emotion"),
        ("name,words\ncalm,quiet\n", "column emotion: is not there"),
        ("emotion,words\ncalm,quiet,at ease\n", "table.csv:2: line: has 3 cells, and the first line has 2"),
        ('emotion,words\ncalm,"quiet\n', "is no CSV"),
        ("emotion,words,Words\ncalm,quiet,still\n", "column words: is there twice"),
        ("", "is empty"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused_at_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_emotions(write(tmp_path, text))


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])  # the last: a Mac's Excel, "CSV (Macintosh)"
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read_with_what_parts_their_cells(tmp_path: Path, between: str, end: str) -> None:
    text = f'ID{between}Label{end}{end} a {between}"x, y, z"{end}b{end}'
    path = write(tmp_path, text)
    rows = [row for _, row in read_csv(path, ["id", "label"])]
    assert rows == [{"id": "a", "label": "x, y, z"}, {"id": "b", "label": ""}]
    assert [where for where, _ in read_csv(path, ["id"])] == [f"{path}:3", f"{path}:4"]
