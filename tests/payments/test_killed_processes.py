"""Servers and workers that are killed (-9) while people pay. Each payment leads to a booking or a refund, and none is
made twice. A booking has its coupon.
"""

import asyncio
import random
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from appoint.kit import clock
from appoint.payments.coupons import desk
from support.app import ADMIN, settings
from support.database import wait_for_lock
from support.deposits import create_paid_practice, hold, pay_path, settle_everything, unbooked_or_overpaid
from support.manage_links import times_at
from support.processes import Process, appoint, eventually_async, free_port
from support.scale import scaled
from support.world import create_customer

KILLS = 6
"""How many processes each run kills at most."""
APPOINTMENTS = 5
SECRET_KEY = settings().secret_key.get_secret_value()
"""The processes accept the links that the test's own application signs."""
WAITS_FOR_COUPON = """
select count(*) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and query ~ 'update coupon_use'
"""
HAS_NO_TRANSACTION = """
select count(*) = 0 from pg_stat_activity
 where datname = current_database() and query ~ 'update coupon_use' and state <> 'idle' and pid <> pg_backend_pid()
"""


class Site:
    """A server and a worker on a database that the test shares. Killed processes are started again."""

    def __init__(self, stack: ExitStack, database_url: str, choice: random.Random) -> None:
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.choice = choice
        self.kills = 0
        self.start = lambda command: stack.enter_context(
            appoint(command, database_url=database_url, port=port, secret_key=SECRET_KEY, log_level="error")
        )
        self.processes: dict[str, Process] = {command: self.start(command) for command in ("serve", "worker")}

    def kill(self, command: str) -> None:
        self.processes[command].popen.kill()
        self.processes[command].popen.wait()
        self.processes[command] = self.start(command)

    async def press_on(self, http: httpx2.AsyncClient, method: str, url: str, **form: str) -> httpx2.Response:
        """Send a request until a server lives long enough to answer it. Some requests kill one of the processes."""
        while True:
            request = asyncio.create_task(http.request(method, url, data=form or None))
            if self.kills < KILLS and self.choice.random() < 0.7:
                self.kills += 1
                await asyncio.sleep(self.choice.uniform(0, 0.05))
                self.kill(self.choice.choice(["serve", "serve", "worker"]))
            try:
                response = await request
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code < 500:
                return response

    async def pay(self, appointment: dict[str, str]) -> None:
        """Pay a deposit as a patient in a browser would. Some load the page that the provider returns them to."""
        async with httpx2.AsyncClient(base_url=self.base_url, timeout=30) as http:
            page = await self.press_on(http, "POST", pay_path(appointment))
            assert page.status_code == 303, page.text
            delivery = self.choice.choice(["prompt", "twice", "reordered", "lost"])
            paid = await self.press_on(http, "POST", page.headers["Location"], action="pay", delivery=delivery)
            # Others close the browser, or have already paid and lost the response.
            if "Location" in paid.headers and self.choice.random() < 0.5:
                await self.press_on(http, "GET", paid.headers["Location"])


@pytest.mark.parametrize("seed", range(scaled(40, 1)))
async def test_payments_survive_killed_servers_and_workers(client, db, database_url, seed):
    practice = await create_paid_practice(db, client)
    appointments = [
        await hold(client, practice, hours, customerId=await create_customer(client)) for hours in range(APPOINTMENTS)
    ]
    with ExitStack() as stack:
        site = Site(stack, database_url, random.Random(seed))
        await asyncio.gather(*(site.pay(appointment) for appointment in appointments))
        for process in site.processes.values():
            process.popen.kill()
    await settle_everything(db, client, now=clock.now())
    assert site.kills > KILLS // 2
    assert await unbooked_or_overpaid(db, appointments) == []


async def test_a_server_killed_before_a_booking_gets_its_coupon_books_nothing(client, db, database_url):
    practice = await create_paid_practice(db, client)
    response = await client.post("/api/clinics/1/coupons", json={"code": "SPRING", "percent": 10}, headers=ADMIN)
    assert response.status_code == 201, response.text
    body = {**practice, "startTime": times_at(0)["startTime"], "coupon": "SPRING"}
    headers = ADMIN | {"Idempotency-Key": "spring"}
    with ExitStack() as stack:
        site = Site(stack, database_url, random.Random(0))
        site.kills = KILLS  # so that only this test kills the server
        async with httpx2.AsyncClient(base_url=site.base_url, timeout=30, headers=headers) as http:
            await site.press_on(http, "GET", "/healthz")
            async with db.connection() as booking_lock, db.connection() as coupon_lock:
                await booking_lock.execute("begin; select from doctor for update")
                request = asyncio.create_task(http.post("/api/appointments", json=body))
                await eventually_async(lambda: db.fetchval("select count(*) from coupon_use"))
                await wait_for_lock(db)
                await coupon_lock.execute("begin; select from coupon_use for update")
                await booking_lock.execute("commit")
                await eventually_async(lambda: db.fetchval(WAITS_FOR_COUPON))
                site.kill("serve")
                await coupon_lock.execute("commit")
            with pytest.raises(httpx2.TransportError):
                await request
            await eventually_async(lambda: db.fetchval(HAS_NO_TRANSACTION))
            appointments_of_killed = await db.fetchval("select count(*) from appointment")
            await site.press_on(http, "GET", "/healthz")
            response = await http.post("/api/appointments", json=body)
    assert (appointments_of_killed, response.status_code) == (0, 201), response.text
    await desk.release_expired(db, now=clock.now() + timedelta(minutes=10))
    uses = await db.fetch("select appointment_id from coupon_use where released_at is null")
    assert [use.appointment_id for use in uses] == [UUID(response.json()["id"])]
