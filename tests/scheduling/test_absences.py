import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking import service as appointments
from appoint.booking import transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.repository import expire_holds
from appoint.booking.reschedule import reschedule
from appoint.database.pool import Transaction
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.app import ADMIN
from support.hours import COMING_MONDAY, generate, hours, local, published, weekly, works
from support.rows import clinic, customer, doctor, someone_waits
from support.world import MONDAY, RECEPTION, World

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays and Tuesdays from nine to twelve; the week is published. It is seven o'clock on Monday."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await db.execute("delete from booking_slot")
        await works(world, world.dr_shah, monday="09:00-12:00", tuesday="09:00-12:00")
        await generate(world, MONDAY, MONDAY + timedelta(days=6))
        yield world


async def away(world, start, end, *, day=MONDAY, doctor="dr_shah", force=False, last_day=None):
    content = AbsenceContent(
        start_time=local(day, start), end_time=local(last_day or day, end), doctor_id=doctor and getattr(world, doctor)
    )
    return await world.db.atomic(
        service.add, RECEPTION, clinic_id=world.clinic, content=content, force=force, now=world.now
    )


async def back(world, absence, if_match=None):
    await world.db.atomic(service.remove, RECEPTION, absence_id=absence.id, if_match=if_match, now=world.now)


async def book(world, start, minutes=30, *, day=MONDAY, customer="ana", **wish):
    return await world.book(world.dr_shah, local(day, start), getattr(world, customer), minutes=minutes, **wish)


async def stranded(world):
    rows = await world.db.fetch("select id from appointment where needs_rebooking order by lower(during)")
    return [row.id for row in rows]


async def told(world, type):
    return await world.db.fetch("select subject_id, data::text from event where type = $1 order by id", type)


async def ids_of(world):
    return [row.id for row in await world.db.fetch("select id from booking_slot order by during")]


async def whole(world):
    """Whether every live appointment lies within the published time, as the database sees it."""
    return await world.db.fetchval(
        """
        select coalesce(bool_and(a.active_during <@ (select range_agg(s.active_during) from booking_slot s where s.doctor_id = a.doctor_id)), true)
          from appointment a where a.active_during is not null
        """
    )


# what it withdraws


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
async def test_an_absence_cuts_what_is_published(world, start, end, left):
    await away(world, start, end)
    assert await published(world.db, world.dr_shah) == [*left, "Tue 2 09:00-12:00"]


async def test_a_slot_that_is_cut_stays_the_same_slot(world):
    before = await ids_of(world)
    await away(world, "10:00", "11:00")
    after = await world.db.fetch("select id, version, source from booking_slot order by during")
    assert (after[0].id, after[0].version, after[1].version, after[1].source, after[2].id) == (
        before[0],
        2,
        1,
        "schedule",
        before[1],
    )


async def test_pieces_of_a_slot_by_hand_are_by_hand(world):
    content = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(MONDAY, "14:00"), end_time=local(MONDAY, "18:00")
    )
    await world.db.atomic(slots.publish, RECEPTION, content=content)
    await away(world, "15:00", "16:00")
    assert await world.db.fetchval("select count(*) from booking_slot where source = 'manual'") == 2


async def test_a_closed_clinic_is_closed_for_all_its_doctors_and_no_other(world):
    okafor, elsewhere = await world.add_doctor("Dr Okafor"), await world.add_clinic()
    lee = await world.add_doctor("Dr Lee", clinic=elsewhere)
    for one in (okafor, lee):
        await world.publish(one, local(MONDAY, "09:00"), local(MONDAY, "12:00"))
    await away(world, "00:00", "24:00", doctor=None)
    assert [await published(world.db, one) for one in (world.dr_shah, okafor, lee)] == [
        ["Tue 2 09:00-12:00"],
        [],
        ["Mon 1 09:00-12:00"],
    ]


