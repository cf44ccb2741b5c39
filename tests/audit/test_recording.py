"""Changes and reads are recorded once, with actor, subjects, address and request."""

import hashlib
from datetime import timedelta

import pytest

from appoint.booking.holds import expire_holds
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from appoint.kit.signed_tokens import sign
from appoint.scheduling.slots.jobs import publish_to_horizon
from support.app import ADMIN
from support.audit import unsealed
from support.hours import COMING_MONDAY, hours, set_weekly_hours
from support.world import NOW, World, at, create_clinic, create_customer, create_doctor


async def test_a_change_is_recorded_with_its_actor_subject_address_and_request(client, db):
    before = clock.now()
    response = await client.post(
        "/api/clinics",
        json={"name": "Lakeside", "timeZone": "Europe/Berlin"},
        headers=ADMIN | {"X-Request-ID": "reception-4711"},
    )
    (entry,) = await unsealed(db)
    assert before <= entry.pop("at") <= clock.now()
    assert entry == {
        "clinic_id": 1,
        "id": entry["id"],
        "actor": "administrator",
        "action": "createClinic",
        "subjects": [str(response.json()["id"])],
        "address": "127.0.0.1",
        "request_id": hashlib.sha256(b"reception-4711").hexdigest()[:32],
        "reason": None,
    }


async def test_a_rejected_change_is_not_recorded(client, db):
    await create_clinic(client)
    shah = await create_doctor(client)
    before = len(await unsealed(db))
    for response in (
        await client.patch(f"/api/doctors/{shah}", json={"name": "Dr Shah"}, headers=ADMIN | {"If-Match": '"v9"'}),
        await client.patch(f"/api/doctors/{shah}", json={"name": ""}, headers=ADMIN),
        await client.patch(f"/api/doctors/{shah}", json={"name": "Dr Shah"}),
        await client.post(
            "/api/bookingSlots",
            json={"doctorId": shah, "startTime": "2027-03-01T22:00:00Z", "endTime": "2027-03-02T08:00:00Z"},
            headers=ADMIN,
        ),
    ):
        assert response.status_code >= 400
    assert len(await unsealed(db)) == before


async def test_reading_a_page_is_recorded_as_a_single_entry_with_the_ids(client, db):
    people = [await create_customer(client, name=f"Ana {n}") for n in range(3)]
    before = len(await unsealed(db))
    await client.get("/api/customers", headers=ADMIN)
    (entry,) = await unsealed(db, before)
    assert (entry["clinic_id"], entry["action"], entry["subjects"]) == (0, "listCustomers", people)


async def test_reading_public_data_is_not_recorded(client, db):
    number = await create_clinic(client)
    before = len(await unsealed(db))
    await client.get(f"/api/clinics/{number}/doctors")
    assert len(await unsealed(db)) == before


async def test_a_replayed_request_is_recorded_once(client, db):
    """The second request changes nothing."""
    for _ in range(2):
        await client.post(
            "/api/clinics",
            json={"name": "Lakeside", "timeZone": "Europe/Berlin"},
            headers=ADMIN | {"Idempotency-Key": "once"},
        )
    assert [entry["subjects"] for entry in await unsealed(db)] == [["1"]]


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def test_only_a_successful_booking_is_recorded(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(9), world.ben)
    (entry,) = await unsealed(world.db)
    assert (entry["clinic_id"], entry["actor"], entry["subjects"]) == (world.clinic, "reception", [str(appointment.id)])


async def test_the_system_is_the_actor_when_a_hold_expires(world):
    hold = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    await expire_holds(world.db, now=NOW + timedelta(minutes=11))
    _, entry = await unsealed(world.db)
    assert (entry["actor"], entry["action"], entry["subjects"]) == ("system", "expireHold", [str(hold.id)])


async def test_a_nightly_run_is_recorded_only_if_it_publishes_slots(world):
    await set_weekly_hours(world, world.dr_shah, NOW.date(), monday="09:00-12:00")
    await world.db.execute("delete from booking_slot")
    before = len(await unsealed(world.db))
    for _ in range(2):
        await publish_to_horizon(world.db, now=NOW)
    (entry,) = await unsealed(world.db, before)
    assert (entry["clinic_id"], entry["actor"], entry["action"]) == (world.clinic, "system", "generateBookingSlots")


async def test_unsubscribing_via_a_link_is_recorded(client, db):
    ana = await create_customer(client)
    before = len(await unsealed(db))
    await client.post(
        f"/unsubscribe/{sign('signs links in tests', 'unsubscribe', [ana, 'email', 4102444800])}"
    )  # until 2100
    (entry,) = await unsealed(db, before)
    assert (entry["actor"], entry["action"], entry["subjects"], entry["address"]) == (
        f"link:{ana}",
        "unsubscribe",
        [ana],
        "127.0.0.0/24",
    )


async def test_commands_that_change_something_are_recorded(client, db, run_command):
    await create_clinic(client)
    shah = await create_doctor(client)
    await client.put(f"/api/doctors/{shah}/schedule", json={"weekly": {"monday": hours("09:00-12:00")}}, headers=ADMIN)
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, parked_at, attempts, fault)
        values (1, 'appointment.changed', 'a', 1, '{}', now(), 8, 'LookupError')
        """
    )
    dead = await db.fetchval(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  due_at, expires_at, status, reason)
        values (1, mint_id(1), 'stranded', 'x', 0, 'staff', '1', 'email', now(), now(), 'dead', 'refused')
        returning id::text
        """
    )
    before = len(await unsealed(db))
    monday = str(COMING_MONDAY)
    for command in (
        ["slots", "generate", "--clinic", "1", "--from", monday, "--to", monday],
        ["dead-letters", "resend", dead],
        ["events", "release", "--all"],
    ):
        assert (await run_command(*command)).code == 0
    assert [
        (entry["clinic_id"], entry["actor"], entry["action"], entry["subjects"]) for entry in await unsealed(db, before)
    ] == [
        (1, "command-line", "generateBookingSlots", []),
        (1, "command-line", "resendNotification", [dead]),
        (0, "command-line", "releaseEvents", []),
    ]
