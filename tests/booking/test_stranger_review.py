"""Staff review strangers' bookings and cancel them in bulk."""

import re
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from appoint.booking.repository.erasure import delete_old_origins
from appoint.kit import clock
from appoint.kit.key_ring import EncryptedField
from support.app import ADMIN, connected_client
from support.keys import KEYS
from support.rate_limits import limited_client
from support.staff import add_user, bearer, works_at
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

LIST = "/api/clinics/1/strangerAppointments"
START = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)


@pytest.fixture
async def world(db, database_url):
    """Two strangers from different networks have booked: Max has two appointments, and Ana has one. Staff have also
    booked one.
    """
    async with limited_client(database_url) as client, connected_client(client.app, address="203.0.113.5") as other:
        await create_clinic(client)
        doctor = await create_doctor(client)
        await publish_slot(db, doctor, START, START + timedelta(hours=7))
        max_, ana = [await create_customer(client, name=name, email=f"{name}@spam.example") for name in ("max", "ana")]

        async def book(caller, customer, number, **headers) -> str:
            start = START + timedelta(minutes=30 * number)
            times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
            response = await caller.post(
                "/api/appointments", json={"doctorId": doctor, "customerId": customer, **times}, **headers
            )
            assert response.status_code == 201, response.text
            return response.json()["id"]

        booked = SimpleNamespace(
            max=[await book(client, max_, number) for number in (0, 1)],
            ana=await book(other, ana, 2),
            staff=await book(client, max_, 3, headers=ADMIN),
        )
        await works_at(db, await add_user(db))
        yield SimpleNamespace(client=client, db=db, booked=booked, as_manager=await bearer(client))


async def found(world, query: str = "") -> list[str]:
    response = await world.client.get(LIST + query, headers=world.as_manager)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_staff_can_find_strangers_bookings_by_network_address_and_day(world):
    one, two = world.booked.max
    assert await found(world) == [world.booked.ana, two, one]
    items = (await world.client.get(LIST, headers=world.as_manager)).json()["items"]
    assert items[0]["sentTo"] == "a•••@spam.example"
    assert (len(items[0]["networks"]), items[1]["networks"]) == (2, items[2]["networks"])
    assert await found(world, f"?network={items[1]['networks'][0]}") == [two, one]
    assert await found(world, f"?network={items[0]['networks'][1]}") == [world.booked.ana]
    assert await found(world, "?address=max@spam.example") == [two, one]
    assert await found(world, "?address=@SPAM.example") == [world.booked.ana, two, one]
    assert await found(world, "?address=@example") == []
    today = clock.now().date()
    assert len(await found(world, f"?from={today}&to={today + timedelta(days=1)}")) == 3
    assert await found(world, f"?from={today + timedelta(days=2)}") == []


async def test_the_list_is_paginated(world):
    first = (await world.client.get(LIST + "?limit=2", headers=world.as_manager)).json()
    second = await world.client.get(LIST, params={"limit": 2, "cursor": first["next"]}, headers=world.as_manager)
    assert [item["id"] for item in second.json()["items"]] == [world.booked.max[0]]


async def test_bulk_cancellation_takes_one_reason_and_records_an_entry_per_appointment(world):
    one, two = world.booked.max
    body = {"appointmentIds": [one, two, world.booked.staff, str(uuid4())], "reason": "Booked by a script"}
    response = await world.client.post(f"{LIST}/cancel", json=body, headers=world.as_manager)
    outcome = response.json()
    assert (set(outcome["cancelled"]), outcome["count"]) == ({one, two}, 2)
    assert outcome["skipped"] == body["appointmentIds"][2:]
    rows = await world.db.fetch("select id, cancel_reason from appointment where status = 'cancelled'")
    reasons = {str(row.id): KEYS.decrypt(row.cancel_reason, EncryptedField.CANCEL_REASON, row.id) for row in rows}
    assert reasons == {one: body["reason"], two: body["reason"]}
    entries = await world.db.fetch(
        "select subjects from audit_unsealed where clinic_id = 1 and action = 'cancelStrangerAppointments'"
    )
    assert sorted(entry.subjects for entry in entries) == sorted([[one], [two]])
    assert await found(world, "?live=true") == [world.booked.ana]


async def test_a_bulk_cancellation_can_be_undone_unless_it_cancelled_only_holds(world):
    async def undo_offer(id: str) -> dict[str, str] | None:
        response = await world.client.post(f"{LIST}/cancel", json={"appointmentIds": [id]}, headers=world.as_manager)
        assert response.json()["cancelled"] == [id]
        return response.json()["undo"]

    await world.db.execute(
        "update appointment set status = 'pending', hold_expires_at = now() + interval '1 hour' where id = $1",
        UUID(world.booked.max[0]),
    )
    assert await undo_offer(world.booked.max[0]) is None
    offer = await undo_offer(world.booked.max[1])
    assert (await world.client.post(offer["url"], headers=world.as_manager)).status_code == 200


async def test_the_notice_period_does_not_stop_a_bulk_cancellation(world):
    await world.client.patch(
        "/api/clinics/1", json={"policy": {"changeGraceMinutes": 0, "cancelNoticeMinutes": 43200}}, headers=ADMIN
    )
    response = await world.client.post(
        f"{LIST}/cancel", json={"appointmentIds": [world.booked.ana]}, headers=world.as_manager
    )
    assert response.json()["cancelled"] == [world.booked.ana]


async def test_other_clinics_do_not_find_them(world):
    await create_clinic(world.client, name="Hillside")
    other = "/api/clinics/2/strangerAppointments"
    assert (await world.client.get(other, headers=ADMIN)).json()["items"] == []
    response = await world.client.post(f"{other}/cancel", json={"appointmentIds": [world.booked.ana]}, headers=ADMIN)
    assert response.json()["skipped"] == [world.booked.ana]


async def test_the_page_has_a_checkbox_for_each_appointment_that_can_be_cancelled(world):
    page = await world.client.get("/staff/1/strangers", headers=world.as_manager)
    assert page.status_code == 200, page.text
    assert re.findall(r'name="appointmentIds" data-as="list" value="([^"]+)"', page.text) == [
        world.booked.ana,
        *reversed(world.booked.max),
    ]
    network = re.findall(r'href="\?network=([0-9a-f]{32})"', page.text)[-1]
    page = await world.client.get(f"/staff/1/strangers?network={network}", headers=world.as_manager)
    assert page.text.count('name="appointmentIds"') == 2
    page = await world.client.get("/staff/1/strangers?address=nobody@example.org&from=x&before=x", headers=ADMIN)
    assert "No matching bookings." in page.text


async def test_networks_are_deleted_when_they_are_old_or_the_person_is_erased(world):
    await world.db.execute("update appointment set status = 'cancelled', cancel_cause = 'request' where true")
    customer = await world.db.fetchval("select customer_id from appointment where id = $1", UUID(world.booked.ana))
    response = await world.client.post(f"/api/customers/{customer}/erase", headers=ADMIN)
    assert response.status_code == 200, response.text
    assert await found(world) == list(reversed(world.booked.max))
    assert await delete_old_origins(world.db, before=clock.now() + timedelta(minutes=1)) == 2
    assert await found(world) == []
