"""Those who make the load: pgbench for the statement alone, wrk for HTTP, and a crowd that wants one time. And the
server that they load."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psutil

from appoint.booking.repository import INSERT_APPOINTMENTS

from .world import DOCTORS, EMPTY, FOLDER, FREE, HALF_BOOKED, MINUTES, PLACES, World, customer, doctor

CLIENTS = 16

# What the server passes to the statement. pgbench has numbers and constants; random values are expressions of its
# numbers where the parameter stands.
ID = "(lpad(to_hex(:clinic::int), 8, '0') || :round || '-8' || lpad(to_hex(:client_id::int), 3, '0') || '-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid"
DOCTOR, TYPE = doctor(":clinic::int", ":doctor::int"), doctor(":clinic::int", 0)
START, END = "to_timestamp(:start::int)", f"to_timestamp(:start::int + {MINUTES * 60})"
REQUEST = (
    f"(1::smallint, 0::smallint, {ID}, {DOCTOR}, {customer(':customer::int')}, {TYPE}, {START}, {END}, {START}, {END}, "
    "'booked', null, :amount::int, :currency::text, null, '{}')::requested_appointment"
)
PARAMETERS = {
    "clinic_id": ":clinic::int",
    "clinic_version": ":version::int",
    "booking_id": ID,
    "booker_id": "null",
    "requests": f"array[{REQUEST}]",
    "candidates": f"array[(1::smallint, {DOCTOR}, :version::int)::appointment_candidate]",
    "types": f"array[({TYPE}, :version::int)::versioned_id]",
    "idempotency": "null",
    "actor": "(:actor::text, :action::text, null, null, null)",
    "limits": "(:most::int, :most::int)",
    "override_reason": "null",
    "traceparent": "null",
    "now": "now()",
}
CONSTANTS = {
    "version": 1,
    "amount": 4500,
    "currency": "EUR",
    "n": 0,
    "actor": "bench",
    "action": "bookAppointment",
    "most": 1000,
}
SESSION = (
    "-c jit=off -c plan_cache_mode=force_generic_plan -c statement_timeout=15s -c lock_timeout=15s -c timezone=UTC"
)


def statement() -> str:
    """The booking statement as pgbench runs it: word for word, with values for its parameters."""
    values = [PARAMETERS[name] for name in INSERT_APPOINTMENTS.parameters]
    return re.sub(r"\$(\d+)", lambda match: values[int(match[1]) - 1], INSERT_APPOINTMENTS.text)


SCRIPT = f"""
\\set n :n + 1
\\set clinic random(1, :clinics)
\\set doctor random(1, {DOCTORS})
\\set customer random(1, :customers)
\\set start :opening + random({FREE[0]}, {FREE[1]}) * 86400 + random(0, {PLACES - 1}) * {MINUTES * 60}
{statement()};
"""


class Result(NamedTuple):
    rate: float
    """Successes a second."""
    made: int
    refused: int
    broken: int
    worst_seconds: float = 0


def pgbench(world: World, binaries: Path, *, seconds: float) -> Result:
    """Bookings by the statement alone, one a transaction. Those that lost to another count as made here; who asks the
    database knows better."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT)
        script.flush()
        constants = {
            **CONSTANTS,
            "round": f"-{random.randrange(16**4):04x}",
            "clinics": world.clinics,
            "customers": world.customers,
            "opening": int(world.opening(0).timestamp()),
        }
        command = [
            binaries / "pgbench",
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={CLIENTS}",
            f"--time={seconds:.0f}",
            f"--file={script.name}",
        ]
        defines = [f"--define={name}={value}" for name, value in constants.items()]
        ran = subprocess.run(
            [*command, *defines, world.url],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PGOPTIONS": SESSION},
        ).stdout
    number = lambda label: float(re.search(rf"{label}\D*([\d.]+)", ran)[1])  # noqa: E731
    return Result(number("tps ="), int(number("actually processed:")), 0, int(number("failed transactions:")))


