"""Each receipt is rendered once, and never changes."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import UUID

import asyncpg
import pytest
from pypdf import PdfReader

from appoint.database.pool import SERVER, connect
from appoint.events.facts import PaymentSucceeded
from appoint.events.model import Event
from appoint.kit import errors
from appoint.payments.receipts import service as receipts
from support.money import NOW

LATER = datetime.now(UTC) + timedelta(days=365)


async def announce(db, payment) -> None:
    fact = PaymentSucceeded(payment.customer_id)
    event = Event(payment.clinic_id, payment.id, "payment.succeeded", str(payment.id), 1, fact, None, NOW)
    await db.atomic(receipts.request_receipts, [event])


def text_of(pdf) -> str:
    return PdfReader(BytesIO(pdf.content)).pages[0].extract_text()


async def test_a_receipt_stays_as_it_was_when_its_payment_is_moved(till, db):
    first, second = await till.issue(6000), await till.issue(6000)
    payment = await till.pay(6000, first.id)
    await announce(db, payment)
    assert [await receipts.render_due(db, now=LATER) for _ in range(2)] == [1, 0]
    pdf = await receipts.get_pdf(till.db, payment.id)
    assert pdf.hash == sha256(pdf.content).hexdigest()
    assert pdf.number == payment.receipt_number
    assert first.number in text_of(pdf)
    await till.undo(payment.allocations[0].id)
    await till.allocate(payment.id, second.id)
    await db.execute("update customer set name = 'Bea' where id = $1", till.ana)
    await announce(db, payment)
    assert await receipts.get_pdf(till.db, payment.id) == pdf
    receipt = await receipts.get_receipt(till.db, payment.id)
    assert (receipt.buyer.name, [paid.number for paid in receipt.invoices]) == ("Ana", [first.number])


async def test_a_receipt_that_the_worker_has_not_drawn_yet_is_drawn_on_request(till, db):
    payment = await till.pay(1000)
    shown = await receipts.get_receipt(till.db, payment.id)
    pdf = await receipts.get_pdf(till.db, payment.id)
    assert shown.number in text_of(pdf)
    assert await receipts.get_pdf(till.db, payment.id) == pdf
    assert await receipts.render_due(db, now=LATER) == 0


async def test_payments_without_a_number_have_no_receipt(till, db):
    goodwill = await till.pay(1000, method="goodwill", reason="Long wait")
    await announce(db, goodwill)
    assert await receipts.render_due(db, now=LATER) == 0
    for id in (goodwill.id, UUID(int=till.clinic << 96)):
        with pytest.raises(errors.NotFound):
            await receipts.get_pdf(till.db, id)


async def test_a_receipt_that_cannot_be_drawn_is_tried_again(till, db, monkeypatch):
    payment = await till.pay(1000)
    await announce(db, payment)

    async def fail(*_):
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(receipts, "get_pdf", fail)
        assert await receipts.render_due(db, now=LATER) == 0
    assert await receipts.render_due(db, now=LATER) == 0  # an hour later
    assert await receipts.render_due(db, now=LATER + timedelta(hours=2)) == 1


async def test_plain_sql_cannot_replace_a_drawn_receipt(till, database_url):
    payment = await till.pay(1000)
    pdf = await receipts.get_pdf(till.db, payment.id)
    server = connect(database_url, size=2, wait_seconds=5, statement_seconds=10, role=SERVER)
    for scope in (server.within(till.clinic), server.across()):
        assert await scope.execute("update receipt set document = null, hash = null, content = null") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await scope.execute("delete from receipt")
    assert await receipts.get_pdf(server.within(till.clinic), payment.id) == pdf
    await server.close()
