"""Lists and sums of invoices and payments return what each filter says, whichever index they read."""

from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest

from appoint.payments.invoices.model import Invoice
from appoint.payments.payments import repository as payment_rows
from appoint.payments.payments.model import Payment
from appoint.payments.totals import service as totals
from support.money import NOW, Till

TODAY = NOW.date() + timedelta(days=20)
"""Invoices without a later due date are overdue."""
LIMIT = 3
DAYS = (None, NOW.date() - timedelta(days=1), NOW.date(), NOW.date() + timedelta(days=1))


@pytest.fixture
async def ben(till: Till) -> UUID:
    """Lakeside's second patient. Both have invoices and payments of every kind."""
    ben = await till.db.fetchval("insert into customer (name) values ('Ben') returning id")
    await till.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", till.clinic, ben)
    ana = till.ana
    for till.ana in (ana, ben, ana):
        await till.draft(1000)
        await till.issue(0)
        await till.issue(1000)
        corrected, half_paid, paid = [await till.issue(2000) for _ in range(3)]
        await till.correct(corrected.id, 500)
        await till.pay(1000, half_paid.id)
        await till.pay(2500, paid.id, method="terminal")
        cancelled = await till.pay(500)
        await till.db.execute(
            "update payment set status = 'cancelled', succeeded_at = null where id = $1", cancelled.id
        )
    till.ana = ana
    await till.db.execute(
        "update invoice set issued_at = issued_at + interval '1 day', due_on = due_on + 30 where number % 3 = 0"
    )
    await till.db.execute("update payment set succeeded_at = succeeded_at - interval '1 day' where number % 3 = 0")
    return ben


def is_listed(invoice: Invoice, status: str | None) -> bool:
    is_open = bool(invoice.open.amount)
    return {
        None: True,
        "draft": invoice.status == "draft",
        "issued": invoice.status == "issued",
        "open": is_open,
        "overdue": is_open and bool(invoice.due_on and invoice.due_on < TODAY),
        "settled": invoice.status == "issued" and invoice.kind == "invoice" and not is_open,
    }[status]


def is_within(day: date | None, first: date | None, last: date | None) -> bool:
    """Return whether a day is within a range of days. Something that has no day is only in the range of all days."""
    return (first, last) == (None, None) if day is None else (first or day) <= day <= (last or day)


async def list_all(till: Till) -> list[Invoice]:
    return list(await totals.list_invoices(till.db, clinic_id=till.clinic, today=TODAY, limit=1000))


async def test_each_filter_lists_the_invoices_that_match_it(till, ben):
    everything = await list_all(till)
    assert len(everything) == 3 * 7
    statuses = (None, "draft", "issued", "open", "overdue", "settled")
    lengths = set[int]()
    for status, patient, first, last in product(statuses, (None, till.ana, ben), DAYS, DAYS):
        expected = [
            invoice.id
            for invoice in everything
            if is_listed(invoice, status)
            and patient in (None, invoice.customer_id)
            and is_within(invoice.issued_at and invoice.issued_at.date(), first, last)
        ]
        before: UUID | None = None
        listed: list[UUID] = []
        while not listed or before:
            page = await totals.list_invoices(
                till.db,
                clinic_id=till.clinic,
                customer_id=patient,
                status=status,
                first_day=first,
                last_day=last,
                today=TODAY,
                before=before,
                limit=LIMIT,
            )
            listed += [invoice.id for invoice in page[:LIMIT]]
            before = page[LIMIT - 1].id if len(page) > LIMIT else None
            if not page:
                break
        assert listed == expected, (status, patient, first, last)
        lengths.add(len(listed))
    assert len(lengths) > 5


async def test_each_filter_lists_the_payments_that_match_it(till, ben):
    async def listed(**filters) -> list[Payment]:
        defaults = dict.fromkeys(("customer_id", "status", "method", "first_day", "last_day", "after"))
        return await payment_rows.list_payments(till.db, till.clinic, **{**defaults, "limit": 1000, **filters})

    everything = await listed()
    assert len(everything) == 3 * 4
    options = ((None, till.ana, ben), (None, "succeeded", "cancelled"), (None, "cash", "terminal"), DAYS, DAYS)
    for patient, status, method, first, last in product(*options):
        expected = [
            payment.id
            for payment in everything
            if patient in (None, payment.customer_id)
            and status in (None, payment.status)
            and method in (None, payment.method)
            and is_within(payment.succeeded_at and payment.succeeded_at.date(), first, last)
        ]
        filters = {"customer_id": patient, "status": status, "method": method, "first_day": first, "last_day": last}
        page = await listed(**filters, limit=LIMIT)
        assert [payment.id for payment in page] == expected[: LIMIT + 1], filters
        if len(page) > LIMIT:
            rest = await listed(**filters, after=(page[LIMIT - 1].id,))
            assert [payment.id for payment in rest] == expected[LIMIT:], filters


async def test_sums_of_invoices_agree_with_the_lists(till, ben):
    everything = [invoice for invoice in await list_all(till) if invoice.kind == "invoice"]
    for patient in (None, till.ana, ben):
        drafts, due, overdue = (
            [each for each in everything if is_listed(each, status) and patient in (None, each.customer_id)]
            for status in ("draft", "open", "overdue")
        )
        (sums,) = await totals.sum_up_invoices(till.db, clinic_id=till.clinic, customer_id=patient, today=TODAY)
        assert sums[1:] == (
            len(drafts),
            sum(each.total.amount for each in drafts),
            len(due),
            sum(each.open.amount for each in due),
            len(overdue),
            sum(each.open.amount for each in overdue),
        )
