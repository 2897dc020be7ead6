"""server.py as a process of its own, over HTTP: who is let in, what is given out, and that no save is lost."""

import asyncio
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from swift_saber.cli.main import main
from swift_saber.errors import InputError
from swift_saber.html.serving import listening
from swift_saber.media.playable import Kind
from swift_saber.review.clips import Clips
from swift_saber.review.desk import Desk
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog, latest_reviews, read_reviews
from swift_saber.review.server import application, disputes_for
from tests.media_faults import encode, frames, sound
from tests.review.served import Served, records
from tests.review.test_items import RECORD

MACHINE = ("A kitchen.", "A hostile voice.", "A smile.", "angry", "inconsistent", "Fine.")


def pair(name: str = "p") -> dict[str, Any]:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "good"}]
    return {"id": name, "messages": turns, "rejected_response": "bad", "scores": {"chosen": 4.51, "rejected": 2}}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "angry.mp4"
    encode(path, frames(8), sound(1))
    return path


@pytest.fixture
def served(tmp_path: Path, clip: Path) -> Iterator[Served]:
    rows = [{**RECORD, "id": name, "videos": [str(clip)]} for name in "abc"]
    # In an order of one's own the first is not always "a".
    with Served(records(tmp_path, rows), "-o", tmp_path / "reviews", "--reviewer", "anna") as one:
        yield one


def ids(served: Served) -> list[str]:
    return [line["id"] for line in served.get("state").json()["items"]]


def test_without_the_token_nothing_is_there(served: Served) -> None:
    root = served.page.rsplit("/", 2)[0]
    for path in ("/", "/state", "/wrong/", "/wrong/state", "/wrong/save", "/page.js"):
        assert served.client.get(root + path).status_code == 404
    assert served.client.post(f"{root}/wrong/save", json={}, headers={"Origin": root}).status_code == 404
    assert served.get("").status_code == 200


