"""Staff set rules aside, with a reason: where those are in the way, and nowhere else; and who may not, cannot."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking import book as booking
from appoint.booking import holds, service, transitions
from appoint.booking.model import AppointmentRequest, RescheduleRequest
from appoint.booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from appoint.booking.reschedule import reschedule
from appoint.booking.rules import Override
from appoint.kit import errors
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from support.app import ADMIN
from support.hours import generate, published, works
from support.rows import clinic, customer, doctor, later, publish
from support.world import MONDAY, RECEPTION, World, at

REASON = "Ana is in pain"
ALL = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late"]


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to sixteen (UTC) on Monday; it is six."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def book(world, start, customer, *, allow=ALL, doctor="dr_shah", minutes=30, key=None, **wish):
    named = getattr(world, doctor) if doctor else None
    request = AppointmentRequest(
        customer_id=customer,
        clinic_id=world.clinic,
        doctor_id=named,
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        **wish,
    )
    return await book_all(world, [request], allow=allow, key=key)


async def book_all(world, requests, *, allow=ALL, key=None):
    command = BookingCommand(
        world.clinic,
        [CustomerRequest(request.customer_id, request) for request in requests],
        RECEPTION,
        timedelta(minutes=10),
        world.now,
        idempotency=IdempotencyKey("reception", key, str(requests).encode()) if key else None,
        override=Override(allow=allow, reason=REASON) if allow else None,
    )
    try:
        booked = await booking.book(world.db, world.cache, command)
    except errors.Conflict as refusal:
        return refusal
    made = booked.booking.appointments
    return made[0] if len(made) == 1 else made


async def move(world, appointment, start, *, allow=ALL, doctor=None, minutes=30):
    to = RescheduleRequest(
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        doctor_id=doctor,
        override=Override(allow=allow, reason=REASON) if allow else None,
    )
    try:
        return await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def cancel(world, appointment):
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )


async def hours(world):
    return await published(world.db, world.dr_shah)


async def told(db):
    return [row.type for row in await db.fetch("select type from event order by id")]


async def test_outside_hours_exactly_the_missing_time_is_published_for_the_appointment(world):
    made = await book(world, at(15, 45), world.ana, allow=["outside-hours"])
    assert (made.status, made.overrides, made.override_reason) == ("booked", ["outside-hours"], REASON)
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-17:15"]
    row = await world.db.fetchrow("select source, remnant from booking_slot where source = 'manual'")
    assert (row.source, row.remnant) == ("manual", True)
    assert sorted(await told(world.db)) == ["appointment.booked", "slot.published"]


async def test_time_between_two_slots_is_filled(world):
    await world.publish(world.dr_shah, at(17), at(18))
    made = await book(world, at(15, 30), world.ana, minutes=120)
    assert made.overrides == ["outside-hours"]
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-18:00", "Mon 1 18:00-19:00"]


async def test_time_that_was_published_for_one_appointment_goes_when_it_is_cancelled(world):
    made = await book(world, at(15, 45), world.ana)
    await cancel(world, made)
    assert await hours(world) == ["Mon 1 09:00-17:00"]
    assert (await told(world.db))[-2:] == ["appointment.cancelled", "slot.withdrawn"]


async def test_a_hold_outside_hours_leaves_nothing_behind_when_it_runs_out(world):
    held = await book(world, at(17), world.ana, hold=True)
    assert held.status == "pending"
    assert await holds.expire_holds(world.db, now=world.now + timedelta(hours=1)) == 1
    assert await hours(world) == ["Mon 1 09:00-17:00"]
    assert Counter(await told(world.db))["slot.withdrawn"] == 1


async def test_nobody_else_can_book_what_was_published_for_one_appointment(world):
    await book(world, at(17), world.ana)
    assert (await world.book(world.dr_shah, at(17), world.ben)).type == "taken"
    assert (await world.book(world.dr_shah, at(17, 15), world.ben)).type == "outside-hours"
    assert (await book(world, at(17), world.ben)).type == "taken"


async def test_of_two_who_open_the_same_time_one_gets_it_and_the_other_leaves_nothing_published(world):
    for hour in range(17, 21):
        answers = await asyncio.gather(
            *(
                book(world, at(hour, 10 * number), customer)
                for number, customer in enumerate((world.ana, world.ben, world.ana))
            )
        )
        kinds = Counter(answer.type if isinstance(answer, errors.Conflict) else "booked" for answer in answers)
        assert kinds["taken"] >= 1
        assert kinds["booked"] >= 1
        assert (
            await world.db.fetchval(
                "select count(*) from booking_slot s where remnant and not exists (select from appointment a where a.during @> s.during)"
            )
            == 0
        )


async def test_a_booking_that_is_refused_after_all_publishes_nothing(world):
    await world.book(world.dr_shah, at(15, 30), world.ben)
    assert (await book(world, at(15, 45), world.ana)).type == "taken"
    assert await hours(world) == ["Mon 1 09:00-17:00"]
    assert await told(world.db) == ["appointment.booked"]


async def test_the_same_request_again_is_answered_with_what_the_first_made(world):
    first = await book(world, at(17), world.ana, key="once")
    again = await asyncio.gather(*(book(world, at(17), world.ana, key="once") for _ in range(4)))
    assert {each.id for each in again} == {first.id}
    assert await world.count("booking_slot") == 2


async def test_notice_and_horizon_can_be_set_aside(world):
    await world.set_clinic(world.clinic, min_notice_minutes=24 * 60, horizon_days=3)
    await world.cache.drop(world.clinic)
    assert (await book(world, at(9), world.ana, allow=None)).type == "too-soon"
    assert (await book(world, at(9), world.ana, allow=["too-far"])).type == "too-soon"
    assert (await book(world, at(9), world.ana)).overrides == ["too-soon"]
    far = at(9, day=MONDAY + timedelta(days=200))
    assert (await book(world, far, world.ana, allow=["too-soon", "outside-hours"])).type == "too-far"
    assert (await book(world, far, world.ana)).overrides == ["too-far", "outside-hours"]
    assert (await book(world, far, world.ben)).type == "taken"
    await world.publish(world.dr_shah, far + timedelta(hours=1), far + timedelta(hours=2))
    assert (await book(world, far + timedelta(hours=1), world.ana)).overrides == ["too-far"]


async def test_what_is_not_in_the_way_is_not_overridden(world):
    made = await book(world, at(9), world.ana)
    assert (made.overrides, made.override_reason) == ([], None)
    assert await hours(world) == ["Mon 1 09:00-17:00"]


async def test_what_is_not_allowed_stays_refused(world):
    assert (await book(world, at(17), world.ana, allow=["too-soon", "customer-busy"])).type == "outside-hours"


@pytest.mark.parametrize(
    ("start", "minutes", "reason"),
    [(at(5), 30, "in-the-past"), (at(22, 30), 60, "crosses-midnight")],
)
async def test_some_rules_nobody_sets_aside(world, start, minutes, reason):
    assert (await book(world, start, world.ana, minutes=minutes)).type == reason


async def test_an_inactive_doctor_or_clinic_is_not_booked(world):
    await world.db.execute("update doctor set active = false, removed_at = now(), version = version + 1")
    assert (await book(world, at(17), world.ana)).type == "doctor-inactive"
    await world.db.execute("update clinic set active = false, removed_at = now(), version = version + 1")
    assert (await book(world, at(17), world.ana)).type == "clinic-inactive"
    assert await world.count("booking_slot") == 1


async def test_hours_are_a_doctors_who_is_named(world):
    assert (await book(world, at(17), world.ana, doctor=None)).type == "outside-hours"


async def test_a_customer_can_be_booked_beside_another_appointment(world):
    world.okafor = await world.add_doctor("Dr Okafor")
    await world.publish(world.okafor, at(8), at(16))
    await world.book(world.dr_shah, at(9), world.ana)
    assert (await book(world, at(9, 15), world.ana, doctor="okafor", allow=None)).type == "customer-busy"
    assert (await book(world, at(9, 15), world.ana, doctor="okafor")).overrides == ["customer-busy"]


async def test_an_appointment_beside_others_takes_the_customers_time_like_any(world):
    world.okafor, world.moreau = await world.add_doctor("Dr Okafor"), await world.add_doctor("Dr Moreau")
    for each in (world.okafor, world.moreau):
        await world.publish(each, at(8), at(16))
    first = await world.book(world.dr_shah, at(9), world.ana)
    beside = await book(world, at(9, 15), world.ana, doctor="okafor")
    await cancel(world, first)
    assert (await world.book(world.moreau, at(9, 30), world.ana)).type == "customer-busy"
    elsewhere = await world.book(world.moreau, at(11), world.ana)
    assert (await move(world, elsewhere, at(9, 30), allow=None)).type == "customer-busy"
    assert (await move(world, beside, at(12), allow=None)).overrides == []
    assert (await world.book(world.dr_shah, at(9, 30), world.ana)).status == "booked"
    assert (await world.book(world.dr_shah, at(12), world.ana)).type == "customer-busy"


async def test_of_several_appointments_each_shows_what_was_set_aside_for_it(world):
    request = {"clinic_id": world.clinic, "doctor_id": world.dr_shah}
    wishes = [
        AppointmentRequest(customer_id=customer, start_time=start, end_time=start + timedelta(minutes=30), **request)
        for customer, start in ((world.ana, at(9)), (world.ben, at(16)), (world.ana, at(16, 30)))
    ]
    made = await book_all(world, wishes)
    assert [each.overrides for each in made] == [[], ["outside-hours"], ["outside-hours"]]
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-17:30", "Mon 1 17:30-18:00"]


async def test_of_several_either_all_are_booked_or_nothing_is_published(world):
    await world.book(world.dr_shah, at(9), world.ben)
    request = {"clinic_id": world.clinic, "doctor_id": world.dr_shah, "customer_id": world.ana}
    wishes = [
        AppointmentRequest(start_time=start, end_time=start + timedelta(minutes=30), **request)
        for start in (at(17), at(9))
    ]
    refused = await book_all(world, wishes)
    assert (refused.type, refused.facts["index"]) == ("taken", 1)
    assert (await hours(world), await world.count("appointment")) == (["Mon 1 09:00-17:00"], 1)


async def test_a_move_sets_aside_what_is_in_its_way_and_takes_its_own_hours_along(world):
    made = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, made, at(17), allow=None)).type == "outside-hours"
    assert (await move(world, made, at(17))).overrides == ["outside-hours"]
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:00-18:30"]
    assert (await move(world, made, at(17, 15), allow=None)).type == "outside-hours"
    assert (await move(world, made, at(17, 15), allow=["outside-hours"])).overrides == ["outside-hours"]
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:15-18:45"]
    back = await move(world, made, at(10))
    assert (back.overrides, back.override_reason) == ([], None)
    assert await hours(world) == ["Mon 1 09:00-17:00"]
    types = [type for type in await told(world.db) if type.startswith("slot.")]
    assert types == ["slot.published", "slot.withdrawn", "slot.published", "slot.withdrawn"]


async def test_a_move_to_where_it_is_keeps_what_was_set_aside(world):
    made = await book(world, at(17), world.ana)
    same = await move(world, made, at(17), allow=None)
    assert (same.overrides, same.override_reason) == (["outside-hours"], REASON)
    assert await hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:00-18:30"]


async def test_a_move_to_another_doctor_opens_their_hours(world):
    other = await world.add_doctor("Dr Okafor")
    made = await book(world, at(17), world.ana)
    assert (await move(world, made, at(18), doctor=other)).doctor_id == other
    assert (await hours(world), await published(world.db, other)) == (["Mon 1 09:00-17:00"], ["Mon 1 19:00-19:30"])


async def test_an_absence_strands_an_appointment_outside_hours_like_any(world):
    made = await book(world, at(17), world.ana)
    away = AbsenceContent(doctor_id=world.dr_shah, start_time=at(16), end_time=at(19))
    with pytest.raises(errors.Conflict, match="appointments-in-the-way"):
        await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=away, force=False, now=world.now)
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=away, force=True, now=world.now)
    assert (await service.get(world.db, made.id)).needs_rebooking is True
    await cancel(world, made)
    assert await hours(world) == ["Mon 1 09:00-17:00"]


async def test_the_schedule_fills_in_what_an_appointment_leaves_once_it_is_generated(world):
    await world.db.execute("delete from booking_slot")
    made = await book(world, at(9), world.ana)
    await works(world, world.dr_shah, monday="09:00-17:00")
    await generate(world, MONDAY, MONDAY)
    assert await hours(world) == ["Mon 1 09:00-10:00", "Mon 1 10:00-10:30", "Mon 1 10:30-17:00"]
    await cancel(world, made)
    await generate(world, MONDAY, MONDAY)
    assert await hours(world) == ["Mon 1 09:00-10:00", "Mon 1 10:00-10:30", "Mon 1 10:30-17:00"]
    assert await published(world.db, world.dr_shah, remnants=True) == []


async def test_a_plain_booking_costs_no_statement_more_for_all_this(world, monkeypatch):
    sent = []
    run = type(world.db).run
    monkeypatch.setattr(type(world.db), "run", lambda self, *args: sent.append(args[0]) or run(self, *args))
    await world.book(world.dr_shah, at(9), world.ana)
    sent.clear()
    await world.book(world.dr_shah, at(10), world.ana)
    assert len(sent) == 1


# by HTTP: who may

START = later(24 * 7).replace(hour=9, minute=0, second=0)
OVERRIDE = {"allow": ["outside-hours", "too-soon", "customer-busy"], "reason": REASON}


class Desk:
    """A clinic with two doctors who work from nine to ten, and callers of every kind."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def open(self):
        self.clinic, self.other_clinic = await clinic(self.client), await clinic(self.client)
        self.shah, self.okafor = await doctor(self.client), await doctor(self.client)
        self.ana = await customer(self.client)
        for each in (self.shah, self.okafor):
            await publish(self.db, each, START, START + timedelta(hours=1))
        of, at_other = self.clinic, self.other_clinic
        self.callers = {
            "doctor": Actor("doctor", user_id=UUID(int=1), memberships=(Membership(of, Role.DOCTOR, UUID(self.shah)),)),
            "receptionist": Actor(
                "receptionist", user_id=UUID(int=2), memberships=(Membership(of, Role.RECEPTIONIST),)
            ),
            "manager": Actor("manager", user_id=UUID(int=3), memberships=(Membership(of, Role.MANAGER),)),
            "elsewhere": Actor("elsewhere", user_id=UUID(int=4), memberships=(Membership(at_other, Role.MANAGER),)),
            "partner": Actor(
                "partner",
                memberships=(Membership(of, Role.PARTNER),),
                scopes=frozenset({"see-appointments", "move-appointments", "list-appointments"}),
            ),
            "patient": Actor("patient", customer_id=UUID(self.ana)),
        }

        async def identify(_, token):
            return self.callers.get(token.removeprefix("test_"))

        self.client._transport.app.state.services.identities["test_"] = identify
        return self

    def wish(self, start, *, doctor=None, minutes=30, **more):
        when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}
        return {"customerId": self.ana, "doctorId": doctor or self.shah} | when | more

    async def book(self, who, start, *, override=OVERRIDE, headers=None, **more):
        return await self.client.post(
            "/api/appointments",
            json=self.wish(start, override=override, **more),
            headers=self.says(who) | (headers or {}),
        )

    def says(self, who):
        return ADMIN if who == "administrator" else {"Authorization": f"Bearer test_{who}"} if who else {}


