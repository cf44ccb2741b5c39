import asyncio
import json
from uuid import UUID

import pytest

from appoint.customers import repository, service
from appoint.kit.actors import SYSTEM
from support.app import ADMIN
from support.rows import NOW, book, clinic, customer, doctor, later, publish, someone_waits

ANA = {"name": "Ana Lima"}
FULL = ANA | {
    "email": "ana@example.org",
    "phone": "+493012345678",
    "locale": "de",
    "timeZone": "Europe/Berlin",
    "birthDate": "1984-02-29",
}


async def shown(client, id):
    return (await client.get(f"/api/customers/{id}", headers=ADMIN)).json()


async def found(client, q, **more):
    return [
        item["name"]
        for item in (await client.get("/api/customers", params={"q": q, **more}, headers=ADMIN)).json()["items"]
    ]


async def events(db):
    return await db.fetch(
        "select clinic_id, type, subject_id, subject_version, data::text from event order by subject_version"
    )


async def test_anyone_registers_and_is_shown_what_was_sent(client):
    made = await client.post("/api/customers", json=FULL)
    assert made.status_code == 201
    assert (FULL | {"version": 1, "active": True, "removedAt": None}).items() <= made.json().items()


async def test_a_customer_is_found_where_location_says(client):
    made = await client.post("/api/customers", json=FULL)
    assert (await client.get(made.headers["Location"], headers=ADMIN)).json() == made.json()


async def test_nobody_but_the_administrator_sees_or_changes_customers(client):
    address = f"/api/customers/{await customer(client)}"
    assert (await client.get("/api/customers")).status_code == 401
    assert (await client.get(address)).status_code == 401
    assert (await client.put(address, json=ANA)).status_code == 401
    assert (await client.patch(address, json={})).status_code == 401
    assert (await client.delete(address)).status_code == 401


async def test_a_name_is_kept_exactly(client):
    for name in ["ليلى حداد", "Ana 🦷👩‍👩‍👧", "王伟", "\u202eanA", "Zoë / Zoe\u0308"]:
        assert (await shown(client, await customer(client, name=name)))["name"] == name


async def test_faults_are_named(client):
    for wrong, pointer in [
        ({"name": ""}, "#/name"),
        ({"name": "\t"}, "#/name"),
        ({"name": None}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "a\u0000"}, "#/name"),
        ({"name": "\ud83e"}, "#/name"),
        ({"email": "ana@"}, "#/email"),
        ({"email": "ana example.org"}, "#/email"),
        ({"phone": "call me"}, "#/phone"),
        ({"phone": "12"}, "#/phone"),
        ({"phone": "030 12345678"}, "#/phone"),
        ({"phone": "+49 1"}, "#/phone"),
        ({"phone": "+999 30 12345678"}, "#/phone"),
        ({"phone": "+49 30 12345678 9012345678"}, "#/phone"),
        ({"phone": "+49 30 1234567 ext. 8"}, "#/phone"),
        ({"phone": "030 1", "timeZone": "Europe/Berlin"}, "#/phone"),
        ({"phone": "555-0123", "timeZone": "America/New_York"}, "#/phone"),
        ({"locale": "tlh"}, "#/locale"),
        ({"timeZone": "Europe/Atlantis"}, "#/timeZone"),
        ({"timeZone": "CET"}, "#/timeZone"),
        ({"birthDate": "1985-02-29"}, "#/birthDate"),
        ({"birthDate": "1700-01-01"}, "#/birthDate"),
        ({"birthDate": "9999-12-31"}, "#/birthDate"),
        ({"birthDate": "1984-02-29T00:00:00Z"}, "#/birthDate"),
        ({"birthDate": f"{NOW.year + 1}-01-02"}, "#/birthDate"),
        ({"nickname": "A"}, "#/nickname"),
        ({"id": "00000001-0000-8000-8000-000000000000"}, "#/id"),
    ]:
        refused = await client.post(
            "/api/customers", content=json.dumps(ANA | wrong), headers={"Content-Type": "application/json"}
        )
        assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer]), (
            wrong
        )


async def test_all_faults_are_named_at_once(client):
    refused = await client.post("/api/customers", json={"email": "x", "phone": "call me", "timeZone": "x"})
    assert {error["pointer"] for error in refused.json()["errors"]} == {"#/name", "#/email", "#/phone", "#/timeZone"}
    refused = await client.post(
        "/api/customers", json=ANA | {"phone": "030 12345678", "birthDate": f"{NOW.year + 1}-01-02"}
    )
    assert {error["pointer"] for error in refused.json()["errors"]} == {"#/phone", "#/birthDate"}


