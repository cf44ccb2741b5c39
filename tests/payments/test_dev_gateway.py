"""The development gateway behaves as the payment provider does, according to the provider's own library."""

from datetime import timedelta

import pytest
import stripe

from appoint.kit import clock
from support.app import composed, connected_client
from support.dev_gateway import (
    SECRET,
    SESSION_FORM,
    Inbox,
    choose,
    deliver,
    event_headers,
    official_library,
)


@pytest.fixture
def library(client) -> stripe.StripeClient:
    return official_library(client)


async def open_session(library, **changes) -> stripe.checkout.Session:
    return await library.v1.checkout.sessions.create_async({**SESSION_FORM, **changes})


async def paid_session(library, client, **changes) -> stripe.checkout.Session:
    session = await open_session(library, **changes)
    await choose(client, session.url, "pay")
    return await library.v1.checkout.sessions.retrieve_async(session.id)


async def test_a_payment_succeeds_on_the_hosted_page(library, client):
    session = await open_session(library)
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 1250)
    response = await choose(client, session.url, "pay")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"http://testserver.local/paid?session={session.id}",
    )
    session = await library.v1.checkout.sessions.retrieve_async(session.id)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    intent = await library.v1.payment_intents.retrieve_async(session.payment_intent)
    assert (intent.status, intent.amount_received, intent.metadata.payment_id) == ("succeeded", 1250, "0198")