@pytest.fixture
async def desk(client, db):
    return await Desk(client, db).open()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("doctor", 201),
        ("receptionist", 201),
        ("manager", 201),
        ("administrator", 201),
        ("partner", 403),
        ("patient", 403),
        (None, 401),
        ("elsewhere", 404),
    ],
)
async def test_staff_of_the_clinic_may_override_and_nobody_else(desk, who, status):
    assert (await desk.book(who, START + timedelta(hours=3))).status_code == status
    assert await desk.db.fetchval("select count(*) from booking_slot") == (3 if status == 201 else 2)
    family = {"clinicId": desk.clinic, "customerId": desk.ana, "override": OVERRIDE}
    part = desk.wish(START + timedelta(hours=4))
    assert (
        await desk.client.post("/api/bookings", json=family | {"appointments": [part]}, headers=desk.says(who))
    ).status_code == status


async def test_a_doctor_overrides_for_themselves_alone(desk):
    assert (await desk.book("doctor", START + timedelta(hours=3), doctor=desk.okafor)).status_code == 403
    assert (await desk.book("doctor", START + timedelta(hours=3), doctor=None)).status_code == 201
    any_doctor = {
        "clinicId": desk.clinic,
        "customerId": desk.ana,
        "startTime": START.isoformat(),
        "endTime": (START + timedelta(minutes=30)).isoformat(),
    }
    assert (
        await desk.client.post(
            "/api/appointments", json=any_doctor | {"override": OVERRIDE}, headers=desk.says("doctor")
        )
    ).status_code == 403


