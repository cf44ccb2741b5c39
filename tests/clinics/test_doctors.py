import asyncio
import json
from uuid import UUID

import pytest

from appoint.clinics.doctors import service
from appoint.kit.actors import SYSTEM
from support.app import ADMIN
from support.rows import NOW, appointment_type, book, clinic, customer, doctor, later, publish, someone_waits, wins

SHAH = {"name": "Dr Shah"}


@pytest.fixture
async def lakeside(client):
    """A clinic, and the address of its doctors."""
    return f"/api/clinics/{await clinic(client)}/doctors"


async def published(db):
    return await db.fetch(
        "select lower(during) as start, upper(during) as end, version from booking_slot order by during"
    )


async def live_appointments(db):
    return await db.fetchval("select count(*) from appointment where active_during && tstzrange($1, null)", NOW)


async def test_an_added_doctor_can_be_read_back(client, lakeside):
    made = await client.post(
        lakeside, json=SHAH | {"specialty": "Dermatology", "email": "shah@example.org"}, headers=ADMIN
    )
    assert made.status_code == 201
    assert (await client.get(made.headers["Location"])).json() == made.json()


async def test_a_doctor_has_the_sent_content(client, lakeside):
    said = SHAH | {"specialty": "Dermatology", "email": "shah@example.org"}
    made = (await client.post(lakeside, json=said, headers=ADMIN)).json()
    assert (
        said | {"clinicId": 1, "version": 1, "appointmentTypeIds": None, "active": True, "removedAt": None}
    ).items() <= made.items()


async def test_a_name_is_kept_exactly(client, lakeside):
    for name in ["د. ليلى حداد", "Dr 🦷 Müller", "王伟 医生", "Zoë\u0301"]:
        assert (await client.get(f"/api/doctors/{await doctor(client, name=name)}")).json()["name"] == name


async def test_faults_are_named(client, lakeside):
    for wrong, pointer in [
        ({"name": ""}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "\ud800"}, "#/name"),
        ({"specialty": " "}, "#/specialty"),
        ({"email": "shah"}, "#/email"),
        ({"appointmentTypeIds": []}, "#/appointmentTypeIds"),
        ({"appointmentTypeIds": ["x"]}, "#/appointmentTypeIds/0"),
        ({"appointmentTypeIds": "00000001-0000-8000-8000-000000000000"}, "#/appointmentTypeIds"),
        ({"appointmentTypeIds": ["00000001-0000-8000-8000-000000000000"]}, "#/appointmentTypeIds/0"),
        ({"colour": "red"}, "#/colour"),
    ]:
        refused = await client.post(
            lakeside, content=json.dumps(SHAH | wrong), headers=ADMIN | {"Content-Type": "application/json"}
        )
        assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer]), (
            wrong
        )


async def test_only_the_administrator_changes_doctors(client, lakeside):
    address = f"/api/doctors/{await doctor(client)}"
    assert (await client.post(lakeside, json=SHAH)).status_code == 401
    assert (await client.put(address, json=SHAH)).status_code == 401
    assert (await client.patch(address, json={})).status_code == 401
    assert (await client.delete(address)).status_code == 401


async def test_an_unknown_clinic_has_no_doctors(client):
    assert (await client.get("/api/clinics/7/doctors")).status_code == 404
    assert (await client.post("/api/clinics/7/doctors", json=SHAH, headers=ADMIN)).status_code == 404


async def test_an_inactive_clinic_accepts_no_doctors(client, lakeside):
    await client.delete("/api/clinics/1", headers=ADMIN)
    refused = await client.post(lakeside, json=SHAH, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "clinic-inactive")


async def test_a_doctor_and_the_end_of_the_clinic_never_both_come_about(client, lakeside):
    joins, ends = await asyncio.gather(
        client.post(lakeside, json=SHAH, headers=ADMIN), client.delete("/api/clinics/1", headers=ADMIN)
    )
    assert (joins.status_code, ends.status_code) in [(201, 409), (409, 204)]


async def test_doctors_are_found_by_specialty_in_capitals_or_not(client, lakeside):
    id = await doctor(client, specialty="Zahnärztin")
    await doctor(client, specialty="Dermatology")
    await doctor(client)
    assert [
        item["id"] for item in (await client.get(lakeside, params={"specialty": "ZAHNÄRZTIN"})).json()["items"]
    ] == [id]


