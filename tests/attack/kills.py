"""Kills a command at random instants of its work and starts it again, until it ends by itself; counts what that cost.

An instant is so many changes of what the command leaves behind (its files, the requests that reached a server), and a
few milliseconds: so kills fall between a reply and its line, between a truncation and a write, before a rename, and not
all into the start. Knows processes and files; what a command is, and what must hold in the end, is kill_scenes.py.
"""

import os
import random
import signal
import socketserver
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

#: What is done to the command, each with its weight.
KINDS = {
    "group": 3,  # SIGKILL of the command and of all that it started
    "command": 2,  # SIGKILL of the command alone: what it started has to notice
    "term": 1,  # SIGTERM of the command alone
    "interrupt": 2,  # SIGINT of all, as a terminal sends it
    "child": 2,  # SIGKILL of one process that it started
}
_LOOK_SECONDS = 0.001
_MEASURE_SECONDS = 0.05
# A command in which nothing moves for so long hangs.
_STILL_SECONDS = 240.0
# What is left of a command that is gone ends in that time.
_LEFT_SECONDS = 30.0


class Broken(AssertionError):
    """What a command must not do, however it is killed: hang, end in a traceback, or refuse to go on."""


@dataclass
class Told:
    """What was done, and what was seen meanwhile.

    Attributes:
        kills: by kind.
        starts: of the command, the last included.
        largest: the most memory that one of its processes held, in bytes.
        left: processes that did not end with their command.
        status: of the last start.
    """

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    largest: int = 0
    left: int = 0
    status: int = 0

    def line(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.kills.items()))
        return f"{self.kills.total()} kills ({kinds}), {self.starts} starts, largest process {self.largest >> 20} MB"


def attack(
    command: Sequence[str],
    folder: Path,
    rng: random.Random,
    *,
    kills: int,
    changes: int,
    signs: Callable[[], object],
    environment: Mapping[str, str],
    ends: Sequence[int] = (0,),
    kinds: Mapping[str, int] = KINDS,
    after: Callable[[str], object] = lambda kind: None,
    again: Callable[[], Sequence[str]] | None = None,
    quiet: bool = True,
) -> Told:
    """Kill a command so often, or until it ends before, then let it end; say what was seen.

    Args:
        command: what is started, again and again.
        folder: where it is started; its output goes to said.txt there.
        rng: draws instants and kinds.
        kills: at most so many.
        changes: an instant is 1 to so many changes of `signs` after the one before.
        signs: equal as long as the command has done nothing that can be seen.
        environment: added to that of this process.
        ends: the statuses with which it may end by itself.
        kinds: of what is done, with weights.
        after: called with the kind when a kill is done and, unless a child was killed, the command is gone.
        again: the command of all starts but the first, where it is another one.
        quiet: whether it is to end by itself, or be stopped, without a traceback and with a status of its own.

    Raises:
        Broken: the command hangs, says a traceback, or ends by itself otherwise than it may.
    """
    told, said = Told(), folder / "said.txt"
    sessions: list[int] = []
    first_change = 1.0  # seconds from a start to its first change

    def begin() -> AbstractContextManager["subprocess.Popen[bytes]"]:
        arguments = again() if again and told.starts else command
        return _started(arguments, folder, said, environment, told)

    try:
        while told.kills.total() < kills:
            with begin() as run:
                sessions.append(run.pid)
                done: list[str] = []  # to this start
                while told.kills.total() < kills and run.poll() is None and done in ([], ["child"]):
                    limit = rng.uniform(0, first_change) if not done and rng.random() < 0.2 else None
                    seen = _wait(run, signs, said, rng.randint(1, changes), limit)
                    if limit is None and not done and seen is not None:
                        first_change = (first_change + seen) / 2
                    # Many instants are those just after a change, some lie anywhere between two.
                    time.sleep(rng.choice((0.0, rng.uniform(0, 0.005), rng.uniform(0, 0.05))))
                    chosen = {kind: weight for kind, weight in kinds.items() if kind != "child" or not done}
                    (kind,) = rng.choices(list(chosen), list(chosen.values()))
                    if run.poll() is None and _hit(run, kind, rng):
                        told.kills[kind] += 1
                        done.append(kind)
                        after(kind)
                _wait(run, signs, said)
            last = done[-1] if done else ""
            _check_end(last, run.returncode, ends, said, quiet)
            if last in {"", "child"} and run.returncode in ends:
                break
        with begin() as run:
            sessions.append(run.pid)
            _wait(run, signs, said)
        told.status = run.returncode
        _check_end("", run.returncode, ends, said, quiet)
    finally:
        told.left = _left(sessions)
    return told