async def test_only_staff_read_why(desk):
    made = await desk.book("receptionist", START + timedelta(hours=3))
    assert (made.json()["overrides"], made.json()["overrideReason"]) == (["outside-hours"], REASON)
    address = made.headers["Location"]
    for who, reason in (
        ("doctor", REASON),
        ("manager", REASON),
        ("administrator", REASON),
        ("partner", None),
        ("patient", None),
    ):
        seen = (await desk.client.get(address, headers=desk.says(who))).json()
        assert (seen["overrides"], seen["overrideReason"]) == (["outside-hours"], reason), who
    for path in ("appointments", "bookings"):
        for who, hidden in (("partner", True), ("receptionist", False)):
            listed = (await desk.client.get(f"/api/clinics/{desk.clinic}/{path}", headers=desk.says(who))).text
            assert (REASON not in listed) is hidden, (path, who)


async def test_the_audit_has_the_rules_and_never_the_reason(desk):
    made = await desk.book("receptionist", START + timedelta(hours=3))
    to = {"startTime": (START + timedelta(hours=4)).isoformat(), "override": OVERRIDE}
    await desk.client.put(made.headers["Location"], json=to, headers=desk.says("receptionist"))
    await desk.client.put(
        made.headers["Location"], json={"startTime": START.isoformat()}, headers=desk.says("receptionist")
    )
    rows = await desk.db.fetch(
        "select actor, action, reason from audit_unsealed where actor = 'receptionist' order by id"
    )
    assert [tuple(row) for row in rows] == [
        ("receptionist", "bookAppointment", "override: outside-hours"),
        ("receptionist", "rescheduleAppointment", "override: outside-hours"),
        ("receptionist", "rescheduleAppointment", None),
    ]
    for table in ("event", "audit_unsealed", "notification"):
        assert REASON not in str(await desk.db.fetch(f"select {table}::text from {table}"))


