"""Requests to partners' servers. Only public addresses are allowed, because partners choose the URLs that our servers
connect to.

Each connection resolves the host name afresh and connects to exactly the address it has checked, so a DNS change in
between has no effect.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, cast

import httpcore2
import httpx2
import structlog

from ...events.model import Event
from ...kit.errors import Fault, Invalid
from ...kit.i18n import translatable
from ...kit.ids import clinic_of
from .model import Outcome, Sample, WebhookTest, describe_status

log = structlog.get_logger()

Pool = httpcore2.AsyncConnectionPool
SAMPLE_TYPE: Final = "webhook.test"
"""The type of sample events. It is not in the event catalogue, because it doesn't describe a change."""
ANSWER_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
LOOKUP_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 64 * 1024
RESOLVER_THREADS: Final = ThreadPoolExecutor(64, thread_name_prefix="names")
"""Threads that resolve host names. The event loop's own pool has only a few threads, so slow names would block all
other lookups."""

NOT_PUBLIC: Final = translatable("must be reachable from the internet")
"""Also used for host names that cannot be resolved. Otherwise, managers could find out which internal names exist."""

WEB_PORTS: Final = (80, 443)
MIN_OTHER_PORT: Final = 1024
"""Lower ports belong to other protocols, such as SMTP, whose servers must not receive requests from us."""

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
"""Networks that some versions of Python treat as global, but that webhooks must not reach."""
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


async def check_url(url: str, *, private_addresses: bool) -> None:
    """Raise `Invalid` for an unacceptable URL. Call this outside transactions, because it resolves the host name."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = None
    port = parsed.port if parsed and parsed.port is not None else 443
    if parsed is None or not parsed.raw_host or not 0 < port < 65536:
        raise Invalid(Fault("#/url", "must be a URL, such as https://partner.example.com/appoint"))
    if parsed.userinfo:
        raise Invalid(Fault("#/url", "must not contain a user name or password"))
    if parsed.scheme != "https" and not private_addresses:
        raise Invalid(Fault("#/url", "must start with https://"))
    if port < MIN_OTHER_PORT and port not in WEB_PORTS and not private_addresses:
        raise Invalid(Fault("#/url", "must use port 443, or port 1024 or higher"))
    try:
        await _resolve(parsed.raw_host.decode(), port, private_addresses=private_addresses)
    except (Unresolved, NotPublic):
        raise Invalid(Fault("#/url", NOT_PUBLIC)) from None


async def _resolve(host: str, port: int, *, private_addresses: bool) -> list[str]:
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
        *others, last = await _resolve(host, port, private_addresses=self.private_addresses)
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


async def post(pool: Pool, url: str, body: bytes, *, headers: Mapping[str, str], seconds: float) -> Outcome:
    """Send an event and return the outcome, which depends only on the status. Reads the response body up to a limit and
    discards it."""
    status: int | None = None
    reason: str | None = None
    before = time.perf_counter()
    try:
        target = httpx2.URL(url)
        async with (
            asyncio.timeout(seconds),
            pool.stream(
                "POST",
                httpcore2.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path),
                headers={
                    "Host": target.netloc.decode(),
                    "Content-Type": "application/cloudevents+json; charset=utf-8",
                    "User-Agent": "Appoint-Webhooks",
                    **headers,
                },
                content=body,
                extensions={"timeout": {"connect": CONNECT_SECONDS}},
            ) as response,
        ):
            status = response.status
            await _discard(response)
    except TimeoutError:
        reason = f"did not respond within {seconds:g} seconds"
    except (
        Unresolved,
        NotPublic,
        httpcore2.TimeoutException,
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
    ) as error:
        reason = _describe(error)
    except Exception:  # a bug here must not block later events
        log.exception("request failed")
        reason = "could not be called because of an internal error"
    milliseconds = round((time.perf_counter() - before) * 1000)
    return Outcome(status, describe_status(status) if status else reason, milliseconds)


async def _discard(response: httpcore2.Response) -> None:
    size = 0
    async with aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                return


def _describe(error: Exception) -> str:
    """Return why there was no response, without any part of the URL."""
    match error:
        case Unresolved() | NotPublic():
            return NOT_PUBLIC
        case httpcore2.ConnectError(args=[ssl.SSLCertVerificationError(verify_message=detail)]):
            return f"has an invalid certificate: {detail}"
        case httpcore2.ConnectError(args=[ssl.SSLError()]):
            return "failed the TLS handshake"
        case httpcore2.ConnectError():
            return "could not be reached"
        case httpcore2.TimeoutException():
            return "could not be reached in time"
        case httpcore2.ProtocolError():
            return "did not respond with HTTP"
        case _:
            return "closed the connection"


def sample_event(sample: Sample) -> Event:
    webhook_id = sample.webhook_id
    fact = WebhookTest(webhook_id=webhook_id)
    return Event(
        clinic_of(webhook_id),
        sample.event_id,
        SAMPLE_TYPE,
        str(webhook_id),
        0,
        fact,
        traceparent=None,
        created_at=sample.at,
    )
