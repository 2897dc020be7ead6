"""The first files of a run: the clips of all sources, and what their readers had to say."""

from pathlib import Path

from swift_saber.data.rows import read_rows
from swift_saber.pipeline.manifest import write_manifest
from swift_saber.text.strict_json import read_json
from tests.pipeline.sources.layout import put_all, put_table, put_text
from tests.pipeline.sources.test_ch_sims_v2 import HEADER, ROWS


def test_what_readers_left_out_and_what_they_noted_is_kept_with_examples(tmp_path: Path) -> None:
    sims, mine, more = (tmp_path / name for name in ("sims", "mine", "more"))
    # Two splits of one video; then a video without a row.
    put_table(sims / "meta.csv", HEADER, ROWS[:2])
    put_all(sims / "Raw", ["video_0001/0001.mp4", "video_0001/0002.mp4", "video_0001/0003.mp4"])
    put_all(mine, ["a.mp4"])
    put_text(mine / "b.mp4", "")
    put_all(more, ["c.mp4"])
    for number in range(4):
        put_text(more / f"d{number}.mp4", "")
    named = [("generic", str(folder), {"language": "en", "name": folder.name}) for folder in (mine, more)]
    manifest = tmp_path / "out/manifest"
    assert write_manifest([("ch-sims-v2", str(sims), {}), *named], manifest, 2) == 4
    assert read_json(manifest / "skipped.json") == {
        "ch-sims-v2": {"video without row": 1},
        "mine": {"video empty": 1},
        "more": {"video empty": 4},
    }
    split = "its video is in several official splits"
    assert read_json(manifest / "noted.json") == {
        "noted": {"ch-sims-v2": {split: 2}},
        "examples": {  # named by what is below the source's folder
            "ch-sims-v2": {
                split: ["video_0001_0001", "video_0001_0002"],
                "video without row": ["Raw/video_0001/0003.mp4"],
            },
            "mine": {"video empty": ["b.mp4"]},
            "more": {"video empty": ["d0.mp4", "d1.mp4", "d2.mp4", "d3.mp4"]},
        },
    }


def test_one_dataset_from_two_folders_has_the_sum_of_both(tmp_path: Path) -> None:
    for place, stem in (("one", "a"), ("two", "b")):
        put_all(tmp_path / place, [f"{stem}.mp4"])
        put_text(tmp_path / place / f"{stem}0.mp4", "")
    sources = [("generic", str(tmp_path / place), {"language": "en"}) for place in ("one", "two")]
    write_manifest(sources, tmp_path / "manifest", 1)
    assert [row["id"] for _, row in read_rows(tmp_path / "manifest/kept/00000.jsonl")] == [
        "generic/all/a",
        "generic/all/b",
    ]
    assert read_json(tmp_path / "manifest/skipped.json") == {"generic": {"video empty": 2}}
    assert read_json(tmp_path / "manifest/noted.json")["examples"] == {"generic": {"video empty": ["a0.mp4", "b0.mp4"]}}
