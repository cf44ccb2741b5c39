"""The homes of all clinics, as one server process knows them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog

from ...database.pool import Database
from ...kit import tasks
from ...kit.ids import minted_in
from . import repository
from .model import Cell, ClinicHome

log = structlog.get_logger()

REFRESH_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 5.0


class RoutingTable:
    """The cells and the clinics' homes, read from the database once a second, so that routing a request needs no
    statement. While the database is unreachable, the last known table stays in use."""

    def __init__(self, db: Database, name: str) -> None:
        """`name` is this cell's."""
        self._db: Final = db
        self.name: Final = name
        self.own: Cell | None = None
        """This cell, once it has been added."""
        self._cells: dict[int, Cell] = {}
        self._homes: dict[int, ClinicHome] = {}
        self._by_slug: dict[str, int] = {}
        self._since: datetime | None = None
        self._failing = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the table current while the block runs."""
        await self._try_refresh()
        task = asyncio.create_task(self._run(), name="routing-table")
        try:
            yield
        finally:
            await tasks.cancel(task)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._try_refresh()

    async def _try_refresh(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self.refresh()
            self._failing = False
        except Exception as error:  # noqa: BLE001  requests still have to be routed
            if not self._failing:
                log.warning("routing table not refreshed", error=type(error).__name__)
            self._failing = True

    async def refresh(self) -> None:
        """Read the cells, and the homes that have changed since the last time."""
        cells = await repository.list_cells(self._db)
        homes, self._since = await repository.list_homes(self._db, since=self._since)
        was_added = self.own is not None
        self._cells = {cell.number: cell for cell in cells}
        self.own = next((cell for cell in cells if cell.name == self.name), None)
        if self.own is None and (was_added or not self._failing):
            log.warning("this cell is missing: add it with `appoint cell add`", cell=self.name)
            self._failing = True
        self._learn(homes)

    def _learn(self, homes: Sequence[ClinicHome]) -> None:
        for home in homes:
            before = self._homes.get(home.clinic_id)
            if before and before.slug and self._by_slug.get(before.slug) == home.clinic_id:
                del self._by_slug[before.slug]
            self._homes[home.clinic_id] = home
        for home in homes:  # if two cells use a slug at the same time, the older clinic keeps it
            if home.slug and self._by_slug.get(home.slug, home.clinic_id) >= home.clinic_id:
                self._by_slug[home.slug] = home.clinic_id

    @property
    def others(self) -> list[Cell]:
        """The other cells, if this one has been added."""
        return [cell for cell in self._cells.values() if cell != self.own] if self.own else []

    def cell_of(self, clinic_id: int) -> Cell | None:
        """Return the other cell in which the clinic is at home, or None if it is at home here or in no known cell."""
        home = self._homes.get(clinic_id)
        cell = self._cells.get(home.cell if home else minted_in(clinic_id))
        return cell if self.own and cell != self.own else None

    def find_slug(self, slug: str) -> int | None:
        """Return the clinic in another cell that has the slug, or None."""
        clinic_id = self._by_slug.get(slug)
        return clinic_id if clinic_id and self.cell_of(clinic_id) else None

    def find_cell(self, name: str) -> Cell | None:
        """Return the other cell with this name."""
        return next((cell for cell in self.others if cell.name == name), None)
