"""The small world's clinics, with everything but their slots and appointments."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Range

from ..clinics.doctors import specialties
from ..kit import fields
from .faces import CREDENTIALS, PREPARATIONS
from .logos import draw_logo
from .three_clinics import ClinicStory, DoctorStory, Week
from .visits import OLDEST, VisitType, clinics_id
from .world import World
from .writing import write

CLINIC_COLUMNS: Final = (
    "id name time_zone slug locale currency phone email address slot_step_minutes min_notice_minutes horizon_days "
    "cancel_notice_minutes require_version doctor_choice retain_patients_months retain_messages_days "
    "confirm_address change_grace_minutes queue profile latitude longitude created_at updated_at"
)
TYPE_COLUMNS: Final = (
    "clinic_id id name description minutes buffer_before_minutes buffer_after_minutes price_amount price_currency mode "
    "min_age max_age preparation position created_at updated_at"
)


class Clinic(NamedTuple):
    """A clinic that is being written."""

    world: World
    id: int
    story: ClinicStory

    def new_id(self) -> UUID:
        return clinics_id(self.world.random, self.id, self.world.opened_at)


class TimeSlot(NamedTuple):
    id: UUID
    minutes: Range[int]


async def write_clinic(
    world: World, clinic_id: int, story: ClinicStory, *, slug: str | None, absences_at: datetime
) -> dict[UUID, list[VisitType]]:
    """Write a clinic, and return what each of its doctors offers. `absences_at` is when its absences were added."""
    clinic = Clinic(world, clinic_id, story)
    await _write_settings(clinic, slug)
    kinds = await _write_types(clinic)
    time_slots = await _write_time_slots(clinic)
    doctors = await _write_doctors(clinic, kinds)
    await _write_weekly_hours(clinic, doctors, time_slots)
    await _write_absences(clinic, doctors, absences_at)
    return {
        doctors[doctor.name]: [
            _limit_to_ages(kinds[name], doctor.ages) for name in _by_demand(doctor.offers or [*kinds])
        ]
        for doctor in story.doctors
    }


def _by_demand(offers: Sequence[str]) -> list[str]:
    """Return the types that a doctor offers, with the first one as often as all the others together."""
    return [offers[0]] * max(len(offers) - 1, 1) + [*offers[1:]]


def _limit_to_ages(kind: VisitType, ages: tuple[int, int]) -> VisitType:
    """Return the type as offered by a doctor who sees only patients of these ages."""
    return kind._replace(ages=(max(kind.ages[0], ages[0]), min(kind.ages[1], ages[1])))


def _age_limits(ages: tuple[int, int]) -> tuple[int | None, int | None]:
    """Return the ages of the youngest and oldest patients, or None for no limit."""
    youngest, oldest = ages
    return youngest or None, oldest if oldest < OLDEST else None


async def _write_settings(clinic: Clinic, slug: str | None) -> None:
    content, at = clinic.story.content, clinic.world.opened_at
    values = msgspec.structs.astuple(msgspec.structs.replace(content, slug=slug))[:-3]
    profile = msgspec.json.encode(content.profile).decode()
    row = (clinic.id, *values, *msgspec.structs.astuple(content.policy), profile, *content.coordinates, at, at)
    await write(clinic.world.connection, "clinic", CLINIC_COLUMNS, [row])
    await _write_logo(clinic)
    await write(clinic.world.connection, "clinic_setup_step", "clinic_id step", [(clinic.id, "hidden")])


async def _write_logo(clinic: Clinic) -> None:
    content = clinic.story.content
    assert content.slug, "the story has a slug"
    assert content.profile.colour, "the story has a colour"
    logo, connection = draw_logo(content.slug, content.profile.colour), clinic.world.connection
    await write(connection, "image", "clinic_id hash content created_at", [(clinic.id, *logo, clinic.world.opened_at)])
    await connection.execute("update clinic set logo_hash = $2 where id = $1", clinic.id, logo.hash)


async def _write_types(clinic: Clinic) -> dict[str, VisitType]:
    """Write the appointment types, and return them by name."""
    currency, at = clinic.story.content.currency, clinic.world.opened_at
    kinds = {
        type.name: VisitType(
            clinic.new_id(),
            timedelta(minutes=type.minutes),
            timedelta(minutes=type.before),
            timedelta(minutes=type.after),
            type.price,
            type.ages,
        )
        for type in clinic.story.types
    }
    rows = [
        (
            clinic.id,
            kinds[type.name].id,
            type.name,
            type.description,
            type.minutes,
            type.before,
            type.after,
            type.price,
            None if type.price is None else currency,
            "online" if type.online else "inPerson",
            *(_age_limits(type.ages) if type.ages[1] in (*range(18), OLDEST) else (None, None)),
            PREPARATIONS.get(type.name),
            position,
            at,
            at,
        )
        for position, type in enumerate(clinic.story.types, 1)
    ]
    await write(clinic.world.connection, "appointment_type", TYPE_COLUMNS, rows)
    return kinds


async def _write_time_slots(clinic: Clinic) -> dict[str, TimeSlot]:
    """Write the time slots, and return them by name."""
    at = clinic.world.opened_at
    slots = {name: TimeSlot(clinic.new_id(), _minutes(hours)) for name, hours in clinic.story.time_slots.items()}
    await write(
        clinic.world.connection,
        "time_slot",
        "clinic_id id name minutes created_at updated_at",
        [(clinic.id, slot.id, name, slot.minutes, at, at) for name, slot in slots.items()],
    )
    return slots


async def _write_doctors(clinic: Clinic, kinds: Mapping[str, VisitType]) -> dict[str, UUID]:
    """Write the doctors, and return their ids by name."""
    connection, doctors, at = clinic.world.connection, clinic.story.doctors, clinic.world.opened_at
    ids = {doctor.name: clinic.new_id() for doctor in doctors}
    await write(
        connection,
        "doctor",
        "clinic_id id name specialty specialties title languages email min_age max_age created_at updated_at",
        [
            (
                clinic.id,
                ids[doctor.name],
                doctor.name,
                doctor.specialty,
                [code] if (code := specialties.find_code(doctor.specialty)) else [],
                CREDENTIALS[doctor.name].title,
                list(CREDENTIALS[doctor.name].languages),
                doctor.email,
                *_age_limits(doctor.ages),
                at,
                at,
            )
            for doctor in doctors
        ],
    )
    await write(
        connection,
        "doctor_appointment_type",
        "clinic_id doctor_id appointment_type_id",
        [(clinic.id, ids[doctor.name], kinds[name].id) for doctor in doctors for name in doctor.offers],
    )
    return ids


async def _write_weekly_hours(clinic: Clinic, doctors: Mapping[str, UUID], time_slots: Mapping[str, TimeSlot]) -> None:
    at = clinic.world.opened_at
    await write(
        clinic.world.connection,
        "doctor_slot",
        "clinic_id id doctor_id weekday minutes valid time_slot_id created_at updated_at",
        [
            (clinic.id, clinic.new_id(), doctors[doctor.name], weekday, minutes, valid, time_slot_id, at, at)
            for doctor in clinic.story.doctors
            for valid, week in _weeks(clinic.world, doctor)
            for weekday, time_slot_id, minutes in _lines(week, time_slots)
        ],
    )


def _weeks(world: World, doctor: DoctorStory) -> Iterator[tuple[Range[date], Week]]:
    since = world.opened_at.date()
    if doctor.later:
        from_day, week = doctor.later
        yield Range(world.day(from_day), None), week
        yield Range(since, world.day(from_day)), doctor.week
    else:
        yield Range(since, None), doctor.week


def _lines(week: Week, time_slots: Mapping[str, TimeSlot]) -> Iterator[tuple[int, UUID | None, Range[int]]]:
    for weekdays, hours in week:
        id, minutes = time_slots[hours] if hours in time_slots else (None, _minutes(hours))
        for weekday in weekdays.split():
            yield [*fields.WEEKDAYS].index(weekday) + 1, id, minutes


def _minutes(hours: str) -> Range[int]:
    opens, closes = hours.split("-")
    return Range(fields.parse_wall_time(opens), fields.parse_wall_time(closes))


async def _write_absences(clinic: Clinic, doctors: Mapping[str, UUID], at: datetime) -> None:
    for absence in clinic.story.absences:
        await clinic.world.connection.execute(
            """
            insert into absence (clinic_id, id, doctor_id, during, reason, created_at, updated_at)
            select $1, $2, $3, tstzrange(local_instant($4, 0, time_zone), local_instant($5, 0, time_zone)), $6, $7, $7
              from clinic
             where id = $1
            """,
            clinic.id,
            clinic.new_id(),
            doctors[absence.doctor] if absence.doctor else None,
            clinic.world.day(absence.first),
            clinic.world.day(absence.last + 1),
            absence.reason,
            at,
        )
