"""Strangers hold times, and the code that they receive turns a hold into a booking."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from appoint.booking.confirmation import repository
from appoint.booking.holds import expire_holds
from appoint.kit import clock
from support.app import ADMIN
from support.confirmation import (
    book,
    code_for,
    confirm,
    confirm_right,
    create_practice,
    hold,
    reason_of,
    wrong_code_for,
)
from support.manage_links import times_at, token_headers
from support.staff import sign_in_receptionist
from support.world import create_customer


@pytest.fixture
async def practice(db, client):
    return await create_practice(db, client)


async def event_types(db, appointment) -> list[str]:
    rows = await db.fetch(
        "select type from event where subject_id = $1 order by subject_version, id", appointment["id"]
    )
    return [row.type for row in rows]


def expiry_of(appointment) -> datetime:
    return datetime.fromisoformat(appointment["holdExpiresAt"])


async def test_a_strangers_booking_is_on_hold_for_ten_minutes_and_shows_where_the_code_went(client, practice):
    appointment = await hold(client, practice)
    assert timedelta(minutes=9) < expiry_of(appointment) - clock.now() <= timedelta(minutes=10)
    assert appointment["confirmation"] == {
        "channel": "email",
        "sentTo": "a•••@example.org",
        "expiresAt": appointment["holdExpiresAt"],
    }
    assert "ana@example.org" not in str(appointment)


async def test_the_phone_number_that_a_code_went_to_is_mostly_masked(client, practice):
    ben = await create_customer(client, phone="+4915112345678")
    confirmation = (await hold(client, practice, customerId=ben))["confirmation"]
    assert (confirmation["channel"], confirmation["sentTo"]) == ("sms", "+49•••78")


async def test_the_code_books_the_appointment(client, db, practice):
    appointment = await hold(client, practice)
    confirmed = await confirm_right(client, appointment)
    assert (confirmed["status"], confirmed["holdExpiresAt"]) == ("booked", None)
    assert "confirmation" not in confirmed
    assert await event_types(db, appointment) == [
        "appointment.held",
        "appointment.code-requested",
        "appointment.booked",
    ]


async def test_the_manage_token_alone_does_not_confirm(client, practice):
    appointment = await hold(client, practice)
    assert reason_of(await confirm(client, appointment)) == (409, "code-required")


async def test_an_explicit_hold_needs_the_code_too_and_does_not_last_longer(client, practice):
    appointment = await hold(client, practice, hold=True)
    assert expiry_of(appointment) - clock.now() <= timedelta(minutes=10)
    assert reason_of(await confirm(client, appointment)) == (409, "code-required")


async def test_staff_and_the_administrator_confirm_without_a_code(client, db, practice):
    headers = await sign_in_receptionist(db, client)
    for hours, caller in enumerate((headers, ADMIN)):
        appointment = await hold(client, practice, hours)
        response = await client.post(f"/api/appointments/{appointment['id']}/confirm", headers=caller)
        assert response.json()["status"] == "booked"


async def test_staff_and_partners_book_immediately(client, db, practice):
    headers = await sign_in_receptionist(db, client)
    for hours, caller in enumerate((headers, ADMIN)):
        response = await client.post("/api/appointments", json={**practice, **times_at(hours)}, headers=caller)
        assert (response.status_code, response.json()["status"]) == (201, "booked")
        assert "confirmation" not in response.json()


async def test_a_caller_with_a_manage_token_is_still_a_stranger(client, practice):
    first = await hold(client, practice)
    response = await client.post("/api/appointments", json={**practice, **times_at(2)}, headers=token_headers(first))
    assert response.json()["status"] == "pending"


async def test_a_clinic_can_switch_codes_off(client, practice):
    await client.patch("/api/clinics/1", json={"policy": {"confirmAddress": "never"}}, headers=ADMIN)
    response = await book(client, practice)
    assert (response.json()["status"], "confirmation" in response.json()) == ("booked", False)


async def test_clinics_ask_for_codes_by_default(client):
    body = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
    clinic = (await client.post("/api/clinics", json=body, headers=ADMIN)).json()
    assert clinic["policy"]["confirmAddress"] == "always"


async def test_a_customer_without_an_address_cannot_book(client, db, practice):
    nobody = await create_customer(client, name="Nobody")
    assert reason_of(await book(client, practice, customerId=nobody)) == (409, "address-required")
    assert await db.fetchval("select count(*) from appointment") == 0
    response = await client.post(
        "/api/appointments", json={**practice, **times_at(0), "customerId": nobody}, headers=ADMIN
    )
    assert response.status_code == 201


async def test_a_landline_number_alone_is_refused_because_it_cannot_receive_the_code(client, db, practice):
    ben = await create_customer(client, phone="+493012345678")
    refusal = await book(client, practice, customerId=ben)
    assert reason_of(refusal) == (409, "address-required")
    assert "A landline number can’t receive it." in refusal.json()["detail"]
    body = {**practice, "customerId": ben, "appointments": [{**times_at(0), "doctorId": practice["doctorId"]}]}
    del body["doctorId"]
    assert reason_of(await client.post("/api/bookings", json={"clinicId": 1, **body})) == (409, "address-required")
    assert await db.fetchval("select count(*) from appointment") == 0
    carla = await create_customer(client, phone="+493012345678", email="carla@example.org")
    assert (await hold(client, practice, customerId=carla))["confirmation"]["channel"] == "email"
    by_staff = {**practice, **times_at(1), "customerId": ben}
    assert (await client.post("/api/appointments", json=by_staff, headers=ADMIN)).status_code == 201


async def test_a_wrong_code_shows_how_many_attempts_are_left_before_a_new_code_is_needed(client, practice):
    appointment = await hold(client, practice)
    wrong = wrong_code_for(appointment)
    answers = [(await confirm(client, appointment, wrong)).json() for _ in range(6)]
    assert [answer.get("attemptsLeft") for answer in answers] == [4, 3, 2, 1, None, None]
    assert [answer["reason"] for answer in answers[3:]] == ["wrong-confirmation-code", *["new-code-required"] * 2]
    assert "Attempts left: 4" in answers[0]["detail"]
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "new-code-required")


async def test_concurrent_guesses_are_counted_one_by_one(client, many_connections, practice):
    appointment = await hold(client, practice)
    wrong = wrong_code_for(appointment)
    codes = [*[wrong] * 20, code_for(appointment), *[wrong] * 20]
    answers = await asyncio.gather(*(confirm(client, appointment, code) for code in codes))
    assert sum(answer.json().get("reason") == "wrong-confirmation-code" for answer in answers) <= 4


async def send_code(client, appointment):
    return await client.post(f"/api/appointments/{appointment['id']}/sendCode", headers=token_headers(appointment))


async def test_a_new_code_replaces_the_old_one_and_allows_five_more_attempts(client, practice):
    appointment = await hold(client, practice)
    for _ in range(5):
        await confirm(client, appointment, wrong_code_for(appointment))
    sent = await send_code(client, appointment)
    assert (sent.status_code, sent.json()) == (200, appointment["confirmation"])  # the hold is not extended
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "wrong-confirmation-code")
    assert (await confirm(client, appointment, code_for(appointment, 2))).json()["status"] == "booked"


async def test_at_most_three_codes_are_sent_for_a_booking(client, practice):
    appointment = await hold(client, practice)
    answers = [reason_of(await send_code(client, appointment)) for _ in range(3)]
    assert answers == [(200, None), (200, None), (409, "too-many-codes")]


async def test_only_the_holder_of_the_link_can_ask_for_another_code(client, practice):
    first, second = await hold(client, practice), await hold(client, practice, 1)
    path = f"/api/appointments/{first['id']}/sendCode"
    assert (await client.post(path)).status_code == 401
    assert (await client.post(path, headers=token_headers(second))).status_code == 404


async def test_a_code_is_not_sent_for_an_appointment_that_does_not_need_one(client, practice):
    appointment = await hold(client, practice)
    await confirm_right(client, appointment)
    assert reason_of(await send_code(client, appointment)) == (409, "wrong-status")


async def test_an_expired_hold_cannot_be_confirmed_and_trying_costs_no_attempt(client, db, practice):
    appointment = await hold(client, practice)
    await db.execute("update appointment set hold_expires_at = $1", clock.now() - timedelta(seconds=1))
    for code in (code_for(appointment), wrong_code_for(appointment)):
        assert reason_of(await confirm(client, appointment, code)) == (409, "hold-expired")
    assert await db.fetchval("select attempts from confirmation_code") == 0
    await expire_holds(db, now=clock.now())
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "hold-expired")
    assert reason_of(await send_code(client, appointment)) == (409, "hold-expired")
    assert (await book(client, practice)).status_code == 201  # the time is free again


async def test_confirming_five_times_books_once(client, db, practice):
    appointment = await hold(client, practice)
    statuses = [(await confirm(client, appointment, code_for(appointment))).status_code for _ in range(5)]
    assert statuses == [200] * 5
    assert (await event_types(db, appointment)).count("appointment.booked") == 1


async def test_concurrent_confirmations_book_once(client, db, many_connections, practice):
    appointment = await hold(client, practice)
    code = code_for(appointment)
    answers = await asyncio.gather(*(confirm(client, appointment, code) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await event_types(db, appointment)).count("appointment.booked") == 1


async def test_a_repeated_booking_request_shows_again_where_the_code_went(client, practice):
    headers = {"Idempotency-Key": "once"}
    body = {**practice, **times_at(0)}
    first, second = [await client.post("/api/appointments", json=body, headers=headers) for _ in range(2)]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json()["confirmation"] == second.json()["confirmation"]
    await confirm_right(client, first.json())
    assert "confirmation" not in (await client.post("/api/appointments", json=body, headers=headers)).json()


async def test_a_code_for_one_booking_does_not_confirm_another(client, practice):
    first, second = await hold(client, practice), await hold(client, practice, 1)
    answer = await confirm(client, second, code_for(first))
    assert reason_of(answer) == (409, "wrong-confirmation-code")


async def test_a_customer_whose_address_changes_needs_a_new_code(client, practice):
    appointment = await hold(client, practice)
    await client.patch(f"/api/customers/{practice['customerId']}", json={"email": "x@example.org"}, headers=ADMIN)
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "new-code-required")
    assert (await send_code(client, appointment)).json()["sentTo"] == "x•••@example.org"
    assert (await confirm(client, appointment, code_for(appointment, 2))).json()["status"] == "booked"


async def test_strangers_cannot_hold_more_times_than_other_customers(client, practice):
    first, *_ = [await hold(client, practice, number / 2) for number in range(3)]
    assert reason_of(await book(client, practice, 1.5)) == (409, "too-many-holds")
    await confirm_right(client, first)
    await hold(client, practice, 1.5)


async def test_a_form_sent_several_times_at_once_books_and_does_not_say_that_the_code_is_used_up(client, db, practice):
    appointment = await hold(client, practice)
    await db.execute("update confirmation_code set attempts = 4")
    answers = await asyncio.gather(*(confirm(client, appointment, code_for(appointment)) for _ in range(8)))
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "booked")] * 8
    assert await event_types(db, appointment) == [
        "appointment.held",
        "appointment.code-requested",
        "appointment.booked",
    ]


async def test_codes_are_not_stored_in_the_database(client, db, practice):
    appointment = await hold(client, practice)
    tables = await db.fetch("select tablename from pg_tables where schemaname = 'public'")
    for table in tables:
        rows = await db.fetch(f'select t::text as text from "{table.tablename}" t')
        assert not any(code_for(appointment) in row.text for row in rows), table.tablename


async def test_codes_from_yesterday_are_deleted(client, db, practice):
    await hold(client, practice)
    await repository.delete_old(db, before=datetime(2027, 1, 1, tzinfo=UTC))
    assert await db.fetchval("select count(*) from confirmation_code") == 1
    await repository.delete_old(db, before=clock.now() + timedelta(days=1))
    assert await db.fetchval("select count(*) from confirmation_code") == 0
