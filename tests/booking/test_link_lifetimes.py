"""Manage and unsubscribe links expire, and staff can revoke manage links."""

from datetime import datetime, timedelta

import pytest

from appoint.booking import links
from appoint.kit import clock
from appoint.kit.signed_tokens import sign
from support.app import ADMIN
from support.manage_links import book, create_visit, page_path, token_headers
from support.post import LINKS, Office, Post
from support.staff import SECRET


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def statuses(client, appointment) -> tuple[int, int]:
    """Return the status codes that the appointment's link gets from the API and the page."""
    response = await client.get(f"/api/appointments/{appointment['id']}", headers=token_headers(appointment))
    return response.status_code, (await client.get(page_path(appointment))).status_code


async def test_a_link_expires_thirty_days_after_the_appointment(client, visit, monkeypatch):
    appointment = await book(client, visit)
    end = datetime.fromisoformat(appointment["endTime"])
    for after, expected in [(timedelta(days=29, hours=23), (200, 200)), (timedelta(days=30), (401, 404))]:
        monkeypatch.setattr(clock, "now", lambda after=after: end + after)
        assert await statuses(client, appointment) == expected
    assert (await client.post(page_path(appointment, "/cancel"))).status_code == 404


async def test_the_page_shows_when_the_link_expires(client, visit):
    page = await client.get(page_path(await book(client, visit)))
    assert "It works until 30 days after the appointment." in page.text


async def test_revoking_a_link_makes_the_next_one_valid(client, visit):
    appointment = await book(client, visit)
    response = await client.post(f"/api/appointments/{appointment['id']}/revokeLink", headers=ADMIN)
    assert response.status_code == 200, response.text
    assert "manageToken" not in response.json()
    assert await statuses(client, appointment) == (401, 404)
    renewed = {
        **appointment,
        "manageToken": links.token(SECRET, links.appointment_of(SECRET, appointment["manageToken"]), 2),
    }
    assert await statuses(client, renewed) == (200, 200)
    assert len(renewed["manageToken"]) < 60


async def test_messages_contain_the_valid_link(db, client, visit):
    office = Office(db, Post())
    appointment = await book(client, visit)
    await client.post(f"/api/appointments/{appointment['id']}/revokeLink", headers=ADMIN)
    await office.plan(clock.now())
    await office.send(clock.now())
    old, new = [links.token(LINKS.secret, links.appointment_of(SECRET, appointment["manageToken"]), n) for n in (1, 2)]
    (message,) = office.post.messages
    assert (old in message.text, new in message.text) == (False, True)


async def test_people_with_a_manage_link_cannot_revoke_it(client, visit):
    appointment = await book(client, visit)
    response = await client.post(
        f"/api/appointments/{appointment['id']}/revokeLink", headers=token_headers(appointment)
    )
    assert response.status_code == 403


async def test_an_unsubscribe_link_expires_after_a_year(client, visit):
    now = int(clock.now().timestamp())
    for expires, expected in [(now + 60, 200), (now - 60, 404)]:
        token = sign(SECRET, "unsubscribe", [visit["customerId"], "email", expires])
        assert (await client.get(f"/unsubscribe/{token}")).status_code == expected
    undated = sign(SECRET, "unsubscribe", [visit["customerId"], "email"])
    assert (await client.get(f"/unsubscribe/{undated}")).status_code == 404
