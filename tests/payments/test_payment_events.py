"""The payment provider's events: only genuine ones count, each once, in any order."""

import random
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from appoint.kit import clock
from appoint.kit.ids import new_id
from appoint.payments.checkout import reconciliation, refunds
from appoint.payments.checkout.repository.drifts import DriftKind
from appoint.payments.checkout.signatures import sign
from appoint.payments.payments.model import PositiveMoney, RefundContent
from appoint.payments.payments.refunds import refund_payment
from support.deposits import (
    DEPOSIT,
    SYSTEM,
    books,
    create_paid_practice,
    hold,
    pay,
    send_event,
    send_events,
    state,
)
from support.dev_gateway import SECRET, official_library, our_gateway
from support.manage_links import START
from support.scale import scaled
from support.world import create_customer, publish_slot


@pytest.fixture
async def practice(db, client):
    return await create_paid_practice(db, client)


async def queued_events(db) -> list[bytes]:
    """Take the events from the development gateway's queue, in order."""
    rows = await db.fetch("delete from dev_payment_delivery returning id, event::text")
    return [row.event.encode() for row in sorted(rows, key=lambda row: row.id)]


async def counts(db) -> tuple[int, ...]:
    return tuple(
        await db.fetchrow(
            """
            select (select count(*) from gateway_event), (select count(*) from payment where status <> 'pending'),
                   (select count(*) from appointment where status <> 'pending')
            """
        )
    )


async def test_forged_events_are_refused_and_write_nothing(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment)
    events, now = await queued_events(db), clock.now()
    choose = random.Random(0)
    for number in range(scaled(1000, 60)):
        body, header = events[number % len(events)], sign(events[number % len(events)], secret=SECRET, now=now)
        raw = bytearray(body + header.encode())
        bit = choose.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        forged, changed = bytes(raw[: len(body)]), raw[len(body) :].decode("latin-1")
        if not changed.isprintable() or not changed.isascii():
            continue
        assert await send_event(client, forged, changed) == 403, bit
    for header in (
        sign(events[0], secret="whsec_other", now=now),
        sign(events[0], secret=SECRET, now=now - timedelta(minutes=6)),
        sign(events[0], secret=SECRET, now=now + timedelta(minutes=6)),
        "",
    ):
        assert await send_event(client, events[0], header) == 403
    assert await counts(db) == (0, 0, 0)


