"""Serving the page: to this machine alone unless another address is asked for, and nothing from elsewhere in it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from swift_saber.app.answers import Answers, from_process, from_server
from swift_saber.errors import InputError
from swift_saber.html.serving import ended_cleanly, listening, run
from swift_saber.inference.instruction import choose
from swift_saber.inference.run import command
from swift_saber.media.read import MAX_BYTES_HELD
from swift_saber.models.checkpoint import loading
from swift_saber.models.process import ModelProcess
from swift_saber.models.service import Service
from swift_saber.text.files import scratch
from swift_saber.text.language import Language, text_language

_LOG = "model.log"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_INSTALL = "pip install 'swift-saber[app]', from the repository: pip install -e '.[app]'"
# Of this machine alone: gradio's page names a host for fonts and a script of others, which are then not fetched.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)


def serve(
    model: str,
    *,
    server: Service | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    language: Language | None = None,
    gpu: str = "0",
    max_new_tokens: int = 4096,
) -> None:
    """Serve the page until it is stopped.

    Clips, records and the model's log lie in a folder of TMPDIR that goes with the end of this.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id; with a server, the name that it knows.
        server: a model behind an address, to which the clips are sent, or None to run the model here.
        host: the address to serve at; whoever reaches it can use the model.
        port: a free one.
        language: chosen at first; None for that in which the model was trained, or of this system.
        gpu: CUDA_VISIBLE_DEVICES.
        max_new_tokens: the longest answer of a model that runs here.

    Raises:
        InputError: gradio is not there, the model cannot be loaded, or the address cannot be served at.
    """
    if find_spec("gradio") is None:
        raise InputError("app", "gradio", "is not installed", _INSTALL)
    flag, settings = ("", {}) if server else loading(model)
    words = {each: choose(model, each, here=server is None)[0] for each in ("zh", "en")}
    os.environ.update(settings)
    first, _ = choose(model, None, here=server is None)
    start = language or first.get("language") or text_language(first["messages"][0]["content"])
    with (
        ended_cleanly(),
        listening(host, port, "app") as (listener, at),  # before the model is loaded
        scratch("swift-saber-app-", _LOG) as folder,
        _model(model, server, flag, settings, gpu, max_new_tokens, folder) as answers,
    ):
        app = application(answers, words, start or "en", folder, host)
        print(f"swift-saber: the page is at {at} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        if host not in _LOOPBACK:
            print("swift-saber: whoever reaches this address can use the model", file=sys.stderr, flush=True)
        run(app, listener)


def application(answers: Answers, words: Any, language: Language, folder: Path, host: str) -> Any:
    """Return the page as an ASGI application.

    Args:
        answers, words, language: as page.build.
        folder: for the clips that are given and the records; nothing else is read or given out.
        host: where it will be served.
    """
    # Read when gradio is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "given")
    os.environ["SABER_MEDIA_ROOT"] = str(folder)
    import gradio
    from fastapi import FastAPI
    from fastapi.middleware.trustedhost import TrustedHostMiddleware

    from swift_saber.app.examples import write_examples
    from swift_saber.app.page import build, style

    for name in ("given", "examples"):
        (folder / name).mkdir()
    page = build(answers, words, language, write_examples(folder / "examples"))
    app = gradio.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        "/",
        server_name=host,
        allowed_paths=[],
        max_file_size=MAX_BYTES_HELD,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=style(),
    )
    app.add_middleware(_Policy)
    if host in _LOOPBACK:  # no other name leads here but in a browser that was misled
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*_LOOPBACK[:2], "[::1]"])
    return app


class _Policy:
    """Adds the policy to every page."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": [*message["headers"], (b"content-security-policy", _POLICY.encode())],
                }
            await send(message)

        await self._app(scope, receive, with_policy)


@contextmanager
def _model(
    model: str,
    server: Service | None,
    flag: str,
    settings: dict[str, str],
    gpu: str,
    max_new_tokens: int,
    folder: Path,
) -> Iterator[Answers]:
    if server:
        answers = from_server(server.endpoint(), server.max_tokens, server.concurrency)
        try:
            yield answers
        finally:
            answers.close()
        return
    environment = {**settings, "CUDA_VISIBLE_DEVICES": gpu, "SABER_MEDIA_ROOT": str(folder)}
    arguments = command(flag, model, ["--max_new_tokens", str(max_new_tokens)])
    process = ModelProcess(model, arguments, environment, folder / _LOG, 1)
    answers = from_process(process)
    print(f"swift-saber: loading {model} ...", file=sys.stderr, flush=True)
    try:
        process.load()
        yield answers
    finally:
        answers.close()
        process.stop()
        process.close()
