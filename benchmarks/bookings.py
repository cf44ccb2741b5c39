"""Bookings at a steady rate, for measuring other requests beside them."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

from .load import token_of
from .rush_client import Clients
from .world import DOCTORS, FREE, MINUTES, PLACES, World, customer_id


def random_booking(world: World) -> str:
    """Return the body of a request for a random clinic, doctor, customer and time."""
    clinic, customer = random.randint(1, world.clinics), random.randint(1, world.customers)
    start = world.opening(random.randint(*FREE)) + timedelta(minutes=MINUTES * random.randrange(PLACES))
    return json.dumps(
        {
            "customerId": str(customer_id(customer)),
            "customerToken": token_of(customer),
            "doctorId": f"{clinic:08x}-0000-8000-8000-{random.randint(1, DOCTORS):012x}",
            "appointmentTypeId": f"{clinic:08x}-0000-8000-8000-{0:012x}",
            "startTime": start.isoformat(),
        }
    )


@asynccontextmanager
async def booking(world: World, address: str, per_second: float) -> AsyncGenerator[Counter[int]]:
    """Book at this rate while the block runs, whether or not the server keeps up. At the end, wait for all responses.
    Yield their number so far, by status."""
    statuses, clients, is_over = Counter[int](), Clients(address), asyncio.Event()

    async def book() -> None:
        async with clients.client() as client:
            response = await client.send("POST", "/api/appointments", random_booking(world))
            statuses[response.status] += 1

    async def run() -> None:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in count():
                await asyncio.sleep(max(began + number / per_second - time.perf_counter(), 0))
                if is_over.is_set():
                    return
                group.create_task(book())

    task = asyncio.create_task(run())
    try:
        yield statuses
    finally:
        is_over.set()
        await task
        clients.close()
