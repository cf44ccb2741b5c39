"""What a patient does in a browser with an appointment and with a sign-in code."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, expect

from support.browsers import DAYS, Site, api, follow, send_code

MOVED_URL = re.compile(r"\?moved=1")


def book(site: Site, email: str, *, clinic: int = 2, type: str = "Office visit", days: int = 7) -> dict[str, Any]:
    """Book the first free time at least this many days ahead, for the customer with the email address."""
    with api(site) as client:
        (customer, *_) = client.get("/api/customers", params={"q": email}).json()["items"]
        types = client.get(f"/api/clinics/{clinic}/appointmentTypes").json()["items"]
        (type_id,) = (each["id"] for each in types if each["name"] == type)
        first_day = datetime.now(UTC).date() + timedelta(days=days)
        query = {"from": str(first_day), "to": str(first_day + timedelta(days=14)), "appointmentTypeId": type_id}
        availability = client.get(f"/api/clinics/{clinic}/availability", params=query).json()
        for slot in (slot for day in availability["days"] for slot in day["slots"]):
            request = {
                "customerId": customer["id"],
                "doctorId": slot["doctorId"],
                "startTime": slot["startTime"],
                "appointmentTypeId": type_id,
            }
            response = client.post("/api/appointments", json=request)
            if response.status_code == 201:
                return response.json()
    raise AssertionError("no time is free")


def fetch(site: Site, appointment: dict[str, Any]) -> dict[str, Any]:
    with api(site) as client:
        return client.get(f"/api/appointments/{appointment['id']}").json()


def path_of(appointment: dict[str, Any], part: str = "") -> str:
    return f"/appointments/{appointment['manageToken']}{part}"


async def reschedule_to_last_time(page: Page) -> None:
    """From an appointment's page, choose the last time on the last day of the month, and confirm it."""
    await follow(page.get_by_role("link", name="Reschedule appointment"))
    await follow(page.locator(DAYS).last)
    await expect(page.locator(DAYS).last).to_have_attribute("aria-current", "date")
    await follow(page.locator(".times a").last)
    await follow(page.get_by_role("button", name="Reschedule appointment"))
    await expect(page).to_have_url(MOVED_URL)


async def cancel(page: Page, reason: str = "") -> None:
    await follow(page.get_by_role("link", name="Cancel appointment"))
    await page.get_by_label("Reason for cancelling (optional)").fill(reason)
    await follow(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")


async def sign_in(page: Page, site: Site, address: str) -> None:
    """Sign in with the code that is sent to an address, as everyone who shares it."""
    await page.goto(f"{site.url}/my")
    await page.locator("#address").fill(address)
    await follow(page.locator("main button"))
    await send_code(page.locator("#code"), await receive_code(page, site, address), page.locator("main button"))
    await expect(page).not_to_have_url(re.compile("sign-in"))


async def receive_code(page: Page, site: Site, address: str) -> str:
    """Return the six digits of the newest message to an address, once the worker has sent it."""
    mailbox = await page.context.new_page()
    async with asyncio.timeout(30):
        while True:
            await mailbox.goto(f"{site.url}/dev/mailbox")
            for link in await mailbox.locator(".mailbox li", has_text=address).get_by_role("link").all():
                if re.search("code|Code|código", await link.inner_text()):
                    await follow(link)
                    text = mailbox.locator(".words")
                    await expect(text).to_contain_text(re.compile(r"\b\d{6}\b"))
                    (code,) = re.findall(r"\b\d{6}\b", await text.inner_text())
                    await mailbox.close()
                    return code
            await asyncio.sleep(0.2)
