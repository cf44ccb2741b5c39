"""Queues for tests, which advance only when a test says so."""

from contextlib import asynccontextmanager

import httpx2

from appoint.clinics.queues import line, tickets
from appoint.clinics.queues.line import Queues
from support.app import ADMIN, client_of, composed
from support.world import create_clinic

SECRET = "signs links in tests"
NAME = "__Host-appoint-queue-{}"


@asynccontextmanager
async def queue_client(database_url, monkeypatch, *, mode="manual", **settings):
    """Yield a client for an application whose queues advance only when a test calls `advance`."""
    monkeypatch.setattr(line, "TICK_SECONDS", 3600)
    async with client_of(composed(database_url, queue=mode, **settings)) as client:
        client.queues = client._transport.app.state.services.get(Queues)
        yield client


async def create_queue(client, **members):
    """Create a clinic and open its queue."""
    clinic_id = await create_clinic(client, slug="lakeside", **members)
    await change_queue(client, clinic_id, open=True)
    return clinic_id


async def change_queue(client, clinic_id=1, **change):
    response = await client.patch(f"/api/clinics/{clinic_id}/queue", json=change, headers=ADMIN)
    assert response.status_code == 200, response.text
    return response.json()


class SteadyClock:
    """The clock that queues measure time with, which moves only when a test says so."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(line, "monotonic", lambda: self.now)

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Visitor:
    """A browser with its own cookies. Test clients don't send our cookies, because those are only for TLS."""

    def __init__(self, client: httpx2.AsyncClient, **headers: str) -> None:
        self.client = client
        self.headers = headers
        self.cookies: dict[str, str] = {}

    async def get(self, path="/c/lakeside", **options):
        return await self.request("GET", path, **options)

    async def request(self, method, path, *, headers=None, **options):
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(method, path, headers=sent, **options)
        for cookie in response.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def ticket(self, clinic_id=1):
        """Return the visitor's ticket or pass, if they have one."""
        value = self.cookies.get(NAME.format(clinic_id))
        return value and tickets.decode(SECRET, clinic_id, value)


def waits(response) -> bool:
    """Return whether the response is the queue's page."""
    return response.status_code == 200 and "refresh" in response.headers
