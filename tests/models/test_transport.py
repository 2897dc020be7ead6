"""Below the client: which way a request takes, and how long it may take to be sent."""

import socket
import sys
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from swift_saber.errors import InputError
from swift_saber.models.endpoint import Endpoint, EndpointDown
from tests.attack.hostile_server import HostileServer
from tests.llm_server import LLMServer, say

ASK = {"temperature": 0.8, "max_tokens": 16}
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_gone_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with LLMServer(lambda _: say("By the proxy.")) as proxy:
        monkeypatch.setenv(name, proxy.url.replace("http://", "http://me:pass@"))
        assert Endpoint("m", "http://nowhere.invalid/v1", retries=0).complete(HELLO, **ASK) == [
            ("By the proxy.", False)
        ]
    (asked,) = proxy.asked
    assert asked.path == "http://nowhere.invalid/v1/chat/completions"
    assert asked.headers["proxy-authorization"].startswith("Basic ")


def named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Give 127.0.0.1 another name."""
    real = socket.getaddrinfo

    def found(host: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in (name, name.encode()) else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_not_where_the_environment_excepts_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "server.test")
    with LLMServer(lambda _: say("Itself.")) as server, LLMServer(lambda _: say("By the proxy.")) as proxy:
        url = server.url.replace("127.0.0.1", "server.test")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "example.org,server.test")
        assert Endpoint("m", url).complete(HELLO, **ASK) == [("Itself.", False)]
        monkeypatch.setenv("NO_PROXY", "example.org")
        assert Endpoint("m", url).complete(HELLO, **ASK) == [("By the proxy.", False)]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost", "model.localhost"])
@pytest.mark.parametrize("proxy", ["http://proxy.invalid:3128", "socks5://proxy.invalid:1080", "no address"])
def test_this_machine_is_never_asked_through_a_proxy(
    variable: str, host: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the proxy is: neither the one elsewhere could reach it, nor is it looked at."""
    named(monkeypatch, "model.localhost")
    monkeypatch.setenv(variable, proxy)
    monkeypatch.setitem(sys.modules, "socksio", None)
    with LLMServer(lambda _: say("Itself.")) as server:
        url = server.url.replace("127.0.0.1", host)
        assert Endpoint("m", url, retries=0).complete(HELLO, **ASK) == [("Itself.", False)]


@pytest.mark.parametrize("host", ["127.8.9.1", "[::1]"])
def test_nor_is_it_by_any_of_its_numbers(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there, which only this machine can say; the proxy has no address."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    with pytest.raises(EndpointDown, match=r"cannot be reached \(.*(refused|unreachable|assign)"):
        Endpoint("m", f"http://{host}:9/v1", retries=0).complete(HELLO, **ASK)


def test_a_server_that_takes_in_nothing_is_not_waited_for() -> None:
    """More than the buffers between hold, so that it waits to be sent."""
    clip = [{"role": "user", "content": "a" * (64 << 20)}]
    with HostileServer() as server, pytest.raises(EndpointDown, match="no reply within 1 s, asked 1 times"):
        Endpoint("m", server.url("reads_nothing"), timeout=1, retries=0).complete(clip, **ASK)


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(EndpointDown, match="cannot be reached .*; start the server, or correct the address"):
        Endpoint("m", "http://nowhere.invalid/v1", retries=0).complete(HELLO, **ASK)


def test_of_a_hosts_addresses_one_that_says_nothing_leaves_time_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a name with an IPv6 address on a network without IPv6."""
    real = socket.getaddrinfo

    def found(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in ("two.test", b"two.test"):
            return real(host, port, *more, **named)
        return [real(one, port, *more, **named)[0] for one in ("127.0.0.2", "127.0.0.3", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with LLMServer(lambda _: say("Here.")) as server, ExitStack() as opened:
        port = urlsplit(server.url).port
        for silent in ("127.0.0.2", "127.0.0.3"):
            opened.enter_context(socket.create_server((silent, port), backlog=0))
            for _ in range(4):  # nobody takes them, and what comes after them is not answered
                waiting = opened.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((silent, port))
        url = f"http://two.test:{port}/v1"
        assert Endpoint("m", url, timeout=3, retries=0).complete(HELLO, **ASK) == [("Here.", False)]
        with monkeypatch.context() as patched, pytest.raises(EndpointDown, match="no reply within 1 s"):
            patched.setattr(socket, "getaddrinfo", lambda *more, **named: found(*more, **named)[:2])
            Endpoint("m", url, timeout=1, retries=0).complete(HELLO, **ASK)


@pytest.mark.parametrize("address", ["http://me:hunter2@host:port", "ftp://hunter2", "http://[::1:hunter2"])
def test_a_proxy_that_is_none_is_named_and_not_shown(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    with pytest.raises(InputError, match="environment: HTTP_PROXY: is no address of a proxy; write") as caught:
        Endpoint("m", "http://nowhere.invalid/v1")
    assert "hunter2" not in str(caught.value)


def test_a_socks_proxy_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(InputError, match="proxy: is a SOCKS one, which needs socksio; pip install socksio"):
        Endpoint("m", "http://nowhere.invalid/v1")


@pytest.mark.parametrize("mode", ["plain", "silent", "drips_the_status"])
def test_https_at_a_port_that_speaks_none_is_one_line(mode: str) -> None:
    """Also where the server says nothing to a handshake."""
    with HostileServer() as server, pytest.raises(EndpointDown, match="cannot be reached|no reply within"):
        url = server.url(mode).replace("http:", "https:")
        Endpoint("m", url, timeout=1, retries=0).complete(HELLO, **ASK)
