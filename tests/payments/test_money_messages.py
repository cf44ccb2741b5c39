"""Patients learn what cancelling costs before they book, and what happens to their money when they cancel."""

import re
from datetime import timedelta
from functools import partial

import pytest

from appoint.booking.holds import expire_holds
from appoint.booking.steps import UNDO_WINDOW
from appoint.events.service import relay
from appoint.kit import clock
from appoint.kit.money import Money
from appoint.messaging.notifications import service as notifications
from appoint.payments.billing import service as billing
from appoint.payments.billing.model import Settlement
from appoint.payments.billing.wording import describe_settlement, describe_terms
from appoint.payments.policies.model import CancellationRule, PaymentPolicy
from support.app import ADMIN
from support.bills import (
    DEPOSIT_OF_A_QUARTER,
    HALF_WITHIN_TWO_WEEKS,
    book_with_deposit,
    cancel,
    run_worker,
    set_policy,
)
from support.deposits import create_paid_practice, hold, pay, send_events
from support.manage_links import page_path, times_at
from support.post import Office, Post
from support.world import create_customer

EURO = Money(8000, "EUR")
PROMISE = re.compile(r"You get \D*20[.,]00\D* back to the card that you paid with")


@pytest.fixture
async def practice(db, client):
    return await create_paid_practice(db, client)


@pytest.mark.parametrize(
    ("policy", "sentences"),
    [
        (PaymentPolicy(), []),
        (
            PaymentPolicy(deposit_percent=25),
            [
                "You can cancel free of charge until 24 hours before the appointment.",
                "If you cancel less than 24 hours before it, the clinic keeps your deposit.",
            ],
        ),
        (
            PaymentPolicy(
                cancellation=(CancellationRule(1440, 100), CancellationRule(4320, 50)), no_show_fee_amount=3000
            ),
            [
                "You can cancel free of charge until 3 days before the appointment.",
                "If you cancel less than 3 days before it, the clinic keeps 50% of the price.",
                "If you cancel less than 24 hours before it, the clinic keeps 100% of the price.",
                "If you miss it, the clinic can charge €30.00.",
            ],
        ),
        (
            PaymentPolicy(deposit_percent=50, cancellation=(CancellationRule(1440, 50),)),
            [
                "You can cancel free of charge until 24 hours before the appointment.",
                "If you cancel less than 24 hours before it, the clinic keeps 50% of the price.",
            ],
        ),
        (
            PaymentPolicy(
                deposit_percent=50,
                deposit_refund_minutes=4320,
                cancellation=(CancellationRule(1440, 25), CancellationRule(120, 100)),
            ),
            [
                "You can cancel free of charge until 3 days before the appointment.",
                "If you cancel less than 3 days before it, the clinic keeps your deposit.",
                "If you cancel less than 2 hours before it, the clinic keeps 100% of the price.",
            ],
        ),
    ],
)
def test_a_policy_is_explained_in_sentences(policy, sentences):
    assert describe_terms(policy, EURO, "en-US") == sentences


@pytest.mark.parametrize(
    ("paid", "kept", "returned", "sentences"),
    [
        (0, 0, 0, []),
        (20, 0, 20, ["You get €20.00 back to the card that you paid with, usually within ten days."]),
        (20, 20, 0, ["The clinic keeps €20.00 of what you have paid, under its cancellation policy."]),
        (20, 40, 0, ["The clinic can charge you €40.00, including the €20.00 that you have already paid."]),
        (0, 40, 0, ["The clinic can charge you €40.00 under its cancellation policy."]),
    ],
)
def test_a_settlement_is_explained_in_sentences(paid, kept, returned, sentences):
    amounts = (Money(100 * amount, "EUR") for amount in (paid, kept, returned))
    settlement = Settlement(None, "cancellation", *amounts, refund_to="method")
    assert describe_settlement(settlement, "en-US") == sentences


async def test_the_booking_form_says_what_cancelling_costs(client, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER, **HALF_WITHIN_TWO_WEEKS)
    query = {"type": practice["appointmentTypeId"], "start": times_at(0)["startTime"].replace("+00:00", "Z")}
    page = (await client.get("/c/lakeside/details", params=query)).text
    assert re.search("If you cancel less than 14 days before it, the clinic keeps 50.?% of the price.", page)
    assert re.search(r"Deposit: \D*20[.,]00", page)


async def test_the_terms_of_a_type_are_public(client, practice):
    await set_policy(client, practice, noShowFeeAmount=3000, **DEPOSIT_OF_A_QUARTER)
    response = await client.get(f"/api/appointmentTypes/{practice['appointmentTypeId']}/paymentTerms")
    terms = response.json()
    assert [terms[name]["amount"] for name in ("price", "deposit", "noShowFee")] == [8000, 2000, 3000]
    assert terms["text"][-1].startswith("If you miss it, the clinic can charge ")


async def test_patients_see_what_they_get_back_before_and_after_they_cancel(client, db, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER)
    appointment = await book_with_deposit(db, client, practice)
    assert PROMISE.search((await client.get(page_path(appointment, "/cancel"))).text)
    await cancel(client, appointment)
    assert PROMISE.search((await client.get(page_path(appointment))).text)
    await run_worker(db)
    assert PROMISE.search((await client.get(page_path(appointment))).text)


async def send_emails(db) -> str:
    """Relay all events, send the emails that follow from them, and return their texts."""
    now, post = clock.now(), Post()
    office = Office(db, post, channels=("email",))
    subscribers = [partial(billing.follow, now=now), partial(notifications.plan, channels=["email"], now=now)]
    while await relay(db, subscribers, now=now):
        pass
    for time in (now, now + UNDO_WINDOW):
        await office.send(time)
    return "\n".join(message.text for message in post.messages)


async def test_the_cancellation_email_says_what_happens_to_the_money(client, db, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER)
    appointment = await book_with_deposit(db, client, practice)
    await cancel(client, appointment)
    assert PROMISE.search(await send_emails(db))


async def test_a_payer_who_was_too_late_is_told_by_email(client, db, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER)
    appointment = await hold(client, practice)
    await pay(client, appointment, "late")
    await expire_holds(db, now=clock.now() + timedelta(hours=6))
    ben = await create_customer(client, email="ben@example.org")
    time = {"startTime": times_at(0)["startTime"]}
    await client.post("/api/appointments", json={**practice, **time, "customerId": ben}, headers=ADMIN)
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    text = await send_emails(db)
    assert "arrived after the hold had expired" in text
    assert PROMISE.search(text)
