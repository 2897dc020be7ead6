"""pipeline/run.py: the whole chain on real media over real HTTP, however it is run."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.run import run
from swift_saber.text.strict_json import dumps
from tests.llm_server import LLMServer, fails, html
from tests.pipeline.sources.layout import put_all, put_table
from tests.pipeline.sources.test_ch_sims_v2 import HEADER, ROWS
from tests.pipeline.world import FATES, HOSTILE, Models, make_clips, snapshot, write_recipe

slow = pytest.mark.slow
QUICK = {"speech": None, "visual": None, "consistency": None, "split": None}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips") / "set")


@pytest.fixture(scope="module")
def whole(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, LLMServer]]:
    """A run that nothing interrupted, and the server that it asked."""
    folder = tmp_path_factory.mktemp("whole")
    with LLMServer(Models(folder / "out")) as server:
        run(str(write_recipe(folder / "r.yaml", clips, folder / "out", server.url)))
        yield folder / "out", server


def command(recipe: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "swift_saber.cli", "pipeline", str(recipe), *arguments]


def test_every_clip_ends_as_a_record_or_as_a_drop_with_its_reason(whole: tuple[Path, LLMServer]) -> None:
    output, _ = whole
    fates: dict[str, tuple[str, str] | None] = {}
    for stage in ("clean", "dedup", "annotate", "speech", "visual", "consistency", "split"):
        for path in sorted((output / stage / "dropped").glob("*.jsonl")):
            for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
                fates[Path(line["row"]["videos"][0]).stem] = (stage, line["reason"])
    rows = [row for name in ("train.jsonl", "test.jsonl") for _, row in read_rows(output / name)]
    fates |= {Path(row["videos"][0]).stem: None for row in rows}
    assert fates == FATES
    assert {row["id"].rsplit("/", 1)[1] for row in rows if row["consistency"] == "inconsistent"} == {
        "c09-clash",
        "c12-clash",
    }
    test = [row["consistency"] for _, row in read_rows(output / "test.jsonl")]
    assert sorted(test) == ["consistent", "inconsistent"]


def test_nothing_is_asked_twice_and_the_cost_is_counted(whole: tuple[Path, LLMServer]) -> None:
    output, server = whole
    # Captions show the same prompt with different pictures, so all requests differ.
    assert set(server.counts.values()) == {1}
    ((_, said),) = read_rows(output / "run.json")
    # 12 clips reach the annotator; the one in prose and the one to be repaired are asked about twice, one is refused.
    assert said["usage"]["annotate"]["annotator"]["requests"] == 13
    assert sum(asked.model == "annotator" for asked in server.asked) == 14


def test_the_page_and_the_card_are_written_and_hostile_text_stays_text(whole: tuple[Path, LLMServer]) -> None:
    output, _ = whole
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "near-duplicate" in page
    assert HOSTILE.split()[0] not in page  # escaped
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "annotator" in card and "low resolution" in card


@pytest.mark.usefixtures("plugin")
def test_the_rows_are_a_dataset_for_training(whole: tuple[Path, LLMServer]) -> None:
    """Through ms-swift's own load_dataset, as `swift sft --dataset` takes them."""
    from swift.dataset import load_dataset

    file = whole[0] / "train.jsonl"
    rows = {row["id"]: row for _, row in read_rows(file)}
    loaded = load_dataset(str(file))[0]
    assert {row["id"] for row in loaded} == rows.keys()
    for row in loaded:
        assert rows[row["id"]]["sentiment_analysis"] in row["messages"][-1]["content"]
        assert (row["videos"], row["audios"]) == (rows[row["id"]]["videos"], rows[row["id"]]["audios"])


def test_a_second_time_nothing_is_done(clips: Path, whole: tuple[Path, LLMServer]) -> None:
    output, server = whole
    before, asked = snapshot(output), len(server.asked)
    run(str(output.with_name("r.yaml")))
    assert snapshot(output) == before
    assert len(server.asked) == asked


