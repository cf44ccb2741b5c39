"""A clinic's notice period for cancelling and moving, which applies to patients and partners, but not to its staff."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking import service, transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.policy import Advisory
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import Override
from appoint.kit import errors
from appoint.kit.actors import Actor, Role
from appoint.kit.cache import ClinicCache
from appoint.kit.key_ring import EncryptedField
from support.app import ADMIN
from support.callers import accept_callers, headers_of, member, partner, staff
from support.encryption import revealed
from support.world import (
    PATIENT,
    RECEPTION,
    World,
    at,
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    publish_slot,
)

TODAY = hours_ahead(0)
NOTICE = timedelta(hours=2)
REASON = "Her child is in hospital"
LATE_OVERRIDE = Override(allow=["too-late"], reason=REASON)


@pytest.fixture
async def world(db):
    """It is six o'clock, and the clinic requires two hours' notice."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache, cancel_notice_minutes=120)


async def cancel(world, appointment, now, *, caller=PATIENT, override_reason=None):
    try:
        await world.db.atomic(
            transitions.cancel,
            caller,
            appointment_id=appointment.id,
            reason=None,
            override_reason=override_reason,
            if_match=None,
            now=now,
        )
    except errors.Conflict as conflict:
        return conflict
    return await service.get(world.db, appointment.id)


async def move(world, appointment, start, now, *, caller=PATIENT, override=None):
    to = RescheduleRequest(start_time=start, override=override)
    try:
        return await reschedule(world.db, caller, appointment_id=appointment.id, to=to, if_match=None, now=now)
    except errors.Conflict as conflict:
        return conflict


async def test_an_appointment_can_be_cancelled_until_the_notice_period_starts(world):
    first = await world.book(world.dr_shah, at(9), world.ana)
    second = await world.book(world.dr_shah, at(9, 30), world.ben)
    assert (await cancel(world, first, at(9) - NOTICE)).status == "cancelled"
    refusal = await cancel(world, second, at(9, 30) - NOTICE + timedelta(microseconds=1))
    assert (refusal.type, refusal.facts) == ("too-late", {"minutes": 120, "hours": 2})


async def test_an_appointment_can_be_moved_until_the_notice_period_starts(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, appointment, at(12), at(9) - NOTICE)).start_time == at(12)
    assert (await move(world, appointment, at(15), at(10, 30))).type == "too-late"


async def test_a_move_to_the_same_time_needs_no_notice(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, appointment, at(9), at(8))).status == "booked"


async def test_without_a_notice_period_an_appointment_can_be_cancelled_while_in_progress(world):
    await world.set_clinic(world.clinic, cancel_notice_minutes=0)
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await cancel(world, appointment, at(9, 10), caller=RECEPTION)).status == "cancelled"


async def test_a_hold_can_be_moved_and_cancelled_within_the_notice_period(world):
    hold = await world.book(world.dr_shah, at(7), world.ana, hold=True)
    assert hold.type == "outside-hours"
    hold = await world.book(world.dr_shah, at(8), world.ana, hold=True)
    result = await move(world, hold, at(8, 30), at(6, 5))
    assert result.start_time == at(8, 30)
    assert (await cancel(world, hold, at(6, 59))).status == "cancelled"


