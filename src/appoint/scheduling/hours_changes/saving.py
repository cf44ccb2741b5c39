"""Save a new doctor's week, dated hours and time slots, and publish the result in the same transaction."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ...clinics.doctors import service as doctors
from ...clinics.doctors.model import Doctor, DoctorContent, DoctorName, Specialty
from ...database.pool import Transaction
from ...http import etags
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.structs import RequestBody
from ..weekly_hours import service as schedules
from ..weekly_hours.model import DoctorSlotContent, TimeSlotContent, Week
from . import service
from .model import DoctorsScheduleChangeContent, ScheduleChangeContent

Stranded = Literal["keep", "refuse"]


class LineForm(DoctorSlotContent, kw_only=True):
    """Dated hours to save, and what to do with appointments that fall outside the new hours."""

    id: UUID | None = None
    """The line to change, or None to add one."""
    stranded: Stranded = "refuse"


class RemovalForm(RequestBody, kw_only=True):
    """Dated hours to remove."""

    id: UUID
    stranded: Stranded = "refuse"


class TimeSlotForm(TimeSlotContent, kw_only=True):
    """A time slot's new name and times."""

    stranded: Stranded = "refuse"


class DoctorForm(RequestBody, kw_only=True):
    """A new doctor with their weekly hours."""

    name: DoctorName
    specialty: Specialty | None = None
    weekly: Week


async def add_doctor(tx: Transaction, actor: Actor, *, clinic_id: int, form: DoctorForm, now: datetime) -> Doctor:
    """Add a doctor who offers all the clinic's appointment types, and publish their week. Raise the same errors as
    `doctors.add` and `schedules.save_week`."""
    content = DoctorContent(name=form.name, specialty=form.specialty)
    doctor = await doctors.add(tx, actor, clinic_id=clinic_id, content=content)
    change = DoctorsScheduleChangeContent(weekly=form.weekly, publish=True)
    schedule = await schedules.get_schedule(tx, doctor.id)
    week = schedule.week_on(clock.local_date(now, schedule.time_zone))  # some clinics require its version
    await service.carry_out(
        tx, actor, clinic_id=clinic_id, doctor_id=doctor.id, content=change, if_match=etags.digest(week), now=now
    )
    return doctor


async def save_line(
    tx: Transaction, actor: Actor, *, doctor_id: UUID, form: LineForm, if_match: str | None, now: datetime
) -> None:
    """Add or change a doctor's dated hours, and publish the result.

    Raise the same errors as `schedules.add_line` and `schedules.change_line`, or an `appointments-stranded` `Conflict`.
    """
    content = DoctorSlotContent(
        # leave out this form's own fields
        **{name: getattr(form, name) for name in DoctorSlotContent.__struct_fields__}
    )
    if form.id is None:
        await schedules.add_line(tx, actor, doctor_id=doctor_id, content=content)
    else:
        await _check_owner(tx, doctor_id, form.id)
        await schedules.change_line(tx, actor, doctor_slot_id=form.id, content=content, if_match=if_match)
    await _publish(tx, actor, clinic_of(doctor_id), doctor_id=doctor_id, stranded=form.stranded, now=now)


async def remove_line(
    tx: Transaction, actor: Actor, *, doctor_id: UUID, form: RemovalForm, if_match: str | None, now: datetime
) -> None:
    """Remove a doctor's dated hours, and publish the rest. Raise an `appointments-stranded` `Conflict`."""
    await _check_owner(tx, doctor_id, form.id)
    await schedules.remove_line(tx, actor, doctor_slot_id=form.id, if_match=if_match, now=now)
    await _publish(tx, actor, clinic_of(doctor_id), doctor_id=doctor_id, stranded=form.stranded, now=now)


async def change_time_slot(
    tx: Transaction, actor: Actor, *, time_slot_id: UUID, form: TimeSlotForm, if_match: str | None, now: datetime
) -> None:
    """Change a time slot, and publish the hours of all doctors whose weeks use it.

    Raise the same errors as `schedules.change_time_slot`, or an `appointments-stranded` `Conflict`.
    """
    content = TimeSlotContent(start_time=form.start_time, end_time=form.end_time, name=form.name)
    await schedules.change_time_slot(tx, actor, time_slot_id=time_slot_id, content=content, if_match=if_match, now=now)
    await _publish(tx, actor, clinic_of(time_slot_id), doctor_id=None, stranded=form.stranded, now=now)


async def _check_owner(tx: Transaction, doctor_id: UUID, line_id: UUID) -> None:
    """Raise `NotFound` for another doctor's line."""
    line = await schedules.get_doctor_slot(tx, line_id) if clinic_of(line_id) == clinic_of(doctor_id) else None
    if line is None or line.doctor_id != doctor_id:
        raise errors.NotFound


async def _publish(
    tx: Transaction, actor: Actor, clinic_id: int, *, doctor_id: UUID | None, stranded: Stranded, now: datetime
) -> None:
    content = ScheduleChangeContent(stranded=stranded, publish=True)
    await service.carry_out(tx, actor, clinic_id=clinic_id, doctor_id=doctor_id, content=content, now=now)