async def test_a_doctors_absence_leaves_colleagues_alone(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, local(MONDAY, "09:00"), local(MONDAY, "12:00"))
    await away(world, "00:00", "24:00")
    assert await published(world.db, okafor) == ["Mon 1 09:00-12:00"]


async def test_an_absence_over_several_days_withdraws_them_all(world):
    await away(world, "11:00", "10:00", last_day=TUESDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Tue 2 10:00-12:00"]


async def test_what_has_passed_stays_published(world):
    world.now = local(MONDAY, "10:00")
    await away(world, "00:00", "24:00")
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Tue 2 09:00-12:00"]


async def test_an_absence_that_has_passed_withdraws_nothing(world):
    world.now = local(TUESDAY, "08:00")
    await away(world, "00:00", "24:00")
    assert len(await published(world.db, world.dr_shah)) == 2


async def test_generation_does_not_publish_an_absence(world):
    await away(world, "09:00", "12:00")
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_an_absence_tells_what_it_withdrew(world):
    absence = await away(world, "09:00", "10:00")
    assert [event.subject_id for event in await told(world, "absence.added")] == [str(absence.id)]
    (withdrawn,) = await told(world, "slots.withdrawn")
    assert withdrawn.subject_id == str(world.dr_shah)
    assert '"count": 1' in withdrawn.data


# appointments in the way


async def test_appointments_in_the_way_are_listed(world):
    first, second = await book(world, "10:00"), await book(world, "11:00")
    await book(world, "09:00")
    with pytest.raises(errors.Conflict) as refused:
        await away(world, "10:15", "12:00")
    assert (refused.value.type, refused.value.facts["count"]) == ("appointments-in-the-way", 2)
    assert [each.id for each in refused.value.facts["appointments"]] == [first.id, second.id]
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]
    assert await world.count("absence") == 0


async def test_appointments_beside_an_absence_are_not_in_the_way(world):
    await book(world, "09:30")
    await away(world, "10:00", "12:00")
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Tue 2 09:00-12:00"]


async def test_a_cancelled_appointment_is_not_in_the_way(world):
    appointment = await book(world, "10:00")
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )
    await away(world, "09:00", "12:00")
    assert await published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_an_appointment_that_is_over_is_not_in_the_way_and_keeps_its_place(world):
    appointment = await book(world, "10:00")
    await world.db.execute("update appointment set status = 'fulfilled'")
    await away(world, "09:00", "12:00")
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 10:00-10:30"]
    assert appointment.id not in await stranded(world)


async def test_force_keeps_appointments_with_exactly_their_own_time(world):
    first, second = await book(world, "09:30"), await book(world, "11:00", 45, customer="ben")
    await away(world, "09:00", "12:00", force=True)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:30-10:00", "Mon 1 11:00-11:45", "Tue 2 09:00-12:00"]
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:00", "Mon 1 11:00-11:45"]
    assert await stranded(world) == [first.id, second.id]
    assert {event.subject_id for event in await told(world, "appointment.stranded")} == {str(first.id), str(second.id)}


async def test_appointments_that_touch_keep_one_slot_each(world):
    await book(world, "09:30"), await book(world, "10:00", customer="ben")
    await away(world, "00:00", "24:00", force=True)
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:00", "Mon 1 10:00-10:30"]


async def test_an_appointment_that_reaches_out_of_an_absence_keeps_all_of_its_time(world):
    await book(world, "09:30", 60)
    await away(world, "10:00", "11:00", force=True)
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-09:30",
        "Mon 1 09:30-10:30",
        "Mon 1 11:00-12:00",
        "Tue 2 09:00-12:00",
    ]
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:30"]


async def test_an_appointment_over_two_slots_keeps_one_of_its_own(world):
    await world.publish(world.dr_shah, local(MONDAY, "12:00"), local(MONDAY, "13:00"))
    await book(world, "11:30", 60)
    await away(world, "11:00", "12:00", force=True)
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 11:30-12:30",
        "Mon 1 12:30-13:00",
        "Tue 2 09:00-12:00",
    ]


