"""A clinic finds a customer of another one, who calls for the first time: by the whole e-mail address or phone number,
and only as much as it takes to book."""

from uuid import UUID

import pytest

from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN
from support.rows import clinic, customer

FIND = "/api/clinics/1/customers"


@pytest.fixture
async def says(client):
    """Headers of callers of every kind; they are of clinic 1, and one of clinic 2."""
    await clinic(client)
    await clinic(client)
    callers = {
        "doctor": Actor("doctor", user_id=UUID(int=1), memberships=(Membership(1, Role.DOCTOR, UUID(int=1)),)),
        "receptionist": Actor("receptionist", user_id=UUID(int=2), memberships=(Membership(1, Role.RECEPTIONIST),)),
        "manager": Actor("manager", user_id=UUID(int=3), memberships=(Membership(1, Role.MANAGER),)),
        "elsewhere": Actor("elsewhere", user_id=UUID(int=4), memberships=(Membership(2, Role.RECEPTIONIST),)),
        "partner": Actor("partner", memberships=(Membership(1, Role.PARTNER),), scopes=frozenset({"find-customers"})),
        "other partner": Actor("other", memberships=(Membership(1, Role.PARTNER),), scopes=frozenset({"see-patients"})),
        "patient": Actor("patient", customer_id=UUID(int=5)),
    }

    async def identify(_, token):
        return callers.get(token.removeprefix("test_"))

    client._transport.app.state.services.identities["test_"] = identify
    return lambda who: ADMIN if who == "administrator" else {"Authorization": f"Bearer test_{who}"} if who else {}


async def find(client, headers, **query):
    answer = await client.get(FIND, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_customer_is_found_by_the_whole_address_and_by_no_part_of_it(client, says):
    ana = await customer(
        client, name="Ana Souza", email="Ana@Example.org", phone="+493012345678", birthDate="1988-05-17"
    )
    here = says("receptionist")
    assert await find(client, here, email="ana@example.ORG") == [
        {"customerId": ana, "name": "Ana Souza", "isPatient": False}
    ]
    assert (
        await find(client, here, phone="+493012345678")
        == await find(client, here, phone="030 12345678")
        == await find(client, here, email="ana@example.org")
    )
    for nobody in (
        {"email": "na@example.org"},
        {"email": "%@example.org"},
        {"email": "ana@example.org.uk"},
        {"phone": "+49301234567"},
    ):
        assert await find(client, here, **nobody) == []


async def test_whom_the_clinic_knows_already_is_said(client, db, says):
    mother, child = [await customer(client, name=name, phone="+493012345678") for name in ("Ana", "Ben")]
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1), (2, $2)", mother, child)
    found = await find(client, says("receptionist"), phone="+493012345678")
    assert [(each["customerId"], each["isPatient"]) for each in found] == [(mother, True), (child, False)]


async def test_a_family_that_shares_an_address_is_a_list_and_it_ends(client, db, says):
    await db.execute(
        "insert into customer (name, email) select 'Child ' || n, 'family@example.org' from generate_series(1, 25) n"
    )
    assert len(await find(client, says("receptionist"), email="family@example.org")) == 20


async def test_a_removed_customer_is_not_found(client, says):
    ana = await customer(client, email="ana@example.org")
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert await find(client, says("receptionist"), email="ana@example.org") == []


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("receptionist", 200),
        ("manager", 200),
        ("partner", 200),
        ("administrator", 200),
        ("doctor", 403),
        ("other partner", 403),
        ("patient", 403),
        ("elsewhere", 404),
        (None, 401),
    ],
)
async def test_who_may_look(client, says, who, status):
    await customer(client, name="Ana Souza", email="ana@example.org")
    answer = await client.get(FIND, params={"email": "ana@example.org"}, headers=says(who))
    assert answer.status_code == status
    assert ("Ana Souza" in answer.text) is (status == 200)


async def test_a_look_is_recorded_with_whom_it_found_and_without_what_was_asked(client, db, says):
    ana = await customer(client, name="Ana Souza", email="ana@example.org")
    await find(client, says("receptionist"), email="ana@example.org")
    await find(client, says("receptionist"), email="nobody@example.org")
    rows = await db.fetch(
        "select clinic_id, actor, subjects, audit_unsealed::text as whole from audit_unsealed where action = 'findCustomers' order by id"
    )
    assert [(row.clinic_id, row.actor, row.subjects) for row in rows] == [
        (1, "receptionist", [ana]),
        (1, "receptionist", []),
    ]
    assert "example.org" not in "".join(row.whole for row in rows)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
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
    ],
)
async def test_faults_are_named(client, says, query, pointer):
    refused = await client.get(FIND, params=query, headers=says("receptionist"))
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer])


async def test_a_clinic_that_is_not_there_finds_nobody(client, says):
    await customer(client, email="ana@example.org")
    assert (
        await client.get("/api/clinics/9/customers", params={"email": "ana@example.org"}, headers=says("administrator"))
    ).status_code == 404


async def test_whom_a_clinic_finds_it_can_book(client, db, says):
    """And from then on they are its patient."""
    await customer(client, email="ana@example.org")
    (found,) = await find(client, says("receptionist"), email="ana@example.org")
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", found["customerId"])
    assert (await find(client, says("receptionist"), email="ana@example.org"))[0]["isPatient"] is True


async def test_the_exact_address_is_looked_up_by_an_index(db):
    async with db.connection() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain select id from customer c where c.active and (lower(c.email) = lower('a@b.de') or c.phone = '+49')"
        )
    assert {"customer_by_email", "customer_by_phone"} <= set(" ".join(row[0] for row in plan).split())