def test_what_readers_noted_and_what_official_splits_share_is_said_in_log_report_and_card(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Four clips of one video, half of them official test clips; and a dataset that is too small to stay.
    rows = [
        {"id": f"mine/{number}", "source": "mine", "language": "en", "videos": [str(clips / f"{name}.mp4")]}
        | {"origin": "mine/v", "split": split, "consistency": consistency}
        for number, (name, split, consistency) in enumerate(
            [
                ("c00", "train", "consistent"),
                ("c01", "test", "consistent"),
                ("c09-clash", "train", "inconsistent"),
                ("c13", "test", "inconsistent"),
            ]
        )
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    put_table(tmp_path / "sims/meta.csv", HEADER, ROWS[:2])
    put_all(tmp_path / "sims/Raw/video_0001", ["0001.mp4", "0002.mp4"])
    sources = [{"rows": str(tmp_path / "rows.jsonl")}, {"ch-sims-v2": str(tmp_path / "sims")}]
    blocks: dict[str, Any] = dict.fromkeys(("dedup", "annotate", "speech", "visual", "consistency"))
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "", sources=sources, **blocks)
    run(str(recipe))
    page, card = ((tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("report.html", "README.md"))
    shared = "The official splits of mine share videos: 4 of its 4 clips with an official split come from a video"
    assert f"split: {shared}" in capsys.readouterr().err
    assert shared in page and shared in card
    noted = "its video is in several official splits"
    assert f"| ch-sims-v2 | {noted} | 2 | video\\_0001\\_0001, video\\_0001\\_0002 |" in card
    assert noted in page


@pytest.mark.parametrize("until", ["clean", None], ids=["until clean", "no annotate"])
def test_a_run_without_records_leaves_a_card_and_a_report_about_what_is_there(
    clips: Path, tmp_path: Path, until: str | None
) -> None:
    output = tmp_path / "out"
    later = {} if until else dict.fromkeys(("dedup", "annotate", "speech", "visual", "consistency", "split"))
    run(str(write_recipe(tmp_path / "r.yaml", clips, output, "http://127.0.0.1:9/v1", **later)), until)
    card = (output / "README.md").read_text(encoding="utf-8")
    # Of the 14 clips, one is too small.
    assert "13 of 14 clips went through all stages up to `clean`" in card
    assert "low resolution" in card
    assert "configs:" not in card and "with a SABER record" not in card
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "low resolution: 1" in page
    assert ("Not begun" in page) == (until is not None)
    assert not (output / "train.jsonl").exists()


@slow
def test_killed_at_twenty_random_instants_it_gives_what_an_uninterrupted_run_gives(
    clips: Path, whole: tuple[Path, LLMServer], tmp_path: Path
) -> None:
    output, rng = tmp_path / "out", random.Random(0)
    marker = f"run-{os.getpid()}-{time.time_ns()}"
    with LLMServer(Models(output)) as server:
        recipe = write_recipe(tmp_path / "r.yaml", clips, output, server.url, workers=2)
        requests = replies = 0
        kills = 0
        while kills < 20:
            environment = {**os.environ, "SABER_TEST_RUN": marker}
            process = subprocess.Popen(
                command(recipe), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
            )
            try:
                process.wait(rng.uniform(1.0, 3.0))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            said = process.communicate()[1]
            assert process.returncode in {0, -signal.SIGKILL}, said
            _wait_for_workers(marker)
            # A request that was under way is lost with the process; one whose reply is kept is never sent again.
            lost = len(server.asked) - requests - (_replies(output) - replies)
            assert 0 <= lost <= 2 * 4  # two tasks, four requests under way at most (captions and verdicts)
            requests, replies = len(server.asked), _replies(output)
            if process.returncode == 0:  # it was through before it could be killed: all over again from the last stages
                for stage in ("visual", "consistency", "split"):
                    subprocess.run(["rm", "-r", str(output / stage)], check=False)
                requests, replies = len(server.asked), _replies(output)
        done = subprocess.run(command(recipe), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) - requests == _replies(output) - replies
    assert snapshot(output) == snapshot(whole[0])


def _replies(output: Path) -> int:
    """How many replies are kept: whole lines."""
    files = [*output.rglob("*.replies.jsonl"), *(output / "speech").glob("transcripts/*.jsonl")]
    return sum(path.read_bytes().count(b"\n") for path in files)


def _wait_for_workers(marker: str) -> None:
    """Until no process of the run is left: they notice within a moment that the command is gone."""
    end = time.monotonic() + 30
    while any(marker in _environment(process) for process in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < end, "processes are left"
        time.sleep(0.1)


def _environment(process: Path) -> str:
    try:
        return (process / "environ").read_text(errors="replace")
    except OSError:  # it has ended
        return ""


@slow
@pytest.mark.parametrize("changed", [{"workers": 2}, {"executor": "ray", "workers": 2}], ids=["two workers", "ray"])
def test_other_executors_give_the_same(
    clips: Path, whole: tuple[Path, LLMServer], tmp_path: Path, changed: dict[str, object]
) -> None:
    output = tmp_path / "out"
    with LLMServer(Models(output)) as server:
        run(str(write_recipe(tmp_path / "r.yaml", clips, output, server.url, **changed, **QUICK)))
    wanted = {
        name: text
        for name, text in snapshot(whole[0]).items()
        if name.startswith(("clean", "dedup", "annotate", "manifest"))
    }
    found = snapshot(output)
    assert {name: found[name] for name in wanted} == wanted


@slow
def test_slurm_gets_a_job_for_each_stage_and_its_scripts_give_the_same(
    clips: Path, whole: tuple[Path, LLMServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sbatch and srun are stand-ins: one notes what is submitted, the other runs what it is given."""
    tools, output = tmp_path / "bin", tmp_path / "out"
    tools.mkdir()
    (tools / "sbatch").write_text(
        f'#!/bin/bash\nn=$(ls {tmp_path}/jobs | wc -l)\ncp "${{@: -1}}" {tmp_path}/jobs/$n.sh\n'
        f'echo "$@" > {tmp_path}/jobs/$n.sh.args\necho Submitted batch job $((100 + n / 2))\n'
    )
    (tools / "srun").write_text('#!/bin/bash\nwhile [ "$1" != launch_pickled_pipeline ]; do shift; done\nexec "$@"\n')
    (tools / "scontrol").write_text("#!/bin/bash\necho localhost\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / "jobs").mkdir()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with LLMServer(Models(output)) as server:
        slurm = {"partition": "cpu", "time": "01:00:00"}
        run(str(write_recipe(tmp_path / "r.yaml", clips, output, server.url, executor="slurm", slurm=slurm)))
        jobs = [script for script in _in_order(tmp_path / "jobs") if "merge_stats" not in script.read_text()]
        texts = [script.read_text() for script in jobs]
        names = ["clean", "dedup", "annotate", "speech", "visual", "consistency", "split", "finish"]
        arrays = [2, 1, 2, 2, 2, 2, 1, 1]  # clean and the like have a task for each file
        for name, size, text in zip(names, arrays, texts, strict=True):
            assert f"#SBATCH --job-name=saber-{name}\n" in text
            assert f"#SBATCH --array=0-{size - 1}%" in text
        submitted = [script.with_name(script.name + ".args").read_text() for script in jobs]
        numbers = [100 + int(script.stem) // 2 for script in jobs]  # as the stand-in gives them
        assert "--dependency" not in submitted[0]
        for before, said in zip(numbers, submitted[1:], strict=False):
            assert f"--dependency=afterok:{before} " in said
        for script, size in zip(jobs, arrays, strict=True):
            for task in range(size):
                environment = {**os.environ, "SLURM_ARRAY_TASK_ID": str(task), "RUN_OFFSET": "0", "SLURM_NODEID": "0"}
                environment |= {"SLURM_NODELIST": "localhost", "SLURM_PROCID": "0"}
                done = subprocess.run(
                    ["bash", str(script)], env=environment, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert snapshot(output) == snapshot(whole[0])


def _in_order(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sh"), key=lambda path: int(path.stem))


@slow
def test_the_nonsense_of_a_real_server_ends_as_counted_drops(clips: Path, tmp_path: Path, deployed: str) -> None:
    """`swift deploy` with an untrained model: it takes the clips, and says nothing that could be a record."""
    output = tmp_path / "out"
    annotate = {"model": "tiny", "base_url": deployed, "max_tokens": 16, "reply_form": "none", "concurrency": 4}
    run(str(write_recipe(tmp_path / "r.yaml", clips, output, deployed, **(QUICK | {"annotate": annotate}))))
    lines = [json.loads(line) for path in (output / "annotate" / "dropped").glob("*") for line in path.open()]
    assert len(lines) == 12
    assert {line["reason"] for line in lines} == {"no valid annotation"}
    assert not (output / "train.jsonl").exists()
    ((_, said),) = read_rows(output / "run.json")
    assert said["usage"]["annotate"]["tiny"]["requests"] == 24  # each is asked once more
    assert "no valid annotation" in (output / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (fails(401, "bad key"), "401: bad key; set OPENAI_API_KEY"),
        (fails(429, "slow down"), "429: slow down"),
        (fails(500, "broken"), "500: broken"),
        (html(), "is not JSON"),
    ],
    ids=["unauthorised", "rate-limited", "broken", "html"],
)
def test_an_endpoint_that_cannot_be_used_stops_the_run_and_nothing_is_lost(
    clips: Path, tmp_path: Path, reply: object, said: str
) -> None:
    output = tmp_path / "out"
    right = Models(output)
    broken = True
    with LLMServer(lambda asked: reply if broken and len(server.asked) > 3 else right(asked)) as server:  # type: ignore[return-value]
        recipe = str(write_recipe(tmp_path / "r.yaml", clips, output, server.url, **QUICK))
        with pytest.raises(InputError, match=said):
            run(recipe)
        kept = _replies(output)
        assert kept >= 1
        broken = False
        before = len(server.asked)
        run(recipe, "annotate")
        assert len(server.asked) - before == _replies(output) - kept + 0


def test_a_server_that_is_not_there_is_said_in_one_line(clips: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "http://127.0.0.1:9/v1", **QUICK)
    done = subprocess.run(command(recipe), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("swift-saber: error: http://127.0.0.1:9/v1: endpoint: cannot be reached")
    assert "Traceback" not in done.stderr


def test_prompts_that_changed_are_refused_with_what_to_remove(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    recipe = write_recipe(tmp_path / "r.yaml", clips, output, "http://x", **dict.fromkeys(("speech", "visual")))
    run(str(recipe), "clean")
    ((_, said),) = read_rows(output / "run.json")
    said["prompts"] |= {"annotate.en": "0f3a", "caption.en": "0f3a"}
    write_rows(output / "run.json", [said])
    run(str(recipe), "clean")  # nothing was asked yet
    write_rows(output / "run.json", [said])
    for stage in ("annotate", "consistency"):
        (output / stage).mkdir()
    with pytest.raises(InputError, match=rf"other words of annotate .*rm -r {output}/annotate {output}/consistency$"):
        run(str(recipe), "clean")
    ((_, kept),) = read_rows(output / "run.json")
    assert kept == said, "what was asked with the old words does not get the digest of the new ones"
    (output / "annotate").rmdir()
    run(str(recipe), "clean")  # the words of what is left are the same


def test_the_words_of_facts_count_where_they_are_offered_alone(clips: Path, tmp_path: Path) -> None:
    for facts in (False, True):
        output = tmp_path / str(facts)
        annotate = {"model": "annotator", "base_url": "http://x"} | ({"facts": True} if facts else {})
        recipe = write_recipe(tmp_path / "r.yaml", clips, output, "http://x", **(QUICK | {"annotate": annotate}))
        run(str(recipe), "clean")
        ((_, said),) = read_rows(output / "run.json")
        assert {name for name in said["prompts"] if name.startswith("facts")} == (
            {"facts.en", "facts.zh"} if facts else set()
        )
        said["prompts"]["facts.en"] = "0f3a"
        write_rows(output / "run.json", [said])
        (output / "annotate").mkdir()
        if facts:
            with pytest.raises(InputError, match=rf"other words of facts .*rm -r {output}/annotate$"):
                run(str(recipe), "clean")
        else:
            run(str(recipe), "clean")


def test_settings_that_changed_are_refused_with_what_to_remove(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    only = dict.fromkeys(("annotate", "speech", "visual", "consistency", "split"))
    recipe = write_recipe(tmp_path / "r.yaml", clips, output, "http://x", **only)
    run(str(recipe), "clean")
    changed = yaml.safe_load(recipe.read_text())
    changed["clean"]["max_seconds"] = 20.0
    recipe.write_text(yaml.safe_dump(changed))
    with pytest.raises(InputError, match=rf"was made with .*rm -r {output}/clean"):
        run(str(recipe), "clean")
    changed["clean"] = {**changed["clean"], "max_seconds": 30.0, "workers": 2}
    del changed["clean"]["max_seconds"]  # the default; and workers matter to no result
    recipe.write_text(yaml.safe_dump(changed))
    run(str(recipe), "clean")


def test_the_form_in_which_clips_travel_may_change_also_in_a_folder_that_remembers_it(
    clips: Path, whole: tuple[Path, LLMServer], tmp_path: Path
) -> None:
    """As folders do that were made while it was among the settings that count."""
    output, server = whole
    shutil.copytree(output, tmp_path / "out")
    stages = ("clean", "dedup", "annotate", "speech", "visual", "consistency", "split")
    before = (tmp_path / "out/manifest/settings.json").read_bytes()
    for stage in stages:
        ((_, settings),) = read_rows(tmp_path / "out" / stage / "settings.json")
        settings["made_from"] = hashlib.sha256(before).hexdigest()[:16]
        if stage == "annotate":
            settings["settings"]["media"] = "base64"
        write_rows(tmp_path / "out" / stage / "settings.json", [settings])
        before = dumps(settings).encode()
    asked = len(server.asked)
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", server.url)
    text = recipe.read_text(encoding="utf-8")
    for media in ("frames", "path"):
        recipe.write_text(text.replace("media: path", f"media: {media}"), encoding="utf-8")
        run(str(recipe))
    assert len(server.asked) == asked


def test_a_disk_that_is_full_keeps_what_is_done(clips: Path, tmp_path: Path) -> None:
    """No file may grow beyond 40 KB: the clips' sounds, of 64 KB, cannot be written."""
    only = dict.fromkeys(("dedup", "annotate", "speech", "visual", "consistency", "split"))
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "http://x", **only)
    limited = f"ulimit -f 40; exec {sys.executable} -m swift_saber.cli pipeline {recipe} --until clean"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be written: File too large; make room and run again" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out" / "clean" / "kept").glob("*.jsonl"))
    run(str(recipe), "clean")
    assert len(list((tmp_path / "out" / "clean" / "kept").glob("*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colour": 1}, "colour: is not known"),
        ({"executor": "kubernetes"}, "executor: is 'kubernetes'; write one of local, slurm, ray"),
        ({"tasks": 0}, "tasks: is 0"),
        ({"sources": []}, "sources: is"),
        ({"sources": [{"generic": "/nowhere/at/all"}]}, "folder"),
        ({"sources": [{"imdb": "/"}]}, "imdb"),
        ({"clean": {"min_secconds": 1}}, "clean.min_secconds: is not known"),
        ({"annotate": {"model": "m"}}, "annotate.base_url: is not set"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_before_anything_is_done(
    clips: Path, tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "http://127.0.0.1:9/v1", **changed)
    with pytest.raises(InputError, match=said):
        run(str(recipe))
    assert not list((tmp_path / "out").rglob("kept"))


def test_two_clips_with_one_id_are_refused(clips: Path, tmp_path: Path) -> None:
    twice = [{"generic": {"folder": str(clips)}}, {"generic": {"folder": str(clips)}}]
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "http://x", sources=twice, **QUICK)
    with pytest.raises(InputError, match="is that of two clips"):
        run(str(recipe))


def test_rows_that_are_there_already_are_a_source(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"id": "a", "language": "en", "videos": ["/v.mp4"], "audios": []}) + "\n{}\n")
    only = dict.fromkeys(("annotate", "speech", "visual", "consistency", "split"))
    recipe = write_recipe(
        tmp_path / "r.yaml", tmp_path, tmp_path / "out", "http://x", sources=[{"rows": str(rows)}], **only
    )
    with pytest.raises(InputError, match="rows.jsonl:2: id: is missing"):
        run(str(recipe))


def test_a_folder_of_clips_that_is_not_there_is_the_fault_of_no_clip(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", clips, tmp_path / "out", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="environment: SABER_MEDIA_ROOT: is .*gone, which is not there"):
        run(str(recipe), "clean")
    assert not (tmp_path / "out").exists()
