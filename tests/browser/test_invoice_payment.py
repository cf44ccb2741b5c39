"""A patient pays an invoice from its link, without an account and without scripts."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from support.browsers import PHONE, Site, api, expect_accessible, follow, open_page


def issue_invoice(site: Site, email: str) -> tuple[str, str]:
    """Issue an invoice for a patient of the demo world's second clinic. Return its id and its payment link."""
    with api(site) as client:
        (customer, *_) = client.get("/api/customers", params={"q": email}).json()["items"]
        lines = [{"description": "Check-up", "unitAmount": 6000}]
        body = {"customerId": customer["id"], "lines": lines, "language": "en"}
        invoice = client.post("/api/clinics/2/invoices", json=body).raise_for_status().json()
        client.post(f"/api/invoices/{invoice['id']}/issue").raise_for_status()
        return invoice["id"], client.post(f"/api/invoices/{invoice['id']}/payLink").raise_for_status().json()["url"]


def is_settled(site: Site, invoice_id: str) -> bool:
    with api(site) as client:
        return client.get(f"/api/invoices/{invoice_id}").json()["settled"]


async def pay(page: Page, site: Site, link: str) -> None:
    await page.goto(site.url + re.sub("^https?://[^/]+", "", link))
    await follow(page.get_by_role("button", name="Pay"))
    await follow(page.get_by_role("button", name=re.compile("^Pay ")).first)
    await expect(page.get_by_role("status")).to_contain_text("This invoice has been paid.")


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_patient_pays_an_invoice_from_its_link(site: Site, browser: Browser, has_scripts: bool):
    invoice_id, link = issue_invoice(site, "minjun@example.com")
    async with open_page(browser, java_script_enabled=has_scripts, viewport=PHONE) as page:
        await pay(page, site, link)
        if has_scripts:
            await expect_accessible(page)
        await expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    assert is_settled(site, invoice_id)
