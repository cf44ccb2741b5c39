"""The worker renders each issued invoice once, and nothing changes what it has rendered."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import UUID

import asyncpg
import pytest
from pypdf import PdfReader

from appoint.database.pool import SERVER, Database, connect
from appoint.events.facts.base import Fact
from appoint.events.model import Event
from appoint.kit import errors
from appoint.kit.ids import new_id
from appoint.payments.documents import service as documents
from appoint.payments.documents.model import Party

NOW = datetime(2027, 3, 1, 23, 30, tzinfo=UTC)
"""Already 2 March in Berlin."""
SELLER = '{"name": "Lakeside", "address": "Seestraße 12, 13353 Berlin", "vatId": "DE123456789"}'


@pytest.fixture
async def clinic(db) -> int:
    clinic = await db.fetchval("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id")
    await db.execute("insert into number_series values ($1, '2027'), ($1, 'CN-2027')", clinic)
    return clinic


@pytest.fixture
async def serving_db(database_url) -> AsyncIterator[Database]:
    """The database, accessed with the role that serves requests."""
    serving_db = connect(database_url, size=2, wait_seconds=5, statement_seconds=10, role=SERVER)
    yield serving_db
    await serving_db.close()


async def draft(db, clinic: int, *, corrects: UUID | None = None) -> UUID:
    ana = await db.fetchval("insert into customer (name) values ('Ana') returning id")
    id = new_id(clinic)
    await db.execute(
        """
        insert into invoice (clinic_id, id, kind, corrects_id, customer_id, currency, total, language)
        values ($1, $2, case when $4::uuid is null then 'invoice' else 'creditNote' end, $4, $3, 'EUR', 10000, 'de')
        """,
        clinic,
        id,
        ana,
        corrects,
    )
    await db.execute(
        """
        insert into invoice_line (clinic_id, invoice_id, position, description, unit_amount, includes_tax,
                                  tax_category, tax_rate, tax_reason, net, tax, gross, first_cent)
        values ($1, $2, 1, 'Vorsorge', 6000, true, 'E', 0, 'VATEX-EU-132-1C', 6000, 0, 6000, 0),
               ($1, $2, 2, 'Gutachten', 4000, true, 'S', 1900, null, 3361, 639, 4000, 6000)
        """,
        clinic,
        id,
    )
    return id


async def issue(db, clinic: int, *, corrects: UUID | None = None) -> UUID:
    id = await draft(db, clinic, corrects=corrects)
    series = "CN-2027" if corrects else "2027"

    async def work(tx) -> None:
        await tx.execute(
            "insert into document_number (clinic_id, series, number, invoice_id) values ($1, $2, 1, $3)",
            clinic,
            series,
            id,
        )
        await tx.execute(
            """
            update invoice
               set status = 'issued', series = $3, number = 1, issued_at = $4, seller = $5, buyer = '{"name": "Ana"}'
             where clinic_id = $1 and id = $2
            """,
            clinic,
            id,
            series,
            NOW,
            SELLER,
        )

    await db.atomic(work)
    return id


async def announce(db, clinic: int, type: str, invoice_id: UUID) -> None:
    event = Event(clinic, invoice_id, type, str(invoice_id), 1, Fact(), None, NOW)
    await db.atomic(documents.request_pdfs, [event])


async def test_an_issued_invoice_is_drawn_once(db, clinic):
    invoice = await issue(db, clinic)
    await announce(db, clinic, "invoice.issued", invoice)
    assert [await documents.render_due(db, now=datetime.now(UTC) + timedelta(days=365)) for _ in range(2)] == [1, 0]
    pdf = await documents.get_pdf(db, invoice)
    assert pdf.hash == sha256(pdf.content).hexdigest()
    text = PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    assert "Rechnung 2027-000001" in text
    await announce(db, clinic, "invoice.issued", invoice)
    assert await documents.get_pdf(db, invoice) == pdf


async def test_an_invoice_that_the_worker_has_not_drawn_yet_is_drawn_on_request(serving_db, db, clinic):
    invoice = await issue(db, clinic)
    pdf = await documents.get_pdf(serving_db.within(clinic), invoice)
    assert await documents.get_pdf(serving_db.within(clinic), invoice) == pdf
    assert await documents.render_due(db, now=datetime.now(UTC) + timedelta(days=365)) == 0


async def test_a_credit_note_is_drawn_when_its_invoice_is_corrected(db, clinic):
    invoice = await issue(db, clinic)
    credit_note = await issue(db, clinic, corrects=invoice)
    await announce(db, clinic, "invoice.corrected", invoice)
    await documents.render_pdf(db, credit_note)
    text = PdfReader(BytesIO((await documents.get_pdf(db, credit_note)).content)).pages[0].extract_text()
    assert "Rechnungskorrektur CN-2027-000001" in text
    assert "2027-000001" in text


async def test_a_document_has_the_clinics_date_and_the_copies_of_both_parties(db, clinic):
    document = await documents.get_document(db, await issue(db, clinic))
    assert (document.number, str(document.issued_on), document.language) == ("2027-000001", "2027-03-02", "de-DE")
    assert document.seller == Party(name="Lakeside", address=("Seestraße 12", "13353 Berlin"), vat_id="DE123456789")
    assert document.buyer == Party(name="Ana")
    assert [(group.category, group.gross) for group in document.groups] == [("S", 4000), ("E", 6000)]
    assert document.total.gross == 10000


async def test_drafts_and_unknown_invoices_have_no_document(db, clinic):
    for id in (await draft(db, clinic), new_id(clinic)):
        await announce(db, clinic, "invoice.issued", id)
        with pytest.raises(errors.NotFound):
            await documents.get_pdf(db, id)
    assert await documents.render_due(db, now=NOW + timedelta(days=365)) == 0


async def test_a_failure_postpones_only_its_own_invoice(db, clinic, monkeypatch):
    first = await issue(db, clinic)
    second = await issue(db, clinic, corrects=first)
    await announce(db, clinic, "invoice.corrected", first)

    async def fail_once(db, invoice_id):
        if invoice_id == first:
            raise ValueError
        return await render(db, invoice_id)

    render = documents.render_pdf
    monkeypatch.setattr(documents, "render_pdf", fail_once)
    later = datetime.now(UTC) + timedelta(days=365)
    assert await documents.render_due(db, now=later) == 1
    assert await documents.render_due(db, now=later) == 0
    assert await documents.get_pdf(db, second)


async def test_plain_sql_cannot_replace_a_drawn_invoice(db, serving_db, clinic):
    invoice = await issue(db, clinic)
    await announce(db, clinic, "invoice.issued", invoice)
    pdf = await documents.render_pdf(db, invoice)
    for scope in (serving_db.within(clinic), serving_db.across()):
        assert await scope.execute("update invoice_pdf set hash = null, content = null") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await scope.execute("delete from invoice_pdf")
    assert await documents.get_pdf(serving_db.within(clinic), invoice) == pdf


async def test_the_worker_draws_with_its_own_privileges(db, serving_db, clinic):
    invoice = await issue(db, clinic)
    worker = serving_db.across()
    await announce(worker, clinic, "invoice.issued", invoice)
    assert await documents.render_due(worker, now=datetime.now(UTC) + timedelta(days=365)) == 1
    assert await documents.get_pdf(serving_db.within(clinic), invoice)
