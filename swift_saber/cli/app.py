"""The command `swift-saber app`: a page of one's own for one clip at a time.

swift-saber app --model M
"""

import argparse
from typing import Any

from swift_saber.cli import command, count, service


def add_app(commands: Any) -> None:
    app = command(commands, "app", _app, "a page for your browser: drop or record a clip, read it", "app --model M")
    app.add_argument("--model", required=True, help="model folder, LoRA checkpoint folder, or hub id")
    app.add_argument("--base-url", help="ask a server, e.g. http://127.0.0.1:8000/v1; --model is its name there")
    app.add_argument("--key-env", metavar="NAME", help="variable that holds its key (default OPENAI_API_KEY)")
    app.add_argument("--host", default="127.0.0.1", help="address to serve at (default 127.0.0.1: this machine alone)")
    app.add_argument("--port", type=int, default=7860, help="port to serve at; 0 for a free one (default 7860)")
    app.add_argument("--language", choices=["zh", "en"], help="chosen at first (default: as the model was trained)")
    app.add_argument("--gpu", default="0", help="CUDA_VISIBLE_DEVICES (default 0)")
    app.add_argument("--max-new-tokens", type=count, default=4096, help="longest answer (default 4096, published)")


def _app(args: argparse.Namespace) -> None:
    from swift_saber.app.run import serve

    server = None
    if args.base_url is not None:
        server = service(args, "app", key_env=args.key_env, retries=0)  # whoever waits for it asks again
    settings = {name: getattr(args, name) for name in ("host", "port", "language", "gpu", "max_new_tokens")}
    serve(args.model, server=server, **settings)
