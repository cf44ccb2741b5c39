"""At the till, staff take cash and refund it, with the keyboard and without JavaScript."""

import re

from playwright.async_api import expect

from support.browsers import expect_no_sideways_scrolling, follow, open_page, sign_in
from support.harbor_street import CLINIC, add_manager, add_patient
from support.staff import PASSWORD

SMALL = {"width": 320, "height": 640}


async def test_staff_bill_a_patient_take_cash_and_refund_it_to_credit_without_javascript(site, browser):
    email = await add_manager(site)
    customer_id, name = await add_patient(site)
    async with open_page(browser, viewport=SMALL, java_script_enabled=False) as page:
        await sign_in(page, site.url, email, PASSWORD)
        await page.goto(f"{site.url}/staff/{CLINIC}/patients/{customer_id}")
        await follow(page.get_by_role("button", name="New invoice"))
        await page.get_by_label("Description").fill("Check-up")
        await page.get_by_role("textbox", name="Price").fill("60")
        await follow(page.get_by_role("button", name="Save and issue"))
        await expect(page.get_by_text("Invoice issued.")).to_be_visible()
        await follow(page.get_by_role("link", name="Take a payment"))
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page.get_by_label("Amount")).to_have_value(re.compile(r"60[.,]00"))
        await page.get_by_label("Cash received").fill("100")
        await expect_no_sideways_scrolling(page)
        await page.get_by_role("button", name="Cash", exact=True).focus()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page.get_by_text("Change to give")).to_have_text(re.compile(r"40[.,]00"))
        await follow(page.get_by_role("button", name="Undo"))
        await page.get_by_text("Refund", exact=True).first.click()
        await page.get_by_label("Amount").fill("20")
        await follow(page.get_by_role("button", name="Refund"))
        await expect(page.get_by_text("Refund recorded.")).to_be_visible()
        await page.goto(f"{site.url}/staff/{CLINIC}/till?patient={customer_id}")
        await follow(page.get_by_role("button", name="Use"))
        await expect(page.get_by_text("Paid from the patient’s credit or earlier payments.")).to_be_visible()
