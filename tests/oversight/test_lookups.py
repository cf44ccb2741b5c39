"""Looking up other clinics' customers is limited and recorded, and the customer always gets a message."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.kit import clock
from support.app import client_of, composed
from support.audit import unsealed
from support.manage_links import create_visit, times_at
from support.post import Office, Post
from support.staff import add_user, bearer, sign_in_receptionist, type_of, works_at
from support.world import create_clinic, create_customer

FIND = "/api/clinics/1/customers"


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


@pytest.fixture
async def reception(db, client, visit):
    return await sign_in_receptionist(db, client)


@pytest.fixture
async def post():
    return Post()


async def find(client, headers, *, clinic=1, **query):
    return await client.get(f"/api/clinics/{clinic}/customers", params=query, headers=headers)


async def test_a_person_gets_an_email_naming_the_clinic_that_searched_for_them(client, db, reception, post):
    await find(client, reception, email="ana@example.org")
    await Office(db, post).plan_and_send(clock.now())
    (message,) = post.messages
    assert (message.to, message.subject) == ("ana@example.org", "Lakeside Clinic searched for you")
    assert "They saw your name and nothing else." in message.text
    assert "Ana" not in message.text


async def test_a_person_without_an_email_address_gets_a_text_message(client, db, reception, post):
    await create_customer(client, phone="+4915112345678")
    await find(client, reception, phone="+4915112345678")
    await Office(db, post).plan_and_send(clock.now())
    assert [(message.channel, message.to) for message in post.messages] == [("sms", "+4915112345678")]


async def test_a_person_gets_at_most_one_message_a_day_per_clinic(client, db, reception, post):
    await create_clinic(client, name="Hillside")
    elsewhere = await sign_in_receptionist(db, client, "rita@example.org", 2)
    for _ in range(2):
        await find(client, reception, email="ana@example.org")
        await find(client, elsewhere, clinic=2, email="ana@example.org")
    await Office(db, post).plan_and_send(clock.now())
    assert sorted(post.subjects) == ["Hillside searched for you", "Lakeside Clinic searched for you"]


async def test_people_who_share_an_address_get_one_message(client, db, reception, post):
    for name in ("Ben", "Cleo", "Dan"):
        await create_customer(client, name=name, email="ana@example.org")
    assert len((await find(client, reception, email="ana@example.org")).json()["items"]) == 4
    await Office(db, post).plan_and_send(clock.now())
    assert len(post.messages) == 1


async def test_the_clinics_own_patients_and_unknown_addresses_do_not_get_a_message(client, db, reception, visit, post):
    await client.post("/api/appointments", json={**visit, **times_at(0)}, headers=reception)
    await Office(db, post).plan_and_send(clock.now())
    post.messages.clear()
    await find(client, reception, email="ana@example.org")
    await find(client, reception, email="nobody@example.org")
    await Office(db, post).plan_and_send(clock.now() + timedelta(minutes=1))
    assert post.messages == []


async def test_every_search_is_recorded(client, db, reception, visit):
    await find(client, reception, email="ana@example.org")
    await find(client, reception, email="nobody@example.org")
    searches = [entry for entry in await unsealed(db) if entry["action"] == "findCustomers"]
    assert [(entry["clinic_id"], entry["subjects"]) for entry in searches] == [(1, [visit["customerId"]]), (1, [])]
    assert len({entry["actor"] for entry in searches}) == 1


@pytest.mark.usefixtures("still_clock")
async def test_searches_are_limited_per_user(db, database_url):
    async with client_of(composed(database_url, rate_limits=True, lookups_rate="3/hour")) as client:
        await create_clinic(client)
        receptions = [await sign_in_receptionist(db, client)]
        other: UUID = await add_user(db, "rita@example.org")
        await works_at(db, other, 1, "receptionist")
        receptions.append(await bearer(client, "rita@example.org"))
        numbers = [f"+4930123456{number}" for number in range(10, 14)]
        responses = [await find(client, receptions[0], phone=number) for number in numbers]
        assert [response.status_code for response in responses] == [200, 200, 200, 429]
        assert type_of(responses[-1]) == (429, "too-many-requests")
        assert (await find(client, receptions[1], phone=numbers[0])).status_code == 200
