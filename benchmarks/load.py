"""The server and its load: pgbench for the statement alone, wrk for HTTP, and concurrent requests for the same time."""

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
from appoint.customers.tokens import create_token
from appoint.kit import clock

from .world import DOCTORS, EMPTY, FOLDER, FREE, HALF_BOOKED, MINUTES, PLACES, World, customer, customer_id, doctor

CLIENTS = 16
SECRET_KEY = "signs the tokens that the load generators send"

# The statement's parameters. pgbench has only numbers and constants, so random values are computed from its numbers.
ID = (
    "(lpad(to_hex(:clinic::int), 8, '0') || :round || '-8' || lpad(to_hex(:client_id::int), 3, '0')"
    " || '-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid"
)
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
    "needs_code": "false",
    "origin": "null",
    "signed_in_id": "null",
    "known_since": "null",
    "step_seconds": "null",
    "step_id": "null::uuid",
    "override_reasons": "null",
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
    """Return the booking statement word for word, with values for its parameters."""
    values = [PARAMETERS[name] for name in INSERT_APPOINTMENTS.parameters]
    return re.sub(r"\$(\d+)", lambda match: values[int(match[1]) - 1], INSERT_APPOINTMENTS.text)


RANDOM = f"""
\\set n :n + 1
\\set clinic random(1, :clinics)
\\set doctor random(1, {DOCTORS})
\\set customer random(1, :customers)
\\set start :opening + random({FREE[0]}, {FREE[1]}) * 86400 + random(0, {PLACES - 1}) * {MINUTES * 60}
"""
SCRIPT = f"{RANDOM}{statement()};"
DURING = f"tstzrange({START}, {END})"
FLOOR = f"""{RANDOM}
with inserted as (
  insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, appointment_type_id, status, during,
                           claimed, price_amount, price_currency)
  values (:clinic, {ID}, {ID}, {DOCTOR}, {customer(":customer::int")}, {TYPE}, 'booked', {DURING}, {DURING}, :amount,
          :currency)
  on conflict do nothing
  returning clinic_id, id, customer_id
), new_patient as (
  insert into patient (clinic_id, customer_id) select clinic_id, customer_id from inserted on conflict do nothing
), written_event as (
  insert into event (clinic_id, type, subject_id, subject_version, data)
  select clinic_id, 'appointment.booked', id::text, 1, '{{}}' from inserted
)
insert into audit_unsealed (clinic_id, actor, action, subjects)
select clinic_id, :actor, :action, array[id::text] from inserted;
"""
"""The same rows without any check."""


class Result(NamedTuple):
    """The outcome of a load run. `rate` is successes per second."""

    rate: float
    successes: int
    refusals: int
    errors: int


def pgbench(world: World, binaries: Path, *, seconds: float, sql: str = SCRIPT) -> Result:
    """Run the statement alone, with one booking per transaction. Bookings that lose a race count as successes here."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql)
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
        output = subprocess.run(
            [*command, *defines, world.url],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PGOPTIONS": SESSION},
        ).stdout

    def number(label: str) -> float:
        return float(re.search(rf"{label}\D*([\d.]+)", output)[1])

    return Result(number("tps ="), int(number("actually processed:")), 0, int(number("failed transactions:")))


def wrk(world: World, address: str, kind: str, *, connections: int, seconds: float) -> Result:
    """Send requests of one kind over kept-alive connections."""
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
    with tempfile.NamedTemporaryFile("w") as tokens:
        if kind == "book":
            tokens.writelines(f"{token_of(number)}\n" for number in range(1, world.customers + 1))
            tokens.flush()
        command = [
            "wrk",
            "--threads=1",
            f"--connections={connections}",
            f"--duration={seconds:.0f}",
            "--timeout=30s",
            "--script",
            Path(__file__).with_name("requests.lua"),
        ]
        output = subprocess.run(
            [*command, address, "--", *map(str, arguments), tokens.name], check=True, capture_output=True, text=True
        ).stdout
    result = json.loads(output.splitlines()[-1])
    successes = result["successes"]
    return Result(successes / result["seconds"], successes, result["refusals"], result["errors"])


def token_of(number: int) -> str:
    """Return the token from a customer's registration, which is needed to book for them."""
    return create_token(SECRET_KEY, customer_id(number), now=clock.now())