async def test_a_second_absence_over_a_stranded_appointment_changes_nothing_for_it(world):
    appointment = await book(world, "10:00")
    await away(world, "09:00", "12:00", force=True)
    with pytest.raises(errors.Conflict):
        await away(world, "10:00", "11:00")
    await away(world, "10:00", "11:00", force=True)
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 10:00-10:30"]
    assert (await appointments.get(world.db, appointment.id)).version == 2


async def test_nobody_books_around_a_stranded_appointment(world):
    await book(world, "10:00")
    await away(world, "09:00", "12:00", force=True)
    assert (await book(world, "10:30", customer="ben")).type == "outside-hours"


@pytest.mark.parametrize("leave", ["cancel", "move"])
async def test_when_a_stranded_appointment_leaves_its_time_goes_too(world, leave):
    appointment = await book(world, "10:00")
    await away(world, "09:00", "12:00", force=True)
    if leave == "cancel":
        await world.db.atomic(
            transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
        )
    else:
        to = RescheduleRequest(start_time=local(TUESDAY, "10:00"))
        await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    assert await published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]
    assert await stranded(world) == []


async def test_a_stranded_appointments_time_is_not_moved_or_withdrawn_by_hand(world):
    await book(world, "10:00")
    await away(world, "09:00", "12:00", force=True)
    (slot,) = await world.db.fetch("select id from booking_slot where remnant")
    with pytest.raises(errors.Conflict) as refused:
        await world.db.atomic(
            slots.move,
            RECEPTION,
            booking_slot_id=slot.id,
            start=local(MONDAY, "09:00"),
            end=local(MONDAY, "12:00"),
            if_match=None,
            now=world.now,
        )
    assert refused.value.type == "slot-has-appointments"


# races


async def test_a_booking_that_came_first_is_seen_by_the_absence_that_waits_for_it(world):
    """The booking is written and not yet committed when the absence begins."""
    async with world.db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        await connection.execute(
            "insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana
        )
        await connection.execute(
            """
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
            select $1, mint_id($1), mint_id($1), $2, $3, r, r from tstzrange($4, $5) as r
            """,
            world.clinic,
            world.dr_shah,
            world.ana,
            local(MONDAY, "10:00"),
            local(MONDAY, "10:30"),
        )
        absence = asyncio.create_task(away(world, "09:00", "12:00", force=True))
        await someone_waits(world.db)
        await booking.commit()
        await absence
    assert len(await stranded(world)) == 1
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-10:30", "Tue 2 09:00-12:00"]


@pytest.mark.parametrize(("start", "outcome"), [("10:00", "outside-hours"), ("09:00", "booked")])
async def test_a_booking_that_comes_second_waits_for_the_absence_and_finds_the_hours_it_left(world, start, outcome):
    """The absence is written and not yet committed when the booking begins."""
    content = AbsenceContent(
        start_time=local(MONDAY, "10:00"), end_time=local(MONDAY, "11:00"), doctor_id=world.dr_shah
    )
    async with world.db.connection() as connection:
        absence = connection.transaction()
        await absence.start()
        await service.add(
            Transaction(connection), RECEPTION, clinic_id=world.clinic, content=content, force=False, now=world.now
        )
        booking = asyncio.create_task(book(world, start))
        await someone_waits(world.db)
        await absence.commit()
        assert getattr(await booking, "type", "booked") == outcome
    assert await whole(world)


