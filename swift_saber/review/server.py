"""The page on which people review, served to this machine alone.

    GET  /TOKEN/                     the page, and page.css and page.js beside it
    GET  /TOKEN/state                its items, what was decided of each, who reviews
    GET  /TOKEN/item/N               one item
    GET  /TOKEN/media/N/COLUMN/K     a file of its clip; .../CHOICE that of one of its choices
    GET  /TOKEN/voice/N              what was measured of its voice, and what is claimed of it
    POST /TOKEN/save                 desk.Desk.save: 200, 409 for a page that another one is ahead of, 507 where the
                                     disk takes no more, else 400 with what is wrong in one line

Each reviewer has an address of their own, whose token nobody else knows; without it nothing is there. What another site
could have a browser do is refused: another name of this machine, and a save that does not come from the page.
"""

import getpass
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from swift_saber.errors import InputError, one_line
from swift_saber.html import shared_script, shared_style
from swift_saber.html.serving import ended_cleanly, listening, run
from swift_saber.review.address import fresh_token, kept_token
from swift_saber.review.clips import Clips, part_of
from swift_saber.review.desk import Desk, Dispute
from swift_saber.review.items import Items
from swift_saber.review.log import Review, ReviewLog, StaleError, latest_reviews
from swift_saber.review.merge import verdict_of, voices
from swift_saber.review.plan import load_plan
from swift_saber.review.voices import Voices
from swift_saber.text.strict_json import encoded, parse_json

# Of what is saved at once, in bytes: far above six texts.
_MOST_BYTES = 2 << 20
# Of an address: far above all that a page asks for.
_MOST_PATH = 200
# Of copies that are made at once: each takes a processor or more.
_COPIES = 2
_KINDS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def serve(
    records: Sequence[Path],
    folder: Path,
    reviewers: Sequence[str] = (),
    *,
    plan: Mapping[str, Any],
    port: int = 0,
    blind: bool = False,
    adjudicate: bool = False,
) -> None:
    """Serve the page until it is stopped; the address of each reviewer is said on stderr.

    Args:
        records: JSONL files of what is reviewed.
        folder: of the reviews.
        reviewers: who reviews; without names those of the plan, else whoever is logged in.
        plan: those of plan.Settings that the user gave.
        port: 0 for a free one, and an address that is new each time; else it stays the same.
        blind: nothing that a machine wrote is sent to a page.
        adjudicate: show what reviewers have disputed, to one who decides.

    Raises:
        InputError: the records, the reviews or the address cannot be used, or nothing is in dispute; or a blind
            reviewer is to decide.
    """
    if blind and adjudicate:
        remedy = "leave it out: who decides sees what the others said, also of what a machine wrote"
        raise InputError("review", "--blind", "does not go with --adjudicate", remedy)
    items = Items(records)
    with ExitStack() as stack:
        stack.enter_context(ended_cleanly())
        listener, at = stack.enter_context(listening("127.0.0.1", port, "review"))
        copies = Path(stack.enter_context(TemporaryDirectory(prefix="swift-saber-review-")))
        desks: dict[str, Desk] = {}
        for name, names, disputes in _seats(items, folder, reviewers, plan, adjudicate):
            log = stack.enter_context(ReviewLog(folder, name, blind=blind, adjudicates=adjudicate))
            seat = f"{name}{' blind' if blind else ''}{' adjudicates' if adjudicate else ''}"
            desks[kept_token(folder, seat) if port else fresh_token()] = Desk(items, names, log, disputes)
            line = f"{len(names)} to {'decide' if adjudicate else 'review'} at {at}/{list(desks)[-1]}/"
            print(f"swift-saber: {name}: {line}", file=sys.stderr, flush=True)
        print(
            "swift-saber: whoever has an address can write reviews there (Ctrl-C ends it)", file=sys.stderr, flush=True
        )
        run(application(desks, Clips(copies), at), listener)


_Seat = tuple[str, Sequence[str], Mapping[str, Dispute] | None]


def _seats(
    items: Items, folder: Path, reviewers: Sequence[str], plan: Mapping[str, Any], adjudicate: bool
) -> list[_Seat]:
    """(reviewer, the ids that they see, what is disputed of them) of each."""
    if twice := next((name for name in reviewers if reviewers.count(name) > 1), None):
        raise InputError("review", "--reviewer", f"{twice!r} is there twice", "name each once")
    if not adjudicate:
        made = load_plan(folder, items, plan)
        return [(name, made.assigned(name), None) for name in reviewers or list(made.dealt) or [_login()]]
    if plan:
        remedy = "leave it out: all that is disputed is shown"
        raise InputError("review", f"--{next(iter(plan))}", "does not go with --adjudicate", remedy)
    if len(reviewers) > 1:
        raise InputError("review", "--reviewer", "is more than one, with --adjudicate", "let one decide")
    judge = reviewers[0] if reviewers else f"{_login()}-adjudicates"
    disputes = disputes_for(judge, items, latest_reviews(folder, {name: items.of(name) for name in items}))
    if not disputes:
        raise InputError(str(folder), "reviews", "dispute none of these records", "nothing is to be decided")
    return [(judge, list(disputes), disputes)]


