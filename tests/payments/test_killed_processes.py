"""Servers and workers that are killed (-9) while people pay. Each payment leads to a booking or a refund, and none is
made twice.
"""

import asyncio
import random
from contextlib import ExitStack

import httpx2
import pytest

from appoint.kit import clock
from support.app import settings
from support.deposits import create_paid_practice, hold, pay_path, settle_everything, unbooked_or_overpaid
from support.processes import Process, appoint, free_port
from support.scale import scaled
from support.world import create_customer

KILLS = 6
"""How many processes each run kills at most."""
APPOINTMENTS = 5
SECRET_KEY = settings().secret_key.get_secret_value()
"""The processes accept the links that the test's own application signs."""


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

    def kill(self) -> None:
        command = self.choice.choice(["serve", "serve", "worker"])
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
                self.kill()
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