async def test_what_a_doctor_offers_is_named_by_the_clinics_types(client, lakeside):
    types = sorted([await appointment_type(client), await appointment_type(client)])
    id = await doctor(client, appointmentTypeIds=[types[1], types[0], types[1]])
    assert (await client.get(f"/api/doctors/{id}")).json()["appointmentTypeIds"] == types


async def test_a_type_of_another_clinic_is_named_as_wrong(client, lakeside):
    await clinic(client)
    own, foreign = await appointment_type(client), await appointment_type(client, 2)
    refused = await client.post(lakeside, json=SHAH | {"appointmentTypeIds": [own, foreign]}, headers=ADMIN)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/appointmentTypeIds/1")


async def test_a_refused_doctor_leaves_no_trace(client, lakeside):
    await client.post(
        lakeside, json=SHAH | {"appointmentTypeIds": ["00000001-0000-8000-8000-000000000000"]}, headers=ADMIN
    )
    assert (await client.get(lakeside)).json()["items"] == []


async def test_a_change_of_what_a_doctor_offers_is_a_new_version(client, lakeside):
    first, second = await appointment_type(client), await appointment_type(client)
    address = f"/api/doctors/{await doctor(client, appointmentTypeIds=[first])}"
    changed = (await client.patch(address, json={"appointmentTypeIds": [second]}, headers=ADMIN)).json()
    assert (changed["version"], changed["appointmentTypeIds"]) == (2, [second])
    everything = (await client.patch(address, json={"appointmentTypeIds": None}, headers=ADMIN)).json()
    assert (everything["version"], everything["appointmentTypeIds"]) == (3, None)


async def test_a_patch_of_something_else_leaves_what_is_offered(client, lakeside):
    type = await appointment_type(client)
    address = f"/api/doctors/{await doctor(client, appointmentTypeIds=[type])}"
    await client.delete(f"/api/appointmentTypes/{type}", headers=ADMIN)
    assert (await client.patch(address, json={"name": "Dr S. Shah"}, headers=ADMIN)).json()["appointmentTypeIds"] == [
        type
    ]


async def test_a_replaced_doctor_forgets_what_is_left_out(client, lakeside):
    id = await doctor(
        client, specialty="Dermatology", email="shah@example.org", appointmentTypeIds=[await appointment_type(client)]
    )
    put = (await client.put(f"/api/doctors/{id}", json={"name": "Dr Rao"}, headers=ADMIN)).json()
    assert [put[name] for name in ("name", "specialty", "email", "appointmentTypeIds", "version")] == [
        "Dr Rao",
        None,
        None,
        None,
        2,
    ]


async def test_a_removed_doctor_leaves_the_list_stays_readable_and_comes_back(client, lakeside):
    id = await doctor(client)
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get(lakeside)).json()["items"] == []
    assert [item["id"] for item in (await client.get(lakeside, params={"active": "false"})).json()["items"]] == [id]
    assert (await client.get(f"/api/doctors/{id}")).json()["removedAt"] is not None
    back = (await client.patch(f"/api/doctors/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (back["active"], back["removedAt"], back["version"]) == (True, None, 3)


async def test_a_doctor_does_not_come_back_to_an_inactive_clinic(client, lakeside):
    id = await doctor(client)
    await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    refused = await client.patch(f"/api/doctors/{id}", json={"active": True}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "clinic-inactive")


async def test_a_doctor_with_upcoming_appointments_cannot_be_removed(client, db, lakeside):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(24), later(30))
    await book(db, id, ana, later(24), later(25))
    await book(db, id, ana, later(26), later(27))
    await book(db, id, ana, later(28), later(29), status="cancelled")
    refused = await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"], refused.json()["count"]) == (
        409,
        "doctor-has-appointments",
        2,
    )
    assert (await client.get(f"/api/doctors/{id}")).json()["version"] == 1


async def test_a_doctor_who_leaves_keeps_the_past_and_loses_the_future(client, db, lakeside):
    id, colleague, ana = await doctor(client), await doctor(client), await customer(client)
    await publish(db, id, later(-48), later(-40))
    await book(db, id, ana, later(-48), later(-47), status="fulfilled")
    await publish(db, id, later(24), later(30))
    await publish(db, colleague, later(48), later(50))
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    assert [(slot.start, slot.end) for slot in await published(db)] == [
        (later(-48), later(-40)),
        (later(48), later(50)),
    ]


