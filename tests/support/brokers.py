"""NATS and RabbitMQ servers for tests, and the messages that reach them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote
from uuid import UUID

import aio_pika
import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from support.processes import eventually, free_port

DEBIAN_PATH = "/usr/lib/rabbitmq/bin:/usr/sbin"  # Debian's wrapper on the PATH insists on running as its own user
MAX_MESSAGE_BYTES = 64 * 1024
PASSWORD = "open/sesame@"

AnyServer = TypeVar("AnyServer", bound="Server")


class Arrival(NamedTuple):
    id: UUID
    topic: str
    content_type: str
    body: dict[str, Any]


class Server:
    """A broker that listens only on this machine and stores its data in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        raise NotImplementedError

    def run(self, *command: str | Path, **environment: str) -> None:
        with (self.folder / "output").open("ab") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(self.answers)

    def answers(self) -> bool:
        assert self.running, (self.folder / "output").read_text()[-2000:]
        socket.create_connection(("127.0.0.1", self.port)).close()
        return True

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self.popen
        os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        if self.popen and self.running:
            self.send(signal.SIGKILL)
            self.popen.wait()
            eventually(self.is_silent)

    def is_silent(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) != 0


class Nats(Server):
    duplicates = False
    """Whether a message that is published twice arrives twice."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"nats://appoint:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"
        (folder / "nats.conf").write_text(
            f"""
            listen: "127.0.0.1:{self.port}"
            max_payload: {MAX_MESSAGE_BYTES}
            jetstream: {{ store_dir: "{folder}/streams" }}
            authorization: {{ user: "appoint", password: "{PASSWORD}" }}
            """
        )

    def start(self) -> None:
        self.run(program("nats-server"), "-c", "nats.conf")

    async def connect(self) -> Client:
        return await nats.connect(f"nats://127.0.0.1:{self.port}", user="appoint", password=PASSWORD)

    async def clear(self) -> None:
        async with await self.connect() as client:
            with suppress(NotFoundError):
                await client.jetstream().delete_stream("APPOINT")

    async def create_stream(self, **options: Any) -> None:
        async with await self.connect() as client:
            await client.jetstream().add_stream(name="APPOINT", subjects=["appoint.>"], **options)

    async def stream(self) -> StreamConfig:
        async with await self.connect() as client:
            return (await client.jetstream().stream_info("APPOINT")).config

    async def read_all(self) -> list[Arrival]:
        """Return all messages in arrival order."""
        async with await self.connect() as client:
            streams = client.jetstream()
            try:
                state = (await streams.stream_info("APPOINT")).state
            except NotFoundError:
                return []
            messages = [
                await streams.get_msg("APPOINT", seq=number) for number in range(state.first_seq, state.last_seq + 1)
            ]
        return [
            Arrival(
                UUID(message.headers["Nats-Msg-Id"]),
                message.subject.removeprefix("appoint."),
                message.headers["content-type"],
                json.loads(message.data),
            )
            for message in messages
        ]


class Rabbit(Server):
    duplicates = True

    def __init__(self, folder: Path, epmd_port: int) -> None:
        super().__init__(folder)
        self.url = f"amqp://appoint:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"
        self.epmd_port = epmd_port
        self.distribution_port = free_port()
        (folder / "rabbitmq.conf").write_text(
            f"max_message_size = {MAX_MESSAGE_BYTES}\ndisk_free_limit.absolute = 1MB\n"
            f"default_user = appoint\ndefault_pass = {PASSWORD}\n"
        )
        (folder / "plugins").write_text("[].\n")
        (folder / "environment").touch()
        self.arrivals: list[Arrival] = []

    def start(self) -> None:
        self.run(
            program("rabbitmq-server"),
            ERL_EPMD_ADDRESS="127.0.0.1",
            ERL_EPMD_PORT=str(self.epmd_port),
            RABBITMQ_NODENAME=f"appoint-{self.port}@localhost",
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_DIST_PORT=str(self.distribution_port),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 "
            "+sbwt none +sbwtdcpu none +sbwtdio none",
            RABBITMQ_CONF_ENV_FILE=f"{self.folder}/environment",
            RABBITMQ_CONFIG_FILE=f"{self.folder}/rabbitmq.conf",
            RABBITMQ_ADVANCED_CONFIG_FILE=f"{self.folder}/advanced.config",
            RABBITMQ_ENABLED_PLUGINS_FILE=f"{self.folder}/plugins",
            RABBITMQ_GENERATED_CONFIG_DIR=f"{self.folder}/generated",
            RABBITMQ_SCHEMA_DIR=f"{self.folder}/schema",
            RABBITMQ_MNESIA_BASE=f"{self.folder}/mnesia",
            RABBITMQ_LOG_BASE=f"{self.folder}/log",
            RABBITMQ_PID_FILE=f"{self.folder}/pid",
        )

    async def clear(self) -> None:
        await self.read_all()
        self.arrivals = []

    async def read_all(self) -> list[Arrival]:
        async with await aio_pika.connect(self.url) as connection, connection.channel() as channel:
            exchange = await channel.declare_exchange("appoint", aio_pika.ExchangeType.TOPIC, durable=True)
            queue = await channel.declare_queue("arrivals", durable=True)
            await queue.bind(exchange, "#")
            while message := await queue.get(no_ack=True, fail=False):
                assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
                self.arrivals.append(
                    Arrival(
                        UUID(message.message_id), message.routing_key, message.content_type, json.loads(message.body)
                    )
                )
        return self.arrivals


def program(name: str) -> str:
    path = shutil.which(name, path=DEBIAN_PATH) or shutil.which(name)
    if not path:
        assert os.environ.get("CI") != "true", f"CI must have {name}"
        pytest.skip(f"{name} is not installed")
    return path


@contextmanager
def nats_server() -> Iterator[Nats]:
    with tempfile.TemporaryDirectory() as folder, running(Nats(Path(folder))) as server:
        yield server


@contextmanager
def rabbit_server() -> Iterator[Rabbit]:
    program("rabbitmq-server")
    port = free_port()
    epmd = subprocess.Popen(
        [program("epmd"), "-port", str(port), "-address", "127.0.0.1"]
    )  # otherwise, the server starts one and leaves it running
    try:
        with tempfile.TemporaryDirectory() as folder, running(Rabbit(Path(folder), port)) as server:
            yield server
    finally:
        epmd.kill()
        epmd.wait()


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    try:
        server.start()
        yield server
    finally:
        server.kill()