@pytest.mark.parametrize("force", [False, True])
async def test_a_booking_and_an_absence_at_once_never_leave_a_booking_unseen(world, force):
    for n in range(12):
        day = MONDAY + timedelta(weeks=n // 2, days=n % 2)
        await generate(world, day)
        absence = asyncio.create_task(away(world, "00:00", "24:00", day=day, force=force))
        await asyncio.sleep(0.002 * (n % 4))
        first, second = await asyncio.gather(
            book(world, "09:00", day=day), book(world, "10:30", day=day, customer="ben")
        )
        (refused,) = await asyncio.gather(absence, return_exceptions=True)
        kept = {result.id for result in (first, second) if not isinstance(result, errors.Conflict)}
        assert {result.type for result in (first, second) if isinstance(result, errors.Conflict)} <= {"outside-hours"}
        if isinstance(refused, errors.Conflict):
            assert (force, {each.id for each in refused.facts["appointments"]} <= kept) == (False, True)
        else:
            assert kept <= set(await stranded(world))
            assert force or not kept
        assert await whole(world)


async def test_generation_and_an_absence_at_once_leave_nothing_published_in_the_absence(world):
    for n in range(1, 13):
        day = MONDAY + timedelta(weeks=n)
        await asyncio.gather(
            generate(world, day),
            away(world, "00:00", "24:00", day=day, doctor=("dr_shah", None)[n % 2]),
            generate(world, day),
        )
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_a_doctor_added_while_the_clinic_closes_is_not_published_in_the_absence(world):
    content = AbsenceContent(start_time=local(MONDAY, "00:00"), end_time=local(MONDAY, "24:00"))
    async with world.db.connection() as connection:
        closing = connection.transaction()
        await closing.start()
        await service.add(
            Transaction(connection), RECEPTION, clinic_id=world.clinic, content=content, force=False, now=world.now
        )
        okafor = await world.add_doctor("Dr Okafor")
        await works(world, okafor, monday="09:00-12:00")
        generation = asyncio.create_task(generate(world, MONDAY, doctor_id=okafor))
        await someone_waits(world.db)
        await closing.commit()
        await generation
    assert await published(world.db, okafor) == []


async def test_a_hold_that_runs_out_meanwhile_leaves_nothing_behind(world):
    """It is cancelled, and that is not yet committed, when the absence begins."""
    await book(world, "10:00", hold=True)
    async with world.db.connection() as connection:
        expiry = connection.transaction()
        await expiry.start()
        await expire_holds(Transaction(connection), now=world.now + timedelta(hours=1), limit=10)
        absence = asyncio.create_task(away(world, "09:00", "12:00", force=True))
        await someone_waits(world.db)
        await expiry.commit()
        await absence
    assert await published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]
    assert await stranded(world) == []


async def test_many_absences_bookings_and_returns_at_once_end_whole(world):
    async def come_and_go(n):
        absence = await away(
            world, f"{9 + n % 3:02}:00", f"{10 + n % 3}:30", force=True, doctor=("dr_shah", None)[n % 2]
        )
        await back(world, absence)

    bookings = [book(world, f"{9 + n // 2:02}:{30 * (n % 2):02}", customer=("ana", "ben")[n % 2]) for n in range(6)]
    await asyncio.gather(*(come_and_go(n) for n in range(6)), *bookings)
    assert await whole(world)
    assert await stranded(world) == []
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


# the way back


@pytest.mark.parametrize("times", [("09:00", "12:00"), ("10:00", "11:00"), ("00:00", "10:00"), ("11:00", "24:00")])
async def test_after_an_absence_the_day_is_whole_again(world, times):
    await back(world, await away(world, *times))
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_appointments_are_at_home_again_after_an_absence(world):
    await book(world, "09:30", 60), await book(world, "11:30", customer="ben")
    absence = await away(world, "10:00", "12:00", force=True)
    await back(world, absence)
    assert await published(world.db, world.dr_shah, remnants=False) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]
    assert await published(world.db, world.dr_shah, remnants=True) == []
    assert await stranded(world) == []
    assert len(await told(world, "appointment.covered")) == 2


async def test_an_appointment_over_two_lines_is_at_home_again(world):
    await works(world, world.dr_shah, monday="09:00-10:00 10:00-12:00")
    await world.db.execute("delete from booking_slot")
    await generate(world, MONDAY)
    await book(world, "09:30", 60)
    await back(world, await away(world, "00:00", "24:00", force=True))
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 10:00-12:00"]
    assert await stranded(world) == []


