"""Coupons on bookings: reserved before the booking, attached with it, and taken off the invoice."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from appoint.booking import coupons
from appoint.kit import clock, errors
from appoint.payments.checkout import jobs
from appoint.payments.coupons import desk
from support.app import ADMIN, settings
from support.bills import book_by_staff, cancel, issue, only_invoice, run_worker, set_policy
from support.deposits import create_paid_practice
from support.manage_links import times_at
from support.world import create_customer

PRICE, TENTH = 8000, 800


@pytest.fixture
async def practice(db, client):
    practice = await create_paid_practice(db, client)
    await set_policy(client, practice, invoicesAt="booking")
    await add_coupon(client, code="SPRING", percent=10)
    return practice


async def add_coupon(client, **members) -> None:
    response = await client.post("/api/clinics/1/coupons", json=members, headers=ADMIN)
    assert response.status_code == 201, response.text


async def book(client, practice, hours: float = 0, **members):
    body = {**practice, "startTime": times_at(hours)["startTime"], "coupon": "SPRING", **members}
    headers = ADMIN | {"Idempotency-Key": members.pop("key", f"key-{hours}")}
    body.pop("key", None)
    return await client.post("/api/appointments", json=body, headers=headers)


async def use_count(db) -> int:
    return await db.fetchval("select count(*) from coupon_use where released_at is null")


async def test_a_coupon_is_taken_off_the_invoice(client, db, practice):
    response = await book(client, practice, coupon="spring")
    assert response.status_code == 201, response.text
    await run_worker(db)
    invoice = await issue(client, await only_invoice(client))
    assert (invoice["total"]["amount"], invoice["lines"][0]["discountAmount"]) == (PRICE - TENTH, TENTH)


async def test_a_repeated_booking_uses_the_coupon_once(client, db, practice):
    first, second = [await book(client, practice) for _ in range(2)]
    assert (first.status_code, second.json()["id"], await use_count(db)) == (201, first.json()["id"], 1)


@pytest.mark.parametrize("code", ["UNKNOWN", "SUMMER"])
async def test_an_invalid_coupon_is_refused_before_anything_is_booked(client, db, practice, code):
    await add_coupon(client, code="SUMMER", percent=10, validUntil="2020-01-01T00:00:00Z")
    response = await book(client, practice, coupon=code)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/coupon-not-valid")
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_a_refused_booking_gives_its_coupon_back(client, db, practice):
    await book_by_staff(client, practice)
    response = await book(client, practice)
    assert (response.status_code, await use_count(db)) == (409, 0)


async def test_only_as_many_bookings_as_a_coupon_has_uses_get_it(client, db, practice):
    await add_coupon(client, code="RARE", percent=10, maxUses=2)
    responses = await asyncio.gather(*(book(client, practice, hours / 2, coupon="RARE") for hours in range(6)))
    reasons = sorted(response.json().get("type", "booked") for response in responses)
    assert reasons == ["/problems/coupon-spent"] * 4 + ["booked"] * 2


async def test_a_cancelled_appointment_gives_its_coupon_back(client, db, practice):
    appointment = (await book(client, practice)).json()
    await run_worker(db)
    await cancel(client, appointment, by_clinic=True)
    await run_worker(db)
    assert await use_count(db) == 0


async def test_a_coupon_whose_booking_never_happened_is_released(client, db, practice):
    await db.execute(
        """
        insert into coupon_use (clinic_id, id, coupon_id, customer_id, use, customer_use, reserved_until)
        select 1, mint_id(1), id, (select id from customer limit 1), 0, 0, now() from coupon
        """
    )
    await desk.release_expired(db, now=clock.now() + timedelta(minutes=1))
    assert await use_count(db) == 0


async def test_a_booking_for_several_people_uses_the_coupon_once(client, db, practice):
    ben = await create_customer(client, email="ben@example.org")
    parts = [{**practice, "startTime": times_at(hours)["startTime"]} for hours in (0, 1)]
    parts[1]["customerId"] = ben
    body = {"clinicId": 1, "customerId": practice["customerId"], "appointments": parts, "coupon": "SPRING"}
    assert (await client.post("/api/bookings", json=body, headers=ADMIN)).status_code == 201
    await run_worker(db)
    assert ((await only_invoice(client))["total"]["amount"], await use_count(db)) == (2 * PRICE - TENTH, 1)


async def test_anyone_can_ask_what_a_coupon_takes_off(client, practice):
    question = {"code": "spring", "appointmentTypeId": practice["appointmentTypeId"]}
    response = await client.post("/api/coupons/check", json=question)
    assert (response.status_code, response.json()["discount"]["amount"]) == (200, TENTH)


async def test_a_used_up_coupon_looks_like_an_unknown_one_to_strangers(client, practice):
    await add_coupon(client, code="RARE", percent=10, maxUses=1)
    await book(client, practice, coupon="RARE")
    for code in ("RARE", "UNKNOWN"):
        question = {"code": code, "appointmentTypeId": practice["appointmentTypeId"]}
        response = await client.post("/api/coupons/check", json=question)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/coupon-not-valid")


@pytest.mark.parametrize("price", [None, {"amount": 0, "currency": "EUR"}])
async def test_a_coupon_is_not_used_up_on_an_appointment_without_a_price(client, db, practice, price):
    path = f"/api/appointmentTypes/{practice['appointmentTypeId']}"
    version = (await client.get(path)).headers["ETag"]
    headers = ADMIN | {"If-Match": version}
    assert (await client.patch(path, json={"price": price}, headers=headers)).status_code == 200
    question = {"code": "SPRING", "appointmentTypeId": practice["appointmentTypeId"]}
    for response in (await book(client, practice), await client.post("/api/coupons/check", json=question)):
        assert (response.status_code, response.json()["type"]) == (409, "/problems/coupon-without-price")
    assert (await use_count(db), await db.fetchval("select count(*) from appointment")) == (0, 0)


async def test_workers_warn_about_deposits_that_nobody_can_pay(db, practice):
    production = settings(mode="production")
    with capture_logs() as logs:
        await jobs.run_hourly(db, production, now=clock.now())
    assert logs == []
    await db.execute("update payment_policy set deposit_percent = 10 where appointment_type_id is null")
    with capture_logs() as logs:
        await jobs.run_hourly(db, production, now=clock.now())
    assert [(line["event"], line["clinics"]) for line in logs] == [
        ("deposits cannot be paid: no payment provider is configured", 1)
    ]


async def test_a_booking_whose_reservation_has_expired_is_refused(client, db, practice, monkeypatch):
    attach = desk.CouponDesk.attach

    async def attach_late(self, tx, reservation, **members):
        await desk.release_expired(tx, now=clock.now() + timedelta(minutes=10))
        await attach(self, tx, reservation, **members)

    monkeypatch.setattr(desk.CouponDesk, "attach", attach_late)
    response = await book(client, practice)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/coupon-spent")
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_a_booking_that_commits_but_seems_to_fail_keeps_its_coupon(client, db, practice, monkeypatch):
    book_in_time = coupons.booking.book

    async def book_and_lose_connection(*args, **members):
        await book_in_time(*args, **members)
        raise errors.Unavailable

    monkeypatch.setattr(coupons.booking, "book", book_and_lose_connection)
    response = await book(client, practice)
    assert (response.status_code, await use_count(db)) == (503, 1)
    monkeypatch.undo()
    repeated = await book(client, practice)
    uses = await db.fetch("select appointment_id from coupon_use where released_at is null")
    assert [str(use.appointment_id) for use in uses] == [repeated.json()["id"]]


async def test_a_new_patient_books_any_time_in_half_a_day_with_a_coupon(client, db, practice):
    new = await create_customer(client, email="new@example.org")
    time = {"startTime": None, "date": times_at(0)["startTime"][:10], "halfDay": "morning"}
    response = await book(client, practice, customerId=new, **time)
    assert (response.status_code, await use_count(db)) == (201, 1), response.text
