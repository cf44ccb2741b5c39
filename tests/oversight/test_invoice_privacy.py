"""Invoices outlive an erasure, and are part of a person's export."""

import pytest

from support.app import ADMIN
from support.invoices import create_clinic_with_patient, issue, pay
from support.patient_pages import sign_in


@pytest.fixture
async def ana(client) -> str:
    return await create_clinic_with_patient(client)


async def test_an_export_contains_the_persons_invoices(client, ana):
    invoice = await issue(client, ana, 6000)
    export = (await client.get(f"/api/customers/{ana}/export", headers=ADMIN)).json()
    (exported,) = export["invoices"]
    assert (exported["number"], exported["services"]) == (invoice["number"], ["Check-up"])
    assert exported["buyer"]["name"] == "Ana"


async def test_an_export_contains_the_persons_payments_refunds_and_credit(client, ana):
    invoice = await issue(client, ana, 6000)
    payment = await pay(client, ana, 7000, invoice)
    refund = {"to": "credit", "amount": {"amount": 400, "currency": "EUR"}}
    response = await client.post(f"/api/payments/{payment['id']}/refund", json=refund, headers=ADMIN)
    assert response.status_code == 201, response.text
    export = (await client.get(f"/api/customers/{ana}/export", headers=ADMIN)).json()
    exported = {each["method"]: each for each in export["payments"]}
    assert exported["cash"]["receiptNumber"] == payment["receiptNumber"]
    sums = [(exported["cash"][name]["amount"], exported["credit"][name]["amount"]) for name in ("left", "refunded")]
    assert sums == [(600, 400), (400, 0)]
    page = await client.get(f"/api/customers/{ana}/export?format=html", headers=await sign_in(client))
    assert payment["receiptNumber"] in page.text


async def test_the_export_page_lists_invoices(client, ana):
    invoice = await issue(client, ana, 6000)
    page = await client.get(f"/api/customers/{ana}/export?format=html", headers=await sign_in(client))
    assert invoice["number"] in page.text


async def test_the_erasure_page_says_how_long_clinics_keep_invoices(client, ana):
    session = await sign_in(client)
    before = (await client.get("/my/erase", headers=session)).text
    invoice = await issue(client, ana, 6000)
    last_year = int(invoice["issuedAt"][:4]) + 10
    after = (await client.get("/my/erase", headers=session)).text
    assert ["keep the invoices" in page for page in (before, after)] == [False, True]
    assert f"{last_year}" in after.partition("keep the invoices")[2].partition("</ul>")[0]
    policy = {"retainInvoicesYears": 7}
    await client.put("/api/clinics/1/paymentPolicy", json=policy, headers=ADMIN)
    shorter = (await client.get("/my/erase", headers=session)).text
    assert f"{last_year - 3}" in shorter.partition("keep the invoices")[2].partition("</ul>")[0]


async def test_an_issued_invoice_outlives_an_erasure_unchanged(client, ana):
    invoice = await issue(client, ana, 6000)
    assert (await client.post(f"/api/customers/{ana}/erase", headers=ADMIN)).status_code == 200
    assert (await client.get(f"/api/invoices/{invoice['id']}", headers=ADMIN)).json() == invoice