def test_it_listens_on_this_machine_alone(served: Served) -> None:
    port = int(served.page.split(":")[2].split("/")[0])
    others = {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if not address.startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((address, port), 1)


def test_no_part_of_an_answer_waits_for_the_one_before() -> None:
    with (
        listening("127.0.0.1", 0, "review") as (listener, _),
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_another_name_of_this_machine_is_refused(served: Served) -> None:
    assert served.get("state", Host="evil.example").status_code == 421
    assert served.get("state", Host="127.0.0.1:1").status_code == 421


def test_another_site_cannot_post(served: Served) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Content-Type": "text/plain"}):
        assert served.save(0, headers=headers).status_code in (403, 415)
    assert served.get("state").json()["items"][0]["revision"] == 0


def test_the_page_may_load_nothing_from_elsewhere(served: Served) -> None:
    headers = served.get("").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "http" not in policy and "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"
    assert served.get("state").headers["cache-control"] == "no-store"


def test_a_clip_is_given_out_in_parts(served: Served, clip: Path) -> None:
    data = clip.read_bytes()
    whole = served.get("media/0/videos/0")
    assert (whole.content, whole.headers["content-type"]) == (data, "video/mp4")
    part = served.get("media/0/videos/0", Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert served.get("media/0/videos/0", Range="bytes=-5").content == data[-5:]
    assert served.get("media/0/videos/0", Range=f"bytes={len(data)}-").status_code == 416


def test_only_files_that_the_row_names_are_given_out(served: Served) -> None:
    for path in ("media/0/videos/1", "media/0/audios/0", "media/0/texts/0", "media/9/videos/0", "media/0/videos/0/0"):
        assert served.get(path).status_code == 404
    for path in ("../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "media/0/videos/..%2f..%2fetc%2fpasswd", "server.py"):
        assert served.get(path).status_code == 404


def test_an_address_in_a_row_is_fetched_by_nobody(tmp_path: Path) -> None:
    row = {**RECORD, "videos": ["http://127.0.0.1:9/a.mp4", "/dev/zero", str(tmp_path)]}
    with Served(records(tmp_path, [row]), "-o", tmp_path / "reviews") as one:
        assert [one.get(f"media/0/videos/{place}").status_code for place in range(3)] == [400, 400, 400]


def test_a_file_that_is_no_clip_is_no_page_either(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<script>alert(1)</script>")
    (tmp_path / "a.mp4").write_text("<script>alert(1)</script>")
    row = {**RECORD, "videos": [str(tmp_path / name) for name in ("a.mp4", "a.html")] + ["/etc/passwd"]}
    with Served(records(tmp_path, [row]), "-o", tmp_path / "r") as one:
        answer = one.get("media/0/videos/0")  # a browser may play what FFmpeg does not
        assert answer.headers["content-type"] == "video/mp4"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert [one.get(f"media/0/videos/{place}").status_code for place in (1, 2)] == [404, 404]


def test_numbers_that_no_page_sends_are_refused(served: Served) -> None:
    nines = "9" * 5000
    assert served.get(f"item/{nines}").status_code == 404
    for asked in (f"bytes={nines}-", f"bytes=0-{nines}", f"bytes=-{nines}"):
        assert served.get("media/0/videos/0", Range=asked).status_code in (200, 206, 400, 416)


def test_no_save_waits_for_the_copies_of_clips(tmp_path: Path) -> None:
    begun, enough = [], threading.Event()

    class Slow(Clips):
        def _copy(self, path: str, kind: Kind, bare: bool) -> Path:
            begun.append(path)
            enough.wait(20)
            return Path(path)

    rows = [{**RECORD, "id": f"r{number}", "videos": [str(tmp_path / f"{number}.avi")]} for number in range(60)]
    for row in rows:
        Path(row["videos"][0]).write_bytes(b"RIFF")
    items, at = Items([records(tmp_path, rows)]), "http://127.0.0.1:80"

    async def asked(log: ReviewLog) -> int:
        app = application({"token": Desk(items, list(items), log)}, Slow(tmp_path), at)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"{at}/token/", headers={"Host": at[7:]}) as client:
            clips = [asyncio.create_task(client.get(f"media/{number}/videos/0")) for number in range(60)]
            while not begun:
                await asyncio.sleep(0.01)
            try:
                item = (await asyncio.wait_for(client.get("item/0"), 10)).json()
                body = {"nonce": "nonce-001", "item": 0, "of": item["of"], "revision": 0, "decision": "accept"}
                said = {**body, "reason": "", "after": item["values"]}
                saved = await asyncio.wait_for(client.post("save", json=said, headers={"Origin": at}), 10)
                return saved.status_code
            finally:
                enough.set()
                await asyncio.gather(*clips)

    with ReviewLog(tmp_path / "r", "anna") as log:
        assert asyncio.run(asked(log)) == 200


def test_what_no_browser_plays_is_given_out_as_a_copy(tmp_path: Path) -> None:
    encode(tmp_path / "a.avi", frames(8), sound(1), codec="mpeg4", audio="mp3")
    with Served(records(tmp_path, [{**RECORD, "videos": [str(tmp_path / "a.avi")]}]), "-o", tmp_path / "r") as one:
        answer = one.get("media/0/videos/0")
        assert answer.headers["content-type"] == "video/mp4" and b"ftyp" in answer.content[:16]


def test_what_was_saved_is_in_the_log_and_on_the_next_page(served: Served, tmp_path: Path) -> None:
    values = {**served.item(0)["values"], "facial_exp_desc": "她在微笑。"}
    assert served.save(0, decision="correct", after=values, reason="the eyes").json()["revision"] == 1
    [review] = read_reviews(tmp_path / "reviews")
    assert (review.reviewer, review.decision, review.reason) == ("anna", "correct", "the eyes")
    assert review.edits() == {"facial_exp_desc": "她在微笑。"}
    assert served.item(0)["values"]["facial_exp_desc"] == "她在微笑。"
    assert served.get("state").json()["items"][0]["decision"] == "correct"


def test_a_stale_page_is_told_what_is_there(served: Served, tmp_path: Path) -> None:
    served.save(0, decision="reject", reason="two people", after={}, nonce="the-first")
    late = served.save(0, revision=0)
    assert late.status_code == 409
    latest = late.json()["latest"]
    assert (latest["nonce"], latest["revision"], latest["reason"]) == ("the-first", 1, "two people")
    assert len(list(read_reviews(tmp_path / "reviews"))) == 1


def test_a_save_that_is_sent_twice_is_there_once(served: Served, tmp_path: Path) -> None:
    answers = [served.save(0, nonce="once-only", revision=0) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"revision": 1, "decision": "accept"}] * 2
    assert len(list(read_reviews(tmp_path / "reviews"))) == 1


def test_another_text_is_not_accepted_as_what_was_there(served: Served, tmp_path: Path) -> None:
    served.save(0, decision="accept", after={**served.item(0)["values"], "video_desc": "A garden."})
    [review] = read_reviews(tmp_path / "reviews")
    assert review.decision == "correct"


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "x"},
        {"nonce": None},
        {"item": -1},
        {"item": 99},
        {"revision": "1"},
        {"decision": "delete"},
        {"after": {"id": "b"}},
        {"after": {"language": "fr"}},
        {"after": [1]},
        {"of": "0"},
        {"reason": 3},
    ],
)
def test_what_cannot_be_saved_is_said_in_a_line(served: Served, tmp_path: Path, wrong: dict[str, Any]) -> None:
    answer = served.save(0, **wrong)
    assert answer.status_code == 400 and "\n" not in answer.json()["error"]
    assert not (tmp_path / "reviews" / "anna.reviews.jsonl").read_text()


