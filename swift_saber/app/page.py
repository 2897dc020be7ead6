"""The page itself, in gradio: a clip on the left, what is read of it on the right."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr

from swift_saber.app import view
from swift_saber.app.answers import Answers, State, question
from swift_saber.errors import InputError, one_line
from swift_saber.inference.files import record_of
from swift_saber.text.files import writable
from swift_saber.text.language import Language
from swift_saber.text.strict_json import dumps

_LANGUAGES = [("English", "en"), ("中文", "zh")]
_ABOUT = (
    "A clip of one speaker, dropped here or recorded. What is seen and heard in it is read first, the emotion last."
)
_KEPT_SECONDS = 3600
_HALF = re.compile(r"\n#[^\n]*\Z")  # a heading that is still being written


def build(
    answers: Answers, words: Mapping[Language, Mapping[str, Any]], language: Language, examples: Mapping[str, Path]
) -> gr.Blocks:
    """Return the page.

    Args:
        answers: of the model.
        words: the columns of a row that is asked in a language.
        language: the one that is chosen at first.
        examples: clips to try, by what is said of them.
    """

    def read(path: str | None, chosen: Language) -> Iterator[tuple[str, Any]]:
        no_record = gr.DownloadButton(value=None, visible=False)
        if path is None:
            yield view.problem("Drop a clip, record one, or take an example."), no_record
            return
        yield view.waiting("Checking the clip ..."), no_record
        name = one_line(writable(os.path.basename(path)))
        try:
            row, seconds = question(path, name, words[chosen])
            for state in answers.states(row):
                text = state.text if state.done else _HALF.sub("", state.text)
                result = {**row, "response": text, "seconds": seconds, "cut": state.cut}
                record = record_of(result)
                shown = view.shown(record, chosen, _status(state, record), done=state.done)
                kept = {**record, "response": state.text}
                yield shown, _download(kept) if state.done else no_record
        except InputError as error:
            said = f"{error.problem}; {error.remedy}".replace(path, name)
            yield view.problem(said), no_record

    with gr.Blocks(title="SABER", analytics_enabled=False, delete_cache=(_KEPT_SECONDS, _KEPT_SECONDS)) as page:
        gr.Markdown(f"# SABER\n{_ABOUT}")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                clip = gr.Video(
                    label="Clip",
                    sources=["upload", "webcam"],
                    include_audio=True,
                    webcam_options=gr.WebcamOptions(mirror=False),  # which would be drawn anew by FFmpeg
                    buttons=[],
                    elem_id="clip",
                )
                chosen = gr.Radio(_LANGUAGES, value=language, label="Language of the answer", elem_id="language")
                with gr.Row():
                    start = gr.Button("Read", variant="primary", elem_id="read")
                    stop = gr.Button("Stop", elem_id="stop")
                for number, (about, path) in enumerate(examples.items()):
                    button = gr.Button(f"Example: {about}", size="sm", elem_id=f"example-{number}")
                    button.click(_giving(path), outputs=clip, show_progress="hidden", api_visibility="private")
            with gr.Column(scale=3, min_width=320):
                answer = gr.HTML(view.waiting("What is read stands here."), elem_id="answer")
                record = gr.DownloadButton("Download the record", visible=False, elem_id="record")
        asked = start.click(
            read,
            [clip, chosen],
            [answer, record],
            show_progress="hidden",
            concurrency_limit=None,  # Answers has them wait, and says so
            api_visibility="private",
        )
        stop.click(lambda: view.waiting("Stopped."), outputs=answer, cancels=[asked], api_visibility="private")
    return page


def style() -> str:
    """Return the style of what view.py writes."""
    return files("swift_saber.app").joinpath("app.css").read_text(encoding="utf-8")


def _giving(path: Path) -> Any:
    return lambda: str(path)


def _status(state: State, record: Mapping[str, Any]) -> str:
    """What is said above an answer; the clip is named, since another one may be there by now."""
    about = f"{record['id']}: {'read in' if state.done else 'reading' if state.text else 'looking and listening'}"
    notes = f"; note: {', '.join(record['notes'])}" if state.done and record["notes"] else ""
    return f"{about} {state.seconds:.0f} s{notes}"


def _download(record: Mapping[str, Any]) -> gr.DownloadButton:
    """A button that gives out a record, named after its clip."""
    folder = Path(tempfile.mkdtemp(dir=os.environ["GRADIO_TEMP_DIR"]))
    path = folder / f"{Path(record['id']).stem[:80] or 'clip'}.json"
    path.write_text(dumps(record) + "\n", encoding="utf-8")
    return gr.DownloadButton(value=str(path), visible=True)