def wrk(world: World, address: str, kind: str, *, connections: int, seconds: float) -> Result:
    """Requests of a kind through HTTP, over connections that are kept alive."""
    first, last = FREE if kind == "book" else HALF_BOOKED
    arguments = [
        kind,
        random.randrange(2**31),
        world.clinics,
        DOCTORS,
        world.customers,
        int(world.opening(first).timestamp()),
        last - first + 1,
        PLACES,
    ]
    command = [
        "wrk",
        "--threads=1",
        f"--connections={connections}",
        f"--duration={seconds:.0f}",
        "--timeout=30s",
        "--script",
        Path(__file__).with_name("ask.lua"),
    ]
    ran = subprocess.run(
        [*command, address, "--", *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout
    found = json.loads(ran.splitlines()[-1])
    return Result(found["made"] / found["seconds"], found["made"], found["refused"], found["broken"], found["worst"])


class Server(NamedTuple):
    address: str
    process: psutil.Process

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        return sum(process.memory_info().rss for process in [self.process, *self.process.children(recursive=True)])


@contextmanager
def serving(world: World, *, workers: int = 1) -> Generator[Server]:
    """`appoint serve` on that database, in a process of its own, as it is by default."""
    settings = {
        "APPOINT_DATABASE_URL": world.url,
        "APPOINT_DATA_DIR": str(FOLDER),
        "APPOINT_PORT": "0",
        "APPOINT_WORKERS": str(workers),
        "APPOINT_RATE_LIMITS": "false",
        "APPOINT_APPOINTMENTS_PER_CUSTOMER": "1000",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")} | settings
    with tempfile.NamedTemporaryFile("r") as log, Path(log.name).open("w") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "appoint", "serve"], stdout=output, stderr=output, env=environment
        )
        try:
            while not (ready := re.search(r"Appoint is at (\S+)", Path(log.name).read_text())):
                if started.poll() is not None:
                    sys.exit(Path(log.name).read_text())
                time.sleep(0.05)
            yield Server(ready[1], psutil.Process(started.pid))
        finally:
            started.terminate()
            started.wait()


@asynccontextmanager
async def connected(
    address: str, connections: int
) -> AsyncGenerator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Connections that are kept alive."""
    host, port = address.removeprefix("http://").split(":")
    streams = [await asyncio.open_connection(host, int(port)) for _ in range(connections)]
    try:
        yield streams
    finally:
        for _, writer in streams:
            writer.close()


async def ask(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, body: str | None = None
) -> tuple[int, float]:
    """The status of the answer, and the seconds until it was there."""
    reader, writer = stream
    began = time.perf_counter()
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body or '')}\r\n\r\n"
    writer.write(f"{head}{body or ''}".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer)[1]))
    return int(answer.split()[1]), time.perf_counter() - began


async def race(world: World, address: str, *, racers: int, rounds: int) -> list[list[tuple[int, float]]]:
    """So many customers want one and the same time, all at once: the answers that they get. Each round is about another
    time."""
    answers = []
    async with connected(address, racers) as streams:
        for number in range(rounds):
            day, place = divmod(number, PLACES)
            start = world.opening(EMPTY + day) + timedelta(minutes=place * MINUTES)
            wish = {
                "doctorId": f"{1:08x}-0000-8000-8000-{1:012x}",
                "appointmentTypeId": f"{1:08x}-0000-8000-8000-{0:012x}",
                "startTime": start.isoformat(),
            }
            bodies = [
                json.dumps({**wish, "customerId": f"00000000-0000-7000-8000-{customer:012x}"})
                for customer in range(1, racers + 1)
            ]
            answers.append(
                await asyncio.gather(
                    *(ask(stream, "/api/appointments", body) for stream, body in zip(streams, bodies, strict=True))
                )
            )
    return answers


async def kept_alive(address: str, *, requests: int) -> list[float]:
    """Seconds that requests one after the other take on one connection."""
    async with connected(address, 1) as (stream,):
        return [(await ask(stream, "/healthz"))[1] for _ in range(requests)]