def _check_end(last: str, status: int, ends: Sequence[int], said: Path, quiet: bool) -> None:
    """See that a start ended as it may after what was done to it last."""
    text = said.read_text(errors="replace")
    if last in {"group", "command", "term"} or (last and not quiet):
        return  # what its children said then is lost on nobody
    if last == "interrupt" and status in {1, -signal.SIGINT} and "args.run(args)" not in text:
        return  # the command had not begun: Python was starting, imported it, or read its arguments
    if quiet and "Traceback (most recent call last)" in text:
        raise Broken(f"status {status}, and a traceback: {text[-4000:]}")
    if status not in {*ends, *{"interrupt": (130,), "child": (2,)}.get(last, ())}:
        raise Broken(f"status {status} after {last or 'nothing'}: {text[-4000:]}")


@contextmanager
def _started(
    command: Sequence[str], folder: Path, said: Path, environment: Mapping[str, str], told: Told
) -> Iterator["subprocess.Popen[bytes]"]:
    """A start in a session of its own, whose processes are measured as long as the block lasts."""
    told.starts += 1
    with said.open("wb") as file:
        run = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    over = threading.Event()

    def measure() -> None:
        while not over.wait(_MEASURE_SECONDS):
            told.largest = max([told.largest, *(peak(one) for one in members(run.pid))])

    watch = threading.Thread(target=measure, daemon=True)
    watch.start()
    try:
        yield run
    except BaseException:
        _kill_all(run.pid)
        raise
    finally:
        over.set()
        watch.join()
        if run.poll() is None:
            _kill_all(run.pid)
            run.wait()


def _wait(
    run: "subprocess.Popen[bytes]",
    signs: Callable[[], object],
    said: Path,
    changes: int | None = None,
    limit: float | None = None,
) -> float | None:
    """Wait for so many changes, so many seconds, or the end; return after how many seconds the first change came."""
    began = moved = time.monotonic()
    before, seen, first = signs(), 0, None
    while run.poll() is None:
        now = time.monotonic()
        if limit is not None and now - began >= limit:
            break
        if (found := signs()) != before:
            before, moved, seen = found, now, seen + 1
            first = first or now - began
            if changes is not None and limit is None and seen >= changes:
                break
        if now - moved > _STILL_SECONDS:
            raise Broken(f"nothing moved for {_STILL_SECONDS:.0f} s: {said.read_text(errors='replace')[-3000:]}")
        time.sleep(_LOOK_SECONDS if changes is not None else 0.02)
    return first


def _hit(run: "subprocess.Popen[bytes]", kind: str, rng: random.Random) -> bool:
    """Do it; False where there is nothing to do it to."""
    if kind == "group":
        _kill_all(run.pid)
    elif kind == "command":
        run.kill()
    elif kind == "term":
        run.terminate()
    elif kind == "interrupt":
        for one in members(run.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGINT)
    else:
        children = sorted(set(members(run.pid)) - {run.pid})
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(rng.choice(children), signal.SIGKILL)
    return True


def members(session: int) -> list[int]:
    """Return the processes of a session that are alive."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            state, _, _, of, *_ = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
            if int(of) == session and state not in b"ZX":
                found.append(int(name))
    return found


def peak(process: int) -> int:
    """The most memory that a process has held so far, in bytes; getrusage counts what it was forked from, too."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def _kill_all(session: int) -> None:
    while alive := members(session):
        for one in alive:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.005)


def _left(sessions: Sequence[int]) -> int:
    """How many processes of sessions that are over do not end by themselves; they are killed."""
    end = time.monotonic() + _LEFT_SECONDS
    while any(map(members, sessions)) and time.monotonic() < end:
        time.sleep(0.1)
    left = 0
    for session in sessions:
        left += len(members(session))
        _kill_all(session)
    return left


def files_below(folder: Path) -> dict[str, int]:
    """Return the size of each file below a folder: other ones when something is written, made, renamed or removed."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with suppress(OSError):
                found[path] = os.stat(path).st_size
    return found


class Listener:
    """Counts who comes to an address on 127.0.0.1, and sends them away; a context manager.

    Attributes:
        reached: the first line of each that came.
    """

    def __init__(self) -> None:
        self.reached: list[bytes] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self) -> None:
                outer.reached.append(self.rfile.readline(200))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send all that is asked of other machines here."""
        names = ("http_proxy", "https_proxy", "all_proxy")
        found = dict.fromkeys((*names, *map(str.upper, names)), self.url)
        return {**found, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}

    def __enter__(self) -> "Listener":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