async def test_a_phone_number_is_read_in_the_customers_country(client):
    for written, about, kept in [
        ("+49 (0)30 123-456.78", {}, "+493012345678"),
        ("030/12345678", {"timeZone": "Europe/Berlin"}, "+493012345678"),
        ("0049 30 12345678", {"timeZone": "Europe/Berlin"}, "+493012345678"),
        ("(212) 555-0123", {"timeZone": "America/New_York"}, "+12125550123"),
        ("(212) 555-0123", {"timeZone": "US/Eastern"}, "+12125550123"),
        ("०९८७६५४३२१०", {"timeZone": "Asia/Kolkata"}, "+919876543210"),
        ("06 1234 5678", {"timeZone": "Europe/Rome"}, "+390612345678"),
        ("01 70 18 99 00", {"locale": "fr"}, "+33170189900"),
        ("020 7946 0958", {"timeZone": "Europe/London", "locale": "de"}, "+442079460958"),
        ("+44 20 7946 0958", {"timeZone": "UTC"}, "+442079460958"),
    ]:
        assert (await shown(client, await customer(client, phone=written, **about)))["phone"] == kept, written


async def test_a_national_number_that_nobody_there_can_have_is_not_taken_for_a_strangers(client):
    assert (
        await client.post("/api/customers", json=ANA | {"phone": "98765 43210", "timeZone": "America/New_York"})
    ).status_code == 400


async def test_a_patched_phone_number_is_read_in_the_zone_that_is_known(client):
    id = await customer(client, timeZone="Europe/Berlin")
    patched = await client.patch(f"/api/customers/{id}", json={"phone": "030 12345678"}, headers=ADMIN)
    assert patched.json()["phone"] == "+493012345678"


async def test_a_clinics_phone_number_is_read_in_its_country(client):
    id = await clinic(client, phone="030 12345678")
    assert (await client.get(f"/api/clinics/{id}")).json()["phone"] == "+493012345678"
    refused = await client.patch(f"/api/clinics/{id}", json={"phone": "030 1"}, headers=ADMIN)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/phone")


async def test_a_family_shares_its_phone_and_mail(client):
    first, second = [await client.post("/api/customers", json=FULL | {"name": name}) for name in ("Ana", "Ben")]
    assert (first.status_code, second.status_code) == (201, 201)


async def test_a_replaced_customer_forgets_what_is_left_out(client):
    id = (await client.post("/api/customers", json=FULL)).json()["id"]
    put = (await client.put(f"/api/customers/{id}", json={"name": "Ana Souza"}, headers=ADMIN)).json()
    assert [put[name] for name in ("name", "email", "phone", "locale", "timeZone", "birthDate", "version")] == [
        "Ana Souza",
        *[None] * 5,
        2,
    ]


async def test_a_patch_leaves_the_rest_and_null_removes(client):
    made = (await client.post("/api/customers", json=FULL)).json()
    patched = await client.patch(
        f"/api/customers/{made['id']}",
        content='{"email": null}',
        headers=ADMIN | {"Content-Type": "application/merge-patch+json"},
    )
    assert patched.json() == made | {"email": None, "version": 2, "updatedAt": patched.json()["updatedAt"]}


async def test_a_removed_customer_leaves_the_list_stays_readable_and_comes_back(client):
    id = await customer(client)
    assert (await client.delete(f"/api/customers/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/customers", headers=ADMIN)).json()["items"] == []
    assert await found(client, "Ana") == []
    assert (await shown(client, id))["removedAt"] is not None
    back = (await client.patch(f"/api/customers/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (back["active"], back["removedAt"], back["version"]) == (True, None, 3)


async def test_only_one_of_several_removals_happens(client, db):
    id = await customer(client)
    removals = await asyncio.gather(*(client.delete(f"/api/customers/{id}", headers=ADMIN) for _ in range(4)))
    assert {removal.status_code for removal in removals} == {204}
    assert [event.type for event in await events(db)] == ["customer.registered", "customer.removed"]


async def test_a_customer_with_upcoming_appointments_cannot_be_removed(client, db):
    ana = await customer(client)
    for clinic_id in (await clinic(client), await clinic(client)):
        id = await doctor(client, clinic_id)
        await publish(db, id, later(-48), later(48))
        await book(db, id, ana, later(24), later(25))
        await book(db, id, ana, later(-24), later(-23), status="fulfilled")
        await book(db, id, ana, later(26), later(27), status="cancelled")
    refused = await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"], refused.json()["count"]) == (
        409,
        "customer-has-appointments",
        2,
    )
    await db.execute("update appointment set status = 'cancelled' where lower(during) > $1", NOW)
    assert (await client.delete(f"/api/customers/{ana}", headers=ADMIN)).status_code == 204


async def test_a_booking_that_came_first_stops_the_removal(client, db):
    await clinic(client)
    id, ana = await doctor(client), await customer(client)
    await publish(db, id, later(24), later(32))
    async with db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        assert await connection.fetchval("select active from customer where id = $1 for key share", ana)
        await book(connection, id, ana, later(28), later(29))
        removal = asyncio.create_task(client.delete(f"/api/customers/{ana}", headers=ADMIN))
        await someone_waits(db)
        await booking.commit()
    refused = await removal
    assert (refused.status_code, refused.json()["count"]) == (409, 1)


async def test_a_booking_that_comes_second_finds_the_customer_gone(client, db):
    ana = await customer(client)

    async def leave(tx):
        await service.remove(tx, SYSTEM, customer_id=UUID(ana), if_match=None, now=NOW)
        booking = asyncio.create_task(
            db.fetchval("select true from customer where id = $1 and active for key share", ana)
        )
        await someone_waits(db)
        return booking

    booking = await db.atomic(leave)
    assert await booking is None


async def test_a_removal_that_races_with_requests_for_appointments_leaves_none_of_somebody_gone(client, db):
    await clinic(client)
    id = await doctor(client)
    await publish(db, id, later(24), later(28))
    for _ in range(3):
        ana = await customer(client)
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
            client.delete(f"/api/customers/{ana}", headers=ADMIN),
            *(client.post("/api/appointments", json=wish) for wish in wishes),
        )
        assert {answer.status_code for answer in answers} <= {201, 404, 409}
        assert (removal.status_code == 204) == (await db.fetchval("select count(*) from appointment") == 0)
        await db.execute("delete from appointment")


