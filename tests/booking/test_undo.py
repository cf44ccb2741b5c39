"""Staff can undo their last step on the same day."""

from datetime import timedelta

import pytest

from appoint.booking import service, transitions
from appoint.booking.day_board import service as day_board
from appoint.booking.model import Status
from appoint.booking.undo.service import undo
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.notifications import move
from support.report_sums import relay_all
from support.transitions import cancel, step
from support.world import MONDAY, PATIENT, RECEPTION, World, at

LATER = at(9, 40)


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def take_back(world, appointment, now=LATER, **members):
    try:
        return await world.db.atomic(undo, RECEPTION, appointment_id=appointment.id, now=now, **members)
    except errors.Conflict as refusal:
        return refusal


async def status(world, appointment):
    return (await service.get(world.db, appointment.id)).status


STEPS = [
    ([], "arrive"),
    ([], "checkIn"),
    (["arrive"], "checkIn"),
    (["arrive"], "unarrive"),
    (["arrive"], "fulfil"),
    (["checkIn"], "fulfil"),
    ([], "enterRoom"),
    (["checkIn", "enterRoom"], "fulfil"),
    ([], "noShow"),
    (["noShow"], "arrive"),
    ([], "cancel"),
    (["arrive"], "cancel"),
]


@pytest.mark.parametrize(("before", "name"), STEPS)
async def test_every_step_can_be_undone_once(world, before, name):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    for earlier in before:
        await step(world, appointment, earlier, at(9, 10))
    previous = await status(world, appointment)
    world.now = at(9, 20)
    await (cancel(world, appointment, reason="ill") if name == "cancel" else step(world, appointment, name, world.now))
    assert await status(world, appointment) != previous
    restored = await take_back(world, appointment)
    assert (restored.status, restored.cancel_reason) == (previous, None)
    assert (await take_back(world, appointment)).type == "nothing-to-undo"


async def test_these_tests_cover_all_steps_except_those_for_holds():
    steps = {name for _, name in STEPS}
    assert steps == set(transitions.TRANSITIONS) - {"confirm"}
    assert {Status.PENDING} == set(transitions.TRANSITIONS["confirm"].sources)


async def test_a_step_can_be_undone_only_on_the_same_local_day(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "noShow", at(22, 59))  # one minute before midnight in Berlin
    assert (await take_back(world, appointment, at(23))).type == "nothing-to-undo"
    assert (await take_back(world, appointment, at(22, 59))).status == "booked"


async def test_a_patients_own_cancellation_cannot_be_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await world.db.atomic(
        transitions.cancel, PATIENT, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )
    assert (await take_back(world, appointment)).type == "nothing-to-undo"


async def test_a_no_show_cannot_be_undone_once_its_time_is_taken(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "noShow", at(9, 10))
    await world.book(world.dr_shah, at(9), world.ben)
    assert (await take_back(world, appointment)).type == "taken"
    assert await status(world, appointment) == "noshow"


async def test_a_cancelled_hold_cannot_be_undone(world):
    hold = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    await cancel(world, hold)
    assert (await take_back(world, hold)).type == "nothing-to-undo"


async def test_an_outdated_version_is_refused(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "noShow", at(9, 10))
    with pytest.raises(errors.VersionMismatch):
        await take_back(world, appointment, if_match='"v1"')


async def test_undoing_a_cancellation_increments_the_calendar_revision(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await cancel(world, appointment)
    await take_back(world, appointment)
    events = await world.db.fetch(
        """
        select type, data ->> 'oldStatus' as old, data ->> 'status' as new, (data ->> 'sequence')::int as sequence
          from event where subject_id = $1 order by subject_version
        """,
        str(appointment.id),
    )
    assert [tuple(event) for event in events[1:]] == [
        ("appointment.cancelled", "booked", None, 1),
        ("appointment.restored", "cancelled", "booked", 2),
    ]


async def test_the_audit_log_shows_both_the_step_and_its_undoing(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "noShow", at(9, 10))
    await take_back(world, appointment)
    assert await world.db.fetchval("select count(*) from audit_unsealed") == 3


async def test_only_the_last_step_can_be_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "arrive", at(8))
    await step(world, appointment, "unarrive", at(8))
    world.now = at(8)
    await move(world, appointment, at(9) + timedelta(hours=1))
    restored = await take_back(world, appointment, at(8, 5))
    assert (restored.start_time, restored.status) == (at(9), "booked")
    assert (await take_back(world, appointment, at(8, 5))).type == "nothing-to-undo"


async def test_reports_reflect_an_undone_step(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    for change, missed in ((step(world, appointment, "noShow", at(9, 10)), 1), (take_back(world, appointment), 0)):
        await change
        await relay_all(world)
        assert await world.db.fetchval("select missed from doctor_day") == missed


async def test_the_board_offers_undo_only_while_it_is_possible(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)

    async def offers_undo(now) -> bool:
        board = await day_board.load_board(
            world.db.within(world.clinic),
            world.cache,
            clinic_id=world.clinic,
            first=MONDAY,
            last=MONDAY,
            doctor_ids=None,
            now=now,
        )
        return "undo" in board.appointments[0].steps

    assert not await offers_undo(world.now)
    await step(world, appointment, "noShow", at(9, 10))
    assert (await offers_undo(at(9, 20)), await offers_undo(at(23))) == (True, False)
    await take_back(world, appointment)
    assert not await offers_undo(at(9, 50))
