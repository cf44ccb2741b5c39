"""Load the board, and notify listeners of changes."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from ...clinics.catalogue import service as catalogues
from ...database.pool import Database, Statements
from ...kit import clock, errors
from ...kit.cache import ClinicCache
from . import repository
from .model import Board, BoardAppointment, BoardDoctor, Stretch, busy, offset

log = structlog.get_logger()

MAX_APPOINTMENTS: Final = 3000
POLL_SECONDS: Final = 1.0
LATE_SECONDS: Final = 5.0
"""After a gap this long between two polls, notify all listeners."""
LOOK_BACK: Final = timedelta(seconds=60)
"""The longest delay between the creation of an event and its commit: longer than any request lasts."""


async def board(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    first: date,
    last: date,
    doctor_ids: Sequence[UUID] | None,
    now: datetime,
) -> Board:
    """Return the clinic's days, both inclusive, of the given doctors or all, in two statements. Raise `NotFound`."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    booked = await repository.appointments(
        db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids, most=MAX_APPOINTMENTS
    )
    hours = await repository.times(db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids)
    appointments = [BoardAppointment.of(row, catalogue.time_zone) for row in booked]
    times = [Stretch.of(row, catalogue.time_zone) for row in hours]
    there = busy(appointments, times)
    return Board(
        first=first,
        last=last,
        today=clock.local_date(now, catalogue.time_zone),
        time_zone=catalogue.time_zone,
        offset=offset(now, catalogue.time_zone),
        doctors=sorted(
            (
                BoardDoctor(doctor.id, doctor.name, doctor.specialty, doctor.active)
                for doctor in catalogue.doctors.values()
                if doctor.id in there
            ),
            key=lambda doctor: doctor.name,
        ),
        appointments=appointments,
        times=times,
    )


class Listener:
    """A subscriber to changes at a clinic."""

    def __init__(self, clinic_id: int, who: str) -> None:
        self.clinic_id: Final = clinic_id
        self.who: Final = who
        self.told = self.ended = False
        self._types: set[str] = set()
        self._woken = asyncio.Event()

    def tell(self, types: set[str]) -> None:
        self.told = True
        self._types |= types
        self._woken.set()

    def end(self) -> None:
        """End the subscription immediately."""
        self.ended = True
        self._woken.set()

    async def next(self, seconds: float) -> list[str] | None:
        """Wait for a change and return its event types, or None after so many seconds without one."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return None
        self._woken.clear()
        types, self._types = self._types, set()
        return sorted(types)


class Changes:
    """Polls once a second for changes at the clinics that have listeners, for all listeners of the process together, and
    only while there are any.

    Each new listener is notified once, so that a page loaded afterwards misses no change.
    """

    def __init__(self, db: Database) -> None:
        self._db: Final = db
        self._listeners: Final[set[Listener]] = set()
        self._looking: asyncio.Task[None] | None = None

    def count(self, who: str) -> int:
        return sum(listener.who == who for listener in self._listeners)

    @contextmanager
    def listening(self, clinic_id: int, who: str) -> Generator[Listener]:
        listener = Listener(clinic_id, who)
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="changes")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def _look(self) -> None:
        known: set[UUID] = set()
        looked = float("-inf")
        time = asyncio.get_running_loop().time
        try:
            while self._listeners:
                listeners = list(self._listeners)
                try:
                    rows = await repository.changes(
                        self._db, clinic_ids=sorted({each.clinic_id for each in listeners}), back=LOOK_BACK
                    )
                except errors.Unavailable:
                    log.warning("cannot read changes")
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                new: dict[int, set[str]] = {}
                for row in rows:
                    if row.id not in known:
                        new.setdefault(row.clinic_id, set()).add(row.type)
                known = {row.id for row in rows}
                late, looked = time() - looked > LATE_SECONDS, time()
                for listener in listeners:
                    if late or not listener.told or listener.clinic_id in new:
                        listener.tell(new.get(listener.clinic_id, set()))
                await asyncio.sleep(POLL_SECONDS)
        finally:  # also after a bug: listeners reconnect
            for listener in self._listeners:
                listener.end()
