"""Requests to addresses that strangers chose: they reach the internet, and never the machines around this one.

The rule is kept where a socket is made, for the very address that it is about to connect to. So it does not matter how
that address was written (a name, decimal, octal, IPv6 that means IPv4) nor what a name meant a moment before. Names are
looked up here too, and one that leads to any forbidden address is refused as a whole.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Network = IPv4Network | IPv6Network
Networks = Sequence[Network]

FORBIDDEN: Final = (
    *map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        ),
    ),
)  # fmt: skip
"""What is no address of the internet in IPv4 (IANA's special-purpose registry), multicast too."""
GLOBAL_V6: Final = ip_network("2000::/3")
"""All that was ever given out of IPv6; loopback, link-local, unique local and mapped addresses lie outside."""
FORBIDDEN_V6: Final = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16")))
"""Within it: tunnels that carry an IPv4 address inside (Teredo, 6to4), benchmarks, documentation."""
TOTAL_S: Final = 20.0
CONNECT_S: Final = 10.0


class Forbidden(OSError):
    """An address that nothing here may connect to."""


def is_allowed(address: str, allow: Networks = ()) -> bool:
    """Whether a connection to ``address`` (an IP address, as the socket will have it) may be made.

    ``allow``: private networks that may be reached all the same.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip in network for network in allow):
        return True
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in FORBIDDEN)
    return ip in GLOBAL_V6 and not any(ip in network for network in FORBIDDEN_V6)


def fault_of(url: str, allow: Networks = ()) -> str | None:
    """Why ``url`` can't be one to send to, as far as it tells by itself; None: it can.

    A name is not looked up: what it means may change until something is sent.
    """
    try:
        parts = URL(url)
        host = parts.raw_host or ""
        sound = parts.scheme in ("http", "https") and bool(host) and parts.port not in (None, 0)
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url:
        return "must be an address: https://host/path"
    if parts.raw_user is not None or parts.raw_password is not None:
        return "must be an address without a user name or a password"
    numeric = _numeric(host)
    local = host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")
    if (numeric is not None and not is_allowed(numeric, allow)) or (local and not is_allowed("127.0.0.1", allow)):
        return "must not lead to a private network"
    if parts.scheme == "http" and not _is_excepted(numeric, local, allow):
        return "must begin with https://"
    return None


def _numeric(host: str) -> str | None:
    """The IP address that a host is when it is written in any way that a resolver takes for one; nothing is asked."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])


def _is_excepted(numeric: str | None, local: bool, allow: Networks) -> bool:
    """Whether the host lies in a network that is allowed by name: there http will do."""
    address = "127.0.0.1" if local else numeric
    return address is not None and any(ip_address(address.partition("%")[0]) in network for network in allow)


class _Resolver(AbstractResolver):
    """Refuses a name with any address that is forbidden."""

    def __init__(self, within: AbstractResolver, allow: Networks) -> None:
        self._within, self._allow = within, allow

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._within.resolve(host, port, family)
        if any(not is_allowed(one["host"], self._allow) for one in found):
            raise Forbidden("the address is private")
        return found

    async def close(self) -> None:
        await self._within.close()


def _socket(allow: Networks, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_allowed(str(address[0]), allow):
        raise Forbidden("the address is private")
    return socket.socket(family, kind, protocol)


def session(allow: Networks = (), resolver: AbstractResolver | None = None) -> ClientSession:
    """A session whose every connection goes to the internet or into ``allow``. It keeps no cookies, takes no proxy from
    the environment, and gives up after 20 seconds; whoever uses it must not follow redirects on its own."""
    connector = TCPConnector(
        limit=0,
        resolver=_Resolver(resolver or ThreadedResolver(), allow),
        use_dns_cache=False,
        socket_factory=partial(_socket, allow),
    )
    timeout = ClientTimeout(total=TOTAL_S, connect=CONNECT_S)
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), trust_env=False, timeout=timeout)
