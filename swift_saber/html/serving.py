"""Serving a page of our own: to this machine unless another address is asked for, until somebody ends it."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from swift_saber.errors import InputError


@contextmanager
def listening(host: str, port: int, command: str) -> Iterator[tuple[socket.socket, str]]:
    """Give a socket that listens, and the address of a page there.

    Args:
        host: the address.
        port: 0 for a free one.
        command: whose page it is, for the error.

    Raises:
        InputError: it cannot be had.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        remedy = "name another --port, or an address of this machine as --host"
        problem = getattr(error, "strerror", None) or str(error)
        raise InputError(command, f"{host}:{port}", f"cannot be served at ({problem})", remedy) from error
    with listener:
        # Taken over by what is accepted; else the second part of an answer waits 40 ms for word of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener, f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def run(app: Any, listener: socket.socket) -> None:
    """Serve an ASGI application until Ctrl-C or SIGTERM, which are passed on when it has ended."""
    import uvicorn

    uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)).run([listener])


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """Have SIGTERM end the block as an exception does; uvicorn passes the signal on when it has ended.

    So does SIGHUP, of a terminal that is closed, but where nohup has it ignored.
    """
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _ended)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, _terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(*_: Any) -> None:
    signal.raise_signal(signal.SIGTERM)  # to which uvicorn has an answer of its own


def _ended(*_: Any) -> None:
    raise SystemExit(128 + signal.SIGTERM)