async def test_an_appointment_that_needs_rebooking_can_be_cancelled_late(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await world.db.execute("update appointment set needs_rebooking = true")
    assert (await cancel(world, appointment, at(8))).status == "cancelled"


async def test_staff_can_cancel_and_move_late_without_a_reason(world):
    first = await world.book(world.dr_shah, at(9), world.ana)
    second = await world.book(world.dr_shah, at(9, 30), world.ben)
    cancelled = await cancel(world, first, at(8), caller=RECEPTION)
    assert (cancelled.status, cancelled.overrides, cancelled.override_reason) == ("cancelled", [], None)
    moved = await move(world, second, at(12), at(8), caller=RECEPTION)
    assert (moved.start_time, moved.overrides) == (at(12), [])
    assert moved.advisories == [Advisory("too-late", 120)]


async def test_the_advisory_says_how_long_the_notice_period_is():
    assert Advisory("too-late", 1440).in_words("en").text == "Inside the notice period for changes (24 hours)"
    assert Advisory("too-soon", 90).in_words("en").text == "Inside the notice period for bookings (1.5 hours)"
    assert Advisory("too-far", 90 * 1440).in_words("en").text == "Beyond the booking horizon (90 days)"


async def test_staff_can_cancel_late_with_a_reason(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    result = await cancel(world, appointment, at(8), caller=RECEPTION, override_reason=REASON)
    assert (result.status, result.overrides, result.override_reason, result.cancel_reason) == (
        "cancelled",
        ["too-late"],
        REASON,
        None,
    )


async def test_the_override_reason_is_not_stored_for_a_timely_cancellation(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    result = await cancel(world, appointment, at(7), caller=RECEPTION, override_reason=REASON)
    assert (result.status, result.overrides, result.override_reason) == ("cancelled", [], None)


async def test_staff_can_move_late_with_a_reason(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    result = await move(world, appointment, at(12), at(8), caller=RECEPTION, override=LATE_OVERRIDE)
    assert (result.start_time, result.overrides, result.override_reason) == (at(12), ["too-late"], REASON)
    refusal = await move(world, appointment, at(17), at(11), caller=RECEPTION, override=LATE_OVERRIDE)
    assert refusal.type == "outside-hours"
    override = Override(allow=["outside-hours", "too-late"], reason=REASON)
    both = await move(world, appointment, at(17), at(11), caller=RECEPTION, override=override)
    assert both.overrides == ["too-late", "outside-hours"]
    last = await cancel(world, both, at(16), caller=RECEPTION, override_reason="and now he is gone")
    assert (last.overrides, last.override_reason) == (
        ["too-late", "outside-hours", "too-late"],
        f"{REASON}\nand now he is gone",
    )


START = (TODAY + timedelta(days=3)).replace(hour=9, minute=0, second=0)


class Desk:
    """A clinic that requires a week's notice, an appointment in three days, and callers of every kind."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def open(self, **members):
        policy = {"changeGraceMinutes": 0, "cancelNoticeMinutes": 7 * 24 * 60}
        self.clinic = await create_clinic(self.client, policy=policy, **members)
        self.shah, self.okafor = await create_doctor(self.client), await create_doctor(self.client)
        self.ana = await create_customer(self.client)
        await create_appointment_type(self.client)
        await publish_slot(self.db, self.shah, START, START + timedelta(hours=4))
        when = {"startTime": START.isoformat(), "endTime": (START + timedelta(minutes=30)).isoformat()}
        response = await self.client.post(
            "/api/appointments", json={"customerId": self.ana, "doctorId": self.shah} | when, headers=ADMIN
        )
        self.address = response.headers["Location"]
        callers = staff(self.clinic, self.shah) | {
            "other doctor": member("other", self.clinic, Role.DOCTOR, self.okafor),
            "partner": partner(self.clinic, "move-appointments"),
            "patient": Actor("patient", customer_id=UUID(self.ana)),
            "holder": Actor("holder", appointment_id=UUID(response.json()["id"])),
        }
        accept_callers(self.client, callers)
        return self

    async def cancel(self, caller, **query):
        return await self.client.delete(self.address, params=query, headers=headers_of(caller))

    async def move(self, caller, **members):
        return await self.client.put(
            self.address,
            json={"startTime": (START + timedelta(hours=1)).isoformat()} | members,
            headers=headers_of(caller),
        )


@pytest.fixture
async def desk(client, db):
    return await Desk(client, db).open(phone="+493012345678")


STAFF = ("doctor", "receptionist", "manager", "administrator")
OTHERS = ("patient", "holder", "partner")
OVERRIDE = {"allow": ["too-late"], "reason": REASON}


async def test_a_late_change_is_refused_with_the_clinics_phone_number(desk):
    for caller in OTHERS:
        for refusal in (await desk.cancel(caller), await desk.cancel(caller, reason="ill"), await desk.move(caller)):
            problem = refusal.json()
            assert (problem["status"], problem["reason"]) == (409, "too-late"), caller
            assert (problem["phone"], problem["minutes"], problem["hours"]) == ("+493012345678", 10080, 168), caller
        assert await desk.db.fetchval("select status from appointment") == "booked", caller


@pytest.mark.parametrize("caller", STAFF)
async def test_the_notice_period_does_not_apply_to_staff_but_is_noted(desk, caller):
    moved = await desk.move(caller)
    note = {"rule": "too-late", "limitMinutes": 10080, "text": "Inside the notice period for changes (168 hours)"}
    assert (moved.status_code, moved.json()["advisories"]) == (200, [note])
    assert (await desk.cancel(caller)).status_code == 204
    actions = await desk.db.fetch(
        """
        select action, reason from audit_unsealed
         where action in ('cancelAppointment', 'rescheduleAppointment') order by id
        """
    )
    assert [tuple(row) for row in actions] == [
        ("rescheduleAppointment", "staff: too-late"),
        ("cancelAppointment", "staff: too-late"),
    ]


@pytest.mark.parametrize("caller", STAFF)
async def test_staff_can_override_the_notice_period_with_a_reason(desk, caller):
    response = await desk.move(caller, override=OVERRIDE)
    assert (response.status_code, response.json()["overrides"], response.json()["overrideReason"]) == (
        200,
        ["too-late"],
        REASON,
    )
    assert (await desk.cancel(caller, override="too-late", overrideReason="Again", reason="ill")).status_code == 204
    row = await desk.db.fetchrow("select id, status, cancel_reason, overridden, override_reason from appointment")
    fields = {"cancel_reason": EncryptedField.CANCEL_REASON, "override_reason": EncryptedField.OVERRIDE_REASON}
    assert revealed(row, **fields) == ("cancelled", "ill", ["too-late", "too-late"], f"{REASON}\nAgain")
    actions = await desk.db.fetch(
        """
        select action, reason from audit_unsealed
         where action in ('cancelAppointment', 'rescheduleAppointment') order by id
        """
    )
    assert [tuple(row) for row in actions] == [
        ("rescheduleAppointment", "override: too-late"),
        ("cancelAppointment", "override: too-late"),
    ]


async def test_other_callers_cannot_override_the_notice_period(desk):
    for caller in [*OTHERS, "other doctor"]:
        assert (await desk.move(caller, override=OVERRIDE)).status_code == 403, caller
        assert (await desk.cancel(caller, override="too-late", overrideReason=REASON)).status_code == 403, caller
        assert await desk.db.fetchval("select status from appointment") == "booked", caller


async def test_a_doctor_cannot_move_a_late_appointment_to_another_doctor(desk):
    assert (await desk.move("doctor", doctorId=desk.okafor, override=OVERRIDE)).status_code == 403
    assert (await desk.move("receptionist", doctorId=desk.shah, override=OVERRIDE)).status_code == 200


async def test_the_error_for_an_invalid_override_points_to_the_invalid_parameter(desk):
    for query, pointer in [
        ({"override": "too-late"}, "?overrideReason"),
        ({"overrideReason": REASON}, "?override"),
        ({"override": "too-late", "overrideReason": " "}, "?overrideReason"),
        ({"override": "too-late", "overrideReason": ""}, "?overrideReason"),
        ({"override": "true", "overrideReason": REASON}, "?override"),
        ({"override": "too-late", "overrideReason": "x" * 201}, "?overrideReason"),
    ]:
        refusal = await desk.cancel("receptionist", **query)
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, [pointer]), (
            query
        )


async def test_a_refusal_has_no_phone_number_if_the_clinic_has_none(client, db):
    desk = await Desk(client, db).open()
    refusal = await desk.cancel("patient")
    assert (refusal.json()["reason"], "phone" in refusal.json()) == ("too-late", False)


async def test_a_changed_notice_period_takes_effect_immediately(desk):
    await desk.client.patch(f"/api/clinics/{desk.clinic}", json={"policy": {"cancelNoticeMinutes": 60}}, headers=ADMIN)
    assert (await desk.cancel("patient")).status_code == 204