async def test_customer_events_belong_to_the_platform_and_have_no_personal_data(client, db):
    id = (await client.post("/api/customers", json=FULL)).json()["id"]
    await client.patch(f"/api/customers/{id}", json={"email": "ana.lima@example.org"}, headers=ADMIN)
    await client.delete(f"/api/customers/{id}", headers=ADMIN)
    told = await events(db)
    assert [(event.clinic_id, event.type, event.subject_id, event.subject_version) for event in told] == [
        (0, "customer.registered", id, 1),
        (0, "customer.changed", id, 2),
        (0, "customer.removed", id, 3),
    ]
    assert [json.loads(event.data) for event in told] == [
        {"customerId": id},
        {"customerId": id, "active": True},
        {"customerId": id},
    ]


async def test_a_change_of_an_older_version_is_refused(client):
    address = f"/api/customers/{await customer(client)}"
    old = ADMIN | {"If-Match": (await client.get(address, headers=ADMIN)).headers["ETag"]}
    assert (await client.patch(address, json={"name": "Ana Lima"}, headers=old)).status_code == 200
    assert (await client.patch(address, json={"name": "Ana Souza"}, headers=old)).status_code == 412
    assert (await client.put(address, json=ANA, headers=old)).status_code == 412
    assert (await client.delete(address, headers=old)).status_code == 412


