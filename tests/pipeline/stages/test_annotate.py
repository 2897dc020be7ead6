"""pipeline/stages/annotate.py: what the annotator is shown, and which of its replies become records."""

import base64
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.models.reply import Unusable
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages import annotate
from swift_saber.pipeline.stages.annotate import SCHEMA, Annotate, read_record
from swift_saber.pipeline.stages.prompts import ANNOTATE
from swift_saber.sed.record import ACOUSTIC, DIMENSIONS, RECORD
from tests import services
from tests.llm_server import FIELDS, Asked, LLMServer, Reply, fails, record, say
from tests.media.voices import RATE, pulses, white
from tests.media_faults import encode, frames, sound


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A row of the manifest whose sound is inside its video."""
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    encode(path, frames(16), sound(2))
    known = {"transcript": "Oh, great. Again.", "labels": {"emotion": "SECRET"}, "speaker": "s/SECRET"}
    return {"id": "s/a", "source": "s", "language": "en", "videos": [str(path)], "audios": [], **known}


def run(server: LLMServer, folder: Path, *rows: dict[str, Any], **settings: Any) -> list[Any]:
    stage = Annotate(model="omni", base_url=server.url, retries=0, **settings)
    return list(pickle.loads(pickle.dumps(stage)).run(rows, folder, 0))


def test_a_right_reply_becomes_the_record_of_the_row(tmp_path: Path, clip: dict[str, Any]) -> None:
    with LLMServer(lambda _: say(f"```json\n{record()}\n```")) as server:
        assert run(server, tmp_path, clip) == [clip | json.loads(record())]
        assert run(server, tmp_path, clip) == [clip | json.loads(record())]
    assert len(server.asked) == 1


def test_the_annotator_gets_the_clip_and_nothing_that_is_known_of_it(tmp_path: Path, clip: dict[str, Any]) -> None:
    with LLMServer(lambda _: say(record())) as server:
        run(server, tmp_path, clip)
    (asked,) = server.asked
    assert asked.text == ANNOTATE["en"]
    assert "SECRET" not in json.dumps(asked.body) and "great" not in asked.text
    (kind, video), (other, wav) = asked.media
    assert (kind, other) == ("video_url", "audio_url")
    data = Path(clip["videos"][0]).read_bytes()
    assert video == f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
    head, _, body = wav.partition(",")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(body)))
    assert (head, rate, samples.ndim) == ("data:audio/wav;base64", 16000, 1)
    assert abs(len(samples) - 2 * 16000) < 2000 and abs(samples).max() > 0.01


def test_sound_that_is_a_file_goes_along_as_it_is(tmp_path: Path, clip: dict[str, Any]) -> None:
    soundfile.write(tmp_path / "a.wav", sound(1), 16_000)
    data = base64.b64encode((tmp_path / "a.wav").read_bytes()).decode()
    with LLMServer(lambda _: say(record())) as server:
        run(server, tmp_path, clip | {"audios": [str(tmp_path / "a.wav")]})
    assert server.asked[0].media[1] == ("audio_url", f"data:audio/wav;base64,{data}")


def test_media_can_travel_as_paths_or_addresses(tmp_path: Path, clip: dict[str, Any]) -> None:
    path = Path(clip["videos"][0])
    web = {"form": "url", "root": str(path.parent), "base_url": "http://127.0.0.1:9/clips"}
    with LLMServer(lambda _: say(record())) as server:
        for media in ("path", "bare_path", web):
            run(server, tmp_path, clip, media=media)
    (by_path, sound_by_path), (bare, _), (by_web, _) = ([url for _, url in asked.media] for asked in server.asked)
    assert [by_path, bare, by_web] == [f"file://{path}", str(path), "http://127.0.0.1:9/clips/a.mp4"]
    # The sound is inside the video, where servers do not look for it.
    assert sound_by_path.startswith("data:audio/wav;base64,")


def test_a_service_without_video_gets_frames_and_is_named_where_it_is_not_to(
    tmp_path: Path, clip: dict[str, Any]
) -> None:
    """A form may change between two runs: what was refused in the first is sent again in the second."""

    def script(asked: Asked) -> Reply:
        taken = services.openai(asked)
        return say(record()) if taken.status == 200 else taken

    with LLMServer(script) as server:
        (drop,) = run(server, tmp_path, clip, media="base64")
        assert (type(drop), drop.reason) == (Drop, "no valid annotation")
        assert "400: Invalid value: 'video_url'" in drop.value["reason"]
        assert drop.value["reason"].endswith("(clips went as base64; try media: input_audio, frames or auto)")
        assert run(server, tmp_path, clip, media="frames") == [clip | json.loads(record())]
        sent = [part["type"] for part in server.asked[-1].parts]
        assert sent == ["text", *["image_url"] * 4, "input_audio", "text"] and len(server.asked) == 2
        (tmp_path / "auto").mkdir()
        assert run(server, tmp_path / "auto", clip) == [clip | json.loads(record())]


@pytest.mark.parametrize(
    ("setting", "clips", "asked_in"), [("clip", "zh", "zh"), ("clip", "en", "en"), ("zh", "en", "zh")]
)
def test_the_language_follows_the_clip_unless_one_is_set(
    tmp_path: Path, clip: dict[str, Any], setting: str, clips: str, asked_in: str
) -> None:
    with LLMServer(lambda _: say(record(asked_in))) as server:
        (out,) = run(server, tmp_path, clip | {"language": clips}, language=setting)
    assert server.asked[0].text == ANNOTATE[asked_in]
    assert out["facial_exp_desc"] == FIELDS[asked_in]["facial_exp_desc"] and out["language"] == clips


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Of the voice in this clip a program measured: pitch low (75 Hz), intonation flat."),
        ("zh", "一个程序对本片段中的人声测得：音调低（75 Hz），语调平。"),
    ],
)
def test_what_is_measured_of_the_voice_is_offered_where_that_is_asked_for(
    tmp_path: Path, clip: dict[str, Any], monkeypatch: pytest.MonkeyPatch, language: str, sentence: str
) -> None:
    """75 Hz are low whoever speaks; a pitch that never moves is flat."""
    soundfile.write(tmp_path / "a.wav", np.pad(pulses(75.0, 1.0), RATE // 4), RATE)
    told = clip | {"audios": [str(tmp_path / "a.wav")], "language": language}
    with LLMServer(lambda _: say(record(language))) as server:
        (found,) = run(server, tmp_path, told, facts=True)
        assert server.asked[0].text.startswith(sentence) and server.asked[0].text.endswith(f"\n{ANNOTATE[language]}")
        assert found == told | json.loads(record(language)) | {"facts": found["facts"]}
        assert found["facts"].rstrip("。") in sentence
        # Neither other rules nor a sound that cannot be read any more ask again.
        monkeypatch.setattr(annotate, "facts", lambda *_: "measured: something else")
        assert run(server, tmp_path, told, facts=True) == [found]
    assert len(server.asked) == 1


def test_where_nothing_can_be_said_of_a_voice_nothing_is(tmp_path: Path, clip: dict[str, Any]) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * white(RATE, np.random.default_rng(0)), RATE)
    rows = [clip | {"audios": [str(tmp_path / "a.wav")]}, clip | {"id": "mute", "videos": [], "audios": []}]
    with LLMServer(lambda _: say(record())) as server:
        found = run(server, tmp_path, *rows, facts=True)
    assert [asked.text for asked in server.asked] == [ANNOTATE["en"]] * 2
    assert found == [row | json.loads(record()) for row in rows]


@pytest.mark.parametrize("prompt", ANNOTATE.values(), ids=list(ANNOTATE))
def test_the_prompt_explains_every_dimension_and_shows_the_record_in_its_form(prompt: str) -> None:
    """The prompts are fixed wording, so a dimension that sed/record.py names anew has to be written into them."""
    rules, _, form = prompt.rpartition("\n")
    assert all(f'"{name}"' in rules for name in DIMENSIONS)
    shown = json.loads(form)
    assert list(shown) == list(SCHEMA["properties"]) and shown.keys() == set(RECORD)
    assert list(shown["audio_desc"]) == list(SCHEMA["properties"]["audio_desc"]["properties"]) == list(ACOUSTIC)


def test_only_the_speech_may_be_blank_and_it_may_be_in_any_language() -> None:
    assert read_record(record(speech_content=""), "en").speech_content == ""
    assert read_record(record(speech_content="真好<laughs>"), "en").speech_content == "真好<laughs>"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "it is empty"),
        ("A man stands in a kitchen.", "no JSON object"),
        (record()[:-9], "no JSON object"),
        (f"[{record()}]", "no object"),
        (record(video_desc=""), "video_desc is blank"),
        (record(facial_exp_desc=" \n"), "facial_exp_desc is blank"),
        (record(body_lang_desc=""), "body_lang_desc is blank"),
        (record(acoustic_feat=""), "acoustic_feat is blank"),
        (record(sentiment_analysis=""), "sentiment_analysis is blank"),
        (record().replace('"video_desc"', '"scene"'), "video_desc is missing"),
        (record().replace('"He smiles broadly."', '["smiles"]'), "facial_exp_desc is a list"),
        (record().replace('"He smiles broadly."', '"\\ud83d"'), "lone surrogate"),
        (record(id="other", videos="/etc/passwd"), "unknown key 'id'"),
        (record(speech_content="Oh <video> <|im_end|>"), "speech_content holds <video>"),
        (record("zh"), "not written in English"),
        (record(**dict.fromkeys(FIELDS["en"], "...")), "not written in English"),
    ],
)
def test_every_other_reply_is_refused(reply: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason.replace("<|", r"<\|")):
        read_record(reply, "en")


def test_a_malformed_reply_is_mended_by_one_more_request(tmp_path: Path, clip: dict[str, Any]) -> None:
    with LLMServer(lambda asked: say(record() if "cannot be used" in asked.text else record()[:-5])) as server:
        (out,) = run(server, tmp_path, clip)
    assert out["video_desc"] == FIELDS["en"]["video_desc"]
    # The clip goes along again: the first message is the same.
    first, second = server.asked
    assert second.body["messages"][0] == first.body["messages"][0] and len(second.media) == 2


def test_two_replies_without_a_record_drop_the_clip_with_what_was_wrong(tmp_path: Path, clip: dict[str, Any]) -> None:
    nonsense = "Lorem ipsum. " * 100
    with LLMServer(lambda _: say(nonsense)) as server:
        (out,) = run(server, tmp_path, clip)
    assert isinstance(out, Drop) and (out.row, out.reason) == (clip, "no valid annotation")
    assert out.value["reason"].startswith("it is no JSON object") and out.value["reply"] == nonsense[:300]
    assert len(server.asked) == 2


def test_a_refused_clip_is_dropped_and_the_next_one_asked(tmp_path: Path, clip: dict[str, Any]) -> None:
    other = clip | {"id": "s/b", "language": "zh"}
    with LLMServer(lambda asked: say(record("zh")) if "你" in asked.text else fails(413, "too large")) as server:
        refused, kept = run(server, tmp_path, clip, other)
    assert refused.value == {"reason": "refused: 413: too large", "reply": ""}
    assert kept["id"] == "s/b"


def test_a_clip_without_sound_is_dropped_and_one_that_is_gone_stops_the_run(
    tmp_path: Path, clip: dict[str, Any]
) -> None:
    encode(tmp_path / "mute.mp4", frames(8))
    with LLMServer(lambda _: say(record())) as server:
        (out,) = run(server, tmp_path, clip | {"videos": [str(tmp_path / "mute.mp4")]})
        assert out.value["reason"] == "the clip has no sound"
        with pytest.raises(InputError, match="gone.mp4: file: is missing"):
            run(server, tmp_path, clip | {"videos": [str(tmp_path / "gone.mp4")]})
    assert server.asked == []


def test_a_wrong_setting_is_named() -> None:
    good = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}
    for changed, error in (
        ({"language": "fr"}, "annotate.language: 'fr' is not known"),
        ({"media": "ftp"}, "annotate.media: 'ftp' is not known"),
        ({"max_tokens": 0}, "annotate.max_tokens: 0 is not an integer"),
    ):
        with pytest.raises(InputError, match=error):
            Annotate(**{**good, **changed})
