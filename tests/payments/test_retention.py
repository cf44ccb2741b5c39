"""Unsuccessful payments are deleted, and old documents lose their personal data after the clinic's legal period."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from appoint.database.pool import SERVER, connect
from appoint.kit.ids import new_id
from appoint.payments.documents import service as documents
from appoint.payments.receipts import service as receipts
from appoint.payments.retention import jobs
from support.money import NOW


async def test_personal_data_is_removed_ten_years_after_the_end_of_the_year(till, db):
    await db.execute("update customer set name = 'Ana Souza' where id = $1", till.ana)
    invoice = await till.issue(6000)
    await db.execute("update invoice_line set supplied_on = '2027-01-02' where invoice_id = $1", invoice.id)
    payment = await till.pay(6000, invoice.id)
    rendered = await documents.get_pdf(till.db, invoice.id)
    await receipts.get_pdf(till.db, payment.id)
    await jobs.expire(db, now=datetime(2037, 12, 31, 22, tzinfo=UTC))
    assert await documents.get_pdf(till.db, invoice.id) == rendered
    await jobs.expire(db, now=datetime(2037, 12, 31, 23, 30, tzinfo=UTC))  # already 2038 in Berlin
    document = await documents.get_document(till.db, invoice.id)
    assert (document.buyer.name, document.lines[0].description) == ("", "–")
    assert await db.fetchval("select supplied_on from invoice_line where invoice_id = $1", invoice.id) is None
    assert (document.number, document.total.gross) == (invoice.number, 6000)
    assert await db.fetchval("select count(*) from receipt where clinic_id = $1", till.clinic) == 0
    assert (await till.invoice(invoice.id)).settled


async def test_a_clinic_can_keep_documents_longer(till, db):
    await db.execute(
        "insert into payment_policy (clinic_id, id, retain_invoices_years) values ($1, mint_id($1), 30)", till.clinic
    )
    invoice = await till.issue(6000)
    await jobs.expire(db, now=NOW + timedelta(days=366 * 20))
    assert (await documents.get_document(till.db, invoice.id)).buyer.name == "Ana"


async def test_only_unsuccessful_payments_are_deleted(till, db):
    kept = await till.pay(1000)
    for status, days in (("failed", 31), ("cancelled", 31), ("failed", 29), ("pending", 31)):
        await db.execute(
            """
            insert into payment (clinic_id, id, method, status, customer_id, currency, amount, updated_at)
            values ($1, $2, 'card', $3, $4, 'EUR', 500, $5)
            """,
            till.clinic,
            new_id(till.clinic),
            status,
            till.ana,
            NOW - timedelta(days=days),
        )
    await jobs.expire(db, now=NOW)
    left = await db.fetch("select status from payment where clinic_id = $1 and id <> $2", till.clinic, kept.id)
    assert sorted(row.status for row in left) == ["failed", "pending"]


async def test_the_worker_can_remove_personal_data_but_requests_cannot(till, db, database_url):
    invoice = await till.issue(6000)
    server = connect(database_url, size=2, wait_seconds=5, statement_seconds=10, role=SERVER)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await server.within(till.clinic).execute("select redact_documents($1, now(), 1)", till.clinic)
    await jobs.expire(server.across(), now=NOW + timedelta(days=366 * 11))
    assert (await documents.get_document(till.db, invoice.id)).buyer.name == ""
    await server.close()
