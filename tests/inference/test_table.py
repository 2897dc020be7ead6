"""The table of answers: the columns that people need, in the records too."""

from swift_saber.inference.files import record_of
from swift_saber.sed.conclusion import conclude
from tests.report.made import CHINESE, FIELDS, answer


def test_a_record_has_its_columns_behind_its_id() -> None:
    found = record_of(answer("a"))
    assert list(found) == ["id", "emotion", "valence", "face", "voice", "conflict", *list(found)[6:]]
    assert {name: found[name] for name in conclude(FIELDS)} == conclude(FIELDS)
    assert (found["emotion"], found["face"], found["voice"], found["conflict"]) == (
        "sarcastic",
        "positive",
        "negative",
        True,
    )
    assert conclude(CHINESE) == conclude(FIELDS)
