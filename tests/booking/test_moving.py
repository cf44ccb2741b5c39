import asyncio
from datetime import timedelta

import pytest

from appoint.booking import holds, service, transitions
from appoint.booking.model import TRANSITIONS, RescheduleRequest, Status
from appoint.booking.reschedule import reschedule
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.world import NOW, RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


MOVES = {
    Status.PENDING: {Status.BOOKED, Status.CANCELLED},
    Status.BOOKED: {Status.ARRIVED, Status.CHECKED_IN, Status.CANCELLED, Status.NOSHOW},
    Status.ARRIVED: {Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED, Status.BOOKED},
    Status.CHECKED_IN: {Status.FULFILLED, Status.CANCELLED},
    Status.NOSHOW: {Status.ARRIVED},
    Status.FULFILLED: set(),
    Status.CANCELLED: set(),
}
"""Which status may follow which."""


async def move(world, appointment, start, *, doctor=None, end=None):
    try:
        to = RescheduleRequest(start_time=start, end_time=end, doctor_id=doctor)
        return await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def take(world, appointment, step, *, now=None):
    try:
        return await world.db.atomic(
            transitions.apply, RECEPTION, appointment_id=appointment.id, name=step, now=now or world.now
        )
    except errors.Conflict as refusal:
        return refusal


async def test_an_appointment_moves_and_keeps_its_id(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    moved = await move(world, booked, at(10))
    assert (moved.id, moved.start_time, moved.end_time, moved.version) == (booked.id, at(10), at(10, 30), 2)


async def test_it_may_overlap_its_own_old_time(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, booked, at(9, 15))).start_time == at(9, 15)


async def test_it_moves_to_another_doctor(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, booked, at(9), doctor=dr_okafor)).doctor_id == dr_okafor


async def test_a_move_onto_another_is_refused_with_alternatives(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(10), world.ben)
    refusal = await move(world, booked, at(10))
    assert refusal.type == "taken"
    assert at(9, 15) in [offer.start_time for offer in refusal.facts["alternatives"]]


async def test_a_move_out_of_hours_is_refused(world):
    assert (await move(world, await world.book(world.dr_shah, at(9), world.ana), at(20))).type == "outside-hours"


async def test_two_appointments_that_swap_at_once_never_overlap_and_never_hang(world):
    for _ in range(20):
        first, second = (
            await world.book(world.dr_shah, at(9), world.ana),
            await world.book(world.dr_shah, at(10), world.ben),
        )
        results = await asyncio.gather(move(world, first, at(10)), move(world, second, at(9)))
        assert {getattr(result, "type", "moved") for result in results} <= {"taken", "moved"}
        await world.db.execute("delete from appointment")


