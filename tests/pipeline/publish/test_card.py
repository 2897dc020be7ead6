"""The card of a published data set: what a hub reads of it, whose clips are there, and what it must not be used for."""

from collections import Counter
from dataclasses import replace
from typing import Any

import yaml

from swift_saber.pipeline.publish.card import Config, Published, card, load_lines
from swift_saber.pipeline.publish.settings import Settings, hub_licence

RECIPE: dict[str, Any] = {"sources": [{"meld": "/data/MELD"}, {"generic": {"folder": "/x", "name": "own"}}]}


def _made(*parts: tuple[str, str, bool, int]) -> Published:
    from datasets import Features, Value

    columns = Features({"id": Value("string")})
    configs = {
        name: Config({split: f"{name}/{split}.jsonl" for split, _, there, _ in parts if there == here}, columns, "abc")
        for here, name in ((True, "default"), (False, "annotations"))
        if any(there == here for _, _, there, _ in parts)
    }
    rows = Counter({(split, source, here): count for split, source, here, count in parts})
    return Published("data", "paths", configs, rows, {"language": Counter(zh=3, en=1)}, 7200.0)


def _card(made: Published, **said: Any) -> str:
    return card(Settings(**{"name": "N", "licence": "CC-BY-4.0", "contact": "C"} | said), made, None, RECIPE, None)


def _head(text: str) -> dict[str, Any]:
    head: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return head


def test_a_hub_can_read_its_head() -> None:
    made = _made(("train", "own", True, 1500), ("test", "meld", False, 20))
    head = _head(_card(made, media={"own": "CC0-1.0"}))
    assert (head["license"], head["pretty_name"], head["language"]) == ("cc-by-4.0", "N", ["en", "zh"])
    assert head["size_categories"] == ["1K<n<10K"]
    assert [(part["config_name"], part.get("default")) for part in head["configs"]] == [
        ("default", True),
        ("annotations", None),
    ]
    assert [part["config_name"] for part in head["dataset_info"]] == ["annotations", "default"]


def test_a_licence_in_words_is_another_one_to_hubs() -> None:
    text = _card(_made(("train", "own", True, 1)), licence="For research alone: ask us.\nSecond line.")
    assert (_head(text)["license"], _head(text)["license_name"]) == ("other", "For research alone: ask us.")
    assert "\n\nFor research alone: ask us.\nSecond line.\n" in text
    assert [hub_licence(name) for name in ("MIT", "CC-BY-NC-SA-4.0", "GPL-3.0+", "no licence", "")] == [
        *("mit", "cc-by-nc-sa-4.0", "gpl-3.0+", "other", "other"),
    ]


def test_it_says_whose_clips_are_there_and_how_to_get_the_others() -> None:
    made = _made(("train", "own", True, 2), ("train", "meld", False, 3), ("test", "found", False, 1))
    text = _card(made, media={"own": "CC0-1.0"})
    for line in (
        "| own | 2 | 0 | CC0-1.0 |",
        "| meld | 0 | 3 | not given on |",
        "- meld: MELD. github.com/declare-lab/MELD links MELD.Raw.tar.gz; open download, the repository is GPL-3.0.",
        "- found: ask the contact below.",
        "swift-saber sources join data -o rows.jsonl \\\n"
        "  --source generic=FOLDER --set generic.language=en \\\n  --source meld=FOLDER \\\n"
        "  --set generic.name=found\n",
        '`load_dataset(..., "annotations")`',
        "6 clips, 2.00 hours",
        "Not for judging people",
    ):
        assert line in text, line


def test_its_lines_can_be_run_whatever_folder_and_source_are_called() -> None:
    made = replace(_made(("train", "my own", False, 2)), folder='a "b" $c')
    text = _card(made)
    assert (
        "swift-saber sources join 'a \"b\" $c' -o rows.jsonl \\\n" in text and "--set 'generic.name=my own'\n" in text
    )
    compile(load := "\n".join(load_lines(made)), "card", "exec")
    assert load in text


def test_where_all_clips_are_there_nothing_is_to_be_joined() -> None:
    text = _card(_made(("train", "own", True, 2)), media={"own": "CC0-1.0"})
    assert "sources join" not in text and "annotations" not in _head(text)["configs"][0]["config_name"]


def test_what_is_said_of_it_is_text_and_no_markup() -> None:
    text = _card(
        _made(("train", "<b>own</b>|", False, 1)),
        name="A *name* <script>",
        contact="[x](y) | <i>",
        citation="a\n```\n# not a heading\n````\n",
    )
    assert "# A \\*name\\* &lt;script&gt;\n" in text and "\\[x\\](y) \\| &lt;i&gt;" in text
    assert "| &lt;b&gt;own&lt;/b&gt;\\| | 0 | 1 | not given on |" in text
    assert "`````\na\n```\n# not a heading\n````\n`````\n" in text
    assert _head(text)["pretty_name"] == "A *name* <script>"
