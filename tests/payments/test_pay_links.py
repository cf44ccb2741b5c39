"""Anyone who has an invoice's link can pay it by card. No invoice is paid twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.kit import clock
from appoint.payments.checkout import jobs
from appoint.payments.checkout.model import GatewayUnavailable
from support.app import ADMIN
from support.deposits import LINKS, send_events, use_gateway
from support.dev_gateway import choose, our_gateway
from support.invoices import create_clinic_with_patient, draft, issue, pay


@pytest.fixture
async def ana(client) -> str:
    customer_id = await create_clinic_with_patient(client)
    use_gateway(client, our_gateway(client))
    return customer_id


async def request_link(client, invoice):
    return await client.post(f"/api/invoices/{invoice['id']}/payLink", headers=ADMIN)


async def link_path(client, invoice) -> str:
    response = await request_link(client, invoice)
    assert response.status_code == 200, response.text
    return response.json()["url"].removeprefix(LINKS.base_url)


async def open_page(client, path: str) -> str:
    """Go to the provider's page, and return its address."""
    response = await client.post(path)
    assert response.status_code == 303, response.text
    return response.headers["Location"]


async def fetch(client, invoice):
    return (await client.get(f"/api/invoices/{invoice['id']}", headers=ADMIN)).json()


async def payments_of(db, invoice) -> list[tuple[str, int]]:
    rows = await db.fetch("select status, amount from payment where invoice_id = $1 order by id", UUID(invoice["id"]))
    return [(row.status, row.amount) for row in rows]


async def test_an_invoices_link_says_what_is_left_to_pay_and_stays_the_same(client, ana):
    invoice = await issue(client, ana, 6000)
    first, again = await request_link(client, invoice), await request_link(client, invoice)
    assert first.json() == again.json()
    assert first.json()["amount"] == {"amount": 6000, "currency": "EUR"}


async def test_a_revoked_link_no_longer_works_and_the_next_one_does(client, ana):
    invoice = await issue(client, ana, 6000)
    old = await link_path(client, invoice)
    revoked = await client.delete(f"/api/invoices/{invoice['id']}/payLink", headers=ADMIN)
    assert revoked.status_code == 204
    assert [(await client.get(f"{old}{end}")).status_code for end in ("", "/invoice.pdf")] == [404, 404]
    assert (await client.post(old)).status_code == 404
    new = await link_path(client, invoice)
    assert new != old
    assert (await client.get(new)).status_code == 200
    draft_link = f"/api/invoices/{(await draft(client, ana, 6000))['id']}/payLink"
    assert (await client.delete(draft_link, headers=ADMIN)).json()["type"] == "/problems/invoice-draft"


async def test_drafts_and_paid_invoices_have_no_link(client, ana):
    paid = await issue(client, ana, 6000)
    await pay(client, ana, 6000, paid)
    problems = [(await request_link(client, each)).json()["type"] for each in (await draft(client, ana, 6000), paid)]
    assert problems == ["/problems/invoice-draft", "/problems/invoice-paid"]


async def test_a_link_shows_the_invoice_and_its_pdf_without_signing_in(client, ana):
    invoice = await issue(client, ana, 6000)
    path = await link_path(client, invoice)
    page, pdf = await client.get(path), await client.get(f"{path}/invoice.pdf")
    assert f"Invoice {invoice['number']}" in page.text
    assert (page.headers["Cache-Control"], pdf.headers["Cache-Control"]) == ("no-store", "no-store")
    assert "form-action 'self' https:" in page.headers["Content-Security-Policy"]
    assert pdf.content.startswith(b"%PDF")


async def test_a_forged_link_shows_nothing(client, ana):
    path = await link_path(client, await issue(client, ana, 6000))
    forged = path[:-5] + ("A" if path[-5] != "A" else "B") + path[-4:]  # the last character may contain unused bits
    assert (await client.get(forged)).status_code == 404


async def test_paying_on_the_providers_page_settles_the_invoice(client, db, ana):
    invoice = await issue(client, ana, 6000)
    path = await link_path(client, invoice)
    returned = await choose(client, await open_page(client, path), "pay", "prompt")
    await send_events(db, client, now=clock.now())
    back = await client.get(returned.headers["Location"])
    assert (back.status_code, back.headers["Location"]) == (303, path)
    page = await client.get(path)
    assert ("This invoice has been paid." in page.text, "<button" in page.text) == (True, False)
    assert ((await fetch(client, invoice))["settled"], await payments_of(db, invoice)) == (True, [("succeeded", 6000)])