async def test_crossing_moves_between_doctors_do_not_deadlock(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    customers = [await world.add_customer(f"Customer {n}") for n in range(16)]
    booked = [
        await world.book(
            (world.dr_shah, dr_okafor)[n % 2], at(8, 30 * (n // 2) % 60) + timedelta(hours=n // 4), customer
        )
        for n, customer in enumerate(customers)
    ]
    moves = [
        move(world, appointment, appointment.start_time, doctor=(dr_okafor, world.dr_shah)[n % 2])
        for n, appointment in enumerate(booked)
    ]
    await asyncio.gather(*moves)
    assert await world.count("appointment") == 16


async def test_what_is_cancelled_frees_its_time(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await world.db.atomic(transitions.cancel, RECEPTION, appointment_id=booked.id, reason="ill", if_match=None, now=NOW)
    assert (await world.book(world.dr_shah, at(9), world.ben)).status == "booked"
    assert (await service.get(world.db, booked.id)).cancel_reason == "ill"


async def test_cancelling_twice_changes_nothing(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    for _ in range(2):
        await world.db.atomic(
            transitions.cancel, RECEPTION, appointment_id=booked.id, reason=None, if_match=None, now=NOW
        )
    assert (await service.get(world.db, booked.id)).version == 2


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("step", list(TRANSITIONS))
async def test_only_the_allowed_moves_between_statuses_happen(world, status, step):
    """The table of steps, the table of moves and the service agree on all of 7 × 7."""
    booked = await world.book(world.dr_shah, at(9), world.ana)
    expires = NOW + timedelta(days=1) if status == Status.PENDING else None
    await world.db.execute("update appointment set status = $1, hold_expires_at = $2", status, expires)
    if step == "cancel":
        try:
            await world.db.atomic(
                transitions.cancel, RECEPTION, appointment_id=booked.id, reason=None, if_match=None, now=NOW
            )
            happened = status != Status.CANCELLED
        except errors.Conflict:
            happened = False
    else:
        happened = not isinstance(await take(world, booked, step, now=at(9)), errors.Conflict)
    assert happened == (status in TRANSITIONS[step].sources)
    assert status not in TRANSITIONS[step].sources or TRANSITIONS[step].target in MOVES[status]


async def test_every_allowed_move_has_a_step():
    by_steps = {(source, step.target) for step in TRANSITIONS.values() for source in step.sources}
    assert by_steps == {(source, target) for source, targets in MOVES.items() for target in targets}


async def test_the_database_knows_exactly_the_statuses_of_the_table(world):
    check = await world.db.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'appointment_status'"
    )
    assert set(check.split("'")[1::2]) == {str(status) for status in MOVES}


async def test_nobody_can_miss_what_has_not_started(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await take(world, booked, "noShow")).type == "not-started"


async def test_who_comes_after_all_is_refused_when_the_time_is_gone(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await take(world, booked, "noShow", now=at(9, 10))
    await world.book(world.dr_shah, at(9), world.ben)
    assert (await take(world, booked, "arrive", now=at(9, 20))).type == "taken"


async def test_a_hold_takes_the_time_until_it_is_confirmed_or_runs_out(world):
    held = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    assert (held.status, held.hold_expires_at) == ("pending", NOW + timedelta(minutes=10))
    assert (await world.book(world.dr_shah, at(9), world.ben)).type == "taken"
    assert (await take(world, held, "confirm")).status == "booked"


async def test_a_hold_that_ran_out_cannot_be_confirmed_before_or_after_it_is_swept(world):
    held = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    late = NOW + timedelta(minutes=10)
    assert (await take(world, held, "confirm", now=late)).type == "hold-expired"
    assert await holds.expire_holds(world.db, now=late) == 1
    assert (await take(world, held, "confirm", now=late)).type == "hold-expired"
    assert (await world.book(world.dr_shah, at(9), world.ben)).status == "booked"


async def test_several_workers_expire_each_hold_once(world):
    for hour in range(8, 16):
        await world.book(world.dr_shah, at(hour), world.ana, hold=True)
    expired = await asyncio.gather(*(holds.expire_holds(world.db, now=NOW + timedelta(hours=1)) for _ in range(4)))
    assert sum(expired) == 8
    assert await world.db.fetchval("select count(*) from event where type = 'appointment.hold-expired'") == 8


@pytest.mark.parametrize("end", ["move", "cancel"])
async def test_a_stranded_appointment_takes_its_remnant_along(world, end):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    other = await world.add_doctor("Dr Okafor")
    await world.publish(other, at(8), at(16))
    await world.db.execute("update appointment set needs_rebooking = true")
    await world.db.execute(
        "update booking_slot set during = tstzrange($2, $3), remnant = true where doctor_id = $1",
        world.dr_shah,
        at(9),
        at(9, 30),
    )
    if end == "move":
        await move(world, booked, at(9), doctor=other)
    else:
        await world.db.atomic(
            transitions.cancel, RECEPTION, appointment_id=booked.id, reason=None, if_match=None, now=NOW
        )
    assert await world.db.fetchval("select count(*) from booking_slot where remnant") == 0
    assert (await service.get(world.db, booked.id)).needs_rebooking is False


async def test_every_change_of_an_appointment_is_one_event(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, booked, at(10))
    await take(world, booked, "arrive")
    await take(world, booked, "fulfil")
    events = await world.db.fetch(
        "select type, subject_version from event where subject_id = $1 order by subject_version", str(booked.id)
    )
    assert [tuple(event) for event in events] == [
        ("appointment.booked", 1),
        ("appointment.rescheduled", 2),
        ("appointment.arrived", 3),
        ("appointment.fulfilled", 4),
    ]