async def test_a_declined_card_leaves_the_session_open(library, client):
    session = await open_session(library)
    assert "The card was declined." in (await choose(client, session.url, "decline")).text
    session = await library.v1.checkout.sessions.retrieve_async(session.id)
    intent = await library.v1.payment_intents.retrieve_async(session.payment_intent)
    assert (session.status, intent.status) == ("open", "requires_payment_method")
    await choose(client, session.url, "pay")
    assert (await library.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


@pytest.mark.parametrize(("action", "status"), [("confirm", "succeeded"), ("reject", "requires_payment_method")])
async def test_a_bank_can_ask_the_owner_for_confirmation(library, client, action, status):
    session = await open_session(library)
    assert "asks its owner to confirm" in (await choose(client, session.url, "ask")).text
    await choose(client, session.url, action)
    session = await library.v1.checkout.sessions.retrieve_async(session.id)
    assert (await library.v1.payment_intents.retrieve_async(session.payment_intent)).status == status


async def test_an_expired_session_cannot_be_paid(library, client):
    session = await open_session(library)
    assert (await library.v1.checkout.sessions.expire_async(session.id)).status == "expired"
    assert "This page has expired" in (await choose(client, session.url, "pay")).text
    with pytest.raises(stripe.InvalidRequestError, match="Only open Checkout Sessions can be expired"):
        await library.v1.checkout.sessions.expire_async(session.id)


async def test_a_paid_session_cannot_be_expired(library, client):
    session = await paid_session(library, client)
    with pytest.raises(stripe.InvalidRequestError, match="This one is complete"):
        await library.v1.checkout.sessions.expire_async(session.id)


async def test_a_session_expires_by_itself(library, db):
    session = await open_session(library, expires_at=int(clock.now().timestamp()) + 1800)
    inbox = Inbox()
    await deliver(db, inbox, now=clock.now() + timedelta(minutes=31))
    await deliver(db, inbox, now=clock.now() + timedelta(minutes=32))
    assert inbox.types == ["checkout.session.expired"]
    assert (await library.v1.checkout.sessions.retrieve_async(session.id)).status == "expired"


async def test_an_authorised_amount_is_captured_or_released(library, client):
    intents = []
    for _ in range(2):
        session = await paid_session(
            library, client, payment_intent_data={"capture_method": "manual", "metadata": {"payment_id": "0198"}}
        )
        intents.append(await library.v1.payment_intents.retrieve_async(session.payment_intent))
    assert [intent.status for intent in intents] == ["requires_capture"] * 2
    captured = await library.v1.payment_intents.capture_async(intents[0].id)
    released = await library.v1.payment_intents.cancel_async(intents[1].id)
    assert [(each.status, each.amount_received) for each in (captured, released)] == [
        ("succeeded", 1250),
        ("canceled", 0),
    ]


async def test_a_stored_card_is_charged_while_its_owner_is_away(library, client):
    session = await library.v1.checkout.sessions.create_async(
        {"mode": "setup", "currency": "eur", "success_url": "http://testserver.local/stored"}
    )
    await choose(client, session.url, "pay")
    session = await library.v1.checkout.sessions.retrieve_async(session.id)
    setup = await library.v1.setup_intents.retrieve_async(session.setup_intent)
    intent = await library.v1.payment_intents.create_async(
        {
            "amount": 2500,
            "currency": "eur",
            "customer": setup.customer,
            "payment_method": setup.payment_method,
            "off_session": True,
            "confirm": True,
        }
    )
    assert (setup.status, intent.status, intent.amount_received) == ("succeeded", "succeeded", 2500)


@pytest.mark.parametrize(("action", "code"), [("decline", "card_declined"), ("ask", "authentication_required")])
async def test_a_stored_card_can_be_declined(library, client, action, code):
    session = await library.v1.checkout.sessions.create_async(
        {"mode": "setup", "currency": "eur", "success_url": "http://testserver.local/stored"}
    )
    await choose(client, session.url, action)
    session = await library.v1.checkout.sessions.retrieve_async(session.id)
    setup = await library.v1.setup_intents.retrieve_async(session.setup_intent)
    with pytest.raises(stripe.CardError) as info:
        await library.v1.payment_intents.create_async(
            {
                "amount": 2500,
                "currency": "eur",
                "payment_method": setup.payment_method,
                "off_session": True,
                "confirm": True,
            }
        )
    assert info.value.code == code


async def test_no_more_is_refunded_than_was_paid(library, client):
    session = await paid_session(library, client)
    intent = session.payment_intent
    refund = await library.v1.refunds.create_async({"payment_intent": intent, "amount": 1000})
    assert (refund.status, refund.amount) == ("succeeded", 1000)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await library.v1.refunds.create_async({"payment_intent": intent, "amount": 251})
    assert (await library.v1.refunds.create_async({"payment_intent": intent})).amount == 250
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        await library.v1.refunds.create_async({"payment_intent": intent})
    page = await library.v1.refunds.list_async({"payment_intent": intent})
    assert [each.amount for each in page.data] == [250, 1000]


@pytest.mark.parametrize(("action", "status"), [("win", "won"), ("lose", "lost")])
async def test_a_bank_disputes_a_payment(library, client, action, status):
    session = await paid_session(library, client)
    await client.post("/dev/payments", data={"action": "dispute", "id": session.payment_intent})
    [dispute] = (await library.v1.disputes.list_async()).data
    assert (dispute.status, dispute.amount) == ("needs_response", 1250)
    await client.post("/dev/payments", data={"action": action, "id": dispute.id})
    assert (await library.v1.disputes.retrieve_async(dispute.id)).status == status
    movements = (await library.v1.balance_transactions.list_async()).data
    assert sum(each.amount for each in movements) == (1250 if status == "won" else 0)


async def test_a_refund_can_fail_later(library, client):
    session = await paid_session(library, client)
    refund = await library.v1.refunds.create_async({"payment_intent": session.payment_intent})
    await client.post("/dev/payments", data={"action": "fail-refund", "id": refund.id})
    assert (await library.v1.refunds.retrieve_async(refund.id)).status == "failed"


async def test_a_request_with_the_same_key_is_performed_once(library):
    one, two = [
        await library.v1.checkout.sessions.create_async(SESSION_FORM, {"idempotency_key": "key"}) for _ in range(2)
    ]
    assert one.id == two.id
    assert len((await library.v1.checkout.sessions.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError):
        await library.v1.checkout.sessions.create_async(
            {**SESSION_FORM, "client_reference_id": "other"}, {"idempotency_key": "key"}
        )


async def test_a_failure_is_repeated_for_the_same_key(library, client):
    session = await paid_session(library, client)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
            await library.v1.refunds.create_async(
                {"payment_intent": session.payment_intent, "amount": 9999}, {"idempotency_key": "too much"}
            )


async def test_lists_are_read_page_by_page(library):
    ids = [(await open_session(library)).id for _ in range(5)]
    page = await library.v1.checkout.sessions.list_async({"limit": 2})
    assert [each.id async for each in page.auto_paging_iter()] == ids[::-1]


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", str(10**18), "x", ""])
async def test_an_invalid_amount_is_refused(library, amount):
    with pytest.raises(stripe.InvalidRequestError):
        await library.v1.payment_intents.create_async({"amount": amount, "currency": "eur"})


async def test_unknown_objects_paths_and_keys_are_refused(library, client):
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        await library.v1.payment_intents.retrieve_async("pi_0")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        await library.v1.products.list_async()
    with pytest.raises(stripe.AuthenticationError):
        await official_library(client, "sk_live_1").v1.disputes.list_async()


async def test_the_library_accepts_the_events_and_their_signatures(library, client, db, monkeypatch):
    await paid_session(library, client)
    inbox, now = Inbox(), clock.now()
    await deliver(db, inbox, now=now)
    monkeypatch.setattr("time.time", now.timestamp)
    events = [
        stripe.Webhook.construct_event(request.body, event_headers(request)["stripe-signature"], SECRET)
        for request in inbox.requests
    ]
    assert [event.type for event in events] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]
    assert events[2].data.object.payment_status == "paid"
    assert {request.path for request in inbox.requests} == {"/api/payments/events"}


@pytest.mark.parametrize(
    ("delivery", "order"),
    [
        ("prompt", ([0, 1, 2], [])),
        ("late", ([], [0, 1, 2])),
        ("twice", ([0, 1, 2], [0, 1, 2])),
        ("reordered", ([2], [1, 0])),
        ("lost", ([], [])),
    ],
)
async def test_events_can_be_late_repeated_reordered_or_lost(library, client, db, delivery, order):
    types = ["payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"]
    session = await open_session(library)
    await choose(client, session.url, "pay", delivery)
    for minutes, indices in enumerate(order):
        inbox = Inbox()
        await deliver(db, inbox, now=clock.now() + timedelta(minutes=minutes))
        assert inbox.types == [types[index] for index in indices]


async def test_an_event_that_is_not_accepted_is_sent_again(library, client, db):
    session = await open_session(library)
    await library.v1.checkout.sessions.expire_async(session.id)
    inbox, now = Inbox(503), clock.now()
    for _ in range(10):
        await deliver(db, inbox, now=now)
        now += timedelta(minutes=5)
    assert len(inbox.requests) == 6


async def test_other_machines_cannot_reach_the_gateway(library, database_url):
    session = await open_session(library)
    async with connected_client(composed(database_url), address="192.0.2.7") as other:
        for path in ("/dev/payments", "/dev/payments/v1/disputes", f"/dev/payments/pay/{session.id}"):
            assert (await other.get(path)).status_code == 404
        assert (await choose(other, session.url, "pay")).status_code == 404
    assert (await library.v1.checkout.sessions.retrieve_async(session.id)).status == "open"


async def test_unknown_sessions_and_buttons_are_not_found(library, client):
    session = await open_session(library)
    assert (await client.get("/dev/payments/pay/cs_0")).status_code == 404
    assert (await choose(client, session.url, "steal")).status_code == 404
    assert (await choose(client, session.url, "pay", "sideways")).status_code == 404
    for action in ("dispute", "win", "fail-refund", "other"):
        assert (await client.post("/dev/payments", data={"action": action, "id": "pi_0"})).status_code == 404


async def test_the_list_shows_payments_refunds_and_disputes(library, client):
    session = await paid_session(library, client)
    await library.v1.refunds.create_async({"payment_intent": session.payment_intent, "amount": 1000})
    await client.post("/dev/payments", data={"action": "dispute", "id": session.payment_intent})
    page = (await client.get("/dev/payments")).text
    for text in ("12.50", "Refund of", "10.00", "Dispute about", "2.50", "Win it"):
        assert text in page
