"""Who did and saw what is written down once, by the very change; within seconds it is sealed, and then nobody changes
it unseen."""

import asyncio
import base64
import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from appoint.audit import jobs, record, service
from appoint.audit.model import AuditHead, Entry, Key, chained, encoded, fault
from appoint.audit.repository import chain
from appoint.booking.holds import expire_holds
from appoint.database.pool import ACROSS, SERVER, Database, connect
from appoint.kit import clock
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from appoint.kit.signed_tokens import sign
from appoint.scheduling.slots.jobs import nightly
from support.app import ADMIN
from support.audit_subjects import expected_subjects
from support.described import OPERATIONS
from support.hours import COMING_MONDAY, hours, works
from support.processes import appoint
from support.rows import clinic, customer, doctor
from support.scale import scaled
from support.staff import ANOTHER, PASSWORD, add_user, bearer, works_at
from support.world import NOW, World, at

KEY = Key("signs links in tests")
SOMEBODY = Actor("user:01978a5c-7d3e-7a63-84f7-074d226b3d5d", address="203.0.113.7", operation="patchPatient")


async def written(db: Database, since: int = 0) -> list[dict]:
    """The entries that are not sealed, as they were written, but for the first ones."""
    return [dict(row) for row in await db.fetch("select * from audit_unsealed order by id")][since:]


async def seal(db: Database) -> None:
    await jobs.seal(db, KEY, now=clock.now)


async def note(db: Database, count: int, *, clinic_id: int = 1) -> None:
    for number in range(count):
        await record(
            db,
            SOMEBODY,
            clinic_id=clinic_id,
            subjects=[str(uuid4()) for _ in range(number % 3)],
            reason="Why not" if number % 2 else None,
        )


async def faults(db, *clinic_ids: int, exported=(), public_key=KEY.public) -> list[str]:
    reports = service.verify(db, clinic_ids=clinic_ids or (1,), public_key=public_key, exported=exported, now=NOW)
    return [
        f"{report.clinic_id} at {fault.position}: {fault.text}" async for report in reports for fault in report.faults
    ]


# What is written


async def test_a_change_leaves_one_entry_of_who_what_when_where_and_of_which_request(client, db):
    before = clock.now()
    answer = await client.post(
        "/api/clinics",
        json={"name": "Lakeside", "timeZone": "Europe/Berlin"},
        headers=ADMIN | {"X-Request-ID": "reception-4711"},
    )
    (entry,) = await written(db)
    assert before <= entry.pop("at") <= clock.now()
    assert entry == {
        "clinic_id": 1,
        "id": entry["id"],
        "actor": "administrator",
        "action": "createClinic",
        "subjects": [str(answer.json()["id"])],
        "address": "127.0.0.1",
        "request_id": "reception-4711",
        "reason": None,
    }


async def test_a_refused_change_leaves_none(client, db):
    await clinic(client)
    shah = await doctor(client)
    before = len(await written(db))
    for refused in (
        await client.patch(f"/api/doctors/{shah}", json={"name": "Dr Shah"}, headers=ADMIN | {"If-Match": '"v9"'}),
        await client.patch(f"/api/doctors/{shah}", json={"name": ""}, headers=ADMIN),
        await client.patch(f"/api/doctors/{shah}", json={"name": "Dr Shah"}),
        await client.post(
            "/api/bookingSlots",
            json={"doctorId": shah, "startTime": "2027-03-01T22:00:00Z", "endTime": "2027-03-02T08:00:00Z"},
            headers=ADMIN,
        ),
    ):
        assert refused.status_code >= 400
    assert len(await written(db)) == before


async def test_a_page_of_what_is_seen_is_one_entry_with_the_ids(client, db):
    people = [await customer(client, name=f"Ana {n}") for n in range(3)]
    before = len(await written(db))
    await client.get("/api/customers", headers=ADMIN)
    (entry,) = await written(db, before)
    assert (entry["clinic_id"], entry["action"], entry["subjects"]) == (0, "listCustomers", people)


async def test_what_is_public_is_seen_without_an_entry(client, db):
    number = await clinic(client)
    before = len(await written(db))
    await client.get(f"/api/clinics/{number}/doctors")
    assert len(await written(db)) == before


async def test_a_replayed_request_leaves_no_second_entry(client, db):
    """It changes nothing the second time."""
    for _ in range(2):
        await client.post(
            "/api/clinics",
            json={"name": "Lakeside", "timeZone": "Europe/Berlin"},
            headers=ADMIN | {"Idempotency-Key": "once"},
        )
    assert [entry["subjects"] for entry in await written(db)] == [["1"]]


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def test_bookings_write_theirs_themselves(world):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(9), world.ben)
    (entry,) = await written(world.db)
    assert (entry["clinic_id"], entry["actor"], entry["subjects"]) == (world.clinic, "reception", [str(booked.id)])


async def test_a_hold_that_runs_out_is_the_systems_deed(world):
    held = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    await expire_holds(world.db, now=NOW + timedelta(minutes=11))
    _, entry = await written(world.db)
    assert (entry["actor"], entry["action"], entry["subjects"]) == ("system", "expireHold", [str(held.id)])


async def test_a_night_that_publishes_slots_is_written_down_and_one_that_does_not_is_not(world):
    await works(world, world.dr_shah, NOW.date(), monday="09:00-12:00")
    await world.db.execute("delete from booking_slot")
    before = len(await written(world.db))
    for _ in range(2):
        await nightly(world.db, now=NOW)
    (entry,) = await written(world.db, before)
    assert (entry["clinic_id"], entry["actor"], entry["action"]) == (world.clinic, "system", "generateBookingSlots")


async def test_who_unsubscribes_by_their_link_is_written_down(client, db):
    ana = await customer(client)
    before = len(await written(db))
    await client.post(f"/unsubscribe/{sign('signs links in tests', 'unsubscribe', [ana, 'email'])}")
    (entry,) = await written(db, before)
    assert (entry["actor"], entry["action"], entry["subjects"], entry["address"]) == (
        f"link:{ana}",
        "unsubscribe",
        [ana],
        "127.0.0.1",
    )


