"""A customer's id is not a credential: only certain callers can book for a customer."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from appoint.customers.tokens import TOKEN_TTL, create_token
from appoint.kit import clock
from appoint.kit.signed_tokens import sign_id
from support.api_keys import create_key, key_header
from support.app import ADMIN, composed, connected_client
from support.manage_links import START, create_visit, times_at, token_headers
from support.patient_pages import csrf_token_of, sign_in_together
from support.sign_in_codes import enter_code, request_code
from support.staff import SECRET, sign_in_receptionist, type_of
from support.world import create_clinic, create_customer, create_doctor, publish_slot

UNKNOWN = "019a0000-0000-7000-8000-000000000000"


@pytest.fixture
async def stranger(db, client, database_url):
    """A client that knows only what the API has returned to it."""
    async with connected_client(composed(database_url), proves=False) as stranger:
        yield stranger


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def register(client, **members) -> dict[str, str]:
    """Register a customer. Return the members that are needed to book for them."""
    customer = (await client.post("/api/customers", json={"name": "Cleo"} | members)).json()
    return {"customerId": customer["id"], "customerToken": customer["customerToken"]}


async def session_of(client, email="ana@example.org", **choice) -> dict[str, str]:
    answer = (await enter_code(client, await request_code(client, email=email), **choice)).json()
    return {"Authorization": f"Bearer {answer['session']['token']}"}


async def post(client, visit, hours=0, *, headers=None, **members):
    return await client.post("/api/appointments", json={**visit, **times_at(hours), **members}, headers=headers)


async def test_a_stranger_cannot_book_with_an_id_alone(stranger, visit):
    known, unknown = await post(stranger, visit), await post(stranger, visit, customerId=UNKNOWN)
    ignored = {"requestId"}
    assert {name: known.json()[name] for name in known.json().keys() - ignored} == {
        name: unknown.json()[name] for name in unknown.json().keys() - ignored
    }
    assert type_of(known) == (404, "not-found")


async def test_a_stranger_can_book_for_a_customer_they_registered(stranger, visit):
    assert (await post(stranger, visit | await register(stranger))).status_code == 201


@pytest.mark.parametrize(
    "forge",
    [
        lambda customer: create_token(SECRET, uuid4(), now=clock.now()),
        lambda customer: create_token("a guess", customer, now=clock.now()),
        lambda customer: create_token(SECRET, customer, now=clock.now() - TOKEN_TTL),
        lambda customer: f"apc_{sign_id(SECRET, 'manage', customer)}",
        lambda customer: "",
        lambda customer: "apc_",
    ],
    ids=["another customer's", "another key", "expired", "another purpose", "empty", "prefix alone"],
)
async def test_any_other_token_is_refused(stranger, visit, forge):
    token = forge(UUID(visit["customerId"]))
    assert type_of(await post(stranger, visit, customerToken=token)) == (404, "not-found")


async def test_a_token_lasts_an_hour(stranger, visit):
    ana = UUID(visit["customerId"])
    token = create_token(SECRET, ana, now=clock.now() - TOKEN_TTL + timedelta(minutes=1))
    assert (await post(stranger, visit, customerToken=token)).status_code == 201


async def test_every_customer_in_a_booking_needs_a_token(stranger, visit):
    cleo, dan = await register(stranger), await register(stranger, name="Dan")

    def booking(*customers):
        parts = [{**times_at(hours), **customer} for hours, customer in enumerate(customers)]
        return {"clinicId": 1, **cleo, "appointments": [part | {"doctorId": visit["doctorId"]} for part in parts]}

    victim = {"customerId": visit["customerId"]}
    for body in (
        booking({}, victim),
        booking({}, victim | {"customerToken": dan["customerToken"]}),
        booking({}, dan | {"customerToken": None}),
        booking({}, dan) | victim,
        booking(dan) | {"customerToken": None},
    ):
        assert type_of(await stranger.post("/api/bookings", json=body)) == (404, "not-found")
    assert (await stranger.post("/api/bookings", json=booking({}, dan))).status_code == 201


async def test_staff_and_partners_need_a_token_only_at_other_clinics(db, client, stranger, visit):
    elsewhere = await create_clinic(client, name="Hillside")
    other = await create_doctor(client, elsewhere)
    await publish_slot(db, other, START, START + timedelta(hours=6))
    reception = await sign_in_receptionist(db, client)
    partner = key_header((await create_key(client)).json()["key"])
    for hours, headers in enumerate([ADMIN, reception, partner]):
        assert (await post(stranger, visit, hours, headers=headers)).status_code == 201
    for headers in (reception, partner):
        response = await post(stranger, visit, 4, headers=headers, doctorId=other)
        assert type_of(response) == (404, "not-found")


async def test_signed_in_patients_can_book_for_themselves_and_people_they_register(stranger, visit):
    session = await session_of(stranger)
    assert (await post(stranger, visit, headers=session)).status_code == 201
    child = await register(stranger)
    assert (await post(stranger, visit | child, 1, headers=session)).status_code == 201
    other = {"customerId": (await register(stranger))["customerId"]}
    assert type_of(await post(stranger, visit | other, 2, headers=session)) == (404, "not-found")
    body = {"clinicId": 1, "customerId": visit["customerId"], "appointments": [{**times_at(2), **other}]}
    assert type_of(await stranger.post("/api/bookings", json=body, headers=session)) == (404, "not-found")


async def test_a_session_can_book_for_everyone_its_code_covered(stranger, visit):
    ben = await create_customer(stranger, name="Ben", email="ana@example.org")
    cookies = await sign_in_together(stranger)
    headers = cookies | {"X-CSRF-Token": await csrf_token_of(stranger, "/my", cookies)}
    assert (await post(stranger, visit, headers=headers, customerId=ben)).status_code == 201
    cleo = await create_customer(stranger, name="Cleo", email="ana@example.org")  # registered after the code was sent
    assert type_of(await post(stranger, visit, 1, headers=headers, customerId=cleo)) == (404, "not-found")


async def test_a_link_can_book_for_its_patient_at_its_clinic(db, client, stranger, visit):
    link = token_headers((await post(client, visit)).json())
    elsewhere = await create_doctor(client, await create_clinic(client, name="Hillside"))
    await publish_slot(db, elsewhere, START, START + timedelta(hours=6))
    assert (await post(stranger, visit, 1, headers=link)).status_code == 201
    assert type_of(await post(stranger, visit, 2, headers=link, doctorId=elsewhere)) == (404, "not-found")
    other = await create_customer(client)
    assert type_of(await post(stranger, visit, 2, headers=link, customerId=other)) == (404, "not-found")


async def test_only_strangers_and_patients_receive_a_token(db, client, visit):
    reception, session = await sign_in_receptionist(db, client), await session_of(client)
    link = token_headers((await post(client, visit)).json())
    responses = [
        await client.post("/api/customers", json={"name": "Cleo"}, headers=headers)
        for headers in (None, session, link, reception, ADMIN)
    ]
    assert ["customerToken" in response.json() for response in responses] == [True, True, True, False, False]
    path = responses[0].headers["Location"]
    assert "customerToken" not in (await client.get(path, headers=ADMIN)).text


async def test_a_repeated_registration_returns_a_fresh_token_only_to_the_same_caller(stranger, visit, database_url):
    key = {"Idempotency-Key": "once"}
    first, replay = [await stranger.post("/api/customers", json={"name": "Cleo"}, headers=key) for _ in range(2)]
    assert (replay.headers["Idempotent-Replayed"], replay.json()["id"]) == ("true", first.json()["id"])
    again = {"customerId": replay.json()["id"], "customerToken": replay.json()["customerToken"]}
    assert (await post(stranger, visit | again)).status_code == 201
    other_body = await stranger.post("/api/customers", json={"name": "Dan"}, headers=key)
    assert (type_of(other_body)[0], "customerToken" in other_body.text) == (422, False)
    async with connected_client(composed(database_url), address="192.0.2.7", proves=False) as other:
        response = await other.post("/api/customers", json={"name": "Cleo"}, headers=key)
        assert response.json()["id"] != first.json()["id"]


async def test_a_repeated_booking_may_contain_a_new_token(stranger, visit):
    cleo, key = await register(stranger), {"Idempotency-Key": "book"}
    later = clock.now() + timedelta(minutes=5)
    renewed = cleo | {"customerToken": create_token(SECRET, UUID(cleo["customerId"]), now=later)}
    first, replay = [await post(stranger, visit | members, headers=key) for members in (cleo, renewed)]
    assert (replay.headers.get("Idempotent-Replayed"), replay.json()["id"]) == ("true", first.json()["id"])
