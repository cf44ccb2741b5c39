"""Staff look up other clinics' customers by their complete email address or phone number."""

from uuid import UUID

import pytest

from appoint.kit.actors import Actor, Role
from support.app import ADMIN
from support.callers import accept_callers, headers_of, member, partner, staff
from support.world import create_clinic, create_customer

FIND = "/api/clinics/1/customers"
RECEPTIONIST = headers_of("receptionist")


@pytest.fixture
async def client(client):
    """A client whose application accepts callers of every kind at clinic 1, and a receptionist at clinic 2."""
    await create_clinic(client)
    await create_clinic(client)
    callers = staff(1, UUID(int=1)) | {
        "elsewhere": member("elsewhere", 2, Role.RECEPTIONIST),
        "partner": partner(1, "find-customers"),
        "other partner": partner(1, "see-patients"),
        "patient": Actor("patient", customer_id=UUID(int=5)),
    }
    accept_callers(client, callers)
    return client


async def find(client, headers, **query):
    response = await client.get(FIND, params=query, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_a_customer_is_found_only_by_the_complete_address(client):
    ana = await create_customer(
        client, name="Ana Souza", email="Ana@Example.org", phone="+493012345678", birthDate="1988-05-17"
    )
    assert await find(client, RECEPTIONIST, email="ana@example.ORG") == [
        {"customerId": ana, "name": "Ana Souza", "isPatient": False}
    ]
    assert (
        await find(client, RECEPTIONIST, phone="+493012345678")
        == await find(client, RECEPTIONIST, phone="030 12345678")
        == await find(client, RECEPTIONIST, email="ana@example.org")
    )
    for query in (
        {"email": "na@example.org"},
        {"email": "%@example.org"},
        {"email": "ana@example.org.uk"},
        {"phone": "+49301234567"},
    ):
        assert await find(client, RECEPTIONIST, **query) == []


async def test_results_say_who_is_already_a_patient(client, db):
    mother, child = [await create_customer(client, name=name, phone="+493012345678") for name in ("Ana", "Ben")]
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1), (2, $2)", mother, child)
    matches = await find(client, RECEPTIONIST, phone="+493012345678")
    assert [(each["customerId"], each["isPatient"]) for each in matches] == [(mother, True), (child, False)]


async def test_at_most_20_customers_with_the_same_address_are_listed(client, db):
    await db.execute(
        "insert into customer (name, email) select 'Child ' || n, 'family@example.org' from generate_series(1, 25) n"
    )
    assert len(await find(client, RECEPTIONIST, email="family@example.org")) == 20


async def test_a_removed_customer_is_not_found(client):
    ana = await create_customer(client, email="ana@example.org")
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert await find(client, RECEPTIONIST, email="ana@example.org") == []


async def test_only_authorised_callers_can_find_customers(client):
    await create_customer(client, name="Ana Souza", email="ana@example.org")
    for caller, status in [
        ("receptionist", 200),
        ("manager", 200),
        ("partner", 200),
        ("administrator", 200),
        ("doctor", 403),
        ("other partner", 403),
        ("patient", 403),
        ("elsewhere", 404),
        (None, 401),
    ]:
        response = await client.get(FIND, params={"email": "ana@example.org"}, headers=headers_of(caller))
        assert response.status_code == status, caller
        assert ("Ana Souza" in response.text) is (status == 200), caller


async def test_a_lookup_is_audited_with_its_results_but_not_its_query(client, db):
    ana = await create_customer(client, name="Ana Souza", email="ana@example.org")
    await find(client, RECEPTIONIST, email="ana@example.org")
    await find(client, RECEPTIONIST, email="nobody@example.org")
    rows = await db.fetch(
        """
        select clinic_id, actor, subjects, audit_unsealed::text as whole from audit_unsealed
         where action = 'findCustomers' order by id
        """
    )
    assert [(row.clinic_id, row.actor, row.subjects) for row in rows] == [
        (1, "receptionist", [ana]),
        (1, "receptionist", []),
    ]
    assert "example.org" not in "".join(row.whole for row in rows)


async def test_an_invalid_parameter_is_reported(client):
    for query, pointer in [
        ({}, "?email"),
        ({"email": "ana@example.org", "phone": "+493012345678"}, "?phone"),
        ({"email": ""}, "?email"),
        ({"email": "ana"}, "?email"),
        ({"phone": "+1"}, "?phone"),
        ({"phone": "12"}, "?phone"),
        ({"phone": "0"}, "?phone"),
        ({"phone": "call me"}, "?phone"),
        ({"q": "ana"}, "?q"),
        ({"email": "ana@example.org", "limit": "5"}, "?limit"),
    ]:
        refusal = await client.get(FIND, params=query, headers=RECEPTIONIST)
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, [pointer]), (
            query
        )


async def test_a_lookup_at_an_unknown_clinic_is_not_found(client):
    await create_customer(client, email="ana@example.org")
    assert (
        await client.get("/api/clinics/9/customers", params={"email": "ana@example.org"}, headers=ADMIN)
    ).status_code == 404


async def test_a_customer_is_reported_as_a_patient_after_booking(client, db):
    await create_customer(client, email="ana@example.org")
    (match,) = await find(client, RECEPTIONIST, email="ana@example.org")
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", match["customerId"])
    assert (await find(client, RECEPTIONIST, email="ana@example.org"))[0]["isPatient"] is True


async def test_the_lookup_uses_the_address_indexes(db):
    async with db.connection() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain select id from customer c where c.active and (lower(c.email) = lower('a@b.de') or c.phone = '+49')"
        )
    assert {"customer_by_email", "customer_by_phone"} <= set(" ".join(row[0] for row in plan).split())