async def test_an_appointment_stays_stranded_while_another_absence_stands(world):
    appointment = await book(world, "10:00")
    closed, away_too = (
        await away(world, "09:00", "12:00", doctor=None, force=True),
        await away(world, "10:00", "11:00", force=True),
    )
    await back(world, closed)
    assert await stranded(world) == [appointment.id]
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-10:00",
        "Mon 1 10:00-10:30",
        "Mon 1 11:00-12:00",
        "Tue 2 09:00-12:00",
    ]
    await back(world, away_too)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_an_appointment_stays_stranded_when_the_schedule_no_longer_gives_its_time(world):
    appointment = await book(world, "10:00")
    absence = await away(world, "09:00", "12:00", force=True)
    await works(world, world.dr_shah, monday="10:15-12:00")
    await back(world, absence)
    assert await stranded(world) == [appointment.id]
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-10:30", "Mon 1 10:30-12:00", "Tue 2 09:00-12:00"]


async def test_what_an_absence_did_not_touch_is_not_touched_on_the_way_back(world):
    """The schedule has changed meanwhile, and nobody has applied it."""
    absence = await away(world, "11:00", "12:00")
    await works(world, world.dr_shah, monday="11:00-11:30 15:00-18:00", tuesday="15:00-18:00")
    await back(world, absence)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Mon 1 11:00-11:30", "Tue 2 09:00-12:00"]


async def test_time_removed_by_hand_stays_away_after_an_absence(world):
    (slot,) = await world.db.fetch("select id from booking_slot where date = $1", MONDAY)
    await world.db.atomic(
        slots.move,
        RECEPTION,
        booking_slot_id=slot.id,
        start=local(MONDAY, "09:00"),
        end=local(MONDAY, "11:00"),
        if_match=None,
        now=world.now,
    )
    await back(world, await away(world, "10:00", "12:00"))
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Tue 2 09:00-12:00"]


async def test_slots_by_hand_stay_as_they_are_on_the_way_back(world):
    absence = await away(world, "09:00", "12:00")
    content = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(MONDAY, "10:00"), end_time=local(MONDAY, "10:30")
    )
    by_hand = await world.db.atomic(slots.publish, RECEPTION, content=content)
    await back(world, absence)
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-10:00",
        "Mon 1 10:00-10:30",
        "Mon 1 10:30-12:00",
        "Tue 2 09:00-12:00",
    ]
    assert (await slots.get(world.db, by_hand.id)).version == 1


async def test_what_has_passed_is_not_published_on_the_way_back(world):
    absence = await away(world, "00:00", "24:00")
    world.now = local(MONDAY, "13:00")
    await back(world, absence)
    assert await published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_nothing_is_published_beyond_the_horizon_on_the_way_back(world):
    far = MONDAY + timedelta(weeks=20)
    await back(world, await away(world, "00:00", "24:00", day=far))
    assert len(await published(world.db, world.dr_shah)) == 2


async def test_an_absence_is_removed_once_and_stays_readable(world):
    absence = await away(world, "09:00", "12:00")
    await back(world, absence)
    await back(world, absence)
    assert not (await service.get(world.db, absence.id)).active
    assert len(await told(world, "absence.removed")) == 1
    assert len(await told(world, "slots.generated")) == 2


# over the API

LAKESIDE = "/api/clinics/1/absences"


