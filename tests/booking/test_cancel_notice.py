"""A clinic's notice for cancelling and moving: it binds patients and partners, and staff until they say why not this
time."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking import service, transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.rules import Override
from appoint.kit import errors
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.rows import NOW as TODAY
from support.rows import appointment_type, clinic, customer, doctor, publish
from support.world import RECEPTION, World, at

NOTICE = timedelta(hours=2)
WHY = "Her child is in hospital"
LATE = Override(allow=["too-late"], reason=WHY)


@pytest.fixture
async def world(db):
    """At six o'clock; the clinic asks for two hours' notice."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache, cancel_notice_minutes=120)


async def cancel(world, appointment, now, *, because=None):
    try:
        await world.db.atomic(
            transitions.cancel,
            RECEPTION,
            appointment_id=appointment.id,
            reason=None,
            override_reason=because,
            if_match=None,
            now=now,
        )
    except errors.Conflict as refusal:
        return refusal
    return await service.get(world.db, appointment.id)


async def move(world, appointment, start, now, *, override=None):
    to = RescheduleRequest(start_time=start, override=override)
    try:
        return await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=now)
    except errors.Conflict as refusal:
        return refusal


async def test_until_the_notice_begins_an_appointment_can_be_cancelled(world):
    first, second = (
        await world.book(world.dr_shah, at(9), world.ana),
        await world.book(world.dr_shah, at(9, 30), world.ben),
    )
    assert (await cancel(world, first, at(9) - NOTICE)).status == "cancelled"
    late = await cancel(world, second, at(9, 30) - NOTICE + timedelta(microseconds=1))
    assert (late.type, late.facts) == ("too-late", {"minutes": 120})


async def test_until_the_notice_begins_it_can_be_moved(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, booked, at(12), at(9) - NOTICE)).start_time == at(12)
    assert (await move(world, booked, at(15), at(10, 30))).type == "too-late"


async def test_a_move_to_where_it_is_needs_no_notice(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, booked, at(9), at(8))).status == "booked"


async def test_a_clinic_that_asks_for_no_notice_lets_go_of_an_appointment_while_it_lasts(world):
    await world.set_clinic(world.clinic, cancel_notice_minutes=0)
    booked = await world.book(world.dr_shah, at(9), world.ana)
    assert (await cancel(world, booked, at(9, 10))).status == "cancelled"


async def test_a_hold_can_always_be_let_go_and_moved(world):
    held = await world.book(world.dr_shah, at(7), world.ana, hold=True)
    assert held.type == "outside-hours"
    held = await world.book(world.dr_shah, at(8), world.ana, hold=True)
    moved = await move(world, held, at(8, 30), at(6, 5))
    assert moved.start_time == at(8, 30)
    assert (await cancel(world, held, at(6, 59))).status == "cancelled"


