"""Which published time an absence withdraws."""

import pytest

from appoint.kit.cache import ClinicCache
from support.hours import generate_slots, list_published, local
from support.scheduling import TUESDAY, add_absence, events_of_type, publish_slot, weekly_world
from support.world import MONDAY


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays and Tuesdays from nine to twelve; this week is published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, monday="09:00-12:00", tuesday="09:00-12:00")


async def slot_ids(world):
    return [row.id for row in await world.db.fetch("select id from booking_slot order by during")]


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        ("09:00", "12:00", []),
        ("00:00", "24:00", []),
        ("08:00", "10:00", ["Mon 1 10:00-12:00"]),
        ("11:00", "13:00", ["Mon 1 09:00-11:00"]),
        ("10:00", "11:00", ["Mon 1 09:00-10:00", "Mon 1 11:00-12:00"]),
        ("12:00", "13:00", ["Mon 1 09:00-12:00"]),
    ],
)
async def test_an_absence_withdraws_the_published_time_it_covers(world, start, end, left):
    await add_absence(world, start, end)
    assert await list_published(world.db, world.dr_shah) == [*left, "Tue 2 09:00-12:00"]


async def test_a_shortened_slot_keeps_its_id(world):
    before = await slot_ids(world)
    await add_absence(world, "10:00", "11:00")
    after = await world.db.fetch("select id, version, source from booking_slot order by during")
    assert (after[0].id, after[0].version, after[1].version, after[1].source, after[2].id) == (
        before[0],
        2,
        1,
        "schedule",
        before[1],
    )


async def test_the_pieces_of_a_manual_slot_stay_manual(world):
    await publish_slot(world, MONDAY, "14:00", "18:00")
    await add_absence(world, "15:00", "16:00")
    assert await world.db.fetchval("select count(*) from booking_slot where source = 'manual'") == 2


async def test_a_closed_clinic_withdraws_only_its_own_doctors_time(world):
    okafor, other_clinic = await world.add_doctor("Dr Okafor"), await world.add_clinic()
    lee = await world.add_doctor("Dr Lee", clinic=other_clinic)
    for doctor_id in (okafor, lee):
        await world.publish(doctor_id, local(MONDAY, "09:00"), local(MONDAY, "12:00"))
    await add_absence(world, "00:00", "24:00", doctor=None)
    assert [await list_published(world.db, doctor_id) for doctor_id in (world.dr_shah, okafor, lee)] == [
        ["Tue 2 09:00-12:00"],
        [],
        ["Mon 1 09:00-12:00"],
    ]


async def test_a_doctors_absence_does_not_affect_colleagues(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, local(MONDAY, "09:00"), local(MONDAY, "12:00"))
    await add_absence(world, "00:00", "24:00")
    assert await list_published(world.db, okafor) == ["Mon 1 09:00-12:00"]


async def test_an_absence_spanning_several_days_withdraws_time_on_each_of_them(world):
    await add_absence(world, "11:00", "10:00", last_day=TUESDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Tue 2 10:00-12:00"]


async def test_past_time_stays_published(world):
    world.now = local(MONDAY, "10:00")
    await add_absence(world, "00:00", "24:00")
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Tue 2 09:00-12:00"]


async def test_a_past_absence_withdraws_nothing(world):
    world.now = local(TUESDAY, "08:00")
    await add_absence(world, "00:00", "24:00")
    assert len(await list_published(world.db, world.dr_shah)) == 2


async def test_generation_publishes_nothing_during_an_absence(world):
    await add_absence(world, "09:00", "12:00")
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_an_absence_records_an_event_with_the_withdrawn_slots(world):
    absence = await add_absence(world, "09:00", "10:00")
    assert [event.subject_id for event in await events_of_type(world.db, "absence.added")] == [str(absence.id)]
    (withdrawn,) = await events_of_type(world.db, "slots.withdrawn")
    assert withdrawn.subject_id == str(world.dr_shah)
    assert '"count": 1' in withdrawn.data