def test_more_than_texts_can_be_is_not_read(served: Served) -> None:
    assert served.save(0, reason="x" * (3 << 20)).status_code == 413


def test_no_json_is_no_save(served: Served) -> None:
    headers = {"Origin": "/".join(served.page.split("/")[:3]), "Content-Type": "application/json"}
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 5000):
        assert served.client.post(served.page + "save", content=body, headers=headers).status_code == 400


def test_two_reviewers_have_each_their_own_page_and_log(tmp_path: Path) -> None:
    path = records(tmp_path, [RECORD])
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna", "--reviewer", "bo") as one:
        assert len(set(one.pages.values())) == 2
        one.save(0, one.pages["anna"], decision="reject", reason="of anna", after={})
        assert one.item(0, one.pages["bo"])["revision"] == 0
        assert "of anna" not in one.client.get(one.pages["bo"] + "item/0").text
        one.save(0, one.pages["bo"])
    reviews = latest_reviews(tmp_path / "r")["a"]
    assert {name: review.decision for name, review in reviews.items()} == {"anna": "reject", "bo": "accept"}


def test_a_sample_is_dealt_to_the_reviewers_of_the_plan(tmp_path: Path) -> None:
    path = records(tmp_path, [{**RECORD, "id": f"r{number}"} for number in range(20)])
    settings = ["--sample", "10", "--overlap", "2", "--reviewers", "anna,bo", "--seed", "7"]
    for arguments in (settings, []):  # the second time as the plan has it
        with Served(path, "-o", tmp_path / "r", *arguments) as one:
            seen = {
                who: {line["id"] for line in one.client.get(page + "state").json()["items"]}
                for who, page in one.pages.items()
            }
        assert {who: len(names) for who, names in seen.items()} == {"anna": 6, "bo": 6}
        assert len(seen["anna"] & seen["bo"]) == 2 and len(seen["anna"] | seen["bo"]) == 10


