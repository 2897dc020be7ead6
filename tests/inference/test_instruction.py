"""inference/instruction.py: in which words a clip is asked about, and what is said of that."""

import json
from pathlib import Path

import pytest

from swift_saber.inference.instruction import choose
from swift_saber.sed.layout import INSTRUCTIONS

ZH, EN = INSTRUCTIONS["zh"], INSTRUCTIONS["en"]
GERMAN, ENGLISH = "Wie klingt es?", "Name the emotion."


@pytest.fixture(autouse=True)
def no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def trained(model: Path, *instructions: str) -> str:
    (model / "args.json").write_text(json.dumps({"instructions": instructions}))
    return str(model)


OTHER = "asked in English, as this system's language is not Chinese (%s); --language zh for Chinese"
CHINESE = "asked in Chinese, the language of this system (%s); --language en for English"


@pytest.mark.parametrize(
    ("environment", "language", "said"),
    [
        ({}, "en", OTHER % "it names none"),
        ({"LANG": "zh_CN.UTF-8"}, "zh", CHINESE % "LANG=zh_CN.UTF-8"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "en", OTHER % "LC_ALL=de_DE.UTF-8"),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW"}, "zh", CHINESE % "LC_MESSAGES=zh_TW"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh", CHINESE % "LANG=zh_CN.UTF-8"),
    ],
)
def test_without_more_the_language_is_that_of_the_system(
    model: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str, said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert choose(str(model), None) == ({"language": language}, said)


@pytest.mark.parametrize("name", ["zhaoxiaoxian/SABER-LLM", "/models/SABER-LLM", "SABER-LLM"])
def test_the_published_weights_are_asked_in_the_released_instruction(name: str) -> None:
    words, said = choose(name, None)
    assert words == {"language": "zh"}
    assert said.startswith("asked in Chinese, by the released instruction, which the published weights expect;")
    assert choose(name, "en") == ({"language": "en"}, "")


def test_a_trained_model_is_asked_as_it_was_trained(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(trained(model, ZH), None)[0] == {"language": "zh"}
    assert choose(trained(model, ZH, EN), None)[0] == {"language": "en"}
    assert choose(trained(model, GERMAN, EN), None)[0] == {"language": "en"}
    words, said = choose(trained(model, GERMAN, ENGLISH), None)
    assert words == {"messages": [{"role": "user", "content": GERMAN}]}
    assert said == "asked in the words that the model was trained with, 'Wie klingt es?'"
    monkeypatch.setenv("LANG", "zh_CN")
    assert choose(trained(model, ZH, EN), None)[0] == {"language": "zh"}
    assert choose(trained(model, ENGLISH, "怎么样？"), None)[0]["messages"][0]["content"] == "怎么样？"


def test_a_language_that_is_asked_for_decides_and_the_model_is_asked_in_its_words_of_that(model: Path) -> None:
    assert choose(trained(model, EN), "zh") == ({"language": "zh"}, "")
    assert choose(trained(model, ENGLISH), "en")[0] == {"messages": [{"role": "user", "content": ENGLISH}]}
    assert choose(trained(model, ENGLISH, EN), "en")[0] == {"language": "en"}


def test_a_folder_here_says_nothing_of_a_served_model_with_its_name(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(model, ZH)
    monkeypatch.chdir(model.parent)
    assert choose(model.name, None, here=False)[0] == {"language": "en"}
