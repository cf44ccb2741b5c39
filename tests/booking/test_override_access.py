"""Overrides over HTTP: who can override rules, who can read the reason, and what is audited."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.kit.actors import Actor, Role
from support.callers import accept_callers, headers_of, member, partner, staff
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

REASON = "Ana is in pain"
START = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
OVERRIDE = {"allow": ["outside-hours", "too-soon", "customer-busy"], "reason": REASON}


class Desk:
    """A clinic with two doctors who work from nine to ten, and callers of every kind."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def open(self):
        self.clinic, self.other_clinic = await create_clinic(self.client), await create_clinic(self.client)
        self.shah, self.okafor = await create_doctor(self.client), await create_doctor(self.client)
        self.ana = await create_customer(self.client)
        for each in (self.shah, self.okafor):
            await publish_slot(self.db, each, START, START + timedelta(hours=1))
        callers = staff(self.clinic, self.shah) | {
            "elsewhere": member("elsewhere", self.other_clinic, Role.MANAGER),
            "partner": partner(self.clinic, "see-appointments", "move-appointments", "list-appointments", "book"),
            "patient": Actor("patient", customer_id=UUID(self.ana)),
        }
        accept_callers(self.client, callers)
        return self

    def appointment_body(self, start, *, doctor_id=None, minutes=30, **members):
        when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}
        return {"customerId": self.ana, "doctorId": doctor_id or self.shah} | when | members

    async def book(self, caller, start, *, override=OVERRIDE, headers=None, **members):
        return await self.client.post(
            "/api/appointments",
            json=self.appointment_body(start, override=override, **members),
            headers=headers_of(caller) | (headers or {}),
        )


@pytest.fixture
async def desk(client, db):
    return await Desk(client, db).open()


@pytest.mark.parametrize(
    ("caller", "status"),
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
async def test_only_the_clinics_staff_can_override_rules(desk, caller, status):
    assert (await desk.book(caller, START + timedelta(hours=3))).status_code == status
    assert await desk.db.fetchval("select count(*) from booking_slot") == (3 if status == 201 else 2)
    family = {"clinicId": desk.clinic, "customerId": desk.ana, "override": OVERRIDE}
    part = desk.appointment_body(START + timedelta(hours=4))
    assert (
        await desk.client.post("/api/bookings", json=family | {"appointments": [part]}, headers=headers_of(caller))
    ).status_code == status


async def test_a_doctor_can_override_rules_only_for_themselves(desk):
    assert (await desk.book("doctor", START + timedelta(hours=3), doctor_id=desk.okafor)).status_code == 403
    assert (await desk.book("doctor", START + timedelta(hours=3), doctor_id=None)).status_code == 201
    any_doctor = desk.appointment_body(START, clinicId=desk.clinic, override=OVERRIDE)
    del any_doctor["doctorId"]
    response = await desk.client.post("/api/appointments", json=any_doctor, headers=headers_of("doctor"))
    assert response.status_code == 403


async def test_only_staff_can_read_the_override_reason(desk):
    response = await desk.book("receptionist", START + timedelta(hours=3))
    assert (response.json()["overrides"], response.json()["overrideReason"]) == (["outside-hours"], REASON)
    address = response.headers["Location"]
    for caller, reason in (
        ("doctor", REASON),
        ("manager", REASON),
        ("administrator", REASON),
        ("partner", None),
        ("patient", None),
    ):
        appointment = (await desk.client.get(address, headers=headers_of(caller))).json()
        assert (appointment["overrides"], appointment["overrideReason"]) == (["outside-hours"], reason), caller
    for path in ("appointments", "bookings"):
        for caller, readable in (("partner", False), ("receptionist", True)):
            body = (await desk.client.get(f"/api/clinics/{desk.clinic}/{path}", headers=headers_of(caller))).text
            assert (REASON in body) is readable, (path, caller)


async def test_the_audit_log_records_the_overridden_rules_but_not_the_reason(desk):
    response = await desk.book("receptionist", START + timedelta(hours=3))
    to = {"startTime": (START + timedelta(hours=4)).isoformat(), "override": OVERRIDE}
    await desk.client.put(response.headers["Location"], json=to, headers=headers_of("receptionist"))
    await desk.client.put(
        response.headers["Location"], json={"startTime": START.isoformat()}, headers=headers_of("receptionist")
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
    responses = [await desk.book("receptionist", START + timedelta(hours=3), headers=key) for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
    assert responses[1].headers["Idempotent-Replayed"] == "true"
    other = await desk.book(
        "receptionist", START + timedelta(hours=3), headers=key, override=OVERRIDE | {"reason": "Another"}
    )
    assert other.status_code == 422


async def test_the_error_for_an_invalid_override_points_to_the_invalid_member(desk):
    for override, pointers in [
        ({"allow": ["outside-hours"]}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": " \n"}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": None}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": "x" * 201}, ["#/override/reason"]),
        ({"allow": ["outside-hours"], "reason": "\u0000"}, ["#/override/reason"]),
        ({"reason": "x"}, ["#/override/allow"]),
        ({"allow": [], "reason": "x"}, ["#/override/allow"]),
        ({"allow": ["taken"], "reason": "x"}, ["#/override/allow/0"]),
        ({"allow": ["too-many-holds"], "reason": "x"}, ["#/override/allow/0"]),
        ({"allow": ["too-soon"] * 7, "reason": "x"}, ["#/override/allow"]),
        ({"allow": ["too-soon"], "reason": "x", "force": True}, ["#/override/force"]),
        (True, ["#/override"]),
    ]:
        refusal = await desk.book("receptionist", START + timedelta(hours=3), override=override)
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, pointers), (
            override
        )


async def test_only_one_of_several_concurrent_overrides_gets_the_time(desk):
    patients = [await create_customer(desk.client) for _ in range(8)]
    start = START + timedelta(hours=3)
    responses = await asyncio.gather(
        *(
            desk.book("receptionist", start + timedelta(minutes=5 * (n % 2)), customerId=customer_id)
            for n, customer_id in enumerate(patients)
        )
    )
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 7}
    assert {response.json()["reason"] for response in responses if response.status_code == 409} == {"taken"}
    assert await desk.db.fetchval("select count(*) from booking_slot where remnant") == 1
    assert await desk.db.fetchval("select count(*) from event where type = 'slot.published'") == 1


async def test_an_override_cannot_book_another_clinics_doctor(desk):
    other_doctor = await create_doctor(desk.client, desk.other_clinic)
    assert (await desk.book("receptionist", START, doctor_id=other_doctor)).status_code == 404
    assert (await desk.book("receptionist", START, doctor_id=other_doctor, clinicId=desk.clinic)).status_code == 404
