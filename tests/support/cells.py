"""Two cells in one process, with a network between them that can be slow or cut."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
from litestar import Litestar

from appoint.clinics.cells import gateway, jobs, service
from appoint.clinics.cells.model import Cell
from appoint.clinics.cells.network import Cells
from appoint.customers.copies import jobs as copy_jobs
from appoint.customers.copies import service as copies
from appoint.database.pool import ACROSS, Database, connect
from appoint.events.service import relay
from appoint.kit import clock
from appoint.kit.ids import clinic_of
from appoint.server import app as application
from support import run_clock
from support.app import ADMIN, TOKEN, connected_client, settings
from support.database import copy_template, drop, execute
from support.hours import COMING_MONDAY, hours, put_weekly_hours

CELLS: Final = (Cell(0, "south", "http://south.local"), Cell(1, "north", "http://north.local"))
SECRET: Final = "signs requests between the cells in tests"


class Network(httpx2.AsyncBaseTransport):
    """Delivers requests to the cell that their host names. It notes them."""

    def __init__(self) -> None:
        self.apps: dict[str, httpx2.ASGITransport] = {}
        self.seconds = 0.0
        """How long a request takes to arrive and its response to return, together."""
        self.down: set[str] = set()
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        await asyncio.sleep(self.seconds)
        if request.url.host in self.down:
            raise httpx2.ConnectError("down")
        return await self.apps[request.url.host].handle_async_request(request)

    @contextmanager
    def without(self, cell: str) -> Iterator[None]:
        """Cut the cell off while the block runs."""
        self.down.add(f"{cell}.local")
        try:
            yield
        finally:
            self.down.clear()


class RunningCell:
    """A cell with clients that call it directly."""

    def __init__(self, cell: Cell, app: Litestar, db: Database, url: str) -> None:
        self.cell: Final = cell
        self.app: Final = app
        self.db: Final = db
        """Its database, as its worker uses it."""
        self.url: Final = url
        """Its database's owner's URL."""
        self.client: Final = self.connect()

    def connect(self, **options: Any) -> httpx2.AsyncClient:
        return connected_client(self.app, base_url=self.cell.url, **options)

    @property
    def cells(self) -> Cells:
        return self.app.state.services.get(Cells)

    async def work(self) -> None:
        """Relay events, and send customers' changes to the other cells."""
        await relay(self.db, [copies.mark_due], now=clock.now())
        await copy_jobs.send_changes(self.db, self.cells.gateway)

    async def follow(self) -> None:
        """Learn about the other cells' clinics now, instead of within seconds."""
        await jobs.follow(self.db, self.cells.gateway, now=clock.now())
        await self.cells.table.refresh()
        self.cells.gateway._paused_until.clear()


class TwoCells:
    def __init__(self, south: RunningCell, north: RunningCell, network: Network) -> None:
        self.south: Final = south
        self.north: Final = north
        self.network: Final = network

    async def follow(self) -> None:
        await asyncio.gather(self.south.follow(), self.north.follow())


@asynccontextmanager
async def two_cells(server_url: str, prefix: str, **changes: Any) -> AsyncIterator[TwoCells]:
    """Run two cells with databases of their own, whose names begin with the prefix."""
    network, running = Network(), list[RunningCell]()
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(gateway, "CellGateway", partial(gateway.CellGateway, transport=network))
        for cell in CELLS:
            url = await copy_template(server_url, f"{prefix}_{cell.name}")
            stack.push_async_callback(drop, url)
            await run_clock.shift_database(url)
            await execute(url, "alter table clinic alter column confirm_address set default 'never'")
            owner = connect(url, size=1, wait_seconds=10, statement_seconds=60)
            for each in CELLS:
                await owner.atomic(service.add, each, own_name=cell.name)
            await owner.close()
            db = connect(url, size=2, wait_seconds=10, statement_seconds=60, role=ACROSS)
            stack.push_async_callback(db.close)
            chosen = settings(cell=cell.name, cell_secret=SECRET, public_url=cell.url, **changes)
            app = application.create(chosen, database_url=url, admin_token=TOKEN, connect=connect)
            await stack.enter_async_context(app.lifespan())
            network.apps[f"{cell.name}.local"] = httpx2.ASGITransport(app, client=("192.0.2.1", 1))
            running.append(RunningCell(cell, app, db, url))
        yield TwoCells(*running, network)


async def open_monday(client: httpx2.AsyncClient, doctor_id: str, *spans: str) -> None:
    """Set a doctor's hours on Mondays, and publish them for the coming one."""
    await put_weekly_hours(client, doctor_id, monday=hours(*spans))
    day = str(COMING_MONDAY)
    body = {"clinicId": clinic_of(UUID(doctor_id)), "from": day, "to": day, "doctorId": doctor_id}
    response = await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    assert response.json()["created"], response.text
