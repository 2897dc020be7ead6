"""pipeline/run.py: a clip that a server fails at is set aside by its stage, and asked about again by the next run."""

from collections import Counter
from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.pipeline.run import run
from tests.llm_server import Asked, LLMServer, Reply, fails, say
from tests.pipeline.world import Models, make_clips, snapshot, write_recipe

ONLY = {"speech": None, "visual": None, "dedup": None}
#: Of the two tasks, the one that c05 is in has to be done again.
BAD = "c05-repaired"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips") / "set")


def drops(output: Path, stage: str) -> dict[str, str]:
    """The reason of each clip that a stage dropped, by its name."""
    found = {}
    for path in (output / stage / "dropped").glob("*.jsonl"):
        for _, row in read_rows(path) if path.stat().st_size else ():
            found[Path(row["row"]["videos"][0]).stem] = row["reason"]
    return found


def test_a_clip_that_a_server_fails_at_stops_no_stage_and_is_asked_about_again(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    models = Models(output)
    broken = {"annotator"}

    def script(asked: Asked) -> Reply:
        if asked.text == "Hello":
            return say("Hi")
        shown = asked.text + " ".join(url for _, url in asked.media)
        return fails(500, "out of memory") if asked.model in broken and BAD in shown else models(asked)

    with LLMServer(script) as server:
        recipe = str(write_recipe(tmp_path / "r.yaml", clips, output, server.url, **ONLY))
        run(recipe)
        assert drops(output, "annotate")[BAD] == "not answered"
        # The small one is not among them; the one in prose and the refused one are dropped too.
        assert "annotate: 13 clips in, 10 kept, 3 dropped, 1 of them not answered: " in capsys.readouterr().err
        assert (output / "train.jsonl").exists()
        broken = {"labeller"}  # the stage after it fails at the same clip
        run(recipe)
        assert BAD not in drops(output, "annotate")
        assert drops(output, "consistency")[BAD] == "not answered"
        broken = set()
        run(recipe)
        asked = Counter(one.key for one in server.asked if BAD not in one.text + str(one.media) and one.text != "Hello")
        assert set(asked.values()) == {1}
        again, before = len(server.asked), snapshot(output)
        run(recipe)
        assert (len(server.asked), snapshot(output)) == (again, before)
    with LLMServer(Models(tmp_path / "whole")) as server:
        run(str(write_recipe(tmp_path / "w.yaml", clips, tmp_path / "whole", server.url, **ONLY)))
    assert before == snapshot(tmp_path / "whole")
