"""Far more bookings than times: each time goes to exactly one of them, and every request gets a response."""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from appoint.customers.tokens import create_token
from appoint.kit import clock
from support.app import ADMIN
from support.processes import appoint
from support.races import DAY, VIOLATIONS
from support.scale import scaled

ATTEMPTS = scaled(1_000_000, 800)
DOCTORS, DAYS = scaled((10, 10), (2, 1))
TIMES = DOCTORS * DAYS * 20
CONNECTIONS = 64
"""Each sends one request after another."""
CONTENDED = scaled(48, 12)
"""The number of times that the requests under way compete for."""
SECRET_KEY = "signs the tokens in this test"
MINUTES = 30

SETUP = f"""
with clinic as (
  insert into clinic (name, time_zone, confirm_address) values ('Lakeside', 'UTC', 'never') returning id
), doctor as (
  insert into doctor (clinic_id, id, name)
  select id, mint_id(id), 'Dr ' || n from clinic, generate_series(1, {DOCTORS}) as n
  returning clinic_id, id
)
insert into booking_slot (clinic_id, id, doctor_id, date, during)
select clinic_id, mint_id(clinic_id), id, start::date, tstzrange(start, start + interval '10 hours')
  from doctor,
       generate_series($1::timestamptz, $1::timestamptz + interval '{DAYS - 1} days', interval '1 day') as start
returning doctor_id, lower(during) as opens_at
"""


@pytest.fixture
def server(database_url: str) -> Iterator[str]:
    with appoint("serve", database_url=database_url, secret_key=SECRET_KEY, log_level="warning") as process:
        yield process.url
    assert "bug" not in process.output
    assert "deadlock" not in process.output


async def send(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: str, headers: dict[str, str]) -> str:
    """Book an appointment. Return the status, or the reason for a refusal."""
    reader, writer = stream
    headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = ["POST /api/appointments HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length, head
    response = await reader.readexactly(int(length[1]))
    status = head.split()[1].decode()
    return json.loads(response)["type"].removeprefix("/problems/") if status == "409" else status


async def test_every_contested_time_is_booked_exactly_once(db, server):
    """Half of the requests are from staff, and half from strangers."""
    slots = await db.fetch(SETUP, DAY)
    times = sorted(
        (slot.opens_at + timedelta(minutes=MINUTES * number), str(slot.doctor_id))
        for slot in slots
        for number in range(TIMES // len(slots))
    )
    rows = await db.fetch(
        "insert into customer (name) select 'Customer ' || n from generate_series(1, $1) as n returning id", 2 * TIMES
    )
    customers = [(str(row.id), create_token(SECRET_KEY, row.id, now=clock.now())) for row in rows]
    dice, attempts, outcomes = random.Random(1), iter(range(ATTEMPTS)), Counter[str]()

    async def book_one_after_another() -> None:
        host, port = urlsplit(server).netloc.split(":")
        stream = await asyncio.open_connection(host, int(port))
        for number in attempts:
            first = number * (TIMES + CONTENDED) // ATTEMPTS - CONTENDED
            start, doctor = times[min(max(first + dice.randrange(CONTENDED), 0), TIMES - 1)]
            customer, token = dice.choice(customers)
            request = {
                "doctorId": doctor,
                "customerId": customer,
                "startTime": start.isoformat(),
                "endTime": (start + timedelta(minutes=MINUTES)).isoformat(),
            }
            is_staff = number % 2 == 0
            body = json.dumps(request if is_staff else {**request, "customerToken": token})
            outcomes[await send(stream, body, ADMIN if is_staff else {})] += 1
        stream[1].close()

    await asyncio.gather(*(book_one_after_another() for _ in range(CONNECTIONS)))
    assert outcomes["201"] == TIMES == await db.fetchval("select count(*) from appointment")
    assert outcomes.total() == ATTEMPTS
    assert set(outcomes) <= {"201", "taken", "customer-busy", "too-many-appointments"}
    assert await db.fetchval(VIOLATIONS) == 0
