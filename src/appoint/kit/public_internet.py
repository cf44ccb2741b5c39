"""Connections to other people's servers, limited to public addresses.

Each connection resolves the host name afresh and connects to exactly the address it has checked, so a DNS change in
between has no effect. Importing this takes a tenth of a second, so import it on first use.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, cast

import httpcore2

Pool = httpcore2.AsyncConnectionPool
LOOKUP_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 5.0
RESOLVER_THREADS: Final = ThreadPoolExecutor(64, thread_name_prefix="names")
"""Threads that resolve host names. The event loop's own pool has only a few threads, so slow names would block all
other lookups."""

SPECIAL_NETWORKS: Final = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments, some of which count as global
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud provider's service for its virtual machines
        "2001::/23",  # IETF protocol assignments: Teredo and others
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which can lead to any IPv4 address
        "3fff::/20",  # documentation
    )
)
"""Networks that some versions of Python treat as global, but that Appoint must not connect to."""
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NAT64: Final = IPv6Network("64:ff9b::/96")


class Unresolved(Exception):
    """The host name cannot be resolved."""


class NotPublic(Exception):
    """One of the host's addresses is not public."""


def is_public(address: str) -> bool:
    """Return whether the address is reachable from anywhere on the internet. If it embeds an IPv4 address (mapped,
    NAT64), the embedded address decides."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or (IPv4Address(ip.packed[-4:]) if ip in NAT64 else None)
        if embedded is None and ip not in GLOBAL_UNICAST:
            return False
        ip = embedded or ip
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in SPECIAL_NETWORKS)


async def resolve(host: str, port: int, *, private_addresses: bool) -> list[str]:
    """Return the host's current addresses in the order in which to try them. Raise `Unresolved`, or `NotPublic` if any
    is not public."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            results = await asyncio.get_running_loop().run_in_executor(RESOLVER_THREADS, look_up)
    except (OSError, UnicodeError):  # a timeout is an OSError
        raise Unresolved from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in results))
    if not private_addresses and not all(map(is_public, addresses)):
        raise NotPublic
    return addresses


class PublicInternet(httpcore2.AsyncNetworkBackend):
    """Connects to a host name's current addresses if all of them are public. TLS still verifies the name."""

    sockets: Final = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    def __init__(self, *, private_addresses: bool) -> None:
        self.private_addresses: Final = private_addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = await resolve(host, port, private_addresses=self.private_addresses)
        connect = partial(
            self.sockets.connect_tcp,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        for address in others:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await connect(address)
        return await connect(last)


@cache
def _certificates() -> ssl.SSLContext:
    """Return this machine's trusted certificates. Reading them is slow."""
    return httpcore2.default_ssl_context()


def connection_pool(*, private_addresses: bool) -> Pool:
    """Return a connection pool for use in `async with`. It ignores the environment's proxy settings, because a proxy
    would resolve the host names itself."""
    backend = PublicInternet(private_addresses=private_addresses)
    return Pool(
        ssl_context=_certificates(),
        max_connections=None,
        max_keepalive_connections=100,
        keepalive_expiry=IDLE_SECONDS,
        network_backend=backend,
    )
