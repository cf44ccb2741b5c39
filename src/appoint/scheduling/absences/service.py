"""A doctor is away, a clinic is closed; and is back, or open again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from ... import audit
from ...booking.availability import repository as availability
from ...booking.availability.model import OfferedTime, Terms, nearest, starts
from ...booking.availability.service import LONGEST_BUFFER
from ...booking.rules import buffers
from ...clinics.catalogue import repository as catalogues
from ...clinics.catalogue.model import Length
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...database.pool import Row, Statements, Transaction
from ...kit import clock, errors
from ...kit.actors import Actor
from ..hours_changes import repository as hours
from ..slots import repository as slots
from . import repository
from .model import Absence, AbsenceContent, Away, WayOut

A_DAY = timedelta(hours=25)
"""The longest there is."""
AROUND: Final = timedelta(days=14)
"""How far from an appointment's own date another time is looked for."""
LONGEST_LOOK: Final = timedelta(days=120)
MOST_WAYS: Final = 3


async def get(db: Statements, absence_id: UUID) -> Absence:
    """Raises `NotFound`."""
    if absence := await repository.find(db, absence_id):
        return absence
    raise errors.NotFound


async def add(
    tx: Transaction, actor: Actor, *, clinic_id: int, content: AbsenceContent, force: bool, now: datetime
) -> Absence:
    """Add an absence, and withdraw the time that is published in it from now on. Slots are cut: what lies outside
    stays.

    With `force`, live appointments in the way keep exactly their own time and need rebooking; without, `Conflict`
    `appointments-in-the-way` lists them. A booking that races with this either comes first and is among them, or is
    refused. Raises `NotFound` for a clinic or doctor that is not there.
    """
    await _lock(tx, clinic_id, content.doctor_id)
    added = await repository.add(tx, clinic_id, content)
    start, end = max(content.start_time, now), content.end_time
    if start < end:
        in_the_way = await hours.lock_appointments(tx, clinic_id, doctor_id=content.doctor_id, start=start, end=end)
        if in_the_way and not force:
            shown = await hours.shown_appointments(tx, clinic_id, in_the_way)
            raise errors.Conflict("appointments-in-the-way", count=len(shown), appointments=shown)
        done = await repository.withdraw(tx, clinic_id, doctor_id=content.doctor_id, start=start, end=end)
        if done.slots:
            facts = {"absenceId": added, "from": start, "count": done.slots, "stranded": done.stranded}
            await hours.tell(tx, clinic_id, "slots.withdrawn", doctor_id=content.doctor_id, facts=facts)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[added])
    return await get(tx, added)


async def remove(tx: Transaction, actor: Actor, *, absence_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove an absence, and publish again from now on what the weekly schedule gives in its range: up to the clinic's
    horizon, or the last date published.

    Slots that the absence has cut become whole again, and appointments that it has stranded need no rebooking where
    they lie within the hours again. Slots by hand that it has withdrawn do not come back.
    """
    absence = await get(tx, absence_id)
    await _lock(tx, absence.clinic_id, absence.doctor_id)
    absence = await get(tx, absence_id)
    await clinics.check_version(tx, absence.clinic_id, if_match=if_match, version=absence.version)
    await audit.record(tx, actor, clinic_id=absence.clinic_id, subjects=[absence_id])
    if not absence.active:
        return
    await repository.remove(tx, absence_id, now=now)
    await _publish_again(tx, absence, now)


async def _publish_again(tx: Transaction, absence: Absence, now: datetime) -> None:
    clinic, of, start, end = (
        await clinics.get(tx, absence.clinic_id),
        absence.doctor_id,
        absence.start_time,
        absence.end_time,
    )
    place = await hours.place(tx, clinic.id, doctor_id=of, now=now)
    assert place, "its clinic and doctor are locked"
    horizon = clock.local_date(now, clinic.time_zone) + timedelta(days=clinic.policy.horizon_days)
    first = clock.local_date(start, clinic.time_zone)
    last = min(clock.local_date(end, clinic.time_zone), max(horizon, place.last_published or horizon))
    if first > last:
        return
    await hours.lock_appointments(tx, clinic.id, doctor_id=of, start=start - A_DAY, end=end + A_DAY)
    fitting = await hours.fit(tx, clinic.id, doctor_id=of, first=first, last=last, around=(start, end), now=now)
    await hours.apply(tx, clinic.id, fitting)
    if fitting.added:
        facts = {"absenceId": absence.id, "created": len(fitting.added), "from": first, "to": last}
        await hours.tell(tx, clinic.id, "slots.generated", doctor_id=of, facts=facts)


async def ways_out(
    db: Statements, clinic_id: int, appointments: Sequence[Row], *, away: Away | None, now: datetime
) -> dict[UUID, WayOut]:
    """For each of the appointments (rows of `shown_appointment`) the nearest times that it could be moved to, out of
    the way of who will be `away`.

    One read of all doctors' time, however many appointments there are. Raises `NotFound`.
    """
    book = await catalogues.load(db, clinic_id)
    if book is None:
        raise errors.NotFound
    if not appointments:
        return {}
    terms = Terms.of(book, now)
    today = clock.local_date(now, book.time_zone)
    first = max(clock.local_date(appointments[0].start_time, book.time_zone) - AROUND, today)
    last = min(
        clock.local_date(appointments[-1].start_time, book.time_zone) + AROUND, terms.last_date, first + LONGEST_LOOK
    )
    times = await availability.doctors_time(
        db,
        book,
        doctors=book.offering(None),
        type=None,
        first=first,
        last=max(first, last),
        before=LONGEST_BUFFER,
        after=LONGEST_BUFFER,
    )
    by_doctor = {time.doctor_id: time for time in times}

    @cache
    def free(doctor_id: UUID, length: Length) -> list[OfferedTime]:
        return [
            offer
            for _, offer in starts(by_doctor[doctor_id], length, terms)
            if offer.available and not (away and away.has(offer))
        ]

    def way_out(appointment: Row) -> WayOut:
        type = book.types.get(appointment.appointment_type_id)
        length = Length(int((appointment.end_time - appointment.start_time) / timedelta(minutes=1)), *buffers(type))
        doctors = [doctor.id for doctor in book.offering(appointment.appointment_type_id) if doctor.id in by_doctor]
        same = [
            offer for doctor_id in doctors if doctor_id == appointment.doctor_id for offer in free(doctor_id, length)
        ]
        others = [
            offer for doctor_id in doctors if doctor_id != appointment.doctor_id for offer in free(doctor_id, length)
        ]
        return WayOut(*(nearest(offers, appointment.start_time, most=MOST_WAYS) for offers in (same, others)))

    return {each.id: way_out(each) for each in appointments}


async def _lock(tx: Transaction, clinic_id: int, doctor_id: UUID | None) -> None:
    """Nobody publishes, withdraws or books for whom the absence is of until the transaction ends. Raises `NotFound`."""
    clinic = await (slots.share_clinic(tx, clinic_id) if doctor_id else clinics_repository.lock(tx, clinic_id))
    doctors = await hours.stop_bookings(tx, clinic_id, doctor_id=doctor_id)
    if clinic is None or (doctor_id and not doctors):
        raise errors.NotFound
