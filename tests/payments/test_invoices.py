"""Drafting, issuing and correcting invoices."""

import asyncio

import asyncpg
import pytest

from appoint.payments.invoices import service as invoices
from appoint.payments.invoices.model import InvoicePatch, LineContent
from support.money import NOW, TILL, reason
from support.scale import scaled

RACERS = scaled(64, 12)


async def test_a_draft_has_no_number_and_nothing_to_pay(till):
    draft = await till.draft(6000)
    assert (draft.status, draft.number, draft.open.amount, draft.total.amount) == ("draft", None, 0, 6000)


async def test_an_issued_invoice_has_a_number_both_parties_and_all_of_its_total_to_pay(till):
    invoice = await till.issue(6000, 4000)
    assert (invoice.number, invoice.open.amount, str(invoice.due_on)) == ("2027-000001", 10000, "2027-03-15")
    assert (invoice.buyer.name, invoice.seller.name) == ("Ana", "Lakeside")


async def test_tax_that_prices_include_is_part_of_the_gross_amount(till):
    invoice = await till.issue(11900, tax_category="S", tax_rate=1900)
    (line,) = invoice.lines
    assert (line.net, line.tax, line.gross) == (10000, 1900, 11900)


async def test_issuing_posts_revenue_and_tax(till):
    await till.issue(11900, tax_category="S", tax_rate=1900)
    assert await till.balances() == {"receivable": 11900, "revenue": -10000, "tax": -1900}


async def test_an_invoice_of_nothing_is_settled_at_once(till):
    assert (await till.issue(0)).settled


async def test_an_issued_invoice_cannot_be_changed_deleted_or_issued_again(till):
    invoice = await till.issue(6000)
    patch = InvoicePatch(lines=[LineContent(description="Report", unit_amount=1)])
    same = {"invoice_id": invoice.id, "if_match": None, "now": NOW}
    assert [
        await reason(till.db.atomic(invoices.change, TILL, patch=patch, **same)),
        await reason(till.db.atomic(invoices.delete, TILL, **same)),
        await reason(till.db.atomic(invoices.issue, TILL, **same)),
    ] == ["invoice-issued"] * 3


async def test_the_lines_of_a_draft_can_be_replaced(till):
    draft = await till.draft(6000)
    patch = InvoicePatch(lines=[LineContent(description="Report", unit_amount=250, quantity=4, discount_amount=100)])
    changed = await till.db.atomic(invoices.change, TILL, invoice_id=draft.id, patch=patch, if_match=None, now=NOW)
    assert (changed.total.amount, [line.description for line in changed.lines]) == (900, ["Report"])


async def test_numbers_have_no_gaps_when_issued_at_the_same_time_or_rolled_back(till, many_connections):
    drafts = [await till.draft(100) for _ in range(RACERS)]
    issued = RACERS * 3 // 4

    async def issue(tx, draft):
        await invoices.issue(tx, TILL, invoice_id=draft.id, if_match=None, now=NOW)

    async def issue_and_fail(tx, draft):
        await issue(tx, draft)
        raise RuntimeError

    await asyncio.gather(
        *(
            till.db.atomic(invoices.issue, TILL, invoice_id=draft.id, if_match=None, now=NOW)
            for draft in drafts[:issued]
        ),
        *(till.db.atomic(issue_and_fail, draft) for draft in drafts[issued:]),
        return_exceptions=True,
    )
    numbers = await till.db.fetch("select number from document_number where clinic_id = $1 order by 1", till.clinic)
    assert [row.number for row in numbers] == list(range(1, issued + 1))


async def test_a_credit_note_for_an_unpaid_invoice_settles_it(till):
    invoice = await till.issue(6000)
    note = await till.correct(invoice.id)
    corrected = await till.invoice(invoice.id)
    assert (note.number, note.corrects_id, corrected.settled) == ("CN-2027-000001", invoice.id, True)
    assert await till.balances() == {}


async def test_a_credit_note_for_a_paid_invoice_frees_as_much_of_the_payment(till):
    invoice = await till.issue(6000)
    payment = await till.pay(6000, invoice.id)
    await till.correct(invoice.id, 1000)
    assert (await till.payment(payment.id)).free.amount == 1000
    assert (await till.invoice(invoice.id)).settled


async def test_credit_notes_cannot_take_back_more_than_the_invoice(till):
    invoice = await till.issue(6000)
    await till.correct(invoice.id, 4000)
    assert await reason(till.correct(invoice.id, 2001)) == "not-enough"


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set total = 1 where id = $1",
        "update invoice set status = 'draft' where id = $1",
        "delete from invoice where id = $1",
        "update invoice_line set description = 'Other' where invoice_id = $1",
        "delete from invoice_line where invoice_id = $1",
    ],
)
async def test_the_servers_role_cannot_touch_what_is_issued(db, till, statement):
    invoice = await till.issue(6000)
    async with db.connection() as connection, connection.transaction():
        await connection.execute(f"set local role appoint_server; set local appoint.clinic_id = {till.clinic}")
        assert await connection.execute(statement, invoice.id) in ("UPDATE 0", "DELETE 0")


async def test_the_servers_role_cannot_change_numbers_or_transfers(db, till):
    await till.issue(6000)
    for statement in ("delete from document_number", "update document_number set number = 7", "delete from transfer"):
        async with db.connection() as connection, connection.transaction():
            await connection.execute(f"set local role appoint_server; set local appoint.clinic_id = {till.clinic}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(statement)


async def test_a_credit_note_has_its_invoices_tax_even_if_the_policy_has_changed_since(till):
    invoice = await till.issue(10000, tax_category="S", tax_rate=1900)
    await till.db.execute(
        "insert into payment_policy (clinic_id, id, prices_include_tax) values ($1, mint_id($1), false)", till.clinic
    )
    part = await till.correct(invoice.id, 1190)
    assert [(line.net, line.tax, line.gross) for line in part.lines] == [(1000, 190, 1190)]
    assert part.total.amount == 1190