async def test_events_of_unknown_types_are_accepted_and_ignored(client, db, practice):
    for content in (
        {"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}},
        {"id": "evt_2", "object": "v2.core.event", "type": "v2.money.moved"},
        [],
    ):
        body = msgspec.json.encode(content)
        assert await send_event(client, body, sign(body, secret=SECRET, now=clock.now())) == 200
    assert await counts(db) == (0, 0, 0)


async def test_an_event_of_more_than_256_kilobytes_is_refused(client, practice):
    body = b" " * (256 * 1024 + 1)
    assert await send_event(client, body, sign(body, secret=SECRET, now=clock.now())) == 413


async def test_events_about_other_applications_objects_are_ignored(client, db, practice):
    body = msgspec.json.encode(
        {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_of_someone_else"}}}
    )
    assert await send_event(client, body, sign(body, secret=SECRET, now=clock.now())) == 200
    assert await counts(db) == (0, 0, 0)


async def hold_for_new_customer(client, practice, hours: float) -> dict[str, Any]:
    """Hold a time for a new customer, because each can hold only a few."""
    return await hold(client, practice, hours, customerId=await create_customer(client))


async def test_tripled_shuffled_and_lost_events_lead_to_the_same_state(client, db, practice):
    """A fifth of the events is lost. The comparison with the provider makes up for it."""
    choose = random.Random(0)
    appointments = [await hold_for_new_customer(client, practice, hours) for hours in range(scaled(6, 3))]
    for appointment in appointments:
        await pay(client, appointment)
    events = await queued_events(db) * 3
    choose.shuffle(events)
    now = clock.now()
    for event in events:
        if choose.random() >= 0.2:
            assert await send_event(client, event, sign(event, secret=SECRET, now=now)) == 200
    await reconciliation.reconcile(books(db, client, now=now + timedelta(minutes=15)))
    for appointment in appointments:
        after = await state(db, appointment)
        assert (after.appointment, after.payments, after.refunds) == ("booked", [("succeeded", DEPOSIT)], [])


async def drifts(db, client, *, minutes: int = 15) -> list[tuple[str, bool]]:
    found = await reconciliation.reconcile(books(db, client, now=clock.now() + timedelta(minutes=minutes)))
    return sorted((drift.kind, drift.repaired) for drift in found)


async def change_object(db, kind: str, **members: object) -> None:
    """Change the provider's only object of a kind behind our back."""
    await db.execute(
        "update dev_payment_object set content = content || $2::text::jsonb where kind = $1",
        kind,
        msgspec.json.encode(members).decode(),
    )


@pytest.fixture
async def paid(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment)
    await send_events(db, client, now=clock.now())
    return appointment


async def intent_of(db) -> str:
    return await db.fetchval("select id from dev_payment_object where kind = 'payment_intent'")


async def test_equal_books_have_no_differences(client, db, paid):
    assert await drifts(db, client) == []


async def test_a_lost_payment_is_found_and_repaired(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment, "lost")
    assert await drifts(db, client) == [("payment-not-recorded", True)]
    assert (await state(db, appointment)).appointment == "booked"
    assert await drifts(db, client) == []


async def test_a_payment_that_the_provider_does_not_have_is_found(client, db, paid):
    await db.execute("delete from dev_payment_object where kind = 'payment_intent'")
    assert await drifts(db, client) == [("payment-not-collected", False)]


async def test_a_payment_that_failed_after_all_is_found(client, db, paid):
    await change_object(db, "payment_intent", status="canceled")
    assert await drifts(db, client) == [("payment-not-collected", False)]


async def test_a_different_amount_is_found(client, db, paid):
    await change_object(db, "payment_intent", amount_received=DEPOSIT - 1)
    assert await drifts(db, client) == [("amount-differs", False)]


async def test_a_payment_that_we_do_not_have_is_found(client, db, paid):
    unknown = "00000001-0197-8cb1-8c0b-0be260bd516d"
    await change_object(db, "payment_intent", metadata={"payment_id": unknown})
    assert await drifts(db, client) == [("payment-unknown", False)]


async def test_a_refund_made_on_the_providers_own_pages_is_found(client, db, paid):
    await official_library(client).v1.refunds.create_async({"payment_intent": await intent_of(db), "amount": 100})
    assert await drifts(db, client) == [("refund-unknown", False)]


async def test_a_dispute_is_recorded_even_if_its_event_is_lost(client, db, paid):
    intent = await intent_of(db)
    await db.execute("update dev_payment_object set delivery = 'lost'")
    await client.post("/dev/payments", data={"action": "dispute", "id": intent})
    assert await drifts(db, client) == [("dispute-not-recorded", True)]
    assert (await state(db, paid)).refunds == [("dispute", "pending", DEPOSIT)]


@pytest.mark.parametrize(("action", "status"), [("win", "failed"), ("lose", "succeeded")])
async def test_a_dispute_takes_the_money_until_it_is_won(client, db, paid, action, status):
    intent = await intent_of(db)
    await client.post("/dev/payments", data={"action": "dispute", "id": intent})
    await send_events(db, client, now=clock.now())
    assert (await state(db, paid)).refunds == [("dispute", "pending", DEPOSIT)]
    dispute = await db.fetchval("select id from dev_payment_object where kind = 'dispute'")
    await client.post("/dev/payments", data={"action": action, "id": dispute})
    await send_events(db, client, now=clock.now())
    assert (await state(db, paid)).refunds == [("dispute", status, DEPOSIT)]


@pytest.mark.parametrize(("refunded", "disputed"), [(1000, DEPOSIT - 1000), (DEPOSIT, 0)])
async def test_a_dispute_takes_what_refunds_have_left(client, db, paid, refunded, disputed):
    """The bank disputes the whole payment. Staff see that the amounts differ."""
    payment = await db.fetchval("select id from payment")
    content = RefundContent(to="credit", amount=PositiveMoney(refunded, "EUR"))
    await db.atomic(refund_payment, SYSTEM, payment_id=payment, content=content, if_match=None, now=clock.now())
    await client.post("/dev/payments", data={"action": "dispute", "id": await intent_of(db)})
    await send_events(db, client, now=clock.now())
    disputes = [("dispute", "pending", disputed)] if disputed else []
    assert (await state(db, paid)).refunds == [("credit", "succeeded", refunded), *disputes]
    kind = "amount-differs" if disputed else "dispute-not-recorded"
    assert [await drifts(db, client) for _ in range(2)] == [[(kind, False)]] * 2


async def test_a_hundred_seeded_differences_of_every_kind_are_all_found(client, db, practice):
    kinds = get_args(DriftKind)
    expected = list[str]()
    for hours in range(scaled(13, 1)):
        await publish_slot(db, practice["doctorId"], *(START + timedelta(days=1 + hours, hours=h) for h in (0, 6)))
        for number, kind in enumerate(kinds):
            place = 24 * (1 + hours) + number / 2
            await seed_difference(client, db, await hold_for_new_customer(client, practice, place), kind)
            expected.append(kind)
    assert sorted(kind for kind, _ in await drifts(db, client)) == sorted(expected)
    assert await db.fetchval("select count(*) from payment_drift") == len(expected)


async def seed_difference(client, db, appointment, kind: str) -> None:
    """Pay a deposit, and make the provider's books differ from Appoint's."""
    await pay(client, appointment, "lost" if kind == "payment-not-recorded" else "prompt")
    if kind == "payment-not-recorded":
        return
    await send_events(db, client, now=clock.now())
    payment, intent = await db.fetchrow(
        "select id, gateway_payment_id from payment where booking_id = $1", UUID(appointment["bookingId"])
    )
    match kind:
        case "payment-unknown":
            await change(db, intent, metadata={"payment_id": str(new_id(1))})
        case "payment-not-collected":
            await change(db, intent, status="canceled")
        case "amount-differs":
            await change(db, intent, amount_received=DEPOSIT - 1)
        case "refund-unknown":
            await official_library(client).v1.refunds.create_async({"payment_intent": intent, "amount": 100})
        case "dispute-not-recorded":
            await db.execute("update dev_payment_object set delivery = 'lost' where id = $1", intent)
            await client.post("/dev/payments", data={"action": "dispute", "id": intent})
        case _:
            content = RefundContent(to="method")
            refund = await db.atomic(
                refund_payment, SYSTEM, payment_id=payment, content=content, if_match=None, now=clock.now()
            )
            await refunds.send_due(db, our_gateway(client), SYSTEM, now=clock.now())
            sent = await db.fetchval("select gateway_refund_id from refund where id = $1", refund.id)
            await queued_events(db)  # lost
            if kind == "refund-not-made":
                await db.execute("delete from dev_payment_object where id = $1", sent)
            else:
                await change(db, sent, status="failed")


async def change(db, id: str, **members: object) -> None:
    """Change one of the provider's objects without an event."""
    await db.execute(
        "update dev_payment_object set content = content || $2::text::jsonb where id = $1",
        id,
        msgspec.json.encode(members).decode(),
    )


async def test_a_difference_that_is_gone_is_resolved(client, db, paid):
    await change_object(db, "payment_intent", status="canceled")
    await drifts(db, client)
    await change_object(db, "payment_intent", status="succeeded")
    await drifts(db, client)
    assert await db.fetchval("select bool_and(resolved_at is not null) from payment_drift")