async def test_a_slot_in_progress_ends_when_the_doctor_leaves(client, db, lakeside):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(-2), later(2))
    await book(db, id, ana, later(-2), later(-1), status="fulfilled")
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    (slot,) = await published(db)
    assert slot.start == later(-2)
    assert NOW <= slot.end < later(1)


async def test_a_doctor_cannot_leave_during_an_appointment(client, db, lakeside):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(-2), later(2))
    await book(db, id, ana, later(-1), later(1), status="checked-in")
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).json()["count"] == 1


async def test_withdrawn_hours_are_one_event(client, db, lakeside):
    id = await doctor(client)
    await publish(db, id, later(-1), later(1))
    await publish(db, id, later(24), later(30))
    await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    (event,) = await db.fetch("select type, subject_id, subject_version, data::text from event where clinic_id = 1")
    assert (event.type, event.subject_id, event.subject_version, json.loads(event.data)["count"]) == (
        "slots.withdrawn",
        id,
        2,
        2,
    )


@pytest.mark.parametrize("hours", [24, -1])
async def test_a_booking_that_came_first_stops_the_removal(client, db, lakeside, hours):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(hours), later(hours + 8))
    async with db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        await book(connection, id, ana, later(hours + 4), later(hours + 5))
        removal = asyncio.create_task(client.delete(f"/api/doctors/{id}", headers=ADMIN))
        await someone_waits(db)
        await booking.commit()
    refused = await removal
    assert (refused.status_code, refused.json()["reason"], refused.json()["count"]) == (
        409,
        "doctor-has-appointments",
        1,
    )
    assert (await client.get(f"/api/doctors/{id}")).json()["active"] is True


@pytest.mark.parametrize("hours", [24, -1])
async def test_a_booking_that_comes_second_finds_the_hours_withdrawn(client, db, lakeside, hours):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(hours), later(hours + 8))

    async def leave(tx):
        await service.remove(tx, SYSTEM, doctor_id=UUID(id), if_match=None, now=later(0.01))
        booking = asyncio.create_task(wins(book(db, id, ana, later(hours + 4), later(hours + 5))))
        await someone_waits(db)
        return booking

    booking = await db.atomic(leave)
    assert await booking is False


async def test_a_removal_that_races_with_bookings_leaves_nobody_without_a_doctor(client, db, lakeside):
    ana = await customer(client)
    for _ in range(5):
        id = await doctor(client)
        for n in range(4):
            await publish(db, id, later(24 + n), later(25 + n))
        removal, *booked = await asyncio.gather(
            client.delete(f"/api/doctors/{id}", headers=ADMIN),
            *(wins(book(db, id, ana, later(24 + n), later(25 + n))) for n in range(4)),
        )
        assert (removal.status_code, await live_appointments(db)) == ((409, sum(booked)) if any(booked) else (204, 0))
        await db.execute("delete from appointment")


async def test_a_removal_that_races_with_requests_for_appointments_leaves_nobody_without_a_doctor(client, db, lakeside):
    for _ in range(3):
        id, ana = await doctor(client), await customer(client)
        await publish(db, id, later(24), later(28))
        wishes = [
            {
                "doctorId": id,
                "customerId": ana,
                "startTime": later(24 + n).isoformat(),
                "endTime": later(24.5 + n).isoformat(),
            }
            for n in range(4)
        ]
        removal, *answers = await asyncio.gather(
            client.delete(f"/api/doctors/{id}", headers=ADMIN),
            *(client.post("/api/appointments", json=wish) for wish in wishes),
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert (removal.status_code == 204) == (await live_appointments(db) == 0)
        await db.execute("delete from appointment")


async def test_only_one_of_several_removals_happens(client, lakeside):
    id = await doctor(client)
    removals = await asyncio.gather(*(client.delete(f"/api/doctors/{id}", headers=ADMIN) for _ in range(4)))
    assert {removal.status_code for removal in removals} == {204}
    assert (await client.get(f"/api/doctors/{id}")).json()["version"] == 2


async def test_a_clinic_closes_with_a_cascade_in_the_middle_of_a_day(client, db, lakeside):
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(-2), later(2))
    await book(db, id, ana, later(-2), later(-1), status="fulfilled")
    assert (await client.delete("/api/clinics/1", params={"cascade": "true"}, headers=ADMIN)).status_code == 204