async def test_an_unknown_id_is_not_found(client):
    for id in ["00000001-0000-8000-8000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]:
        assert (await client.get(f"/api/customers/{id}", headers=ADMIN)).status_code == 404
        assert (await client.put(f"/api/customers/{id}", json=ANA, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/customers/{id}", headers=ADMIN)).status_code == 404


async def test_a_repeated_registration_is_answered_with_the_first(client, db):
    made, again = [
        await client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()) == (201, "true", made.json())
    assert len(await events(db)) == 1


async def test_a_registration_that_arrives_twice_at_once_is_one(client, db):
    both = await asyncio.gather(
        *(client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"}) for _ in range(2))
    )
    assert len({answer.json()["id"] for answer in both}) == 1
    assert sorted("Idempotent-Replayed" in answer.headers for answer in both) == [False, True]
    assert await db.fetchval("select count(*) from customer") == 1


async def test_callers_do_not_share_keys(client):
    one, other = [
        await client.post("/api/customers", json=ANA, headers={"Idempotency-Key": "once", "User-Agent": agent})
        for agent in ("one", "other")
    ]
    assert one.json()["id"] != other.json()["id"]


async def test_a_key_with_another_body_is_refused(client):
    await client.post("/api/customers", json=ANA, headers={"Idempotency-Key": "once"})
    assert (await client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"})).status_code == 422


async def test_customers_are_found_by_name_mail_or_phone(client):
    await client.post("/api/customers", json=ANA | {"phone": "+49 30 12345678"})
    await client.post("/api/customers", json={"name": "Ana Souza", "email": "souza@example.org"})
    await client.post("/api/customers", json={"name": "Дмитрий 100%_\\"})
    await client.post("/api/customers", json={"name": "王伟"})
    for q, names in [
        ("ana", ["Ana Lima", "Ana Souza"]),
        ("LIMA", ["Ana Lima"]),
        ("an", ["Ana Lima", "Ana Souza"]),
        (" lima ", ["Ana Lima"]),
        ("souza@example", ["Ana Souza"]),
        ("+49 30 1234", ["Ana Lima"]),
        ("030 1234", ["Ana Lima"]),
        ("дмит", ["Дмитрий 100%_\\"]),
        ("王", ["王伟"]),
        ("0%", ["Дмитрий 100%_\\"]),
        ("%_\\", ["Дмитрий 100%_\\"]),
        ("%", ["Дмитрий 100%_\\"]),
        ("a_a", []),
        ("ana%", []),
        ("nobody", []),
    ]:
        assert await found(client, q) == names, q


async def test_an_empty_search_is_the_whole_list(client):
    await customer(client)
    assert len(await found(client, " ")) == 1


async def test_a_search_goes_by_the_index_of_words(client, db):
    """As the server plans it for whatever is searched, once there are too many customers to try each."""
    await db.execute("insert into customer (name) select md5(n::text) from generate_series(1, 5000) as n")
    await db.execute("analyze customer")
    planned: list[str] = []

    class Planner:
        async def fetch(self, sql, *args):
            async with db.connection() as connection:
                await connection.execute("set enable_seqscan = off; set enable_indexscan = off")
                await connection.execute(f"prepare search (text, text[], uuid, integer) as {sql}")
                planned.extend(
                    row[0]
                    for row in await connection.fetch(
                        "explain execute search ('%ana%', '{%ana%,%lima%}', '00000000-0000-0000-0000-000000000000', 50)"
                    )
                )
            return []

    await service.search(Planner(), q="ana", after=None, limit=50)
    assert any("Bitmap Index Scan on customer_words" in line for line in planned), "\n".join(planned)


async def test_the_words_of_a_search_come_in_any_order_and_without_accents(client):
    for name in ("Hannah Kaya", "Zoë Müller"):
        await customer(client, name=name)
    for q, names in [
        ("Kaya, Hannah", ["Hannah Kaya"]),
        ("ka ha", ["Hannah Kaya"]),
        ("mueller zoe", ["Zoë Müller"]),
        ("Kaya Zoë", []),
    ]:
        assert await found(client, q) == names, q


@pytest.mark.parametrize("q", [None, "ana"])
async def test_the_list_continues_where_it_stopped_despite_additions(client, q):
    filters = {"limit": 2} | ({"q": q} if q else {})
    first = [await customer(client, name=f"Ana {n}") for n in range(3)]
    page = (await client.get("/api/customers", params=filters, headers=ADMIN)).json()
    added = await customer(client)
    rest = (await client.get("/api/customers", params=filters | {"cursor": page["next"]}, headers=ADMIN)).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]


async def test_a_cursor_of_another_search_is_refused(client):
    await customer(client)
    await customer(client)
    cursor = (await client.get("/api/customers", params={"q": "ana", "limit": 1}, headers=ADMIN)).json()["next"]
    for other in ({"q": "lima"}, {}):
        assert (
            await client.get("/api/customers", params={**other, "limit": 1, "cursor": cursor}, headers=ADMIN)
        ).status_code == 400


async def test_an_invalid_query_is_refused(client):
    for query in [
        "limit=0",
        "limit=1000000000",
        "cursor=forged",
        "name=Ana",
        "q=%00",
        "q=%ff",
        f"q={'x' * 201}",
        "q=a&q=b",
    ]:
        assert (await client.get(f"/api/customers?{query}", headers=ADMIN)).status_code == 400, query


async def test_a_repeated_registration_shows_nobody_what_was_added_later(client):
    key = {"Idempotency-Key": "1"}
    made = await client.post("/api/customers", json={"name": "Ana", "email": "ana@example.com"}, headers=key)
    await client.patch(
        made.headers["Location"], json={"phone": "+493012345678", "birthDate": "1980-02-02"}, headers=ADMIN
    )
    again = await client.post("/api/customers", json={"name": "Ana", "email": "ana@example.com"}, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
    assert (again.json()["phone"], again.json()["birthDate"]) == (None, None)


@pytest.mark.parametrize("email", ["ana@ma\u0130l.example", "\u0130da@mail.example", "\u212aim@mail.example"])
async def test_an_address_that_counts_as_another_in_small_letters_is_refused(client, email):
    refused = await client.post("/api/customers", json={"name": "Ana", "email": email})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/email")


async def test_nobody_is_crowded_out_of_their_address(db, client):
    await clinic(client)
    doctor_id = await doctor(client)
    ana = await customer(client, email="ana@example.com")
    await publish(db, doctor_id, later(240), later(241))
    await book(db, doctor_id, ana, later(240), later(241))
    for _ in range(3):
        await customer(client, email="ana@example.com")
    newest = await customer(client, email="Ana@example.com")
    assert await repository.list_ids_at_address(db, email="ana@example.com", phone=None, limit=2) == [
        UUID(ana),
        UUID(newest),
    ]
