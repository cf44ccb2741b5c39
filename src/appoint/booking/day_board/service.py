"""What a board shows, and who is told that it has changed."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from ...clinics.catalogue import service as catalogue
from ...database.pool import Database, Statements
from ...kit import clock, errors
from ...kit.cache import ClinicCache
from . import repository
from .model import Board, BoardAppointment, BoardDoctor, Stretch, busy, offset

log = structlog.get_logger()

MOST_APPOINTMENTS: Final = 3000
POLL_SECONDS: Final = 1.0
LATE_SECONDS: Final = 5.0
"""After so long without a look everybody is told to look for themselves."""
LOOK_BACK: Final = timedelta(seconds=60)
"""How much later than it was made an event may be committed: longer than any request lasts."""


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
    """The clinic's days, both inclusive, of the doctors named or all. Two statements, however many there are of
    whatever. Raises `NotFound`."""
    book = await catalogue.get(db, cache, clinic_id)
    booked = await repository.appointments(
        db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids, most=MOST_APPOINTMENTS
    )
    hours = await repository.times(db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids)
    appointments = [BoardAppointment.of(row, book.time_zone) for row in booked]
    times = [Stretch.of(row, book.time_zone) for row in hours]
    there = busy(appointments, times)
    return Board(
        first=first,
        last=last,
        today=clock.local_date(now, book.time_zone),
        time_zone=book.time_zone,
        offset=offset(now, book.time_zone),
        doctors=sorted(
            (
                BoardDoctor(doctor.id, doctor.name, doctor.specialty, doctor.active)
                for doctor in book.doctors.values()
                if doctor.id in there
            ),
            key=lambda doctor: doctor.name,
        ),
        appointments=appointments,
        times=times,
    )


class Listener:
    """Somebody who wants to know when anything changes at a clinic."""

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
        """Stop listening, at once."""
        self.ended = True
        self._woken.set()

    async def next(self, seconds: float) -> list[str] | None:
        """What has changed, as types of events; None when nothing has for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return None
        self._woken.clear()
        types, self._types = self._types, set()
        return sorted(types)


class Changes:
    """Looks every second for what has changed at the clinics that somebody listens to, for all listeners of the process
    together, and only while there are any.

    A listener is told once at first: whatever was read after that is never older than what is told next.
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
                    log.warning("changes cannot be looked for")
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
        finally:  # also after a bug: they come again
            for listener in self._listeners:
                listener.end()