async def test_an_id_of_no_clinic_is_not_found(client):
    for id in [
        "00000007-0000-8000-8000-000000000000",
        "ffffffff-0000-8000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
    ]:
        assert (await client.get(f"/api/doctors/{id}")).status_code == 404
        assert (await client.put(f"/api/doctors/{id}", json=SHAH, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 404


async def test_an_id_with_another_clinics_prefix_is_not_found(client, lakeside):
    await clinic(client)
    assert (await client.get(f"/api/doctors/00000002{(await doctor(client))[8:]}")).status_code == 404


async def test_a_change_of_an_older_version_is_refused(client, lakeside):
    address = f"/api/doctors/{await doctor(client)}"
    old = ADMIN | {"If-Match": (await client.get(address)).headers["ETag"]}
    assert (await client.patch(address, json={"name": "Dr Rao"}, headers=old)).status_code == 200
    assert (await client.patch(address, json={"name": "Dr Iyer"}, headers=old)).status_code == 412
    assert (await client.put(address, json=SHAH, headers=old)).status_code == 412
    assert (await client.delete(address, headers=old)).status_code == 412


async def test_only_one_of_two_changes_of_a_version_happens(client, lakeside):
    address = f"/api/doctors/{await doctor(client)}"
    both = await asyncio.gather(
        *(
            client.patch(address, json={"name": name}, headers=ADMIN | {"If-Match": '"v1"'})
            for name in ("Dr Rao", "Dr Iyer")
        )
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]


async def test_a_clinic_can_insist_on_versions(client):
    await clinic(client, policy={"requireVersion": True})
    address = f"/api/doctors/{await doctor(client)}"
    assert (await client.put(address, json=SHAH, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN)).status_code == 428
    assert (
        await client.patch(address, json={"name": "Dr Rao"}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 200


async def test_a_repeated_request_is_answered_with_what_the_first_made_as_it_stands_now(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    made = await client.post(lakeside, json=SHAH, headers=key)
    await client.patch(made.headers["Location"], json={"specialty": "Dermatology"}, headers=ADMIN)
    again = await client.post(lakeside, json=SHAH, headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()["specialty"]) == (
        201,
        "true",
        "Dermatology",
    )


async def test_a_request_that_arrives_twice_at_once_adds_one_doctor(client, lakeside):
    both = await asyncio.gather(
        *(client.post(lakeside, json=SHAH, headers=ADMIN | {"Idempotency-Key": "once"}) for _ in range(2))
    )
    assert len({answer.json()["id"] for answer in both}) == 1
    assert len((await client.get(lakeside)).json()["items"]) == 1


async def test_a_refused_request_keeps_no_key(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.post(lakeside, json=SHAH, headers=key)).status_code == 409
    await client.patch("/api/clinics/1", json={"active": True}, headers=ADMIN)
    assert (await client.post(lakeside, json=SHAH, headers=key)).status_code == 201


async def test_the_list_continues_where_it_stopped_despite_additions(client, lakeside):
    first = [await doctor(client, name=f"Dr {n}") for n in range(3)]
    page = (await client.get(lakeside, params={"limit": 2})).json()
    added = await doctor(client)
    rest = (await client.get(lakeside, params={"limit": 2, "cursor": page["next"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]


async def test_a_cursor_of_another_list_is_refused(client, lakeside):
    await clinic(client)
    await doctor(client)
    await doctor(client)
    cursor = (await client.get(lakeside, params={"limit": 1})).json()["next"]
    for list in ("/api/clinics/2/doctors", "/api/clinics/1/appointmentTypes"):
        assert (await client.get(list, params={"limit": 1, "cursor": cursor})).status_code == 400
    assert (
        await client.get(lakeside, params={"limit": 1, "specialty": "Dermatology", "cursor": cursor})
    ).status_code == 400


async def test_an_invalid_query_is_refused(client, lakeside):
    for query in ["limit=0", "limit=1000000000", "cursor=forged", "active=2", "name=Shah", "specialty=a&specialty=b"]:
        assert (await client.get(f"{lakeside}?{query}")).status_code == 400, query
