"""Invoices outlive an erasure, and are part of a person's export."""

import pytest

from support.app import ADMIN
from support.invoices import create_clinic_with_patient, issue
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


async def test_the_export_page_lists_invoices(client, ana):
    invoice = await issue(client, ana, 6000)
    page = await client.get(f"/api/customers/{ana}/export?format=html", headers=await sign_in(client))
    assert invoice["number"] in page.text


async def test_the_erasure_page_says_that_clinics_keep_invoices(client, ana):
    session = await sign_in(client)
    before = (await client.get("/my/erase", headers=session)).text
    await issue(client, ana, 6000)
    after = (await client.get("/my/erase", headers=session)).text
    assert ["keep the invoices" in page for page in (before, after)] == [False, True]


async def test_an_issued_invoice_outlives_an_erasure_unchanged(client, ana):
    invoice = await issue(client, ana, 6000)
    assert (await client.post(f"/api/customers/{ana}/erase", headers=ADMIN)).status_code == 200
    assert (await client.get(f"/api/invoices/{invoice['id']}", headers=ADMIN)).json() == invoice