async def test_what_the_clinic_itself_has_to_move_can_be_cancelled_late(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await world.db.execute("update appointment set needs_rebooking = true")
    assert (await cancel(world, booked, at(8))).status == "cancelled"


async def test_staff_cancel_late_and_say_why(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    cancelled = await cancel(world, booked, at(8), because=WHY)
    assert (cancelled.status, cancelled.overrides, cancelled.override_reason, cancelled.cancel_reason) == (
        "cancelled",
        ["too-late"],
        WHY,
        None,
    )


async def test_why_is_not_kept_where_it_was_in_time(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    cancelled = await cancel(world, booked, at(7), because=WHY)
    assert (cancelled.status, cancelled.overrides, cancelled.override_reason) == ("cancelled", [], None)


async def test_staff_move_late_and_say_why(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    moved = await move(world, booked, at(12), at(8), override=LATE)
    assert (moved.start_time, moved.overrides, moved.override_reason) == (at(12), ["too-late"], WHY)
    assert (await move(world, booked, at(17), at(11), override=LATE)).type == "outside-hours"
    both = await move(world, booked, at(17), at(11), override=Override(allow=["outside-hours", "too-late"], reason=WHY))
    assert both.overrides == ["too-late", "outside-hours"]
    last = await cancel(world, both, at(16), because="and now he is gone")
    assert (last.overrides, last.override_reason) == (
        ["too-late", "outside-hours", "too-late"],
        f"{WHY}\nand now he is gone",
    )


# by HTTP: whom it binds

START = (TODAY + timedelta(days=3)).replace(hour=9, minute=0, second=0)


class Desk:
    """A clinic that asks for a week's notice, and an appointment in three days."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def open(self, **about):
        self.clinic = await clinic(self.client, policy={"cancelNoticeMinutes": 7 * 24 * 60}, **about)
        self.shah, self.okafor, self.ana = (
            await doctor(self.client),
            await doctor(self.client),
            await customer(self.client),
        )
        await appointment_type(self.client)
        await publish(self.db, self.shah, START, START + timedelta(hours=4))
        when = {"startTime": START.isoformat(), "endTime": (START + timedelta(minutes=30)).isoformat()}
        made = await self.client.post(
            "/api/appointments", json={"customerId": self.ana, "doctorId": self.shah} | when, headers=ADMIN
        )
        self.address = made.headers["Location"]
        clinic_id = self.clinic
        callers = {
            "doctor": Actor(
                "doctor", user_id=UUID(int=1), memberships=(Membership(clinic_id, Role.DOCTOR, UUID(self.shah)),)
            ),
            "other doctor": Actor(
                "other", user_id=UUID(int=2), memberships=(Membership(clinic_id, Role.DOCTOR, UUID(self.okafor)),)
            ),
            "receptionist": Actor(
                "receptionist", user_id=UUID(int=3), memberships=(Membership(clinic_id, Role.RECEPTIONIST),)
            ),
            "manager": Actor("manager", user_id=UUID(int=4), memberships=(Membership(clinic_id, Role.MANAGER),)),
            "partner": Actor(
                "partner", memberships=(Membership(clinic_id, Role.PARTNER),), scopes=frozenset({"move-appointments"})
            ),
            "patient": Actor("patient", customer_id=UUID(self.ana)),
            "holder": Actor("holder", appointment_id=UUID(made.json()["id"])),
        }

        async def identify(_, token):
            return callers.get(token.removeprefix("test_"))

        self.client._transport.app.state.services.identities["test_"] = identify
        return self

    def says(self, who):
        return ADMIN if who == "administrator" else {"Authorization": f"Bearer test_{who}"}

    async def cancel(self, who, **query):
        return await self.client.delete(self.address, params=query, headers=self.says(who))

    async def move(self, who, **more):
        return await self.client.put(
            self.address, json={"startTime": (START + timedelta(hours=1)).isoformat()} | more, headers=self.says(who)
        )


@pytest.fixture
async def desk(client, db):
    return await Desk(client, db).open(phone="+493012345678")


STAFF = ("doctor", "receptionist", "manager", "administrator")
OTHERS = ("patient", "holder", "partner")
OVERRIDE = {"allow": ["too-late"], "reason": WHY}


@pytest.mark.parametrize("who", [*STAFF, *OTHERS])
async def test_inside_the_notice_everybody_is_told_whom_to_call(desk, who):
    for refused in (await desk.cancel(who), await desk.cancel(who, reason="ill"), await desk.move(who)):
        assert (refused.status_code, refused.json()["reason"], refused.json()["phone"], refused.json()["minutes"]) == (
            409,
            "too-late",
            "+493012345678",
            10080,
        )
    assert await desk.db.fetchval("select status from appointment") == "booked"


@pytest.mark.parametrize("who", STAFF)
async def test_staff_set_it_aside_in_words(desk, who):
    moved = await desk.move(who, override=OVERRIDE)
    assert (moved.status_code, moved.json()["overrides"], moved.json()["overrideReason"]) == (200, ["too-late"], WHY)
    assert (await desk.cancel(who, override="too-late", overrideReason="Again", reason="ill")).status_code == 204
    row = await desk.db.fetchrow("select status, cancel_reason, overridden, override_reason from appointment")
    assert tuple(row) == ("cancelled", "ill", ["too-late", "too-late"], f"{WHY}\nAgain")
    actions = await desk.db.fetch(
        "select action, reason from audit_unsealed where action in ('cancelAppointment', 'rescheduleAppointment') order by id"
    )
    assert [tuple(row) for row in actions] == [
        ("rescheduleAppointment", "override: too-late"),
        ("cancelAppointment", "override: too-late"),
    ]


@pytest.mark.parametrize("who", [*OTHERS, "other doctor"])
async def test_nobody_else_may(desk, who):
    assert (await desk.move(who, override=OVERRIDE)).status_code == 403
    assert (await desk.cancel(who, override="too-late", overrideReason=WHY)).status_code == 403
    assert await desk.db.fetchval("select status from appointment") == "booked"


async def test_a_doctor_moves_nothing_late_to_another_doctor(desk):
    assert (await desk.move("doctor", doctorId=desk.okafor, override=OVERRIDE)).status_code == 403
    assert (await desk.move("receptionist", doctorId=desk.shah, override=OVERRIDE)).status_code == 200


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"override": "too-late"}, "?overrideReason"),
        ({"overrideReason": WHY}, "?override"),
        ({"override": "too-late", "overrideReason": " "}, "?overrideReason"),
        ({"override": "too-late", "overrideReason": ""}, "?overrideReason"),
        ({"override": "true", "overrideReason": WHY}, "?override"),
        ({"override": "too-late", "overrideReason": "x" * 201}, "?overrideReason"),
    ],
)
async def test_what_is_wrong_with_it_is_named(desk, query, pointer):
    refused = await desk.cancel("receptionist", **query)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer])


async def test_a_clinic_without_a_phone_shows_none(client, db):
    desk = await Desk(client, db).open()
    refused = await desk.cancel("patient")
    assert (refused.json()["reason"], "phone" in refused.json()) == ("too-late", False)


async def test_a_changed_notice_binds_at_once(desk):
    await desk.client.patch(f"/api/clinics/{desk.clinic}", json={"policy": {"cancelNoticeMinutes": 60}}, headers=ADMIN)
    assert (await desk.cancel("patient")).status_code == 204