async def test_coming_back_settles_the_invoice_if_the_event_is_lost(client, db, ana):
    invoice = await issue(client, ana, 6000)
    returned = await choose(client, await open_page(client, await link_path(client, invoice)), "pay", "lost")
    await client.get(returned.headers["Location"])
    assert (await fetch(client, invoice))["settled"]


async def test_pressing_the_button_twice_leads_to_the_same_page(client, db, ana):
    invoice = await issue(client, ana, 6000)
    path = await link_path(client, invoice)
    assert await open_page(client, path) == await open_page(client, path)
    assert len(await payments_of(db, invoice)) == 1


async def test_a_paid_invoice_cannot_be_paid_again(client, db, ana):
    invoice = await issue(client, ana, 6000)
    path = await link_path(client, invoice)
    await choose(client, await open_page(client, path), "pay", "lost")
    assert await open_page(client, path) == path
    assert await payments_of(db, invoice) == [("succeeded", 6000)]


async def test_after_a_part_payment_the_link_collects_only_the_rest(client, db, ana):
    invoice = await issue(client, ana, 6000)
    path = await link_path(client, invoice)
    await open_page(client, path)
    await pay(client, ana, 1000, invoice)
    await choose(client, await open_page(client, path), "pay", "lost")
    await client.get(path)
    await open_page(client, path)
    assert await payments_of(db, invoice) == [("cancelled", 6000), ("succeeded", 5000)]
    assert (await fetch(client, invoice))["settled"]


async def test_a_card_payment_that_arrives_after_one_in_cash_is_returned(client, db, ana):
    invoice = await issue(client, ana, 6000)
    page = await open_page(client, await link_path(client, invoice))
    returned = await choose(client, page, "pay", "lost")
    await pay(client, ana, 6000, invoice)
    await client.get(returned.headers["Location"])
    refund = await db.fetchrow("select amount, reason from refund")
    assert tuple(refund) == (6000, "The invoice had already been paid.")


async def test_the_providers_page_stays_open_while_something_is_left_to_pay(client, db, ana):
    invoice = await issue(client, ana, 6000)
    await open_page(client, await link_path(client, invoice))
    await jobs.close_ended(db, our_gateway(client), links=LINKS, now=clock.now())
    assert await payments_of(db, invoice) == [("pending", 6000)]
    await pay(client, ana, 6000, invoice)
    await jobs.close_ended(db, our_gateway(client), links=LINKS, now=clock.now() + timedelta(minutes=1))
    assert await payments_of(db, invoice) == [("cancelled", 6000)]


async def test_the_page_says_that_the_provider_is_unavailable(client, ana):
    class Away:
        async def create_session(self, request, *, key):
            raise GatewayUnavailable

    path = await link_path(client, await issue(client, ana, 6000))
    use_gateway(client, Away())
    response = await client.post(path)
    assert response.status_code == 503
    assert "nothing was charged" in response.text


async def test_staff_send_an_invoice_again(client, db, ana):
    invoice = await issue(client, ana, 6000)
    address = f"/api/invoices/{invoice['id']}/send"
    for _ in range(2):
        assert (await client.post(address, headers=ADMIN)).status_code == 200
    rows = await db.fetch("select kind, sequence from notification where subject_id = $1 order by 2", invoice["id"])
    assert [tuple(row) for row in rows] == [("invoice", 0), ("invoice", 1)]
    await db.execute("update customer set email = null")
    assert (await client.post(address, headers=ADMIN)).json()["type"] == "/problems/no-email-address"
    draft_address = f"/api/invoices/{(await draft(client, ana, 6000))['id']}/send"
    assert (await client.post(draft_address, headers=ADMIN)).json()["type"] == "/problems/invoice-draft"


@pytest.mark.parametrize(
    ("phone", "outcome"),
    [
        ("+4915112345678", "sms"),
        ("+493012345678", "/problems/landline-only"),
        (None, "/problems/no-email-address"),
    ],
)
async def test_an_invoice_is_sent_to_patients_without_email_only_on_a_mobile_number(client, db, ana, phone, outcome):
    invoice = await issue(client, ana, 6000)
    await db.execute("update customer set email = null, phone = $1", phone)
    response = await client.post(f"/api/invoices/{invoice['id']}/send", headers=ADMIN)
    channels = await db.fetch("select channel from notification where subject_id = $1", invoice["id"])
    assert ([row.channel for row in channels] or [response.json()["type"]]) == [outcome]
    page = await client.get(f"/staff/1/invoices/{invoice['id']}", headers=ADMIN | {"Accept-Language": "en"})
    assert ("Send by text message" in page.text) == (outcome == "sms")