@pytest.fixture
async def shah(client):
    await clinic(client)
    shah = await doctor(client)
    await weekly(client, shah, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    return shah


def morning(**more):
    return {
        "startTime": local(COMING_MONDAY, "09:00").isoformat(),
        "endTime": local(COMING_MONDAY, "12:00").isoformat(),
        **more,
    }


async def test_an_absence_shows_what_was_said(client, shah):
    made = await client.post(LAKESIDE, json=morning(doctorId=shah, reason="Holiday"), headers=ADMIN)
    assert made.status_code == 201
    assert (made.json()["doctorId"], made.json()["reason"], made.json()["clinicId"], made.json()["active"]) == (
        shah,
        "Holiday",
        1,
        True,
    )
    assert (await client.get(made.headers["Location"], headers=ADMIN)).json() == made.json()


async def test_an_absence_over_the_api_lists_appointments_and_can_be_forced(client, shah):
    body = {"customerId": await customer(client), "doctorId": shah, **morning()}
    appointment = (await client.post("/api/appointments", json=body)).json()
    del appointment["manageToken"]  # which only who has booked is shown
    refused = await client.post(LAKESIDE, json=morning(doctorId=shah), headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"], refused.json()["count"]) == (
        409,
        "appointments-in-the-way",
        1,
    )
    assert refused.json()["appointments"] == [appointment]
    assert (
        await client.post(LAKESIDE, params={"force": "true"}, json=morning(doctorId=shah), headers=ADMIN)
    ).status_code == 201
    shown = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert shown["needsRebooking"] is True


async def test_absences_are_listed_earliest_first_page_by_page(client, shah):
    for days in (2, 0, 1):
        start, end = (local(COMING_MONDAY + timedelta(days=days), time).isoformat() for time in ("09:00", "10:00"))
        await client.post(LAKESIDE, json={"startTime": start, "endTime": end}, headers=ADMIN)
    first = (await client.get(LAKESIDE, params={"limit": 2}, headers=ADMIN)).json()
    rest = (await client.get(LAKESIDE, params={"limit": 2, "cursor": first["next"]}, headers=ADMIN)).json()
    starts = [absence["startTime"] for absence in first["items"] + rest["items"]]
    assert starts == sorted(starts)
    assert len(starts) == 3


async def test_a_removed_absence_leaves_the_list(client, shah):
    made = await client.post(LAKESIDE, json=morning(), headers=ADMIN)
    path = made.headers["Location"]
    assert (await client.delete(path, headers=ADMIN | {"If-Match": '"v2"'})).status_code == 412
    assert (await client.delete(path, headers=ADMIN)).status_code == 204
    assert (await client.get(LAKESIDE, headers=ADMIN)).json()["items"] == []
    assert (await client.get(path, headers=ADMIN)).json()["active"] is False


async def test_a_repeated_absence_is_added_once(client, shah):
    answers = [
        await client.post(LAKESIDE, json=morning(), headers=ADMIN | {"Idempotency-Key": "holiday"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await client.get(LAKESIDE, headers=ADMIN)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"endTime": "2027-03-01T08:00:00Z"}, 400),
        ({"endTime": "2028-03-01T08:00:01Z"}, 400),
        ({"endTime": "2028-03-01T08:00:00Z"}, 201),
        ({"startTime": "2027-03-01T08:00:00"}, 400),
        ({"doctorId": str(UUID(int=1 << 96 | 0x8000 << 64 | 0x8000 << 48))}, 404),
        ({"doctorId": str(UUID(int=2 << 96 | 0x8000 << 64 | 0x8000 << 48))}, 404),
        ({"reason": "x" * 5001}, 400),
        ({"why": "x"}, 400),
    ],
)
async def test_an_absence_that_cannot_be_is_refused(client, shah, change, status):
    body = {"startTime": "2027-03-01T08:00:00Z", "endTime": "2027-03-01T09:00:00Z"} | change
    assert (await client.post(LAKESIDE, json=body, headers=ADMIN)).status_code == status


async def test_absences_are_for_the_clinic_only(client, shah):
    assert (await client.get(LAKESIDE)).status_code == 401
    assert (await client.post(LAKESIDE, json=morning())).status_code == 401
    assert (await client.get("/api/clinics/2/absences", headers=ADMIN)).status_code == 404
    assert (await client.post("/api/clinics/2/absences", json=morning(), headers=ADMIN)).status_code == 404