def test_a_blind_page_gets_nothing_that_a_machine_wrote(tmp_path: Path, clip: Path) -> None:
    checks = {"speech": {"heard": "Wine.", "error_rate": 1.0}, "visual": {"caption": "A man.", "fields": {}}}
    row = {**RECORD, **checks, "id": "angry-7", "videos": [str(clip)], "transcript": "Fine."}
    with Served(records(tmp_path, [row]), "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        sent = one.get("state").text.replace('"angry",', "", 1) + one.get("item/0").text  # a label that is offered
        one.save(0, decision="correct", after={"facial_exp_desc": "A grin."})
        late = one.save(0, revision=0)
        sent += late.text + one.get("state").text.replace('"angry",', "", 1) + one.get("item/0").text
        for word in (*MACHINE, "Wine.", "A man.", "angry-7", "angry.mp4"):
            assert word not in sent
        assert "A grin." in sent
    [review] = read_reviews(tmp_path / "r")
    assert review.blind and review.edits() == {"facial_exp_desc": "A grin."}


def test_no_error_tells_a_blind_page_of_names(tmp_path: Path) -> None:
    row = {**RECORD, "id": "angry-7", "videos": [str(tmp_path / "angry-gone.mp4")]}
    path = records(tmp_path, [row])
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        said = [one.get("media/0/videos/0"), one.save(0, of="another"), one.save(0, decision="better")]
        path.write_text(path.read_text().replace("kitchen", "chicken"))
        said.append(one.get("item/0"))
    assert {answer.status_code for answer in said} == {400}
    for answer in said:
        assert "error" in answer.json()
        assert not [word for word in ("angry", str(tmp_path), "records.jsonl") if word in answer.text]


def test_what_was_reviewed_openly_is_not_shown_to_a_blind_page(tmp_path: Path) -> None:
    path = records(tmp_path, [RECORD])
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna") as one:
        one.save(0)
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        assert set(one.item(0)["values"].values()) == {""}
        assert not [word for word in MACHINE if word in one.get("item/0").text]


def test_a_blind_reviewer_accepts_nothing_unseen(tmp_path: Path) -> None:
    with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--blind") as one:
        assert one.save(0, decision="accept", after={"emotion": "sad"}).json()["decision"] == "correct"


def test_the_answers_of_a_pair_have_an_order_by_lot_and_no_scores(tmp_path: Path) -> None:
    path = records(tmp_path, [pair(f"p{number}") for number in range(40)])
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna", "--reviewer", "bo") as one:
        first: dict[str, dict[str, str]] = {}
        for who, page in one.pages.items():
            for number in range(40):
                item = one.item(number, page)
                first.setdefault(who, {})[item["id"]] = item["choices"][0]["text"]
                assert "4.51" not in str(item)
        lefts = list(first["anna"].values())
        # Of 40 fair lots fewer than 6 of one side come once in a million times; those here are always the same.
        assert 6 <= lefts.count("good") <= 34
        assert first["anna"] != first["bo"]
        item = one.item(0, one.pages["anna"])
        place = [choice["text"] for choice in item["choices"]].index("bad")
        one.save(0, one.pages["anna"], decision="better", after={"better": str(place)})
        assert one.item(0, one.pages["anna"])["better"] == str(place)
        assert one.save(0, one.pages["anna"], decision="better", after={"better": "2"}).status_code == 400
    [review] = read_reviews(tmp_path / "r")
    assert review.after == {"better": "1"}  # the rejected answer, as the row has it


def test_a_record_that_was_changed_since_is_to_be_reviewed_again(tmp_path: Path) -> None:
    with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        one.save(0, reason="fine")
    changed = records(tmp_path, [{**RECORD, "video_desc": "A garden."}])
    with Served(changed, "-o", tmp_path / "r", "--reviewer", "anna") as one:
        assert one.get("state").json()["items"][0]["decision"] is None
        item = one.item(0)
        assert item["values"]["video_desc"] == "A garden." and item["earlier"]["reason"] == "fine"
        assert one.save(0).json()["revision"] == 2


def test_a_file_that_is_changed_under_the_page_is_not_reviewed_as_another(served: Served, tmp_path: Path) -> None:
    text = (tmp_path / "records.jsonl").read_text()
    (tmp_path / "records.jsonl").write_text(text.replace("A smile.", "A frown"))
    answers = [served.get(f"item/{number}") for number in range(3)]
    assert {answer.status_code for answer in answers} == {400}


def test_a_full_disk_is_said_and_the_next_save_comes_through(tmp_path: Path) -> None:
    with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        one.save(0, reason="before")
        log = tmp_path / "r" / "anna.reviews.jsonl"
        full = log.stat().st_size + 100
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        refused = one.save(0, reason="while it is full")
        assert refused.status_code == 507 and "cannot be written" in refused.json()["error"]
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert one.save(0, reason="after").json()["revision"] == 2
    assert [review.reason for review in read_reviews(tmp_path / "r")] == ["before", "after"]


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_called_saved_in_a_file_that_was_taken_away(tmp_path: Path, replaced: bool) -> None:
    log = tmp_path / "r" / "anna.reviews.jsonl"
    with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        one.save(0, reason="before")
        log.rename(tmp_path / "elsewhere.jsonl")
        if replaced:  # as some editors save, and what brings folders of two machines into line
            log.write_bytes((tmp_path / "elsewhere.jsonl").read_bytes())
        refused = one.save(0, reason="while it is away")
        assert refused.status_code == 507 and "removed or replaced" in refused.json()["error"]
        (tmp_path / "elsewhere.jsonl").rename(log)
        assert one.save(0, reason="after").json()["revision"] == 2
    assert [review.reason for review in read_reviews(tmp_path / "r")] == ["before", "after"]


def test_with_a_port_the_address_is_the_same_after_a_kill(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = records(tmp_path, [RECORD])
    asked = (path, "-o", tmp_path / "r", "--reviewer", "anna", "--port", port)
    with Served(*asked) as one:
        page, item = one.page, one.item(0)
        one.process.kill()
    with Served(*asked) as one:
        assert one.page == page
        assert one.save(0, of=item["of"], revision=item["revision"]).status_code == 200
    [kept] = (tmp_path / "state").glob("swift-saber/review/*")
    assert kept.stat().st_mode & 0o777 == 0o600 and page.split("/")[3] == kept.read_text()
    with Served(*asked, "--blind") as one:  # who has seen the texts has another address than who has not
        assert one.page != page
    kept.chmod(0o644)  # others may have read it
    with Served(*asked) as one:
        assert one.page != page


def test_without_a_port_each_address_is_a_new_one(tmp_path: Path) -> None:
    pages = []
    for _ in range(2):
        with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
            pages.append(one.page.split("/")[3])
    assert pages[0] != pages[1] and not (tmp_path / "state").exists()


def test_a_page_of_before_saves_nothing_for_another_item(tmp_path: Path) -> None:
    # All of the same text, and in another place after rows were added.
    items = Items([records(tmp_path, [{**RECORD, "id": name} for name in "ab"])])
    with ReviewLog(tmp_path / "r", "anna") as log:
        of = Desk(items, ["a", "b"], log).item(0)["of"]
        said = {"nonce": "nonce-001", "item": 0, "of": of, "revision": 0, "decision": "skip", "reason": "", "after": {}}
        with pytest.raises(InputError, match="another"):
            Desk(items, ["b", "a"], log).save(said)
        assert Desk(items, ["a", "b"], log).save(said) == {"revision": 1, "decision": "skip"}


@pytest.mark.parametrize("kills", [6, pytest.param(30, marks=pytest.mark.slow)])
def test_every_save_that_was_answered_is_there_once_after_a_kill(tmp_path: Path, kills: int) -> None:
    path = records(tmp_path, [{**RECORD, "id": f"r{number}"} for number in range(4)])
    folder = tmp_path / "r"
    said: dict[str, list[str]] = {"anna": [], "bo": []}
    refused: list[str] = []
    for round_ in range(kills):
        with Served(path, "-o", folder, "--reviewer", "anna", "--reviewer", "bo") as one:
            go_on = threading.Event()

            def save(who: str, page: str, round_: int = round_, one: Served = one, go_on: Any = go_on) -> None:
                origin = "/".join(page.split("/")[:3])
                with httpx.Client() as client, suppress(httpx.TransportError):  # the server is killed meanwhile
                    item = client.get(f"{page}item/0").json()
                    revision = item["revision"]
                    for number in range(100000):
                        nonce = f"{who}-{round_}-{number:06d}"
                        body = {"nonce": nonce, "item": 0, "of": item["of"], "revision": revision, "reason": ""}
                        body |= {"decision": None, "after": item["values"]}
                        answer = client.post(f"{page}save", json=body, headers={"Origin": origin})
                        if answer.status_code != 200:
                            refused.append(answer.text)
                            return
                        revision = answer.json()["revision"]
                        said[who].append(nonce)
                        if number == round_ % 7:
                            go_on.set()

            threads = [threading.Thread(target=save, args=each) for each in one.pages.items()]
            for thread in threads:
                thread.start()
            assert go_on.wait(20)
            time.sleep(0.0013 * round_)  # at other instants of a save
            os.kill(one.process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
    assert not refused
    for who, nonces in said.items():
        with ReviewLog(folder, who):  # which mends a last line that is half there
            pass
        there = [review.id for review in read_reviews(folder) if review.reviewer == who]
        assert len(there) == len(set(there)) and set(nonces) <= set(there)
        assert len(there) <= len(nonces) + kills  # of each round one may have been saved and not answered


@contextmanager
def hanging_up(handler: signal.Handlers) -> Iterator[None]:
    """What is started in the block takes a closed terminal so, whether or not the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("how", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130), (signal.SIGHUP, 128 + signal.SIGTERM)],
)
def test_it_ends_cleanly(tmp_path: Path, how: signal.Signals, status: int) -> None:
    with (
        hanging_up(signal.SIG_DFL),
        Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one,
    ):
        one.save(0)
        assert one.end(how) in (status, 128 + how)
        assert "Traceback" not in "".join(one.said)
        assert not list(tmp_path.glob("swift-saber-review-*"))
    with ReviewLog(tmp_path / "r", "anna") as log:  # given back
        assert log.latest["a"].decision == "accept"


def test_under_nohup_it_outlives_its_terminal(tmp_path: Path) -> None:
    with (
        hanging_up(signal.SIG_IGN),
        Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one,
    ):
        one.process.send_signal(signal.SIGHUP)
        one.save(0)
        assert one.end(signal.SIGTERM) in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_an_unused_page_leaves_no_review(tmp_path: Path) -> None:
    with Served(records(tmp_path, [RECORD]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        one.get("item/0")
        one.end(signal.SIGTERM)
    assert not list((tmp_path / "r").glob("*.reviews.jsonl"))


def test_the_records_are_not_touched(served: Served, tmp_path: Path) -> None:
    before = (tmp_path / "records.jsonl").read_bytes()
    served.save(0, decision="reject", reason="no", after={})
    assert (tmp_path / "records.jsonl").read_bytes() == before


def disputing(folder: Path) -> Path:
    """Records of which anna and bo dispute the first, agree on the second, and one rejects the third."""
    path = records(folder, [{**RECORD, "id": name} for name in "abc"])
    items = Items([path])
    faces = {"anna": ("A grin.", "A grin.", "A grin."), "bo": ("A sneer.", "A grin.", "")}
    for who, texts in faces.items():
        with ReviewLog(folder / "r", who) as log:
            for name, text in zip("abc", texts, strict=True):
                item, nonce = items[name], f"{who}-{name}-nonce"
                after = {**item.values, "facial_exp_desc": text}
                decision, reason = ("correct", "") if text else ("reject", "blurred")
                log.save(nonce, item, 0, decision=decision, reason=reason, after=after if text else {})
    return path


def test_whoever_adjudicates_sees_what_is_in_dispute_under_numbers(tmp_path: Path) -> None:
    path = disputing(tmp_path)
    with Served(path, "-o", tmp_path / "r", "--adjudicate", "--reviewer", "carla") as one:
        assert ids(one) == ["a", "c"]
        first, third = one.item(0), one.item(1)
        assert first["disputed"] == ["facial_exp_desc"] and third["disputed"] == ["decision"]
        said = {voice["number"]: voice["values"]["facial_exp_desc"] for voice in first["voices"]}
        assert set(said) == {"1", "2"} and set(said.values()) == {"A grin.", "A sneer."}
        assert {(voice["decision"], voice["reason"]) for voice in third["voices"]} == {
            ("correct", ""),
            ("reject", "blurred"),
        }
        assert "anna" not in one.get("item/0").text + one.get("state").text
        one.save(0, decision="correct", after={**first["values"], "facial_exp_desc": "A sneer."})
        one.save(1, decision=None)  # begun, which decides nothing
    with Served(path, "-o", tmp_path / "r", "--adjudicate", "--reviewer", "carla") as one:
        assert [line["decision"] for line in one.get("state").json()["items"]] == ["correct", None]
    with Served(path, "-o", tmp_path / "r", "--adjudicate", "--reviewer", "dora") as one:
        assert ids(one) == ["c"]


def test_nobody_adjudicates_under_the_name_of_a_review(tmp_path: Path) -> None:
    path = disputing(tmp_path)
    with pytest.raises(InputError, match="'anna' has reviewed here; name the one who decides otherwise"):
        disputes_for("anna", Items([path]), latest_reviews(tmp_path / "r"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reviewer", "../x"], "is no name"),
        (["--reviewer", "anna", "--reviewer", "anna"], "is there twice"),
        (["--port", "70000"], "cannot be served at"),
        (["--adjudicate", "--sample", "3"], "does not go with --adjudicate"),
        (["--adjudicate", "--reviewer", "x"], "holds no reviews"),
        (["--adjudicate", "--blind"], "does not go with --adjudicate"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "r").mkdir()
    assert main(["review", str(records(tmp_path, [RECORD])), "-o", str(tmp_path / "r"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_part_is_named_by_the_first_word(capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("merge", "agreement"):
        with pytest.raises(SystemExit) as ended:
            main(["review", part, "--help"])
        assert ended.value.code == 0 and f"swift-saber review {part}" in capsys.readouterr().out


def test_the_folder_of_a_run_stands_for_what_its_last_stage_before_review_kept(tmp_path: Path) -> None:
    from swift_saber.cli.review import records_of
    from swift_saber.data.rows import write_rows

    write_rows(tmp_path / "run.json", [{"stages": ["clean", "annotate", "review", "split"]}])
    for stage in ("clean", "annotate", "split"):
        write_rows(tmp_path / stage / "kept" / "00000.jsonl", [RECORD])
    assert records_of([tmp_path]) == [tmp_path / "annotate" / "kept" / "00000.jsonl"]
