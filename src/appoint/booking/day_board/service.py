"""Load the board and notify listeners of changes."""

import asyncio
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from ...clinics.catalogue import service as catalogues
from ...customers.model import SearchTerms
from ...database.pool import Database, Statements
from ...kit import clock, errors
from ...kit.cache import ClinicCache
from . import repository
from .model import (
    Board,
    BoardAppointment,
    BoardChange,
    BoardDoctor,
    BoardRange,
    TypeChoice,
    WaitingCount,
    appearances,
    doctors_on_board,
    utc_offset,
)

log = structlog.get_logger()

MAX_APPOINTMENTS: Final = 3000
MAX_DAYS_TO_OPEN_DAY: Final = 31
"""How many days ahead a closed day's page looks for a day with hours."""
POLL_SECONDS: Final = 1.0
MAX_POLL_GAP_SECONDS: Final = 5.0
"""If two polls are further apart than this, all listeners are notified."""
MAX_COMMIT_DELAY: Final = timedelta(seconds=60)
"""The longest time between an event's creation and its commit: longer than any request takes."""


async def load_board(
    db: Statements,
    cache: ClinicCache,
    *,
    clinic_id: int,
    first: date,
    last: date,
    doctor_ids: Sequence[UUID] | None,
    now: datetime,
) -> Board:
    """Return the clinic's board from `first` to `last` (inclusive), for the given doctors or for all of them, in two
    statements. Raise `NotFound` for an unknown clinic."""
    catalogue = await catalogues.get(db, cache, clinic_id)
    stored_appointments = await repository.list_appointments(
        db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids, limit=MAX_APPOINTMENTS
    )
    stored_times = await repository.list_times(db, clinic_id=clinic_id, first=first, last=last, doctor_ids=doctor_ids)
    appearance_of = appearances(catalogue.types.values())
    appointments = [
        BoardAppointment.of(stored, catalogue.time_zone, now, stored.type_id and appearance_of.get(stored.type_id))
        for stored in stored_appointments
    ]
    times = [BoardRange.of(stored, catalogue.time_zone) for stored in stored_times]
    on_board = doctors_on_board(appointments, times)
    doctors = [
        BoardDoctor(doctor.id, doctor.name, doctor.specialty, doctor.active, doctor.portrait_hash)
        for doctor in catalogue.doctors.values()
        if doctor.id in on_board
    ]
    return Board(
        first=first,
        last=last,
        today=clock.local_date(now, catalogue.time_zone),
        time_zone=catalogue.time_zone,
        offset=utc_offset(now, catalogue.time_zone),
        doctors=sorted(doctors, key=lambda doctor: doctor.name),
        appointments=appointments,
        times=times,
        waiting=WaitingCount.of(appointments),
    )


async def find_next_open_day(
    db: Statements, *, clinic_id: int, after: date, doctor_ids: Sequence[UUID] | None
) -> date | None:
    """Return the next local date on which one of the doctors has hours, or None if it is too far away."""
    last = after + timedelta(days=MAX_DAYS_TO_OPEN_DAY)
    return await repository.find_next_open_day(db, clinic_id=clinic_id, after=after, last=last, doctor_ids=doctor_ids)


async def list_types(db: Statements, *, clinic_id: int) -> list[TypeChoice]:
    """Return the active appointment types, in the clinic's order."""
    return await repository.list_types(db, clinic_id=clinic_id)


async def search(
    db: Statements,
    *,
    clinic_id: int,
    terms: SearchTerms,
    doctor_ids: Sequence[UUID] | None,
    time_zone: str,
    now: datetime,
    limit: int,
) -> list[BoardAppointment]:
    """Return matching patients' appointments: first upcoming ones, soonest first, then past ones, latest first."""
    appointments = await repository.find_by_patient(
        db, clinic_id=clinic_id, terms=terms, doctor_ids=doctor_ids, now=now, limit=limit
    )
    return [BoardAppointment.of(appointment, time_zone, now) for appointment in appointments]


class Listener:
    """A subscriber to changes at a clinic. `key` identifies the caller."""

    def __init__(self, clinic_id: int, key: str) -> None:
        self.clinic_id: Final = clinic_id
        self.key: Final = key
        self.was_notified = self.ended = False
        self._types: set[str] = set()
        self._wake_up = asyncio.Event()

    def notify(self, types: Iterable[str]) -> None:
        self.was_notified = True
        self._types.update(types)
        self._wake_up.set()

    def end(self) -> None:
        """End the subscription immediately."""
        self.ended = True
        self._wake_up.set()

    async def next(self, seconds: float) -> list[str] | None:
        """Wait for a change and return its event types, or None if there is none within that many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake_up.wait()
        except TimeoutError:
            return None
        self._wake_up.clear()
        types, self._types = self._types, set()
        return sorted(types)


class Changes:
    """Polls the database once a second for changes at clinics that have listeners. All of the process's listeners share
    one poll, and polling stops when there are none.

    Notifies each new listener once, so that a page loaded afterwards does not miss any changes.
    """

    def __init__(self, db: Database) -> None:
        self._db: Final = db
        self._listeners: Final[set[Listener]] = set()
        self._task: asyncio.Task[None] | None = None

    def count(self, key: str) -> int:
        """Return how many listeners a caller has."""
        return sum(listener.key == key for listener in self._listeners)

    @contextmanager
    def listening(self, clinic_id: int, key: str) -> Generator[Listener]:
        listener = Listener(clinic_id, key)
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll(), name="changes")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _poll(self) -> None:
        previous_ids: set[UUID] = set()
        last_poll = float("-inf")
        time = asyncio.get_running_loop().time
        try:
            while self._listeners:
                listeners = list(self._listeners)
                try:
                    changes = await self._read(listeners)
                except errors.Unavailable:
                    log.warning("cannot read changes")
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                types = _types_by_clinic(change for change in changes if change.id not in previous_ids)
                previous_ids = {change.id for change in changes}
                is_late, last_poll = time() - last_poll > MAX_POLL_GAP_SECONDS, time()
                for listener in listeners:
                    if is_late or not listener.was_notified or listener.clinic_id in types:
                        listener.notify(types.get(listener.clinic_id, ()))
                await asyncio.sleep(POLL_SECONDS)
        finally:  # even after a bug, so that listeners reconnect
            for listener in self._listeners:
                listener.end()

    async def _read(self, listeners: Iterable[Listener]) -> list[BoardChange]:
        clinic_ids = sorted({listener.clinic_id for listener in listeners})
        return await repository.list_changes(self._db, clinic_ids=clinic_ids, back=MAX_COMMIT_DELAY)


def _types_by_clinic(changes: Iterable[BoardChange]) -> dict[int, set[str]]:
    types: dict[int, set[str]] = {}
    for change in changes:
        types.setdefault(change.clinic_id, set()).add(change.type)
    return types