class Server(NamedTuple):
    address: str
    process: psutil.Process

    def memory(self) -> int:
        """Return the resident memory of all processes, in bytes."""
        return sum(process.memory_info().rss for process in [self.process, *self.process.children(recursive=True)])


@contextmanager
def serving(world: World, *, workers: int = 1, gathers: bool = True, **changes: str) -> Generator[Server]:
    """Run `appoint serve` with its defaults, in development mode, on the data set."""
    settings = {
        "APPOINT_MODE": "development",
        "APPOINT_DATABASE_URL": world.url,
        "APPOINT_DATA_DIR": str(FOLDER),
        "APPOINT_PORT": "0",
        "APPOINT_WORKERS": str(workers),
        "APPOINT_RATE_LIMITS": "false",
        "APPOINT_GATHER_BOOKINGS": str(gathers),
        "APPOINT_SECRET_KEY": SECRET_KEY,
        "APPOINT_APPOINTMENTS_PER_CUSTOMER": "1000",
        "APPOINT_QUEUE": "never",
        **changes,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")} | settings
    with tempfile.NamedTemporaryFile("r") as log, Path(log.name).open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "appoint", "serve"], stdout=output, stderr=output, env=environment
        )
        try:
            while not (ready := re.search(r"Appoint is at (\S+)", Path(log.name).read_text())):
                if process.poll() is not None:
                    sys.exit(Path(log.name).read_text())
                time.sleep(0.05)
            yield Server(ready[1], psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


@asynccontextmanager
async def connections_to(
    address: str, connections: int
) -> AsyncGenerator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Open connections to the server."""
    host, port = address.removeprefix("http://").split(":")
    streams = [await asyncio.open_connection(host, int(port)) for _ in range(connections)]
    try:
        yield streams
    finally:
        for _, writer in streams:
            writer.close()


async def send(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, body: str | None = None
) -> tuple[int, float]:
    """Send a request. Return the response's status and how many seconds it took to arrive."""
    reader, writer = stream
    start = time.perf_counter()
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Content-Length: {len(body or '')}",
        "",
        body or "",
    ]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
    return int(head.split()[1]), time.perf_counter() - start


async def race(world: World, address: str, *, racers: int, rounds: int) -> list[list[tuple[int, float]]]:
    """In each round, send simultaneous requests from several customers for the same appointment time, which is
    different in every round. Return each response's status and how many seconds it took.
    """
    responses = []
    async with connections_to(address, racers) as streams:
        for number in range(rounds):
            day, place = divmod(number, PLACES)
            start = world.opening(EMPTY + day) + timedelta(minutes=place * MINUTES)
            request = {
                "doctorId": f"{1:08x}-0000-8000-8000-{1:012x}",
                "appointmentTypeId": f"{1:08x}-0000-8000-8000-{0:012x}",
                "startTime": start.isoformat(),
            }
            bodies = [
                json.dumps({**request, "customerId": str(customer_id(number)), "customerToken": token_of(number)})
                for number in range(1, racers + 1)
            ]
            responses.append(
                await asyncio.gather(
                    *(send(stream, "/api/appointments", body) for stream, body in zip(streams, bodies, strict=True))
                )
            )
    return responses


async def times_on_one_connection(address: str, *, requests: int) -> list[float]:
    """Send requests one after another, and return how many seconds each takes."""
    async with connections_to(address, 1) as (stream,):
        return [(await send(stream, "/healthz"))[1] for _ in range(requests)]
