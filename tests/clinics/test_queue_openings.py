"""Queues open when the servers cannot keep up or staff open them, and end once no one has to wait."""

import pytest

from appoint.clinics.queues.line import CALM_SECONDS
from appoint.clinics.queues.pace import OVERLOADED_SECONDS
from support.app import ADMIN
from support.queues import Visitor, change_queue, create_queue, queue_client, waits
from support.staff import add_user, bearer, works_at
from support.world import create_clinic


@pytest.fixture
async def client(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch, mode="automatic") as client:
        yield client


async def overload(client, path="/c/lakeside"):
    """Make the process spend a few seconds on slow requests."""
    for _ in range(OVERLOADED_SECONDS):
        for _ in range(20):
            await client.get(path)
            client.queues.pace.observe(3.0, failed=False)
        await client.queues.advance()


async def show(client, clinic_id=1):
    return (await client.get(f"/api/clinics/{clinic_id}/queue", headers=ADMIN)).json()


async def test_an_overload_opens_the_queue_of_the_clinic_that_causes_it(client):
    await create_clinic(client, slug="lakeside")
    await create_clinic(client, slug="hillside")
    await overload(client)
    queue = await show(client)
    assert (queue["open"], queue["openedBy"]) == (True, "load")
    assert waits(await Visitor(client).get())
    assert not waits(await Visitor(client).get("/c/hillside"))


async def test_if_no_clinic_causes_most_of_it_all_visitors_wait(client):
    await create_clinic(client, slug="lakeside")
    await create_clinic(client, slug="hillside")
    await overload(client, "/")
    for path in ("/", "/c/lakeside", "/c/hillside"):
        assert waits(await Visitor(client).get(path))


async def test_if_a_clinic_opens_its_queue_only_by_hand_an_overload_makes_all_visitors_wait(client):
    await create_clinic(client, slug="lakeside", policy={"queue": "manual"})
    await overload(client)
    assert not (await show(client))["open"]
    assert waits(await Visitor(client).get("/"))


async def test_a_few_slow_requests_do_not_open_a_queue(client):
    await create_clinic(client, slug="lakeside")
    for _ in range(10):
        for _ in range(9):
            client.queues.pace.observe(3.0, failed=True)
        await client.queues.advance()
    assert not waits(await Visitor(client).get())


@pytest.mark.parametrize(("by", "is_open"), [("load", False), ("staff", True)])
async def test_a_queue_that_opened_by_itself_ends_once_it_has_been_short_for_a_minute(client, db, by, is_open):
    await create_queue(client)
    await db.execute("update visitor_queue set opened_by = $1", by)
    await Visitor(client).get()
    for _ in range(CALM_SECONDS + 3):
        await client.queues.advance()
    assert (await show(client))["open"] is is_open


async def test_a_queue_with_people_in_it_does_not_end(client, db):
    await create_queue(client)
    await db.execute("update visitor_queue set opened_by = 'load', issued = 1000000")
    for _ in range(CALM_SECONDS + 3):
        await client.queues.advance()
    assert (await show(client))["open"]


async def test_staff_see_the_queue_on_their_pages_and_can_open_and_end_it(client, db):
    await create_clinic(client, slug="lakeside")
    await works_at(db, await add_user(db), role="receptionist")
    staff = Visitor(client, **(await bearer(client)))
    same = {"Sec-Fetch-Site": "same-origin"}
    assert "Open the queue now" in (await staff.get("/staff/1/queue")).text
    opened = await staff.request("POST", "/staff/1/queue", data={"act": "open"}, headers=same)
    assert opened.status_code == 303
    await Visitor(client).get()
    await client.queues.refresh()
    assert "1 person in the queue" in (await staff.get("/staff/1/week")).text
    assert "End the queue" in (await staff.get("/staff/1/queue")).text
    await staff.request("POST", "/staff/1/queue", data={"act": "end"}, headers=same)
    assert not waits(await Visitor(client).get())


async def test_staff_announce_an_opening_in_the_clinics_own_time(client, db):
    await create_clinic(client)
    staff = Visitor(client, **ADMIN)
    form = {"act": "announce", "date": "2027-03-01", "time": "08:00"}
    assert (await staff.request("POST", "/staff/1/queue", data=form)).status_code == 303
    assert (await show(client))["opensAt"] == "2027-03-01T07:00:00Z"
    refused = await staff.request("POST", "/staff/1/queue", data={**form, "date": "2020-03-01"})
    assert refused.status_code == 400
    assert "in the future" in refused.text
    await staff.request("POST", "/staff/1/queue", data={"act": "withdraw"})
    assert (await show(client))["opensAt"] is None


async def test_an_opening_cannot_be_announced_while_people_are_still_waiting_from_the_last_one(client, db):
    await create_queue(client)
    await db.execute("update visitor_queue set opens_at = now() - interval '1 minute'")
    change = {"opensAt": "2027-03-01T07:00:00Z"}
    response = await client.patch("/api/clinics/1/queue", json=change, headers=ADMIN)
    assert response.json()["reason"] == "queue-open"
    await change_queue(client, open=False)
    assert (await change_queue(client, **change))["opensAt"] == "2027-03-01T07:00:00Z"


async def test_a_server_without_queues_refuses_to_open_one(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch, mode="never") as client:
        await create_clinic(client)
        response = await client.patch("/api/clinics/1/queue", json={"open": True}, headers=ADMIN)
        assert response.json()["reason"] == "queues-off"
        assert "turned off" in (await client.get("/staff/1/queue", headers=ADMIN)).text
