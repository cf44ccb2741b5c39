"""The way to the broker, NATS with JetStream or RabbitMQ: connect, make sure that events have a place there, publish,
and wait until the broker has them.

A broker's client is imported when it is used: half a second, and memory, that processes without a broker do not spend.
"""
# ruff: noqa: PLC0415

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from ...kit.errors import StartupError
from .model import Message

SERVER: Final = r"://([^\s,/@]+@)?(\[[\da-fA-F:.]+\]|[^\s,/@:?\[\]]+)(:\d{1,5})?"
NATS_URL: Final = re.compile(rf"(nats|tls){SERVER}(,(nats|tls){SERVER})*/?")
RABBIT_URL: Final = re.compile(rf"amqps?{SERVER}([/?]\S*)?")
CONNECT_SECONDS: Final = 5
ACKNOWLEDGE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 2.0
CONTENT_TYPE: Final = "application/cloudevents+json"
KEPT_SECONDS: Final = 30 * 24 * 3600.0
REPEATED_SECONDS: Final = 3600.0
"""How long NATS knows a message again. While our database is away nobody can note what was acknowledged; it is
published again when it is back."""
HEADER_BYTES: Final = (
    1024  # more than ours are. NATS counts them as part of the message, and hangs up on one that is too large
)
TOO_LARGE: Final = (10054, 10097)  # JetStream's codes for a message, or its headers, beyond what the stream takes

for _library in ("aio_pika", "aiormq"):
    logging.getLogger(_library).setLevel(
        logging.CRITICAL
    )  # their lines show addresses and messages, and what matters is raised as well

Publish = Callable[[Message], Awaitable[None]]
"""Publishes a message and returns when the broker has it for good. Raises `Lost` or `Refused`; whatever it raises, the
next needs a new connection."""


class Lost(Exception):
    """The broker is away or does not acknowledge: whether it has the message is not known. The words are fit for a log."""


class Refused(Exception):
    """The broker will never have the message; or, where several were on their way together, one of them. The words are
    fit for a log."""


class Client(Protocol):
    async def close(self) -> Any: ...


Connection = TypeVar("Connection", bound=Client)


def check(url: str) -> None:
    """Raises `StartupError` for an address that no broker can have."""
    if not (NATS_URL.fullmatch(url) or RABBIT_URL.fullmatch(url)):
        raise StartupError(
            "APPOINT_BROKER_URL must be nats://host:port or tls://host:port for NATS (several with commas), amqp://host:port/vhost or amqps://… for RabbitMQ."
        )


def connected(url: str) -> AbstractAsyncContextManager[Publish]:
    """A way to publish for as long as the connection lasts. Entering raises `Lost` when the broker cannot be reached."""
    return _nats(url) if NATS_URL.fullmatch(url) else _rabbit(url)


@asynccontextmanager
async def _nats(url: str) -> AsyncGenerator[Publish]:
    from faststream.nats import NatsBroker
    from faststream.nats.security import NatsUserPassword
    from nats.errors import Error
    from nats.js.api import StorageType
    from nats.js.errors import APIError, NotFoundError

    servers = url.split(",")
    security = None
    first = urlsplit(servers[0])
    if (
        first.password is not None
    ):  # which the client would take from an address as it stands there, percent signs and all
        security = NatsUserPassword(unquote(first.username or ""), unquote(first.password))
        servers = [re.sub("//.*@", "//", server) for server in servers]
    broker = NatsBroker(
        servers,
        security=security,
        name="appoint",
        connect_timeout=CONNECT_SECONDS,
        # what waits in a client that reconnects by itself would leave late, behind what has been sent anew
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=0,
        logger=None,
        apply_types=False,
    )
    async with _connection(broker.connect, Error) as client:
        with _losses(Error):
            streams = client.jetstream(timeout=ACKNOWLEDGE_SECONDS)
            try:
                await streams.stream_info("APPOINT")
            except NotFoundError:
                await streams.add_stream(
                    name="APPOINT",
                    subjects=["appoint.>"],
                    storage=StorageType.FILE,
                    max_age=KEPT_SECONDS,
                    duplicate_window=REPEATED_SECONDS,
                )

        async def publish(message: Message) -> None:
            body = message.body.encode()
            id = str(message.event_id)
            if len(body) + HEADER_BYTES > client.max_payload:
                raise Refused("larger than the server takes")
            with _losses(Error):
                try:
                    await broker.publish(
                        body,
                        f"appoint.{message.topic}",
                        {"Nats-Msg-Id": id, "content-type": CONTENT_TYPE},
                        correlation_id=id,
                        stream="APPOINT",
                        timeout=ACKNOWLEDGE_SECONDS,
                    )
                except APIError as error:
                    if error.err_code in TOO_LARGE:
                        raise Refused("larger than the stream takes") from None
                    raise

        yield publish


@asynccontextmanager
async def _rabbit(url: str) -> AsyncGenerator[Publish]:
    from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, ChannelPreconditionFailed
    from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

    faults = (AMQPError, ChannelInvalidStateError)
    broker = RabbitBroker(url, timeout=CONNECT_SECONDS, app_id="appoint", logger=None, apply_types=False)
    exchange = RabbitExchange("appoint", ExchangeType.TOPIC, durable=True, timeout=CONNECT_SECONDS)
    async with _connection(broker.connect, *faults):
        with _losses(*faults):
            await broker.declare_exchange(exchange)

        async def publish(message: Message) -> None:
            id = str(message.event_id)
            with _losses(*faults):
                async with asyncio.timeout(
                    ACKNOWLEDGE_SECONDS
                ):  # also for a connection to come back, which the client would wait for without end
                    try:
                        await broker.publish(
                            message.body.encode(),
                            exchange=exchange,
                            routing_key=message.topic,
                            mandatory=False,  # who has no queue has not asked for it
                            persist=True,
                            content_type=CONTENT_TYPE,
                            message_id=id,
                            message_type=message.type,
                            correlation_id=id,
                        )
                    except ChannelPreconditionFailed:
                        raise Refused("larger than the server takes") from None

        yield publish


@asynccontextmanager
async def _connection(
    connect: Callable[[], Awaitable[Connection]], *faults: type[Exception]
) -> AsyncGenerator[Connection]:
    with _losses(*faults):
        async with asyncio.timeout(2 * CONNECT_SECONDS):
            client = await connect()
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError, *faults):
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.close()  # and not the broker's own way, which waits for what cannot come any more


@contextmanager
def _losses(*faults: type[Exception]) -> Generator[None]:
    """What a client raises when its broker is away, as `Lost`."""
    try:
        yield
    except (OSError, TimeoutError, *faults) as error:
        raise Lost(
            str(error) if type(error).__module__.startswith("nats.") else type(error).__name__
        ) from error  # RabbitMQ's words may hold the message
