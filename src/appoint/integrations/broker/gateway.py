"""Connect to the broker, which is either NATS with JetStream or RabbitMQ: create the stream or exchange, publish, and
wait for acknowledgements.

Client libraries are imported on first use, which saves half a second and some memory in processes without a broker.
"""
# ruff: noqa: PLC0415

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from traceback import clear_frames
from typing import Any, Final, Protocol, TypeVar, cast
from urllib.parse import unquote, urlsplit

from ...kit.errors import StartupError
from .model import BrokerMessage

SERVER_PATTERN: Final = r"://([^\s,/@]+@)?(\[[\da-fA-F:.]+\]|[^\s,/@:?\[\]]+)(:\d{1,5})?"
NATS_URL: Final = re.compile(rf"(nats|tls){SERVER_PATTERN}(,(nats|tls){SERVER_PATTERN})*/?")
RABBIT_URL: Final = re.compile(rf"amqps?{SERVER_PATTERN}([/?]\S*)?")
CONNECT_SECONDS: Final = 5
ACKNOWLEDGE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 2.0
CONTENT_TYPE: Final = "application/cloudevents+json"
RETENTION_SECONDS: Final = 30 * 24 * 3600.0
DUPLICATE_WINDOW_SECONDS: Final = 3600.0
"""How far back NATS detects duplicates. A message that it acknowledges while the database is unreachable is published
again afterwards."""
HEADER_BYTES: Final = 1024
"""More than our headers need. NATS counts headers as part of the message, and disconnects if the message is too
large."""
TOO_LARGE_CODES: Final = (10054, 10097)  # JetStream's codes for a message or headers that exceed the stream's limit

for _library in ("aio_pika", "aiormq"):
    # Their log lines contain addresses and messages. Any errors that matter are raised as well.
    logging.getLogger(_library).setLevel(logging.CRITICAL)

Publish = Callable[[BrokerMessage], Awaitable[None]]
"""Publishes a message, and returns once the broker has stored it. Raises `ConnectionLost` or `MessageRefused`. After
any exception, the next message needs a new connection."""


class ConnectionLost(Exception):
    """The broker is unreachable or sent no acknowledgement, so delivery is uncertain. The text contains no personal
    data."""


class MessageRefused(Exception):
    """The broker rejected the message, or one of several that were sent together. The text contains no personal
    data."""


class Client(Protocol):
    async def close(self) -> Any: ...


Connection = TypeVar("Connection", bound=Client)


def check_url(url: str) -> None:
    """Raise `StartupError` for an invalid broker address."""
    if not (NATS_URL.fullmatch(url) or RABBIT_URL.fullmatch(url)):
        raise StartupError(
            "APPOINT_BROKER_URL must be nats://host:port or tls://host:port for NATS (separate several with commas), "
            "amqp://host:port/vhost or amqps://… for RabbitMQ."
        )


def connect(url: str) -> AbstractAsyncContextManager[Publish]:
    """Connect, and yield a function that publishes. Raise `ConnectionLost` if the broker cannot be reached."""
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
    if first.password is not None:  # the client would not decode percent signs in an address
        security = NatsUserPassword(unquote(first.username or ""), unquote(first.password))
        servers = [re.sub("//.*@", "//", server) for server in servers]
    broker = NatsBroker(
        servers,
        security=security,
        name="appoint",
        connect_timeout=CONNECT_SECONDS,
        # A client that reconnects by itself would send its buffer late, after newer messages.
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=0,
        logger=None,
        apply_types=False,
    )
    async with _connection(broker.connect, Error) as client:
        with _convert_errors(Error):
            streams = cast("Any", client).jetstream(timeout=ACKNOWLEDGE_SECONDS)  # its options are not typed
            try:
                await streams.stream_info("APPOINT")
            except NotFoundError:
                await streams.add_stream(
                    name="APPOINT",
                    subjects=["appoint.>"],
                    storage=StorageType.FILE,
                    max_age=RETENTION_SECONDS,
                    duplicate_window=DUPLICATE_WINDOW_SECONDS,
                )

        async def publish(message: BrokerMessage) -> None:
            body = message.body.encode()
            id = str(message.event_id)
            if len(body) + HEADER_BYTES > client.max_payload:
                raise MessageRefused("larger than the server accepts")
            with _convert_errors(Error):
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
                    if error.err_code in TOO_LARGE_CODES:
                        raise MessageRefused("larger than the stream accepts") from None
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
        with _convert_errors(*faults):
            await broker.declare_exchange(exchange)

        async def publish(message: BrokerMessage) -> None:
            id = str(message.event_id)
            with _convert_errors(*faults):
                # This also limits the wait for a reconnection, which the client itself does not limit.
                async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                    try:
                        await broker.publish(
                            message.body.encode(),
                            exchange=exchange,
                            routing_key=message.topic,
                            mandatory=False,  # no queue means that no consumer wants the message
                            persist=True,
                            content_type=CONTENT_TYPE,
                            message_id=id,
                            message_type=message.type,
                            correlation_id=id,
                        )
                    except ChannelPreconditionFailed:
                        raise MessageRefused("larger than the server accepts") from None

        yield publish


@asynccontextmanager
async def _connection(
    connect: Callable[[], Awaitable[Connection]], *faults: type[Exception]
) -> AsyncGenerator[Connection]:
    with _convert_errors(*faults):
        async with asyncio.timeout(2 * CONNECT_SECONDS):
            try:
                client = await connect()
            except Exception as error:
                # A RabbitMQ client that failed to connect and its error refer to each other through these frames.
                # Breaking the cycle frees the client here, so it can close itself. The garbage collector might not run
                # until the event loop has ended, and by then the client could no longer close itself.
                clear_frames(error.__traceback__)
                raise
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError, *faults):
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.close()  # the broker's own method would wait for acknowledgements that have been lost


@contextmanager
def _convert_errors(*faults: type[Exception]) -> Generator[None]:
    """Convert a client's connection errors to `ConnectionLost`."""
    try:
        yield
    except (OSError, TimeoutError, *faults) as error:
        # RabbitMQ's error text can contain the message.
        text = str(error) if type(error).__module__.startswith("nats.") else type(error).__name__
        raise ConnectionLost(text) from error
