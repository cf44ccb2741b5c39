"""Recording payments, allocating them, undoing that, and refunding what is left."""

import asyncio

from appoint.payments.payments import service as payments
from support.money import NOW, TILL, reason
from support.scale import scaled

RACERS = scaled(200, 12)


async def test_one_payment_pays_several_invoices(till):
    first, second = await till.issue(6000), await till.issue(4000)
    payment = await till.pay(10000, first.id, second.id)
    assert (payment.free.amount, payment.receipt_number) == (0, "R-2027-000001")
    assert [(await till.invoice(each.id)).settled for each in (first, second)] == [True, True]


async def test_several_payments_pay_one_invoice(till):
    invoice = await till.issue(6000)
    await till.pay(2000, invoice.id)
    await till.pay(4000, invoice.id, method="terminal")
    assert (await till.invoice(invoice.id)).settled
    assert await till.balances() == {"cash": 2000, "bank": 4000, "revenue": -6000}


async def test_what_the_invoice_does_not_need_is_left_of_the_payment(till):
    invoice = await till.issue(6000)
    assert (await till.pay(7000, invoice.id)).free.amount == 1000


async def test_a_payment_cannot_pay_more_than_it_has_or_the_invoice_needs(till):
    invoice, payment = await till.issue(6000), await till.pay(7000)
    assert await reason(till.allocate(payment.id, invoice.id, 6001)) == "not-enough"
    assert await reason(till.allocate((await till.pay(100)).id, invoice.id, 101)) == "not-enough"


async def test_a_payment_in_another_currency_cannot_pay_the_invoice(till):
    invoice, payment = await till.issue(6000), await till.pay(6000, currency="GBP")
    assert await reason(till.allocate(payment.id, invoice.id)) == "currency-differs"


async def test_a_draft_cannot_be_paid(till):
    draft, payment = await till.draft(6000), await till.pay(6000)
    assert await reason(till.allocate(payment.id, draft.id)) == "invoice-draft"


async def test_undoing_an_allocation_frees_the_payment_and_opens_the_invoice(till):
    invoice = await till.issue(6000)
    payment = await till.pay(6000, invoice.id)
    undone = await till.undo(payment.allocations[0].id)
    assert (undone.free.amount, (await till.invoice(invoice.id)).open.amount) == (6000, 6000)
    assert await reason(till.undo(payment.allocations[0].id)) == "not-found"


async def test_cents_that_were_freed_in_the_middle_are_spent_first(till):
    first, second, third = [await till.issue(amount) for amount in (1000, 2000, 3000)]
    payment = await till.pay(6000, first.id, second.id)
    await till.undo(payment.allocations[0].id)
    await till.allocate(payment.id, third.id)
    ranges = await till.db.fetchval(
        "select range_agg(of_payment)::text from allocation where clinic_id = $1 and invoice_id = $2",
        till.clinic,
        third.id,
    )
    assert ranges == "{[0,1000),[3000,5000)}"


async def test_overpaid_cents_become_credit_and_pay_the_next_invoice(till):
    payment = await till.pay(7000, (await till.issue(6000)).id)
    await till.refund(payment.id, "credit")
    assert await till.credit() == 1000
    credit = (await payments.get_credit(till.db, clinic_id=till.clinic, customer_id=till.ana)).payments[0]
    await till.allocate(credit.id, (await till.issue(800)).id)
    assert await till.credit() == 200
    assert await till.balances() == {"cash": 7000, "revenue": -6800, "credit": -200}


async def test_a_refund_in_cash_leaves_the_till(till):
    payment = await till.pay(7000)
    refund = await till.refund(payment.id, "method", 2000)
    assert (refund.status, (await till.payment(payment.id)).free.amount) == ("succeeded", 5000)
    assert await till.balances() == {"cash": 5000, "receivable": -5000}


async def test_only_what_is_left_can_be_refunded(till):
    payment = await till.pay(7000, (await till.issue(6000)).id)
    assert await reason(till.refund(payment.id, "method", 1001)) == "refund-too-large"
    await till.refund(payment.id, "method", 1000)
    assert await reason(till.refund(payment.id, "credit")) == "refund-too-large"


async def test_credit_cannot_become_credit_again(till):
    goodwill = await till.pay(1000, method="goodwill")
    assert await reason(till.refund(goodwill.id, "credit")) == "refund-too-large"


async def test_a_deposit_is_owed_to_the_customer_until_it_pays_an_invoice(till):
    deposit = await till.pay(2000, deposit=True)
    assert await till.balances() == {"cash": 2000, "deposits": -2000}
    await till.allocate(deposit.id, (await till.issue(2000)).id)
    assert await till.balances() == {"cash": 2000, "revenue": -2000}


async def test_a_payment_recorded_by_mistake_can_be_cancelled_while_unspent(till):
    payment = await till.pay(2000)
    await till.db.atomic(payments.cancel, TILL, payment_id=payment.id, if_match=None, now=NOW)
    assert await till.balances() == {}
    spent = await till.pay(2000, (await till.issue(2000)).id)
    refused = till.db.atomic(payments.cancel, TILL, payment_id=spent.id, if_match=None, now=NOW)
    assert await reason(refused) == "not-enough"


async def test_racers_for_one_credit_spend_exactly_its_cents(till, many_connections):
    credit = await till.pay(1000, method="goodwill")
    invoices = [await till.issue(300) for _ in range(RACERS)]
    await asyncio.gather(*(reason(till.allocate(credit.id, invoice.id)) for invoice in invoices))
    paid = sum([(await till.invoice(invoice.id)).paid.amount for invoice in invoices])
    assert (paid, await till.credit()) == (1000, 0)


async def test_racers_for_one_invoice_pay_exactly_its_total(till, many_connections):
    invoice = await till.issue(1000)
    cash = [await till.pay(300) for _ in range(RACERS)]
    await asyncio.gather(*(reason(till.allocate(payment.id, invoice.id)) for payment in cash))
    left = sum([(await till.payment(payment.id)).free.amount for payment in cash])
    assert (left, (await till.invoice(invoice.id)).settled) == (300 * RACERS - 1000, True)
