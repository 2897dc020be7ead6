"""What is of this machine or of a person does not leave it: cut out where it may be, and else nothing is published."""

import json
import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.publish.card import public_recipe
from swift_saber.pipeline.publish.private import Watch, check, watch
from swift_saber.pipeline.publish.publish import Outcome, publish
from swift_saber.review.items import item_of
from swift_saber.review.log import ReviewLog
from tests.pipeline.publish.world import clip, rows_of, said, write

FORMS = ("paths", "webdataset", "parquet", "annotations")


def _publish(folder: Path, *rows: dict[str, Any], form: str = "paths", **settings: Any) -> Outcome:
    told = said(folder / "said.yaml", **({"media": {"mine": "CC0-1.0"}} | settings))
    return publish([write(folder / "train.jsonl", *rows)], folder / "out", form=form, settings=told)


def _all_bytes(folder: Path) -> bytes:
    """All that is published but the clips themselves; names of files too."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".mp4", ".wav"}]
    return b"".join([str(path.relative_to(folder)).encode() + path.read_bytes() for path in files])


@pytest.fixture
def row(tmp_path: Path) -> dict[str, Any]:
    return clip(tmp_path / "clips", "a")


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_the_machine_or_of_people_is_in_what_is_published(
    form: str, row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_API_KEY", "sk-1234567890abcdef")
    home = str(Path.home())
    row["labels"] = {
        "emotion": "happy",
        "emotions": {"anna": "happy", "benno": "sad"},
        "second": {"anna": 0.5},
        "by": "benno",
        "annotatorName": "Cleo Quartz",
        "votes": [{"worker_id": "W7312", "vote": "happy"}, {"worker_id": "W7313", "vote": "sad"}],
        "raw": row["videos"][0],
        "home": f"{home}/clips/a.mp4",
        "relative": "clips/a.mp4",
        "windows": "C:\\Users\\cleo\\a.avi",
        "share": "\\\\nas7\\clips",
        "address": "file:///srv/clips/a",
        "said": f"cut from {home}/film",
        "quoted": f"cut from {home.replace('/', '%2F')}%2Ffilm",
        "token": "sk-1234567890abcdef",
        "source": {"path": "/data/a", "year": 2020},
        f"{home}/key": 1,
        "list": ["fine", "/data/b"],
    }
    row |= {"speech": {"heard": "/data/log"}, "cues": [{"visual": "x"}], "transcript": "Hello.", "speaker": "mine/cleo"}
    row["audio_desc"] = {**row["audio_desc"], "recogniser": "/models/whisper"}
    row["note"] = "by anna"
    found = _publish(tmp_path, row, form=form)
    assert not found.refused
    everything = _all_bytes(tmp_path / "out")
    for private in (
        *("anna", "benno", "cleo", "Cleo", "W7312", "/clips", "nas7", "srv", "sk-1234567890abcdef", "whisper", "/data"),
        *(str(tmp_path), home.strip("/") + "/", "Hello."),
    ):
        assert private.encode() not in everything, private
    # What others need of the labels is there, and who is who is written down here alone.
    if form == "paths":
        (written,) = rows_of(tmp_path / "out" / "train.jsonl")
        assert written["labels"] == {
            "emotion": "happy",
            "emotions": {"person 1": "happy", "person 2": "sad"},
            "second": {"person 1": 0.5},
            "by": "person 2",
            "votes": [{"vote": "happy"}, {"vote": "sad"}],
            "source": {"year": 2020},
            "list": ["fine"],
        }
    assert found.people == {"person 1": "anna", "person 2": "benno"}
    assert found.left_out["labels.votes.worker_id"] == 2 and found.left_out["labels.list"] == 1
    assert {name for name in found.left_out if not name.startswith("labels.")} == {
        *("speech", "cues", "transcript", "speaker", "note", "audio_desc.recogniser"),
    }
    assert json.loads(found.report.read_text(encoding="utf-8"))["people"]["person 1"] == "anna"


def test_labels_say_who_in_other_shapes_too(row: dict[str, Any], tmp_path: Path) -> None:
    row["labels"] = {
        "emotions": {"Anna Lee": ["happy"], "Benno": {"label": "sad"}, "Cy": None},
        "note": "Benno and Anna Lee (not Annabel) say sad",
        "speaker": "Dora",
        "checked_by": "Emil",
        "reviewedBy": "Fritz",
        "caused_by": "a joke",
        "json": '{"annotator": "Gerd", "vote": "happy", "of": "Benno"}',
        "jsons": ['[{"path": "/home/cleo/x", "by": "Hanna"}]', '["as", 1]', "[laughs]"],
        "contact": "Ida",
    }
    found = _publish(tmp_path, row)
    (written,) = rows_of(tmp_path / "out" / "train.jsonl")
    assert written["labels"] == {
        "emotions": {"person 1": ["happy"], "person 2": {"label": "sad"}},
        "note": "person 2 and person 1 (not Annabel) say sad",
        "caused_by": "a joke",
        "json": '{"vote": "happy", "of": "person 2"}',
        "jsons": ['["as", 1]', "[laughs]"],
    }
    assert found.left_out["labels.json.annotator"] == 1 and found.left_out["labels.jsons"] == 1


def test_reviewers_are_told_by_number_in_labels_too(tmp_path: Path, row: dict[str, Any]) -> None:
    row["labels"] = {"emotions": {"Anna": "happy"}, "note": "Emil and Anna agree, Happy does not", "who": "Emil"}
    for name in ("Anna", "Emil", "Happy"):
        with ReviewLog(tmp_path / "reviews", name) as log:
            log.save("1", item_of(row, "row"), 0, decision="accept", reason="", after={})
    records, told = write(tmp_path / "train.jsonl", row), said(tmp_path / "s.yaml")
    found = publish([records], tmp_path / "out", settings=told, reviews=tmp_path / "reviews")
    assert found.people == {"person 1": "Anna", "person 2": "Emil"}
    assert rows_of(tmp_path / "out" / "train.jsonl")[0]["labels"] == {
        "emotions": {"person 1": "happy"},
        "note": "person 2 and person 1 agree, Happy does not",
        "who": "person 2",
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_clip_by_an_address_is_refused_and_the_address_stays_here(
    form: str, tmp_path: Path, row: dict[str, Any]
) -> None:
    """Even where it leads to a file of this machine."""
    schemes = ("s3:/", "http:/", "https:/", "file://", "FILE://", "gs:/", "hdfs:/", "data:")
    others = [{**row, "id": f"mine/all/{n}", "videos": [scheme + row["videos"][0]]} for n, scheme in enumerate(schemes)]
    row["labels"]["from"] = others[0]["videos"][0]
    found = _publish(tmp_path, row, *others, form=form)
    assert [one["id"] for one in found.refused] == [one["id"] for one in others]
    assert all("is an address, not a local file" in one["reason"] for one in found.refused)
    assert str(tmp_path).encode() not in _all_bytes(tmp_path / "out")


def test_a_distribution_over_emotions_is_no_list_of_people(row: dict[str, Any], tmp_path: Path) -> None:
    row["labels"] = {"emotions": {"happy": 0.7, "sad": 0.3}}
    assert _publish(tmp_path, row).people == {}
    assert rows_of(tmp_path / "out" / "train.jsonl")[0]["labels"] == row["labels"]


def test_a_person_has_one_number_in_all_rows_and_splits(tmp_path: Path) -> None:
    one, two = clip(tmp_path / "clips", "a", 1), clip(tmp_path / "clips", "b", 2)
    one["labels"] = {"emotions": {"zoe": "happy"}}
    two["labels"] = {"emotions": {"anna": "sad", "zoe": "happy"}}
    files = [write(tmp_path / "train.jsonl", one), write(tmp_path / "test.jsonl", two)]
    publish(files, tmp_path / "out", settings=said(tmp_path / "s.yaml"))
    labels = [rows_of(tmp_path / "out" / f"{split}.jsonl")[0]["labels"] for split in ("train", "test")]
    assert labels == [{"emotions": {"person 1": "happy"}}, {"emotions": {"person 2": "sad", "person 1": "happy"}}]


TEXTS: dict[str, Callable[[Path], str]] = {
    "a folder of the records": lambda here: f"Seen in {here}/clips.",
    "the home folder": lambda _: f"Seen in {Path.home()}/x.",
    "a user's folder": lambda _: "The file /home/cleo/a.mp4 shows a man.",
    "a mac's": lambda _: "The file /Users/cleo/a.mp4 shows a man.",
    "windows'": lambda _: "The file C:\\Users\\cleo shows a man.",
    "an address of a file": lambda _: "See file:///x/a.mp4 for more.",
    "the login name": lambda _: "See http://host/cleo7/a.mp4 for more.",
    "a password": lambda _: "See http://anna:secret@host/a for more.",
    "a key": lambda _: "Bearer sk-1234567890abcdef",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", TEXTS)
def test_a_text_that_holds_such_a_thing_is_refused_with_its_place_and_nothing_is_left(
    what: str, form: str, row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_API_KEY", "sk-1234567890abcdef")
    monkeypatch.setattr("getpass.getuser", lambda: "cleo7")
    row["facial_exp_desc"] = TEXTS[what](tmp_path)
    with pytest.raises(InputError, match="holds .*; take it out of the records") as error:
        _publish(tmp_path, row, form=form)
    assert error.value.field.endswith("facial_exp_desc")
    place = {"webdataset": r"data/train-00000.tar:mine__all__a-", "parquet": "data/train-00000.parquet:1"}
    assert error.value.where.startswith(place.get(form, "train.jsonl:1"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "said.yaml", "train.jsonl"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": "/home/cleo/a"}, "id"),
        ({"source": "/home/cleo/clips"}, "text"),  # of the card, which is looked at before the rows
        ({"labels": {"emotion": "happy", "note": {"a": ["x", {"b": "see /home/cleo/x"}]}}}, None),
    ],
)
def test_ids_and_sources_are_texts_too(
    changed: dict[str, Any], field: str | None, row: dict[str, Any], tmp_path: Path
) -> None:
    if field is None:
        _publish(tmp_path, row | changed)
        assert b"cleo" not in _all_bytes(tmp_path / "out")
        return
    with pytest.raises(InputError) as error:
        _publish(tmp_path, row | changed, media={})
    assert error.value.field == field and not (tmp_path / "out").exists()


def _tagged(old: Path, name: str, tags: dict[str, str], chapter: str = "", beside: bool = False) -> dict[str, Any]:
    """The clip again with what it says of itself, as what is changed of its row."""
    import av

    new = old.with_name(f"{name}.mkv" if beside else f"{name}.mp4")
    options = {} if beside else {"movflags": "use_metadata_tags"}
    with av.open(str(old)) as source, av.open(str(new), "w", options=options) as target:
        target.metadata.update(tags)
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        if beside:
            target.add_attachment("notes.txt", "text/plain", b"by Cleo")
        if chapter:
            one = {"id": 1, "start": 0, "end": 1, "time_base": Fraction(1), "metadata": {"title": chapter}}
            target.set_chapters([one])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return {"id": f"mine/all/{name}", "videos": [str(new)]}


CLIPS: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "comment": (lambda old: _tagged(old, "t", {"comment": "made of /home/cleo/raw.avi"}), "holds a local path"),
    "place": (lambda old: _tagged(old, "t", {"location": "+48.2+16.3/"}), "says where it was made"),
    "key": (lambda old: _tagged(old, "t", {"title": "sk-1234567890abcdef"}), "holds the value of LAB_API_KEY"),
    "artist": (lambda old: _tagged(old, "t", {"artist": "Cleo Quartz"}), r"says who made it \(artist\)"),
    "author": (lambda old: _tagged(old, "t", {"com.apple.quicktime.author": "Cleo"}), "says who made it"),
    "mail": (lambda old: _tagged(old, "t", {"comment": "cleo@lab.example"}), "holds an address of mail"),
    "chapter": (lambda old: _tagged(old, "t", {}, chapter="cut of /home/cleo/raw.avi"), "holds a local path"),
    "attachment": (lambda old: _tagged(old, "t", {}, beside=True), "beside picture and sound: attachment"),
    "box": (lambda old: _boxed(old, b"\0cut of /home/cleo/raw.avi\0"), "holds a local path"),
    "box in UTF-16": (lambda old: _boxed(old, "at /Users/cleo/x".encode("utf-16-le")), "holds a local path"),
    "folder in a box": (lambda old: _boxed(old, str(old.parent).encode()), "holds a folder of this machine"),
    "XMP": (lambda old: _boxed(old, b"<x:xmpmeta><dc:creator>Cleo"), r"notes of the program that wrote it \(XMP\)"),
}


def _boxed(old: Path, text: bytes) -> dict[str, Any]:
    """The clip again with a box that readers pass over, as cameras and editing programs write them."""
    new = old.with_name("boxed.mp4")
    new.write_bytes(old.read_bytes() + (len(text) + 8).to_bytes(4, "big") + b"uuid" + text)
    return {"id": "mine/all/boxed", "videos": [str(new)]}


@pytest.mark.parametrize("what", CLIPS)
def test_a_clip_that_says_where_or_by_whom_it_was_made_is_not_given_on(
    what: str, row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_API_KEY", "sk-1234567890abcdef")
    make, reason = CLIPS[what]
    found = _publish(tmp_path, row, row | make(Path(row["videos"][0])))
    (refused,) = found.refused
    assert refused["id"] != row["id"] and re.search(
        f"the clip (itself )?({reason}|holds .*{reason})", refused["reason"]
    )
    assert "-map_metadata -1" in refused["remedy"]
    assert len([path for path in (tmp_path / "out" / "media").rglob("*.*") if path.is_file()]) == 1


def test_files_outside_of_the_folder_of_clips_are_not_given_on(
    row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = clip(tmp_path / "private", "b", 2)
    link = tmp_path / "clips" / "c.mp4"
    link.symlink_to(outside["videos"][0])
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "clips"))
    found = _publish(tmp_path, row, outside, outside | {"id": "mine/all/c", "videos": [str(link)]})
    assert [refused["id"] for refused in found.refused] == ["mine/all/b", "mine/all/c"]
    assert all("lies outside the allowed folder" in refused["reason"] for refused in found.refused)


@pytest.mark.parametrize("place", ["text", "address", "playlist"])
def test_what_is_no_clip_is_not_given_on(place: str, row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "private.mp4").write_text("a diary\n", encoding="utf-8")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {row['videos'][0]}\n", encoding="utf-8")
    paths = {"text": tmp_path / "private.mp4", "address": "http://127.0.0.1:9/a.mp4", "playlist": tmp_path / "list.mp4"}
    found = _publish(tmp_path, row, row | {"id": "mine/all/b", "videos": [str(paths[place])]})
    assert [refused["id"] for refused in found.refused] == ["mine/all/b"]
    assert len(list((tmp_path / "out" / "media").rglob("*.*"))) == 1


def test_its_annotations_may_be_published_all_the_same(row: dict[str, Any], tmp_path: Path) -> None:
    """Nothing of the file itself leaves."""
    assert not _publish(tmp_path, row, media={}).refused


RECIPE: dict[str, Any] = {
    "output": "runs/lab-17",
    "executor": "slurm",
    "slurm": {"partition": "gpu7", "mail_user": "cleo@lab.example"},
    "sources": [
        {"meld": "/data7/MELD"},
        {"generic": {"folder": "data/own clips", "language": "en", "name": "mine", "encoding": "gbk"}},
    ],
    "clean": {"min_seconds": 1.0, "workers": 3},
    "annotate": {
        "model": "/models7/cleo/Qwen2.5-Omni-7B",
        "base_url": "http://gpu7.lab.example:8000/v1",
        "key_env": "LAB_API_KEY",
        "media": {"form": "url", "root": "/data7", "base_url": "http://files7.lab.example/data"},
        "language": "clip",
    },
    "speech": {"engine": "endpoint", "model": "openai/whisper-large-v3", "base_url": "http://10.7.7.7/v1"},
    "visual": {"caption": {"model": "captioner", "base_url": "http://gpu8.lab.example/v1"}, "max_contradicted": 0},
    "review": {"folder": "reviews of cleo", "overlap": 0.1},
    "publish": {"contact": "x"},
}


def test_of_a_recipe_models_and_thresholds_are_published_and_no_place() -> None:
    assert public_recipe(RECIPE) == {
        "sources": "generic, meld",
        "clean": {"min_seconds": 1.0},
        "annotate": {"model": "Qwen2.5-Omni-7B", "language": "clip"},
        "speech": {"engine": "endpoint", "model": "openai/whisper-large-v3"},
        "visual": {"caption": {"model": "captioner"}, "max_contradicted": 0},
        "review": {"overlap": 0.1},
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("asked gpu7.lab.example for it", "a host of the recipe"),
        ("asked http://10.7.7.7:80/v1", "a host of the recipe"),
        ("files7.lab.example", "a host of the recipe"),
        ("in /data7/MELD/x.mp4", "a path of the recipe"),
        ("/models7/cleo/Qwen2.5-Omni-7B", "a path of the recipe"),
        ("in data/own clips/x", "a path of the recipe"),
        ("runs/lab-17/train.jsonl", "a path of the recipe"),
        ("the key sk-1234567890abcdef", "a key"),
        ("the Qwen2.5-Omni-7B model", None),
        ("my/data7/MELD and x/data7/MELD2", None),
        ("/data7MELD and /models7/cleo/Qwen2.5-Omni-7BX", None),
        ("gpu7.lab.example2 and notgpu7.lab.example", None),
        ("either/or, 1/2, and/or", None),
        ("media/mine/a.mp4 and data/train-*.tar", None),
        ("https://example.org/home/x and https://a.org/tmp/", None),
        ("~ 5 seconds, ~5 s, a ~/b", "a local path"),
        ("~ 5 seconds, ~5 s", None),
    ],
)
def test_what_is_looked_for(text: str, what: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_API_KEY", "sk-1234567890abcdef")
    found = watch([], RECIPE).found(text)
    assert found == what or (what == "a key" and found == "the value of LAB_API_KEY")


PATH = "a local path"
HIDDEN = [
    *((PATH, text) for text in ("C:/Users/cleo/a.avi", "c:\\users\\cleo", "D:/data/a.mp4", "见C:\\x", "C：\\x")),
    *(
        (PATH, text)
        for text in ("\\\\nas7\\clips\\a.mp4", "//nas7/share/x", "FILE:///x", "../../etc/x", "a:/home/cleo/x")
    ),
    *(
        (PATH, text)
        for text in ("/HOME/CLEO/x", "/Volumes/x/y", "/opt/ml/x", "/workspace/x", "/nfs/x/y", "/etc/passwd")
    ),
    *((PATH, text) for text in ('{\\"path\\": \\"\\/home\\/cleo\\/x\\"}', "%252Fhome%252Fcleo", "&#47;home&#47;cleo")),
    *((PATH, text) for text in ("／home／cleo／x", "文件在/home/cleo/x里", "/ho\u200bme/cleo/x")),
    ("a folder of this machine", "文件在/lab9/sets/x里"),
    ("a folder of this machine", "/Lab9/SETS/x"),
    ("an address of mail", "ask cleo.q@lab.example"),
    ("an address of mail", "cleo@gpu7:/x/y"),
    ("an address of a network of one's own", "http://[fe80::1]:8000/v1"),
    ("an address of a network of one's own", "http://localhost:8000/v1"),
    ("an address of a network of one's own", "https://gpu7.local/v1"),
    ("an address of a network of one's own", "on 192.168.1.5"),
    ("an address of a store of files", "s3://lab-bucket/clips/x"),
    ("an address of a store of files", "见S3://lab-bucket/x"),
    ("an address of a store of files", "gs%3A%2F%2Flab-bucket"),
    ("an address of a store of files", "hdfs:///user/x"),
    ("a key", "hf_abcdefghijklmnopqrstuvwxyz"),
    ("a key", "AKIAIOSFODNN7EXAMPLE"),
    ("a key", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.abcdefg"),
    ("the value of LAB_API_KEY", "%73k-12345\u200b67890abcdef"),
    ("the user's login name", "clips/cleo7/a.mp4"),
    ("the user's login name", "~Cleo7/a.mp4"),
]


@pytest.mark.parametrize(("what", "text"), HIDDEN)
def test_it_is_found_however_it_is_written(what: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_API_KEY", "sk-1234567890abcdef")
    monkeypatch.setattr("getpass.getuser", lambda: "cleo7")
    assert watch(["/lab9/sets"], {}).found(text) == what


@pytest.mark.parametrize("login", ["root", "data", "user", "test", "happy", "angry", "meld", "al"])
def test_a_login_name_that_is_a_word_does_not_stop_the_words(login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: login)
    monkeypatch.setenv("HOME", "/data")
    watched = watch(["/data", "/work"], {})
    for text in (
        *(
            "He goes home, the root cause is data.",
            "a smile/angry/neutral face",
            "at /data or /b",
            "meld/train/angry/x",
        ),
        *("https://example.org/data/angry/user/", "mine/data/a", "happy\\angry\\sad", "24/7, he/she, /t/, 1.10.2.3"),
        *("Q: A: no. 5 @ 3, @home", "wait... or ../ not", "a/al/b"),
    ):
        assert watched.found(text) is None, text
    assert watched.found(f"home/{login}/x") == "the user's login name"
    assert watched.found("in /data/x.mp4") == "the home folder"


def test_a_licence_in_words_may_have_an_address_of_mail(row: dict[str, Any], tmp_path: Path) -> None:
    """In the head of the card, too, which folds it and doubles its quotes."""
    licence = (
        "For research alone, as the authors' own agreement has it; for all else write to cleo@lab.example, please."
    )
    _publish(tmp_path, row, licence=licence)
    assert "cleo@lab.example" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["/daten/Übung", "/daten/U\u0308bung"])
def test_a_folder_is_found_in_either_spelling_of_its_name(folder: str) -> None:
    for text in ("/daten/Übung/a", "/daten/U\u0308bung/a", "file at %2Fdaten%2F%C3%9Cbung%2Fa"):
        assert watch([folder], {}).found(text) == "a folder of this machine"


def test_a_link_is_found_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real7").mkdir()
    (tmp_path / "link7").symlink_to(tmp_path / "real7")
    assert watch([tmp_path / "link7"], {}).found(f"in {tmp_path}/real7/x")


def test_what_is_said_on_purpose_may_name_a_host_and_an_account(
    row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "cleo")
    settings = {
        "homepage": "https://github.com/cleo/my_data",
        "contact": "cleo_q@lab.example",
        "citation": "@misc{x,\n  url = {https://github.com/cleo/my_data},\n}",
    }
    _publish(tmp_path, row, **settings)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert settings["homepage"] in card and settings["citation"] in card and "cleo\\_q@lab.example" in card


@pytest.mark.parametrize("name", ["citation", "contact", "name", "licence"])
def test_but_no_path(name: str, row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="publish: .*holds the home folder"):
        _publish(tmp_path, row, **{name: f"see {Path.home()}/paper.pdf"})
    assert not (tmp_path / "out").exists()


def test_the_last_look_reads_every_text_file(tmp_path: Path) -> None:
    for name in ("README.md", "a/b/train.jsonl"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"a": {"b": ["secret"]}}\n', encoding="utf-8")
        with pytest.raises(InputError, match=f"{name}:1: .* holds it"):
            check(tmp_path, Watch({"secret": "it"}, {}))
        file.unlink()
    (tmp_path / "a" / "secret").write_text("")
    with pytest.raises(InputError, match="a/secret: text: holds it"):
        check(tmp_path, Watch({"secret": "it"}, {}))


def test_a_pattern_of_nothing_finds_nothing() -> None:
    assert Watch({}, {"": "nobody"}).found("anything / at // all") is None


def test_no_request_is_sent(row: dict[str, Any], tmp_path: Path) -> None:
    """The whole command where there is no network: a namespace of its own, where the kernel allows one."""
    import sys

    settings = said(tmp_path / "s.yaml", media={"mine": "CC0-1.0"})
    records = write(tmp_path / "train.jsonl", row)
    alone = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    command = [
        "-m",
        "swift_saber.cli",
        "publish",
        str(records),
        "-o",
        str(tmp_path / "out"),
        "--settings",
        str(settings),
    ]
    subprocess.run([*alone, sys.executable, *command], check=True, capture_output=True)
    assert (tmp_path / "out" / "README.md").exists()
