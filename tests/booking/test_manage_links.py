"""Manage links: with its token, a caller can read, move and cancel one appointment, and do nothing else."""

from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from appoint.booking import links
from appoint.kit import clock, ids
from appoint.kit.signed_tokens import sign_id
from support.app import ADMIN
from support.manage_links import START, book, create_visit, page_path, status, times_at, token_headers
from support.post import LINKS, Office, Post
from support.staff import SECRET
from support.world import create_customer, hours_ahead


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def test_a_booking_and_its_replay_return_a_token_for_each_appointment(client, visit):
    parts = [{**times_at(hours), "doctorId": visit["doctorId"]} for hours in (1, 2)]
    body = {"clinicId": 1, "customerId": visit["customerId"], "appointments": parts}
    first, replay = [
        await client.post("/api/bookings", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    tokens = [appointment["manageToken"] for appointment in first.json()["appointments"]]
    assert len(set(tokens)) == 2
    assert [links.appointment_of(SECRET, token) for token in tokens] == [
        UUID(appointment["id"]) for appointment in first.json()["appointments"]
    ]
    assert (
        replay.headers["Idempotent-Replayed"],
        [appointment["manageToken"] for appointment in replay.json()["appointments"]],
    ) == ("true", tokens)


async def test_no_other_response_contains_the_token(client, visit):
    appointment = await book(client, visit)
    paths = [
        f"/api/appointments/{appointment['id']}",
        "/api/clinics/1/appointments",
        "/api/clinics/1/bookings",
        f"/api/clinics/1/bookings/{appointment['bookingId']}",
        f"/api/customers/{visit['customerId']}/appointments",
    ]
    assert [path for path in paths if "manageToken" in (await client.get(path, headers=ADMIN)).text] == []
    assert "manageToken" not in (await client.get(paths[0], headers=token_headers(appointment))).text


async def test_a_token_is_short_and_needs_no_url_escaping(client, visit):
    token = (await book(client, visit))["manageToken"]
    assert len(token) < 60
    assert quote(token, safe="") == token


async def test_emails_and_text_messages_contain_the_link(db, client, visit):
    post = Post()
    office = Office(db, post)
    appointment = await book(client, visit)
    await office.plan_and_send(hours_ahead(0))
    await client.put(
        f"/api/appointments/{appointment['id']}",
        json={"startTime": (START + timedelta(hours=2)).isoformat()},
        headers=ADMIN,
    )
    await office.plan_and_send(clock.now())
    await client.patch(
        f"/api/customers/{visit['customerId']}", json={"email": None, "phone": "+4915112345678"}, headers=ADMIN
    )
    await office.remind(START - timedelta(hours=10), timedelta(hours=12))
    await office.send(START + timedelta(hours=1))
    link = f"https://appoint.example/appointments/{links.token(LINKS.secret, UUID(appointment['id']))}"
    assert [message.channel for message in post.messages] == ["email", "email", "sms", "sms"]
    short = f"https://appoint.example/a/{links.short_code(LINKS.secret, UUID(appointment['id']))}"
    assert [link in message.text for message in post.messages] == [True, True, False, False]
    assert [short in message.text for message in post.messages[2:]] == [True, True]
    assert [message.html.count(f'<a href="{link}"') for message in post.messages[:2]] == [1, 1]


async def test_a_cancellation_message_contains_no_link(db, client, visit):
    post = Post()
    appointment = await book(client, visit)
    await client.delete(f"/api/appointments/{appointment['id']}", headers=ADMIN)
    await Office(db, post).plan_and_send(clock.now())
    assert [("cancelled" in message.subject, "/appointments/" in message.text) for message in post.messages] == [
        (True, False)
    ]


async def test_a_token_holder_can_read_move_and_cancel_the_appointment(client, visit):
    appointment = await book(client, visit)
    path = f"/api/appointments/{appointment['id']}"
    assert (await client.get(path, headers=token_headers(appointment))).json()["startTime"] == appointment["startTime"]
    response = await client.put(
        path, json={"startTime": (START + timedelta(hours=1)).isoformat()}, headers=token_headers(appointment)
    )
    assert response.status_code == 200
    assert datetime.fromisoformat(response.json()["startTime"]) == START + timedelta(hours=1)
    assert (await client.delete(path, headers=token_headers(appointment))).status_code == 204
    assert await status(client, appointment) == "cancelled"


async def test_a_token_stays_valid_after_a_move(client, visit):
    appointment = await book(client, visit)
    await client.put(
        f"/api/appointments/{appointment['id']}",
        json={"startTime": (START + timedelta(hours=1)).isoformat()},
        headers=ADMIN,
    )
    assert (
        await client.get(f"/api/appointments/{appointment['id']}", headers=token_headers(appointment))
    ).status_code == 200


async def test_a_token_holder_cannot_read_the_clinics_notes(client, visit):
    appointment = await book(client, visit)
    await client.patch(f"/api/appointments/{appointment['id']}", json={"notes": "Afraid of needles"}, headers=ADMIN)
    response = await client.get(f"/api/appointments/{appointment['id']}", headers=token_headers(appointment))
    assert "needles" not in response.text
    assert "needles" not in (await client.get(page_path(appointment))).text


async def test_a_token_grants_access_only_to_its_own_appointment(client, visit):
    own, other = await book(client, visit), await book(client, visit, 1)
    requests = [
        ("get", f"/api/appointments/{other['id']}", 404),
        ("delete", f"/api/appointments/{other['id']}", 404),
        ("put", f"/api/appointments/{other['id']}", 404),
        ("get", f"/api/appointments/{ids.new_id(1)}", 404),
        ("get", f"/api/clinics/1/bookings/{other['bookingId']}", 404),
        ("get", f"/api/customers/{visit['customerId']}", 403),
        ("get", "/api/customers", 403),
        ("get", "/api/clinics/1/appointments", 403),
        ("get", "/api/clinics/1/patients", 403),
        ("post", f"/api/appointments/{own['id']}/arrive", 403),
        ("patch", f"/api/appointments/{own['id']}", 403),
        ("get", f"/api/doctors/{visit['doctorId']}/bookingSlots", None),
    ]
    for method, path, expected in requests:
        body = {"startTime": START.isoformat()} if method == "put" else {"notes": "x"} if method == "patch" else None
        response = await client.request(method, path, json=body, headers=token_headers(own))
        assert response.status_code in ({expected} if expected else {200, 403}), (method, path, response.text)
    assert await status(client, other) == "booked"


async def test_a_token_holder_sees_only_their_own_appointment_in_a_family_booking(client, visit):
    parts = [visit | times_at(0), visit | times_at(1) | {"customerId": await create_customer(client)}]
    body = {"clinicId": 1, "customerId": visit["customerId"], "appointments": parts}
    booking = (await client.post("/api/bookings", json=body)).json()
    visible_ids = []
    for appointment in booking["appointments"]:
        response = await client.get(
            f"/api/clinics/1/bookings/{booking['bookingId']}", headers=token_headers(appointment)
        )
        visible_ids.append([each["id"] for each in response.json().get("appointments", [])])
    for visible, appointment in zip(visible_ids, booking["appointments"], strict=True):
        assert visible in ([], [appointment["id"]])


def forged_tokens(token: str) -> list[str]:
    value, _, signature = token.removeprefix("apm_").partition(".")
    other = sign_id("another secret", "manage", uuid4())
    return [
        f"apm_{value}",
        f"apm_{value}.",
        f"apm_.{signature}",
        f"apm_{value}.{'A' * len(signature)}",
        f"apm_{other}",
        f"apm_{sign_id(SECRET, 'else', uuid4())}",
        f"apm_{other.partition('.')[0]}.{signature}",
        "apm_",
        "apm_..",
        "apm_" + "A" * 1500,
        token.removeprefix("apm_"),
        token + "A",
        token[:-1],
        token + ".x",
        token.swapcase(),
    ]


async def test_a_forged_token_is_rejected(client, visit):
    appointment = await book(client, visit)
    for token in forged_tokens(appointment["manageToken"]):
        response = await client.get(
            f"/api/appointments/{appointment['id']}", headers={"Authorization": f"Bearer {token}"}
        )
        assert response.status_code == 401, token


async def test_an_invalid_link_shows_a_not_found_page(client, visit):
    appointment = await book(client, visit)
    unknown = links.token(SECRET, ids.new_id(1))
    for token in [
        *forged_tokens(appointment["manageToken"]),
        unknown,
        links.token(SECRET, ids.new_id(7)),
        links.token(SECRET, uuid4()),
        "%00",
        "%ff",
        "ä",
    ]:
        for response in (
            await client.get(f"/appointments/{token}"),
            await client.post(f"/appointments/{token}/cancel", data={"reason": "x"}),
        ):
            assert response.status_code == 404, token
            assert "We can’t find this appointment." in response.text
    assert await status(client, appointment) == "booked"
