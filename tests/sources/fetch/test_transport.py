"""The way to the web: every address of a name is checked, and the one that was checked is the one used."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.sources.fetch.transport import (
    ForbiddenAddressError,
    GuardedBackend,
    GuardedTransport,
    is_public,
)


@given(st.ip_addresses(v=4))
def test_ipv4_inside_ipv6_is_judged_as_what_it_is(address: ipaddress.IPv4Address) -> None:
    public = address.is_global and not address.is_multicast
    number = int(address)
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | number)
    translated = ipaddress.IPv6Address((0x64FF9B << 96) | number)
    tunnelled = ipaddress.IPv6Address((0x2002 << 112) | (number << 80))
    for form in (address, mapped, translated, tunnelled):
        assert is_public(str(form)) is public


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "255.255.255.255",
     "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"],
)  # fmt: skip
def test_addresses_of_the_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of this machine on which somebody answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def connect(host: str, port: int, allow: bool, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> str:
    """Connect to a host whose name stands for these addresses, and return the one that was reached."""

    async def resolve(self: object, name: str, number: int, **more: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, number)) for address in addresses]

    async def reach() -> str:
        stream = await GuardedBackend(allow).connect_tcp(host, port, timeout=5)
        try:
            return str(stream.get_extra_info("server_addr")[0])
        finally:
            await stream.aclose()

    if addresses:
        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", resolve)
    return asyncio.run(reach())


def test_a_name_that_leads_home_is_refused(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ForbiddenAddressError, match=r"'shop\.example' leads to 127\.0\.0\.1, an address of the own"
    ):
        connect("shop.example", listening, False, monkeypatch, "127.0.0.1")
    assert connect("shop.example", listening, True, monkeypatch, "127.0.0.1") == "127.0.0.1"


def test_one_address_of_the_own_network_among_public_ones_is_enough(
    listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ForbiddenAddressError, match=r"leads to 192\.168\.1\.1"):
        connect("shop.example", listening, False, monkeypatch, "93.184.216.34", "192.168.1.1")


def test_the_first_address_that_answers_is_used(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 refuses on this port; the next address of the name is tried."""
    assert connect("shop.example", listening, True, monkeypatch, "127.0.0.2", "127.0.0.1") == "127.0.0.1"


def test_a_host_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(httpcore.ConnectError, match=r"the host 'no-such-host\.invalid' is not known"):
        connect("no-such-host.invalid", 80, True, monkeypatch)
    with pytest.raises(httpcore.ConnectError, match="is not known"):
        connect("a" * 70 + ".example", 80, True, monkeypatch)  # no label may be so long


def test_failures_reach_the_caller_as_those_of_httpx(listening: int) -> None:
    async def ask(url: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=GuardedTransport(True, 2), timeout=0.3) as client:
            return await client.get(url)

    with pytest.raises(httpx.TransportError):
        asyncio.run(ask(f"http://127.0.0.1:{listening}/"))  # it listens, and never says a word
    with pytest.raises(httpx.TransportError):
        asyncio.run(ask("http://127.0.0.1:1/"))
    with pytest.raises(ForbiddenAddressError):
        asyncio.run(_ask_guarded(f"http://127.0.0.1:{listening}/"))


async def _ask_guarded(url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=GuardedTransport(False, 2), timeout=0.3) as client:
        return await client.get(url)