async def test_an_idempotency_key_works_with_overrides(desk):
    key = {"Idempotency-Key": "once"}
    answers = [await desk.book("receptionist", START + timedelta(hours=3), headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    other = await desk.book(
        "receptionist", START + timedelta(hours=3), headers=key, override=OVERRIDE | {"reason": "Another"}
    )
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("override", "pointers"),
    [
        ({"allow": ["outside-hours"]}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": " \n"}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": None}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": "x" * 201}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": "\u0000"}, ["#/override/reason"]),
        ({"reason": "x"}, ["#/override/allow"]),
        ({"allow": [], "reason": "x"}, ["#/override/allow"]),
        ({"allow": ["taken"], "reason": "x"}, ["#/override/allow/0"]),
        ({"allow": ["in-the-past"], "reason": "x"}, ["#/override/allow/0"]),
        ({"allow": ["too-soon"] * 6, "reason": "x"}, ["#/override/allow"]),
        ({"allow": ["too-soon"], "reason": "x", "force": True}, ["#/override/force"]),
        (True, ["#/override"]),
    ],
)
async def test_what_is_wrong_with_an_override_is_named(desk, override, pointers):
    refused = await desk.book("receptionist", START + timedelta(hours=3), override=override)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, pointers)


async def test_of_several_staff_who_open_one_time_at_once_one_gets_it(desk):
    patients = [await customer(desk.client) for _ in range(8)]
    start = START + timedelta(hours=3)
    answers = await asyncio.gather(
        *(
            desk.book("receptionist", start + timedelta(minutes=5 * (n % 2)), customerId=one)
            for n, one in enumerate(patients)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 409} == {"taken"}
    assert await desk.db.fetchval("select count(*) from booking_slot where remnant") == 1
    assert await desk.db.fetchval("select count(*) from event where type = 'slot.published'") == 1


async def test_another_clinics_doctor_stays_out_of_reach(desk):
    theirs = await doctor(desk.client, desk.other_clinic)
    assert (await desk.book("receptionist", START, doctor=theirs)).status_code == 404
    assert (await desk.book("receptionist", START, doctor=theirs, clinicId=desk.clinic)).status_code == 404