async def test_what_is_done_by_hand_is_written_down(client, db, database_url, tmp_path):
    await clinic(client)
    shah = await doctor(client)
    await client.put(f"/api/doctors/{shah}/schedule", json={"weekly": {"monday": hours("09:00-12:00")}}, headers=ADMIN)
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, parked_at, attempts, fault)
        values (1, 'appointment.changed', 'a', 1, '{}', now(), 8, 'LookupError')
        """
    )
    dead = await db.fetchval(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at, status, reason)
        values (1, mint_id(1), 'stranded', 'x', 0, 'staff', '1', 'email', now(), now(), 'dead', 'refused') returning id::text
        """
    )
    before = len(await written(db))
    monday = str(COMING_MONDAY)
    for command in (
        ["slots", "generate", "--clinic", "1", "--from", monday, "--to", monday],
        ["dead-letters", "resend", dead],
        ["events", "release", "--all"],
    ):
        assert said_by(*command, database_url=database_url, data_dir=tmp_path)[0] == 0
    assert [
        (entry["clinic_id"], entry["actor"], entry["action"], entry["subjects"]) for entry in await written(db, before)
    ] == [
        (1, "command-line", "generateBookingSlots", []),
        (1, "command-line", "resendNotification", [dead]),
        (0, "command-line", "releaseEvents", []),
    ]


def said_by(*command: str, **settings) -> tuple[int, str]:
    with appoint(*command, **settings) as process:
        code = process.popen.wait(60)
        process.reader.join()
        return code, process.output


NOT_DRIVEN = {
    "noShowAppointment": "only once the appointment has begun, which the API's own clock says",
    "createWebhook": "asks the Internet's names for the address",
    "setCredentials": "needs the link of a mail",
    "signInByCode": "needs the code of a mail",
    "confirmTotp": "needs a code of the hour",
}
"""Operations that change something and are not in the story below, and why. Tests of their own features drive them."""


