"""Addresses that strangers chose lead to the internet alone: whatever they are written like, whatever they mean by then."""

import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network

import pytest
from aiohttp import ClientConnectorError, ClientError
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from bot import outbound
from bot.outbound import Forbidden, fault_of, is_allowed
from tests.support.receiver import Receiver, receiving

LOOPBACK = (ip_network("127.0.0.0/8"),)
HOSTILE = (
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://127.0.1:{port}/", "http://2130706433:{port}/",
    "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/", "http://0177.0.0.1:{port}/", "http://0:{port}/",
    "http://0.0.0.0:{port}/", "http://127.127.127.127:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://[fe80::1]:{port}/",
    "http://[fd00::1]:{port}/", "http://10.0.0.1:{port}/", "http://172.16.0.1:{port}/", "http://192.168.1.1:{port}/",
    "http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://[fd00:ec2::254]/",
    "http://user@127.0.0.1:{port}/", "http://example.com@127.0.0.1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/",
    "https://127.0.0.1:{port}/", "http://private.example:{port}/", "http://mixed.example:{port}/",
)  # fmt: skip
"""Ways to write, or to mean, an address around here; ``private.example`` and ``mixed.example`` are names that lead there."""


class Names(AbstractResolver):
    """Knows names that lead where they should not, and one that leads there from the second question on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        means = {
            "private.example": ["127.0.0.1"],
            "mixed.example": ["192.0.2.200", "127.0.0.1"],
            "rebinding.example": ["93.184.216.34"] if self.asked == 1 else ["127.0.0.1"],
        }
        found = means.get(host)
        if found is None:
            rows = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            found = [str(row[4][0]) for row in rows]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0) for one in found
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def listener() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def port_of(receiver: Receiver) -> int:
    return int(receiver.url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("number", range(len(HOSTILE)))
async def test_no_connection_is_made_to_a_private_address(listener: Receiver, number: int) -> None:
    url = HOSTILE[number].replace("{port}", str(port_of(listener)))
    async with outbound.session((), Names()) as session:
        with pytest.raises((ClientError, OSError, ValueError)):
            await session.post(url, data=b"{}", allow_redirects=False)
    assert listener.heard == []


async def test_the_same_listener_is_reached_where_its_network_is_allowed(listener: Receiver) -> None:
    async with outbound.session(LOOPBACK, Names()) as session:
        for host in ("127.0.0.1", "localhost", "private.example"):
            url = f"http://{host}:{port_of(listener)}/hook"
            async with session.post(url, data=b"{}", allow_redirects=False) as answer:
                assert answer.status == 204
    assert len(listener.heard) == 3


async def test_a_name_that_changes_its_meaning_leads_nowhere_the_second_time(listener: Receiver) -> None:
    names = Names()
    await names.resolve("rebinding.example")
    async with outbound.session((), names) as session:
        with pytest.raises(ClientConnectorError) as caught:
            await session.post(f"http://rebinding.example:{port_of(listener)}/", data=b"{}")
    assert isinstance(caught.value.os_error, Forbidden)
    assert listener.heard == []


async def test_a_redirect_into_the_private_network_is_not_followed(listener: Receiver) -> None:
    async with receiving() as inside:
        listener.script.append(302)
        listener.headers["Location"] = inside.url
        async with outbound.session(LOOPBACK) as session:
            async with session.post(listener.url, data=b"{}", allow_redirects=False) as answer:
                assert answer.status == 302
        assert inside.heard == []


async def test_no_proxy_of_the_environment_is_taken(listener: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", listener.url)
    monkeypatch.setenv("https_proxy", listener.url)
    async with outbound.session((), Names()) as session:
        with pytest.raises(ClientError):
            await session.post("http://private.example/", data=b"{}")
    assert listener.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8",
    ],
)  # fmt: skip
def test_the_internet_is_reached(address: str) -> None:
    assert is_allowed(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_the_clothes_of_ipv6(address: object) -> None:
    assert is_allowed(str(address)) == is_allowed(f"::ffff:{address}")


@given(st.ip_addresses())
def test_nothing_that_the_registry_calls_private_is_allowed(address: object) -> None:
    ip = ip_address(str(address))
    if is_allowed(str(ip)):
        assert not (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


@given(st.text() | st.from_regex(r"https?://[^/]{0,40}(:[0-9]{0,6})?/.{0,20}", fullmatch=True))
def test_any_text_is_judged_without_an_error(url: str) -> None:
    assert fault_of(url) is None or fault_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://user:pw@example.com/", "https://127.0.0.1/", "https://2130706433/", "https://[::1]/",
        "https://localhost/", "https://a.localhost/", "https://10.1.2.3/", "ftp://example.com/", "https:///x", "/hook",
        "https://169.254.169.254/", "https://0x7f.1/", "https://[fd00::1]/", "https://0/",
    ],
)  # fmt: skip
def test_what_an_address_tells_by_itself_is_told_at_once(url: str) -> None:
    assert fault_of(url)


def test_plain_http_will_do_in_a_network_that_the_operator_names() -> None:
    assert fault_of("http://127.0.0.1:9/hook", LOOPBACK) is None
    assert fault_of("http://localhost:9/hook", LOOPBACK) is None
    assert fault_of("http://example.com/hook", LOOPBACK)
    assert fault_of("https://example.com/hook") is None
