"""The tables of words are about the six dimensions: none is left out, and none is there that no record has."""

import pytest

from swift_saber.evaluation.benchmarks.saber_test import MEANINGS
from swift_saber.sed import words
from swift_saber.sed.layout import HEADINGS, ORDERS
from swift_saber.sed.record import DIMENSIONS, SPEECH

TABLES = {
    **{f"headings in {language}": set(names) for language, names in HEADINGS.items()},
    **{f"order {name}": set(order) for name, order in ORDERS.items()},
    "names of headings": {dim for dims in words._NAMES for dim in dims if len(dims) == 1},
    "groups": set(words._GROUP),
    "cues": set(words._CUES),
    "topics, speech apart": {*words._TOPIC, SPEECH},
    "what the judge is told": set(MEANINGS),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_each_dimension_and_no_other(name: str) -> None:
    assert TABLES[name] == set(DIMENSIONS)


@pytest.mark.parametrize("dim", DIMENSIONS)
@pytest.mark.parametrize("language", HEADINGS)
def test_a_dimension_is_known_by_its_own_name(dim: str, language: str) -> None:
    heading = words.heading_of(f"**{HEADINGS[language][dim]}**", {})
    assert heading is not None and heading.dims == (dim,)
