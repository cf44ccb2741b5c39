"""A change of hours can also publish all dates up to the clinic's horizon, or else none of them."""

from datetime import timedelta

import pytest

from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.hours_changes import saving
from appoint.scheduling.hours_changes.saving import DoctorForm, LineForm, RemovalForm, TimeSlotForm
from appoint.scheduling.weekly_hours import service as schedules
from appoint.scheduling.weekly_hours.model import Hours, TimeSlotContent, Week
from support.hours import list_published, set_weekly_hours
from support.hours_changes import change, preview
from support.scheduling import book, stranded_ids, weekly_world
from support.world import MONDAY, RECEPTION


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays from nine to twelve; two weeks are published, and the horizon is three weeks away."""
    async with ClinicCache(None) as cache:
        world = await weekly_world(db, cache, last=MONDAY + timedelta(days=7), monday="09:00-12:00")
        today = world.now.date()
        await world.set_clinic(world.clinic, horizon_days=(MONDAY - today).days + 20)
        yield world


async def test_hours_are_published_up_to_the_horizon(world):
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    expected, result = await preview(world, publish=True), await change(world, publish=True)
    assert expected == result
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 10:00-12:00",
        "Mon 8 10:00-12:00",
        "Mon 15 10:00-12:00",
    ]


async def test_a_first_week_is_published_even_though_nothing_was_published_before(world):
    await world.db.execute("delete from booking_slot")
    await change(world, publish=True)
    assert len(await list_published(world.db, world.dr_shah)) == 3


async def test_publishing_is_refused_as_a_whole_if_an_appointment_would_be_outside(world):
    await book(world, "09:00")
    before = await list_published(world.db, world.dr_shah)
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    with pytest.raises(errors.Conflict, match="appointments-stranded"):
        await change(world, publish=True)
    assert await list_published(world.db, world.dr_shah) == before


async def test_a_new_doctor_is_added_with_a_published_week_or_not_at_all(world):
    morning = Hours(start_time="09:00", end_time="12:00")

    async def add(week: Week):
        return await world.db.atomic(
            saving.add_doctor,
            RECEPTION,
            clinic_id=world.clinic,
            form=DoctorForm(name="Dr Sommer", weekly=week),
            now=world.now,
        )

    with pytest.raises(errors.Invalid):
        await add(Week(tuesday=[morning, morning]))
    assert await world.db.fetchval("select count(*) from doctor where name = 'Dr Sommer'") == 0
    await world.set_clinic(world.clinic, require_version=True)
    doctor = await add(Week(tuesday=[morning]))
    assert (await list_published(world.db, doctor.id))[-1] == "Tue 16 09:00-12:00"


async def test_saving_and_removing_dated_hours_publishes_and_withdraws_them(world):
    async def save(**fields):
        form = LineForm(weekday="friday", start_time="14:00", end_time="16:00", **fields)
        arguments = {"doctor_id": world.dr_shah, "form": form, "if_match": None, "now": world.now}
        await world.db.atomic(saving.save_line, RECEPTION, **arguments)

    friday = MONDAY + timedelta(days=4)
    await save(valid_from=friday, valid_until=friday)
    assert "Fri 5 14:00-16:00" in await list_published(world.db, world.dr_shah)
    line = next(
        line for line in (await schedules.get_schedule(world.db, world.dr_shah)).lines if line.weekday == "friday"
    )
    await save(id=line.id, valid_from=friday, valid_until=friday + timedelta(days=7))
    assert "Fri 12 14:00-16:00" in await list_published(world.db, world.dr_shah)
    appointment = await book(world, "14:00", day=friday)
    arguments = {"doctor_id": world.dr_shah, "if_match": None, "now": world.now}
    with pytest.raises(errors.Conflict, match="appointments-stranded"):
        await world.db.atomic(saving.remove_line, RECEPTION, form=RemovalForm(id=line.id), **arguments)
    keep = RemovalForm(id=line.id, stranded="keep")
    await world.db.atomic(saving.remove_line, RECEPTION, form=keep, **arguments)
    assert await stranded_ids(world) == [appointment.id]
    assert await list_published(world.db, world.dr_shah, remnants=False) == [
        "Mon 1 09:00-12:00",
        "Mon 8 09:00-12:00",
        "Mon 15 09:00-12:00",
    ]


async def test_another_doctors_hours_are_not_found(world):
    other = await world.add_doctor("Dr Okafor")
    line = (await schedules.get_schedule(world.db, world.dr_shah)).lines[0]
    for use_case, form in (
        (saving.remove_line, RemovalForm(id=line.id)),
        (saving.save_line, LineForm(id=line.id, weekday="friday", start_time="14:00", end_time="16:00")),
    ):
        with pytest.raises(errors.NotFound):
            await world.db.atomic(use_case, RECEPTION, doctor_id=other, form=form, if_match=None, now=world.now)


async def test_a_changed_time_slot_changes_the_published_hours_that_use_it(world):
    content = TimeSlotContent(start_time="13:00", end_time="15:00")
    slot = await world.db.atomic(schedules.add_time_slot, RECEPTION, clinic_id=world.clinic, content=content)
    form = LineForm(weekday="monday", time_slot_id=slot.id)
    arguments = {"if_match": None, "now": world.now}
    await world.db.atomic(saving.save_line, RECEPTION, doctor_id=world.dr_shah, form=form, **arguments)
    assert "Mon 1 13:00-15:00" in await list_published(world.db, world.dr_shah)
    later = TimeSlotForm(start_time="13:00", end_time="16:00")
    await world.db.atomic(saving.change_time_slot, RECEPTION, time_slot_id=slot.id, form=later, **arguments)
    assert "Mon 1 13:00-16:00" in await list_published(world.db, world.dr_shah)