async def test_every_change_that_succeeds_leaves_exactly_one_entry(client, db):  # noqa: PLR0915  a long story
    """A story in which every operation has its turn."""
    operations = {operation.handler.operation_id: operation for operation in OPERATIONS if operation.method != "get"}
    driven: dict[str, int] = {}

    async def do(name: str, body=None, query=None, *, by=ADMIN, actor="administrator", **ids) -> dict:
        operation = operations[name]
        path = operation.path.format_map(
            {parameter: 1 for parameter in operation.parameters if parameter == "clinicId"} | ids
        )
        before, request_id = len(await written(db)), f"{name}-{len(driven)}"
        answer = await client.request(
            operation.method, path, json=body, params=query, headers=by | {"X-Request-ID": request_id}
        )
        assert answer.status_code < 300, (name, answer.text)
        entries = await written(db, before)
        assert [(entry["actor"], entry["action"], entry["request_id"]) for entry in entries] == [
            (actor, name, request_id)
        ]
        driven[name] = entries[0]["clinic_id"]
        content = answer.json() if answer.content else {}
        assert entries[0]["subjects"] == expected_subjects(name, parameters=ids, content=content, actor=actor), name
        return content

    name = {"name": "Somebody"}
    (week,) = [{"weekly": {"monday": hours("09:00-12:00")}}]
    monday = datetime.combine(COMING_MONDAY, datetime.min.time(), UTC)
    one, two = str(COMING_MONDAY), str(COMING_MONDAY + timedelta(days=1))

    def when(hour: int, day: int = 0, minutes: int = 30) -> dict[str, str]:
        start = monday + timedelta(days=day, hours=hour)
        return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}

    lakeside = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
    await do("createClinic", lakeside)
    await do("replaceClinic", lakeside)
    await do("patchClinic", {"name": "Lakeside Clinic"})
    check_up = (await do("createAppointmentType", {"name": "Check-up", "minutes": 30}))["id"]
    await do("replaceAppointmentType", {"name": "Check-up", "minutes": 30}, id=check_up)
    await do("patchAppointmentType", {"name": "Long check-up"}, id=check_up)
    shah = (await do("createDoctor", {"name": "Dr Shah"}))["id"]
    await do("replaceDoctor", {"name": "Dr Shah"}, doctorId=shah)
    await do("patchDoctor", {"name": "Dr A. Shah"}, doctorId=shah)
    okafor = (await do("createProvider", {"name": "Dr Okafor", "clinicId": 1}))["id"]
    await do("setProviderSchedule", week, providerId=okafor)
    ana = (await do("createCustomer", {"name": "Ana"}))["id"]
    await do("replaceCustomer", {"name": "Ana"}, customerId=ana)
    await do("patchCustomer", name, customerId=ana)
    await do("replaceNotificationPreferences", {"email": False}, customerId=ana)
    morning = (await do("createTimeSlot", {"startTime": "09:00", "endTime": "12:00"}))["id"]
    await do("replaceTimeSlot", {"startTime": "09:00", "endTime": "12:30"}, timeSlotId=morning)
    await do("removeTimeSlot", timeSlotId=morning)
    await do("replaceSchedule", week, doctorId=shah)
    line = (
        await do("createDoctorSlot", {"weekday": "tuesday", "startTime": "09:00", "endTime": "12:00"}, doctorId=shah)
    )["id"]
    await do("replaceDoctorSlot", {"weekday": "tuesday", "startTime": "09:00", "endTime": "12:30"}, doctorSlotId=line)
    await do("removeDoctorSlot", doctorSlotId=line)
    await do("generateBookingSlots", {"clinicId": 1, "from": one, "to": one})
    await do("changeClinicsHours", {"from": one, "to": two})
    await do("changeDoctorsHours", {"from": one, "to": two}, doctorId=shah)
    by_hand = (await do("createBookingSlot", {"doctorId": shah, **when(8, 2, 240)}))["id"]
    await do("replaceBookingSlot", when(8, 2, 300), bookingSlotId=by_hand)
    visit = (await do("bookAppointment", {"customerId": ana, "doctorId": shah, **when(8, 2)}))["id"]
    await do("rescheduleAppointment", when(10, 2), appointmentId=visit)
    await do("patchAppointment", {"notes": "Allergic"}, appointmentId=visit)
    await do("patchPatient", {"recordNumber": "7"}, customerId=ana)
    for move in ("arrive", "unarrive", "checkIn", "fulfil"):
        await do(f"{move}Appointment", appointmentId=visit)
    override = {"allow": ["outside-hours"], "reason": "In pain"}
    late = (await do("bookAppointment", {"customerId": ana, "doctorId": shah, "override": override, **when(20, 2)}))[
        "id"
    ]
    await do("cancelAppointment", appointmentId=late)
    held = (await do("bookAppointment", {"customerId": ana, "doctorId": shah, "hold": True, **when(8, 2)}))["id"]
    await do("confirmAppointment", appointmentId=held)
    await do("cancelAppointment", appointmentId=held)
    made = await do(
        "makeBooking",
        {
            "clinicId": 1,
            "customerId": ana,
            "appointments": [{"doctorId": shah, **when(8, 2)}, {"doctorId": shah, **when(9, 2)}],
        },
    )
    for booked in made["appointments"]:
        await do("cancelAppointment", appointmentId=booked["id"])
    away = (await do("createAbsence", {"doctorId": okafor, **when(8, 1, 240)}))["id"]
    await do("removeAbsence", absenceId=away)
    spare = (await do("createBookingSlot", {"doctorId": shah, **when(8, 3)}))["id"]
    await do("removeBookingSlot", bookingSlotId=spare)
    words = {"kind": "reminder", "channel": "sms", "locale": "en"}
    await do("previewMessageTemplate", {"text": "Please come."}, **words)
    await do("replaceMessageTemplate", {"text": "Please come."}, **words)
    await do("removeMessageTemplate", **words)
    told = await db.fetchval(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at, status, reason)
        values (1, mint_id(1), 'stranded', 'x', 0, 'staff', '1', 'email', now(), now(), 'dead', 'refused') returning id::text
        """
    )
    await do("resendNotification", notificationId=told)
    webhook = await db.fetchval(
        "insert into webhook (clinic_id, id, url, secret) values (1, mint_id(1), 'http://127.0.0.1:1/', sha256('')) returning id::text"
    )
    await do("rotateWebhookSecret", webhookId=webhook)
    await do("replayWebhook", query={"since": clock.now().isoformat()}, webhookId=webhook)
    await do("testWebhook", webhookId=webhook)
    await do("patchWebhook", {"description": "The portal"}, webhookId=webhook)
    await do("removeWebhook", webhookId=webhook)
    key = (await do("createApiKey", {"name": "Portal", "scopes": ["see-appointments"]}))["id"]
    await do("patchApiKey", {"name": "The portal"}, apiKeyId=key)
    await do("rotateApiKey", {"overlapMinutes": 60}, apiKeyId=key)
    await do("removeApiKey", apiKeyId=key)
    await do("removeAppointmentType", id=check_up)
    await do("removeDoctor", doctorId=okafor)
    await do("removeCustomer", customerId=(await do("createCustomer", {"name": "Ben"}))["id"])
    await do("eraseCustomer", customerId=(await do("createCustomer", {"name": "Cy"}))["id"])
    mia = (await do("inviteUser", {"email": "mia@example.org", "name": "Mia", "role": "receptionist"}))["id"]
    await do("inviteUserAgain", userId=mia)
    await do("patchUser", {"name": "Mia Klein"}, userId=mia)
    await do("removeUser", userId=mia)
    await do("resetPassword", {"email": "mia@example.org"})
    await do("sendSignInCode", {"email": "ana@example.org"})
    await works_at(db, kim := await add_user(db, "kim@example.org"))

    async def as_kim(deed: str, body=None, password: str = ANOTHER, **ids) -> None:
        await do(deed, body, by=await bearer(client, "kim@example.org", password), actor=f"user:{kim}", **ids)

    await as_kim("patchAccount", {"name": "Kim"}, PASSWORD)
    await as_kim("changePassword", {"current": PASSWORD, "new": ANOTHER}, PASSWORD)
    await as_kim("beginTotp", {"password": ANOTHER})
    await as_kim("removeTotp", {"password": ANOTHER})
    await as_kim("endSession", sessionId=await db.fetchval("select id from session order by id desc limit 1"))
    await as_kim("signOut")
    await as_kim("signOutEverywhere")
    await do("signIn", {"email": "kim@example.org", "password": ANOTHER})
    await do("deactivateClinic", clinicId=await clinic(client, name="Hillside"))
    assert sorted(operations) == sorted({*driven, *NOT_DRIVEN})
    assert {name for name, clinic_id in driven.items() if clinic_id == 0} == {
        "createCustomer",
        "replaceCustomer",
        "patchCustomer",
        "removeCustomer",
        "eraseCustomer",
        "replaceNotificationPreferences",
        "resetPassword",
        "sendSignInCode",
        "signIn",
        "patchAccount",
        "changePassword",
        "beginTotp",
        "removeTotp",
        "endSession",
        "signOut",
        "signOutEverywhere",
    }


# Who may read it, and nobody may change it


def as_role(database_url: str, role: str) -> Database:
    return connect(database_url, size=8, wait_seconds=30, statement_seconds=60, role=role)


@pytest.mark.parametrize("role", [SERVER, ACROSS])
async def test_who_serves_can_write_entries_and_nothing_else(db, database_url, role):
    await note(db, 2)
    await seal(db)
    await note(db, 2)
    served = as_role(database_url, role).within(1)
    for statement in (
        "update audit_unsealed set actor = 'nobody'",
        "delete from audit_unsealed",
        "truncate audit_unsealed",
        "update audit_entry set actor = 'nobody'",
        "delete from audit_entry",
        "truncate audit_entry",
        "update audit_head set position = 0",
        "delete from audit_head",
        "insert into audit_head select 2, position, hash, sealed_at, public_key, signature from audit_head",
        "insert into audit_entry select clinic_id, 3, uuidv7(), at, actor, action, subjects, address, request_id, reason, hash from audit_entry where position = 1",
        "insert into audit_unsealed (clinic_id, actor, action, at) values (1, 'user:1', 'listAudit', '2020-01-01')",
        "insert into audit_unsealed (clinic_id, actor, action, id) values (1, 'user:1', 'listAudit', uuidv7())",
        "select from audit_unsealed for update",
        "drop table audit_entry",
        "alter table audit_entry disable row level security",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await served.execute(statement)
    await note(served, 1)
    await note(as_role(database_url, role), 1, clinic_id=2)  # who writes need not say for which clinic it reads
    assert await db.fetchval("select count(*) from audit_unsealed") == 4


async def test_not_even_who_seals_changes_what_is_sealed(db):
    await note(db, 2)
    await seal(db)
    for statement in (
        "update audit_entry set actor = 'nobody'",
        "delete from audit_entry",
        "update audit_unsealed set actor = 'nobody'",
        "delete from audit_head",
        "insert into audit_unsealed (clinic_id, actor, action) values (1, 'user:1', 'listAudit')",
        "select from customer",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.sealing().execute(statement)


async def test_who_serves_a_clinic_sees_nothing_of_another(db, database_url):
    for count in (2, 1):
        for number in (1, 2):
            await note(db, count, clinic_id=number)
        if count == 2:
            await seal(db)
    served = as_role(database_url, SERVER)
    for table, mine in (("audit_unsealed", 1), ("audit_entry", 2), ("audit_head", 1)):
        assert [row.clinic_id for row in await served.within(1).fetch(f"select clinic_id from {table}")] == [1] * mine
        assert await served.fetch(f"select clinic_id from {table}") == []


# The list


async def listed(client, path="/api/clinics/1/audit", **query) -> list[dict]:
    answer = await client.get(path, params=query, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_the_list_says_all_of_an_entry(client, db):
    await clinic(client)
    await record(db, SOMEBODY, clinic_id=1, subjects=["a", "b"], reason="Was asked to")
    await seal(db)
    entry = (await listed(client))[-1]
    assert entry == {
        "id": entry["id"],
        "at": entry["at"],
        "actor": {"kind": "user", "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"},
        "action": "patchPatient",
        "subjects": ["a", "b"],
        "address": "203.0.113.7",
        "requestId": entry["requestId"],
        "reason": "Was asked to",
        "position": 2,
        "hash": (await db.fetchval("select hash from audit_entry where position = 2")).hex(),
    }
    looked = (await listed(client))[-1]
    assert (looked["actor"], looked["action"], looked["position"], looked["hash"]) == (
        {"kind": "administrator", "id": None},
        "listAudit",
        None,
        None,
    )


async def test_an_entry_neither_vanishes_nor_comes_twice_when_it_is_sealed_between_two_pages(client, db, monkeypatch):
    await clinic(client)
    await note(db, 40)
    wanted = [str(row.id) for row in await db.fetch("select id from audit_unsealed order by id")]
    monkeypatch.setattr(service, "BATCH_SIZE", 7)
    found, query = [], {"limit": 6}
    while True:
        answer = (await client.get("/api/clinics/1/audit", params=query, headers=ADMIN)).json()
        found += [entry["id"] for entry in answer["items"]]
        await db.sealing().atomic(service.seal, clinic_id=1, key=KEY, now=clock.now())
        await note(db, 1)
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    assert found == wanted


async def test_a_list_that_makes_an_entry_with_each_page_ends(client, db):
    await clinic(client)
    await note(db, 2)
    query, pages = {"limit": 1}, 0
    while pages < 10:
        answer = (await client.get("/api/clinics/1/audit", params=query, headers=ADMIN)).json()
        pages += 1
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    assert pages == 3


async def test_the_list_is_filtered(client, db):
    await clinic(client)
    for seconds, (at_local, actor, action, subject) in enumerate(
        (
            ("2027-02-28 23:59:59.999+01", "user:1", "cancelAppointment", "a"),
            ("2027-03-01 00:00+01", "user:2", "getPatient", "b"),
            ("2027-03-01 23:59:59.999999+01", "users:1", "getPatient", "a"),
            ("2027-03-02 00:00+01", "key:1", "getPatient", "c"),
        )
    ):
        await db.execute(
            """
            insert into audit_unsealed (clinic_id, id, at, actor, action, subjects)
            values (1, uuidv7($1::text::timestamptz - now() + $5 * interval '1 second'), $1::text::timestamptz, $2, $3, array[$4, 'x'])
            """,
            at_local,
            actor,
            action,
            subject,
            seconds,
        )
    for sealed in (False, True):
        if sealed:
            await seal(db)

        async def actors(**query) -> list[str]:
            items = await listed(client, **{"from": "2027-02-01", **query})
            return [":".join(filter(None, entry["actor"].values())) for entry in items]

        assert await actors() == ["user:1", "user:2", "users:1", "key:1"]
        assert await actors(**{"from": "2027-03-01", "to": "2027-03-01"}) == ["user:2", "users:1"]
        assert await actors(to="2027-02-28") == ["user:1"]
        assert await actors(actor="user") == ["user:1", "user:2"]
        assert await actors(actor="user:2") == ["user:2"]
        assert await actors(action="getPatient") == ["user:2", "users:1", "key:1"]
        assert await actors(subject="a") == ["user:1", "users:1"]
        assert await actors(subject="a", actor="users", action="getPatient") == ["users:1"]


@pytest.mark.parametrize(
    "query",
    [
        "from=2027-03-02&to=2027-03-01",
        "from=yesterday",
        "from=1800-01-01",
        "limit=0",
        "cursor=x",
        "who=me",
        "actor=" + "x" * 201,
        "subject=%00",
    ],
)
async def test_a_filter_that_cannot_be_is_refused(client, query):
    await clinic(client)
    for path in ("/api/clinics/1/audit", "/api/audit"):
        assert (await client.get(f"{path}?{query}", headers=ADMIN)).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "from=1900-01-01",
        "to=1900-01-01",
        "from=2999-12-31",
        "to=2999-12-31",
        "actor=%25",
        "subject=%27%3B--",
        "action=",
    ],
)
async def test_a_filter_that_finds_nothing_or_all_is_not(client, query):
    await clinic(client)
    for path in ("/api/clinics/1/audit", "/api/audit"):
        assert (await client.get(f"{path}?{query}", headers=ADMIN)).status_code == 200


async def test_the_audit_of_a_clinic_that_is_not_there_is_not_found(client):
    for path in ("/api/clinics/7/audit", "/api/clinics/7/audit/head"):
        assert (await client.get(path, headers=ADMIN)).status_code == 404


async def test_what_belongs_to_no_clinic_is_the_platforms(client, db):
    ana = await customer(client)
    assert [
        (entry["actor"]["kind"], entry["action"], entry["subjects"]) for entry in await listed(client, "/api/audit")
    ] == [("open", "createCustomer", [ana])]
    assert (await client.get("/api/audit")).status_code == 401
    await seal(db)
    head = await client.get("/api/audit/head", headers=ADMIN)
    assert (head.json()["clinicId"], head.json()["position"]) == (0, 2)


async def test_the_head_can_be_exported_and_checked_by_whoever_has_the_public_key(client, db):
    await clinic(client)
    assert (await client.get("/api/clinics/1/audit/head", headers=ADMIN)).status_code == 404
    await seal(db)
    exported = (await client.get("/api/clinics/1/audit/head", headers=ADMIN)).json()
    assert exported["publicKey"] == KEY.public
    text = json.dumps(
        ["appoint audit head", *(exported[name] for name in ("clinicId", "position", "hash", "sealedAt"))],
        separators=(",", ":"),
    )
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(exported["publicKey"]))
    public.verify(base64.b64decode(exported["signature"]), text.encode())
    head = msgspec.convert(exported, AuditHead, strict=False)
    assert fault(head, public_key=KEY.public) is None
    for name, value in {
        "clinic_id": 2,
        "position": 3,
        "hash": "0" * 64,
        "sealed_at": NOW,
        "public_key": Key("another").public,
        "signature": "AAAA",
    }.items():
        assert fault(msgspec.structs.replace(head, **{name: value}), public_key=KEY.public)


# Sealing


async def test_sealing_takes_all_of_every_clinic_in_batches(db, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 10)
    for number, count in ((0, 3), (1, 25), (2, 10), (9, 1)):
        await note(db, count, clinic_id=number)
    await seal(db)
    rows = await db.fetch("select clinic_id, count(*), max(position) from audit_entry group by 1 order by 1")
    assert ([tuple(row) for row in rows], await written(db), await faults(db, 0, 1, 2, 9)) == (
        [(0, 3, 3), (1, 25, 25), (2, 10, 10), (9, 1, 1)],
        [],
        [],
    )


async def test_a_clinics_backlog_does_not_hold_up_the_others(db, monkeypatch):
    """After each batch of it the others have their turn, also with what has come meanwhile."""
    monkeypatch.setattr(service, "BATCH_SIZE", 5)
    await note(db, 50)
    await note(db, 1, clinic_id=2)
    order = []

    async def noted(tx, *, clinic_id, **more):
        sealed = await real(tx, clinic_id=clinic_id, **more)
        if clinic_id == 1 and len(order) == 2:
            await note(db, 1, clinic_id=3)
        order.append(clinic_id)
        return sealed

    real = service.seal
    monkeypatch.setattr(service, "seal", noted)
    await seal(db)
    assert max(order.index(2), 1) == 1
    assert order.index(3) <= 4
    assert order.count(1) >= 10


async def test_what_says_nothing_is_wrong_with_one_clinic_is_no_reason_to_stop_for_another(db):
    """A clinic that cannot be sealed does not stop the others."""
    for number in (1, 2, 3):
        await note(db, 2, clinic_id=number)
    await seal(db)
    await db.execute("update audit_head set hash = sha256('') where clinic_id = 1")
    await db.execute(
        "insert into audit_unsealed (clinic_id, id, actor, action) select 2, id, 'a', 'b' from audit_entry where clinic_id = 2 and position = 1"
    )
    for number in (1, 2, 3):
        await note(db, 2, clinic_id=number)
    await seal(db)
    rows = await db.fetch("select clinic_id, max(position) from audit_entry group by 1 order by 1")
    assert [tuple(row) for row in rows] == [(1, 2), (2, 2), (3, 4)]


async def test_nothing_is_sealed_behind_a_head_that_is_not_ours(db):
    """Or whoever cuts the chain would have it made whole again by the next sealing."""
    await note(db, 6)
    await seal(db)
    await db.execute("delete from audit_entry where position > 3")
    await db.execute("update audit_head set position = 3, hash = (select hash from audit_entry where position = 3)")
    await note(db, 2)
    await seal(db)
    assert len(await written(db)) == 2
    assert await faults(db) == ["1 at None: the head has a signature that belongs to something else"]


async def test_many_sealers_at_once_make_one_chain(db, database_url, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 7)
    sealers = [as_role(database_url, ACROSS) for _ in range(5)]
    writing = True

    async def write(clinic_id: int) -> None:
        for _ in range(60):
            await note(db, 1, clinic_id=clinic_id)

    async def work(sealer: Database) -> None:
        while writing:
            await seal(sealer)
            await asyncio.sleep(0.001)

    working = [asyncio.create_task(work(sealer)) for sealer in sealers]
    await asyncio.gather(*(write(number) for number in (1, 1, 2, 3)))
    writing = False
    await asyncio.gather(*working)
    await seal(db)
    assert await faults(db, 1, 2, 3) == []
    rows = await db.fetch(
        "select clinic_id, count(*), count(distinct id), max(position) from audit_entry group by 1 order by 1"
    )
    assert [tuple(row) for row in rows] == [(1, 120, 120, 120), (2, 60, 60, 60), (3, 60, 60, 60)]
    for sealer in sealers:
        await sealer.close()


@pytest.mark.parametrize("step", ["begin", "unsealed", "move", "move_head"])
async def test_a_sealer_that_is_killed_in_between_leaves_the_chain_as_it_was(db, monkeypatch, step):
    await note(db, 5)
    if step != "begin":
        await seal(db)
        await note(db, 5)
    real = getattr(chain, step)

    async def killed(tx, *args, **kwargs):
        done = await real(tx, *args, **kwargs)
        with suppress(asyncpg.PostgresError):
            await tx.execute("select pg_terminate_backend(pg_backend_pid())")
        return done

    before = await db.fetchval("select count(*) from audit_entry")
    with monkeypatch.context() as patch:
        patch.setattr(chain, step, killed)
        with suppress(Exception):
            await seal(db)
    assert (await db.fetchval("select count(*) from audit_entry"), await faults(db)) == (before, [])
    assert len(await written(db)) == 5
    await seal(db)
    assert (await db.fetchval("select count(*) from audit_entry"), await written(db), await faults(db)) == (
        before + 5,
        [],
        [],
    )


async def test_what_waits_is_measured(client, db):
    await note(db, 3)
    await db.execute(
        "update audit_unsealed set at = now() - interval '1 minute' where id = (select id from audit_unsealed order by id limit 1)"
    )
    measured = dict(
        line.rsplit(" ", 1)
        for line in (await client.get("/metrics")).text.splitlines()
        if line.startswith("appoint_audit")
    )
    assert float(measured["appoint_audit_unsealed"]) == 3
    assert 60 <= float(measured["appoint_audit_unsealed_seconds"]) < 120


# How an entry is written for its hash

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
ENTRIES = st.builds(
    Entry,
    st.integers(0, 3),
    st.integers(1, 3),
    st.uuids(),
    st.sampled_from(["0.000000", "0.000001", "Infinity"]),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
)


@given(ENTRIES, ENTRIES, st.data())
def test_two_different_entries_are_never_written_alike(one, other, data):
    assert (encoded(one) == encoded(other)) == (one == other)
    name = data.draw(st.sampled_from(Entry._fields))
    close = one._replace(**{name: getattr(other, name)})
    assert (encoded(one) == encoded(close)) == (one == close)
    moved = one._replace(actor=one.actor + one.action, action="")
    assert (encoded(one) == encoded(moved)) == (one == moved)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_texts_do_not_run_into_each_other(text, texts):
    entry = Entry(1, 1, UUID(int=0), "0.000000", text, text, texts, None, None, None)
    assert encoded(entry) != encoded(entry._replace(subjects=[",".join(texts), *texts]))
    assert json.loads(encoded(entry)) == [1, 1, str(UUID(int=0)), "0.000000", text, text, texts, None, None, None]


# Checking


class Tampering:
    """What somebody who owns the database, but has not the key, can do to it by plain SQL. Each is a change, whatever
    the dice say."""

    def __init__(self, tx, dice: random.Random, last: int) -> None:
        self.tx, self.dice, self.last = tx, dice, last

    def one(self) -> int:
        return self.dice.randint(1, self.last)

    def two(self) -> list[int]:
        return self.dice.sample(range(1, self.last + 1), 2)

    async def edit(self) -> str:
        change = self.dice.choice(
            [
                "id = uuidv7()",
                "at = at + interval '1 microsecond'",
                "at = at - interval '1 day'",
                "at = 'infinity'",
                "at = '-infinity'",
                "actor = actor || 'x'",
                "at = at - interval '4000 years'",
                "at = at + interval '100000 years'",
                "actor = ''",
                "actor = upper(actor)",
                "action = action || ' '",
                "action = 'getPatients'",
                "subjects = subjects || 'x'::text",
                "subjects = array['','','','']",
                "subjects = array[array_to_string(subjects, ',') || ',']",
                "subjects = array[null]",
                "subjects = array[subjects || 'x'::text]",
                "address = case when address is null then '' end",
                "address = coalesce(address, '') || '1'",
                "request_id = coalesce(request_id, '') || 'x'",
                "request_id = case when request_id is null then '' end",
                "reason = case when reason is null then '' end",
                "reason = coalesce(reason, '') || 'x'",
                "hash = sha256(hash)",
                "hash = set_byte(hash, 31, 255 - get_byte(hash, 31))",
                "position = position + 1000000",
                "position = 9223372036854775807",
                "clinic_id = 2",
                "clinic_id = 77",
                "actor = action, action = actor",
            ]
        )
        await self.tx.execute(f"update audit_entry set {change} where clinic_id = 1 and position = {self.one()}")
        return change

    async def delete(self) -> str:
        await self.tx.execute(
            "delete from audit_entry where clinic_id = 1 and position = any($1)",
            self.dice.sample(range(1, self.last + 1), self.dice.randint(1, 3)),
        )
        return "deleted"

    async def delete_and_close_up(self) -> str:
        gone = self.one()
        await self.tx.execute("delete from audit_entry where clinic_id = 1 and position = $1", gone)
        await self.tx.execute(
            "update audit_entry set position = position - 1 where clinic_id = 1 and position > $1", gone
        )
        return "deleted and closed up"

    async def truncate(self) -> str:
        keep = self.dice.choice([0, self.last - 1, self.dice.randrange(self.last)])
        await self.tx.execute("delete from audit_entry where clinic_id = 1 and position > $1", keep)
        if self.dice.random() < 0.7:
            how = self.dice.choice(["", ", sealed_at = now()", ", sealed_at = now(), public_key = 'AAAA'"])
            await self.tx.execute(
                f"""
                update audit_head set position = $1::bigint{how},
                       hash = coalesce((select hash from audit_entry where clinic_id = 1 and position = $1), decode(repeat('00', 32), 'hex')) where clinic_id = 1
                """,
                keep,
            )
        return f"cut off after {keep}"

    async def insert(self) -> str:
        place = self.dice.randint(1, self.last + 1)
        await self.tx.execute(
            "update audit_entry set position = position + 1 where clinic_id = 1 and position >= $1", place
        )
        await self.tx.execute(
            """
            insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
            values (1, $1, uuidv7(), now(), 'user:1', 'getPatient', '{}', sha256('x'))
            """,
            place,
        )
        if self.dice.random() < 0.5:
            await self.rewrite_hashes(place)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return f"inserted at {place}"

    async def swap(self) -> str:
        one, other = self.two()
        await self.tx.execute(
            "update audit_entry set position = case position when $1 then $2::bigint else $1::bigint end where clinic_id = 1 and position in ($1, $2)",
            one,
            other,
        )
        return "swapped"

    async def swap_contents(self) -> str:
        one, other = self.two()
        await self.tx.execute(
            """
            update audit_entry e set id = o.id, at = o.at, actor = o.actor, action = o.action, subjects = o.subjects, reason = o.reason
              from audit_entry o
             where e.clinic_id = 1 and o.clinic_id = 1 and e.position in ($1, $2) and o.position in ($1, $2) and e.position <> o.position
            """,
            one,
            other,
        )
        return "swapped what they say"

    async def duplicate(self) -> str:
        one = self.one()
        place = self.dice.choice([one, one, self.last + 1, self.one()])
        await self.tx.execute(
            """
            insert into audit_entry
            select clinic_id, $2, id, at, actor, action, subjects, address, request_id, reason, hash from audit_entry where clinic_id = 1 and position = $1 limit 1
            """,
            one,
            place,
        )
        return f"{one} once more at {place}"

    async def append(self) -> str:
        """With the right hash."""
        await self.tx.execute(
            """
            insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
            values (1, $1, uuidv7(), now(), 'user:1', 'getPatient', '{}', sha256('x'))
            """,
            self.last + 1,
        )
        await self.rewrite_hashes(self.last + 1)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return "appended"

    async def rewrite(self) -> str:
        """Another entry, with all the hashes that follow from it."""
        place = self.one()
        await self.tx.execute(
            "update audit_entry set actor = actor || '1' where clinic_id = 1 and position = $1", place
        )
        await self.rewrite_hashes(place)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return f"written anew from {place}"

    async def head(self) -> str:
        change = self.dice.choice(
            [
                "position = position - 1",
                "position = position + 1",
                "position = 0",
                "hash = sha256(hash)",
                "sealed_at = sealed_at + interval '1 microsecond'",
                "signature = reverse(signature)",
                "signature = ''",
                "signature = translate(signature, 'ABCDEFG', 'GABCDEF')",
                "public_key = 'AAAA'",
                "signature = left(signature, 85) || case when substr(signature, 86, 1) = 'A' then 'B' else 'A' end || '=='",
                "signature = signature || ' '",
                "signature = 'ü'",
                "clinic_id = 78",
            ]
        )
        changed = await self.tx.fetchval(
            f"update audit_head set {change} where clinic_id = 1 returning old.signature <> new.signature"
        )
        if change.startswith("signature = translate") and not changed:
            await self.tx.execute("delete from audit_head where clinic_id = 1")
        return f"head {change}"

    async def another_signs(self) -> str:
        await self.rewrite()
        row = await self.tx.fetchrow(
            "select position, hash from audit_entry where clinic_id = 1 order by position desc limit 1"
        )
        await chain.move_head(
            self.tx, Key("another").signed(clinic_id=1, position=row.position, hash=row.hash, now=NOW)
        )
        if self.dice.random() < 0.5:
            await self.tx.execute("update audit_head set public_key = $1", KEY.public)
        return "signed by somebody else"

    async def another_clinics_head(self) -> str:
        await self.tx.execute(
            "update audit_head h set position = o.position, hash = o.hash, signature = o.signature from audit_head o where h.clinic_id = 1 and o.clinic_id = 2"
        )
        return "another clinic's head"

    async def no_head(self) -> str:
        await self.tx.execute("delete from audit_head where clinic_id = 1")
        return "no head"

    async def rewrite_hashes(self, place: int) -> None:
        before = await self.tx.fetchval(
            "select hash from audit_entry where clinic_id = 1 and position = $1", place - 1
        ) or bytes(32)
        for row in await self.tx.fetch(
            """
            select clinic_id, position, id, extract(epoch from at)::text as at, actor, action, subjects, address, request_id, reason
              from audit_entry where clinic_id = 1 and position >= $1 order by position
            """,
            place,
        ):
            before = chained(before, Entry(**row))
            await self.tx.execute(
                "update audit_entry set hash = $2 where clinic_id = 1 and position = $1", row.position, before
            )

    async def fit_head(self) -> None:
        await self.tx.execute(
            "update audit_head set (position, hash) = (select position, hash from audit_entry where clinic_id = 1 order by position desc limit 1) where clinic_id = 1"
        )


DEEDS = [
    name
    for name, deed in vars(Tampering).items()
    if asyncio.iscoroutinefunction(deed) and name not in ("rewrite_hashes", "fit_head")
]


class Undone(Exception):
    pass


TAMPERINGS = scaled(1000, 160)


async def test_all_tamperings_are_found_and_an_untouched_chain_is_never_accused(db, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 9)
    dice = random.Random(20270301)
    texts = ["", "a", "b", "ü", "“x”", '"', "\\", "a,b", "[]", "null"]
    for number in (1, 2):
        for _ in range(31):
            by = Actor(
                dice.choice(["user:1", "user:2", "open:x", "a"]),
                address=dice.choice([None, "", "::1"]),
                operation=dice.choice(["listAudit", "getPatient"]),
            )
            await record(
                db,
                by,
                clinic_id=number,
                subjects=dice.choices(texts, k=dice.randrange(3)),
                reason=dice.choice([None, "", *texts]),
            )
    await seal(db)
    await note(db, 2)
    missed, done = [], dict.fromkeys(DEEDS, 0)

    async def tamper(tx) -> None:
        await tx.execute(
            "alter table audit_entry drop constraint audit_entry_pkey, drop constraint audit_entry_once, drop constraint audit_entry_position"
        )
        for number in range(TAMPERINGS):
            name = DEEDS[number % len(DEEDS)]
            assert await faults(tx, 1, 2) == []
            await tx.execute("savepoint untouched")
            deed = await getattr(Tampering(tx, dice, 31), name)()
            done[name] += 1
            if not await faults(tx, 1):
                missed.append(f"{name}: {deed}")
            await tx.execute("rollback to savepoint untouched")
        raise Undone

    with pytest.raises(Undone):
        await db.atomic(tamper)
    assert missed == []
    assert min(done.values()) == TAMPERINGS // len(DEEDS)


async def test_what_is_wrong_is_said_with_its_place(db):
    await note(db, 20)
    await seal(db)

    async def after(*statements: str) -> list[str]:
        async def tamper(tx) -> None:
            for statement in statements:
                await tx.execute(statement)
            found.extend(await faults(tx))
            raise Undone

        found = []
        with suppress(Undone):
            await db.atomic(tamper)
        return found

    assert await after("update audit_entry set reason = 'Nothing' where position = 7") == [
        "1 at 7: the entry is not what was sealed here"
    ]
    assert await after("delete from audit_entry where position = 7") == ["1 at 7: entry 7 is missing"]
    assert await after("delete from audit_entry where position in (7, 8, 12)") == [
        "1 at 7: entries 7 to 8 are missing",
        "1 at 12: entry 12 is missing",
    ]
    assert await after("delete from audit_entry where position > 15") == [
        "1 at 16: the end is cut off: the head is at 20"
    ]
    assert await after("delete from audit_entry") == ["1 at 1: the end is cut off: the head is at 20"]
    assert await after("delete from audit_head") == ["1 at None: the head is missing"]


async def test_a_chain_that_was_cut_back_or_written_anew_with_the_key_does_not_fit_a_head_that_was_exported(db):
    await note(db, 10)
    await seal(db)
    early = await service.head(db, clinic_id=1)
    await note(db, 10)
    await seal(db)
    late = await service.head(db, clinic_id=1)
    assert await faults(db, exported=[early, late]) == []

    await db.execute("delete from audit_entry where position > 10")
    await chain.move_head(db, early)  # a signature of ours
    assert await faults(db) == []
    assert (await faults(db, exported=[early, late]))[0].startswith(
        "1 at 11: the chain was cut back: an exported head ("
    )

    await db.execute("truncate audit_entry, audit_head")
    await note(db, 30)
    await seal(db)
    assert await faults(db) == []
    assert [fault.split(" (")[0] for fault in await faults(db, exported=[early, late])] == [
        "1 at 10: the chain was rewritten after its head was exported",
        "1 at 20: the chain was rewritten after its head was exported",
    ]
    await db.execute("truncate audit_entry, audit_head")
    assert len(await faults(db, exported=[early])) == 2
    forged = msgspec.structs.replace(early, position=3)
    assert (await faults(db, exported=[forged]))[
        0
    ] == "1 at 3: the exported head has a signature that belongs to something else"


async def test_a_chain_that_grows_while_it_is_checked_is_whole(db, database_url, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 5)
    await note(db, 40)
    await seal(db)
    real = chain.stretch

    async def growing(*args, **kwargs):
        await note(db, 2)
        if await db.fetchval("select count(*) from audit_entry") < 100:
            await seal(db)
        return await real(*args, **kwargs)

    monkeypatch.setattr(chain, "stretch", growing)
    assert await faults(db) == []


# By hand


async def test_the_audit_is_read_and_checked_by_hand(client, db, database_url, tmp_path):
    await clinic(client)
    await customer(client)
    await doctor(client)
    await seal(db)
    await note(db, 2)

    def audit(*command: str) -> tuple[int, str]:
        return said_by(
            "audit", *command, database_url=database_url, data_dir=tmp_path, secret_key="signs links in tests"
        )

    code, said = audit("list", "--clinic", "1", "--json")
    assert (code, [json.loads(line)["action"] for line in said.splitlines()]) == (
        0,
        ["createClinic", "createDoctor", "patchPatient", "patchPatient"],
    )
    assert "createCustomer" in audit("list", "--clinic", "0")[1]
    assert audit("list", "--clinic", "7") == (1, "appoint: There is no clinic 7.")

    code, said = audit("verify")
    assert code == 0
    first, second = said.splitlines()
    assert first == "the platform: 1 sealed entries, all intact"
    assert second.startswith("clinic 1: 2 sealed entries, all intact; 2 not sealed yet, the oldest for ")

    code, said = audit("head")
    (tmp_path / "heads").write_text(said)
    assert (code, [json.loads(line)["position"] for line in said.splitlines()]) == (0, [1, 2])
    assert audit("verify", "--head", str(tmp_path / "heads"))[0] == 0
    assert audit("head", "--clinic", "9") == (1, "appoint: Clinic 9 has no sealed entries.")

    await db.execute("truncate audit_entry, audit_head, audit_unsealed")
    await note(db, 3)
    await seal(db)
    code, said = audit("verify", "--clinic", "1", "--head", str(tmp_path / "heads"))
    assert (code, said.splitlines()[0]) == (1, "clinic 1: 3 sealed entries, NOT intact")
    assert "position 2: the chain was rewritten after its head was exported" in said
    await db.execute("update audit_entry set actor = 'x' where position = 2")
    code, said = audit("verify", "--json")
    assert (code, json.loads(said)["faults"]) == (1, [[2, "the entry is not what was sealed here"]])
    (tmp_path / "heads").write_text("{}")
    assert "does not contain heads" in audit("verify", "--head", str(tmp_path / "heads"))[1]
    assert "cannot be read" in audit("verify", "--head", str(tmp_path / "nowhere"))[1]


async def test_heads_are_signed_again_by_hand_after_a_change_of_the_secret(db, database_url, tmp_path):
    await note(db, 3)
    await seal(db)
    await note(db, 1)

    def audit(*command: str) -> tuple[int, str]:
        return said_by("audit", *command, database_url=database_url, data_dir=tmp_path, secret_key="another")

    new = Key("another")
    await jobs.seal(db, new, now=clock.now)
    assert (len(await written(db)), audit("verify")[0]) == (1, 1)
    assert audit("re-sign", "--public-key", Key("a third").public)[0] == 1
    assert audit("re-sign", "--public-key", KEY.public) == (0, "Signed 1 heads again.")
    assert audit("verify")[0] == 0
    await jobs.seal(db, new, now=clock.now)
    assert await faults(db, 0, 1, public_key=new.public) == []
    assert await db.fetchval(
        "select array_agg(clinic_id || ' ' || action order by clinic_id) from audit_entry where position in (1, 4)"
    ) == [
        "0 signAuditAnew",
        "1 patchPatient",
        "1 patchPatient",
    ]