def disputes_for(judge: str, items: Items, latest: Mapping[str, Mapping[str, Review]]) -> dict[str, Dispute]:
    """Return what is in dispute, or was until this judge decided it, by item.

    Args:
        latest: as log.latest_reviews.

    Raises:
        InputError: the judge is one of the reviewers, whose own review would be gone with the first decision.
    """
    found: dict[str, Dispute] = {}
    for name, reviews in latest.items():
        if judge in reviews and not reviews[judge].adjudicates:
            remedy = f"name the one who decides otherwise, e.g. --reviewer {judge}-adjudicates"
            raise InputError("review", "--reviewer", f"{judge!r} has reviewed here", remedy)
        if name not in items:
            continue
        of = items.of(name)
        if verdict_of(name, {who: said for who, said in reviews.items() if who != judge}, of).adjudicated:
            continue
        others = {who: said for who, said in reviews.items() if not said.adjudicates}
        before = verdict_of(name, others, of)
        if before.state == "disputed":
            found[name] = before, voices(others, before)
    return found


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # no name has this user, as in some containers
        raise InputError("review", "--reviewer", "is missing", "say who reviews") from error


def application(desks: Mapping[str, Desk], clips: Clips, at: str) -> Any:
    """Return the pages of reviewers as an ASGI application.

    Args:
        desks: {token: what that reviewer has to look at}.
        clips: their files.
        at: the address that it is served at, "http://127.0.0.1:PORT".
    """
    here = files("swift_saber.review")
    texts = {name: here.joinpath(name).read_text(encoding="utf-8") for name in _KINDS}
    scripts = [here.joinpath(name).read_text(encoding="utf-8") for name in ("saves.js", "form.js", "page.js")]
    texts["page.css"] += shared_style()
    texts["page.js"] = "\n".join([shared_script(), *scripts])

    def page(request: Request) -> Response:
        name = request.path_params.get("name", "page.html")
        return Response(texts[name], media_type=_KINDS[name])

    def state(request: Request) -> Response:
        return _json(desk(request).state())

    def item(request: Request) -> Response:
        return _json(desk(request).item(request.path_params["number"]))

    copying = CapacityLimiter(_COPIES)

    async def media(request: Request) -> Response:
        wanted = [request.path_params.get(name) for name in ("number", "column", "place", "choice")]
        path, kind = await run_in_threadpool(desk(request).media, *wanted)
        # Titles and comments of a file may say what is in it.
        asked = path, kind, desk(request).blind
        found = await run_in_threadpool(clips.known, *asked)
        if found is None:
            # Saves need the threads that would wait for copies, of clips that may have been left long ago.
            async with copying:
                if await request.is_disconnected():
                    raise ClientDisconnect
                found = await run_in_threadpool(clips.copied, *asked)
        return await run_in_threadpool(part_of, found, request.headers.get("range"))

    tracks, measuring = Voices(), CapacityLimiter(1)

    async def voice(request: Request) -> Response:
        number = request.path_params["number"]
        path, where = await run_in_threadpool(desk(request).voice_file, number)
        async with measuring:
            if await request.is_disconnected():
                raise ClientDisconnect
            track = await run_in_threadpool(tracks.track, path, where)
        return _json({**track, **await run_in_threadpool(desk(request).voice_said, number, track)})

    async def save(request: Request) -> Response:
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > _MOST_BYTES:
                return _error(413, f"save: has more than {_MOST_BYTES >> 20} MB; shorten the texts")
        return await run_in_threadpool(_saved, desk(request), data)

    def desk(request: Request) -> Desk:
        return desks[request.path_params["token"]]

    routes = [
        Route("/{token}/", page),
        Route("/{token}/state", state),
        Route("/{token}/item/{number:int}", item),
        Route("/{token}/media/{number:int}/{column}/{place:int}", media),
        Route("/{token}/media/{number:int}/{column}/{place:int}/{choice:int}", media),
        Route("/{token}/voice/{number:int}", voice),
        Route("/{token}/save", save, methods=["POST"]),
        Route("/{token}/{name}", page),
    ]
    wrong = {
        InputError: lambda request, error: _error(400, desk(request).told(error)),
        LookupError: lambda *_: _error(404, "there is no such thing"),
        OSError: lambda *_: _error(404, "the file cannot be read"),
        ClientDisconnect: lambda *_: _error(400, "the page has gone"),
    }
    return _Guard(Starlette(routes=routes, exception_handlers=wrong), desks, at)


def _saved(desk: Desk, data: bytes) -> Response:
    try:
        said = parse_json(data.decode("utf-8", "replace"), "save")
        if not isinstance(said, dict):
            raise InputError("save", "JSON", "is no object", "load the page again")
        return _json(desk.save(said))
    except StaleError as error:
        return _json({"latest": desk.latest(error)}, 409)
    except InputError as error:
        return _error(507 if isinstance(error.__cause__, OSError) else 400, desk.told(error))


def _json(value: Any, status: int = 200) -> Response:
    return Response(encoded(value), status, media_type="application/json")


def _error(status: int, said: str) -> Response:
    return _json({"error": one_line(said)}, status)


class _Guard:
    """Lets through what comes from the page of one of the reviewers alone."""

    def __init__(self, app: Any, desks: Mapping[str, Desk], at: str) -> None:
        self._app, self._desks = app, desks
        own = at.removeprefix("http://")
        self._hosts = {own, own.replace("127.0.0.1", "localhost")}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
            await send(message)

        if scope["type"] == "http" and (refused := self._refused(scope)):
            await refused(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _refused(self, scope: Any) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return _error(421, "this is no address of the page")
        if len(scope["path"]) > _MOST_PATH or scope["path"].lstrip("/").partition("/")[0] not in self._desks:
            return _error(404, "there is no such thing")
        if scope["method"] != "POST":
            return None
        if headers.get("origin") != f"http://{host}":
            return _error(403, "this does not come from the page")
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return _error(415, "this is no JSON")
        return None
