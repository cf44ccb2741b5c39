"""Patients get each invoice, credit note and receipt by email."""

import re
from datetime import timedelta

import pytest

from appoint.payments.invoices import corrections
from appoint.payments.invoices import service as invoices
from appoint.payments.invoices.model import CreditNoteContent, InvoiceContent, LineContent
from appoint.payments.payments import service as payments
from appoint.payments.payments.model import AllocationContent, PaymentContent, PositiveMoney
from support.money import TILL
from support.post import LINKS


async def issue(world, customer, amount: int = 6000):
    content = InvoiceContent(customer_id=customer, lines=[LineContent(description="Check-up", unit_amount=amount)])
    draft = await world.db.within(world.clinic).atomic(
        invoices.draft, TILL, clinic_id=world.clinic, content=content, now=world.now
    )
    return await world.db.within(world.clinic).atomic(
        invoices.issue, TILL, invoice_id=draft.id, if_match=None, now=world.now
    )


async def pay(world, customer, *invoice_ids, amount: int = 6000, **members):
    content = PaymentContent(
        customer_id=customer,
        amount=PositiveMoney(amount, "EUR"),
        allocations=[AllocationContent(invoice_id=id) for id in invoice_ids],
        **{"method": "cash", **members},
    )
    return await world.db.within(world.clinic).atomic(
        payments.record, TILL, clinic_id=world.clinic, content=content, now=world.now
    )


@pytest.fixture
async def ana(world):
    for customer in (world.ana, world.ben):
        await world.db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)
    return world.ana


async def deliver(world, office, post):
    """Plan messages, and send those that are due two minutes later."""
    await office.plan(world.now)
    await office.send(world.now)
    assert post.messages == []
    world.now += timedelta(minutes=2)
    await office.send(world.now)
    return post.messages


async def test_an_issued_invoice_is_emailed_with_its_pdf_and_a_link_to_pay(world, office, post, ana):
    invoice = await issue(world, ana)
    (message,) = await deliver(world, office, post)
    assert (message.to, message.subject) == ("ana@example.org", f"Invoice {invoice.number} from Lakeside")
    for part in ("Left to pay: 60,00", "Please pay by: ", f"{LINKS.public_url}/invoices/"):
        assert part in message.text
    (attachment,) = message.attachments
    assert (attachment.name, attachment.content[:4]) == (f"{invoice.number}.pdf", b"%PDF")


async def test_a_patient_with_only_a_phone_gets_the_link_by_text_message(world, office, post, ana):
    await world.db.execute(
        "update customer set email = null, email_confirmed_at = null, phone = '+4915112345678' where id = $1", ana
    )
    invoice = await issue(world, ana)
    await pay(world, ana, invoice.id, amount=1000)  # its receipt is not sent
    (message,) = await deliver(world, office, post)
    assert (message.to, len(message.attachments)) == ("+4915112345678", 0)
    assert re.match(
        rf"Lakeside: please pay 50,00\s€ for invoice {invoice.number} by .*: {LINKS.public_url}/invoices/", message.text
    )


async def test_an_invoice_that_is_paid_at_the_desk_says_so(world, office, post, ana):
    invoice = await issue(world, ana)
    payment = await pay(world, ana, invoice.id)
    messages = {message.subject: message.text for message in await deliver(world, office, post)}
    text = messages[f"Invoice {invoice.number} from Lakeside"]
    assert ("There is nothing left to pay." in text, "Please pay by" in text) == (True, False)
    receipt = messages[f"Receipt {payment.receipt_number} from Lakeside"]
    assert ("Payment method: Cash" in receipt, f"Invoices paid: {invoice.number}" in receipt) == (True, True)


async def test_a_credit_note_is_emailed_with_its_pdf(world, office, post, ana):
    invoice = await issue(world, ana)
    note = await world.db.within(world.clinic).atomic(
        corrections.correct, TILL, invoice_id=invoice.id, content=CreditNoteContent(), if_match=None, now=world.now
    )
    messages = {message.subject: message for message in await deliver(world, office, post)}
    message = messages[f"Credit note {note.number} from Lakeside"]
    assert f"Corrects invoice: {invoice.number}" in message.text
    assert [(each.name, each.content[:4]) for each in message.attachments] == [(f"{note.number}.pdf", b"%PDF")]


async def test_a_clinic_that_hands_out_its_invoices_emails_only_receipts(world, office, post, ana):
    await world.db.execute("insert into payment_policy (clinic_id, id, mails_invoices) values (1, mint_id(1), false)")
    invoice = await issue(world, ana)
    payment = await pay(world, ana, invoice.id)
    assert [message.subject for message in await deliver(world, office, post)] == [
        f"Receipt {payment.receipt_number} from Lakeside"
    ]


async def test_each_message_is_sent_once_however_often_its_event_is_relayed(world, office, post, ana):
    await issue(world, ana)
    await deliver(world, office, post)
    await world.db.execute("update event_log set relayed_at = relayed_at")
    await office.plan(world.now)
    world.now += timedelta(minutes=2)
    await office.send(world.now)
    assert len(post.messages) == 1


async def test_goodwill_has_no_receipt(world, office, post, ana):
    await pay(world, ana, method="goodwill")
    assert await deliver(world, office, post) == []


async def test_patients_without_any_address_get_no_message_about_money(world, office, post, ana):
    await world.db.execute("update customer set email = null, phone = null where id = $1", world.ben)
    await issue(world, world.ben)
    assert await deliver(world, office, post) == []


async def test_patients_who_want_no_messages_get_their_invoices_anyway(world, office, post, ana):
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false)", ana
    )
    await issue(world, ana)
    assert len(await deliver(world, office, post)) == 1


async def test_an_invoices_message_is_in_the_patients_language(world, office, post, ana):
    await world.db.execute("update customer set locale = 'de' where id = $1", ana)
    invoice = await issue(world, ana)
    (message,) = await deliver(world, office, post)
    assert message.subject == f"Rechnung {invoice.number} von Lakeside"
