"""A patient looks at an appointment, moves and cancels it, and signs in by a code to see them all."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from support import browsers
from support.browsers import AXE_LANGUAGES, api, faults_of, follow, follow_by_keyboard

pytestmark = pytest.mark.anyio

PHONE = {"viewport": {"width": 320, "height": 640}}
MOVED = re.compile(r"\?moved=1")


def make(site, email: str, *, clinic: int = 2, type: str = "Office visit", days: int = 7) -> dict[str, Any]:
    """An appointment of the one with the address, at the first time that is free in so many days."""
    with api(site) as client:
        (customer, *_) = client.get("/api/customers", params={"q": email}).json()["items"]
        types = client.get(f"/api/clinics/{clinic}/appointmentTypes").json()["items"]
        (type_id,) = (each["id"] for each in types if each["name"] == type)
        first = datetime.now(UTC).date() + timedelta(days=days)
        asked = {"from": str(first), "to": str(first + timedelta(days=14)), "appointmentTypeId": type_id}
        free = client.get(f"/api/clinics/{clinic}/availability", params=asked).json()
        for slot in (slot for day in free["days"] for slot in day["slots"]):
            wish = {
                "customerId": customer["id"],
                "doctorId": slot["doctorId"],
                "startTime": slot["startTime"],
                "appointmentTypeId": type_id,
            }
            made = client.post("/api/appointments", json=wish)
            if made.status_code == 201:
                return made.json()
    raise AssertionError("nothing is free")


def now_of(site, made: dict[str, Any]) -> dict[str, Any]:
    with api(site) as client:
        return client.get(f"/api/appointments/{made['id']}").json()


def page_of(site, made: dict[str, Any], part: str = "") -> str:
    return f"{site.url}/appointments/{made['manageToken']}{part}"


async def sign_in(page, site, address: str, to: str = "/my") -> None:
    """By the code that is sent to the address, for all who share it."""
    await page.goto(f"{site.url}{to}")
    await page.locator("#address").fill(address)
    await follow(page.locator("main button"))
    await page.locator("#code").fill(await sent_code(page, site, address))
    await follow(page.locator("main button"))
    await expect(page).not_to_have_url(re.compile("sign-in"))


async def sent_code(page, site, address: str) -> str:
    """The six digits of the newest message to the address, once the worker has sent it."""
    mailbox = await page.context.new_page()
    async with asyncio.timeout(30):
        while True:
            await mailbox.goto(f"{site.url}/dev/mailbox")
            for link in await mailbox.locator(".mailbox li", has_text=address).get_by_role("link").all():
                if re.search("code|Code|código", await link.inner_text()):
                    await follow(link)
                    await expect(mailbox.locator(".words")).to_contain_text(re.compile(r"\b\d{6}\b"))
                    (code,) = re.findall(r"\b\d{6}\b", await mailbox.locator(".words").inner_text())
                    await mailbox.close()
                    return code


async def is_as_wide_as_its_window(page) -> bool:
    return await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def move_to_the_last_time(page) -> None:
    await follow(page.locator(".month a").last)
    await expect(page.locator(".month a").last).to_have_attribute("aria-current", "date")
    await follow(page.locator(".times button").last)


async def test_a_patient_looks_moves_and_cancels(site, page):
    made = make(site, "yael@example.org")
    await page.goto(page_of(site, made, "?new=1"))
    await expect(page.get_by_role("status")).to_contain_text("Save this link")
    own_path = page_of(site, made).removeprefix(site.url)
    await expect(page.get_by_label("Link to this page")).to_have_value(re.compile(f"{re.escape(own_path)}$"))
    async with page.expect_download() as calendar:
        await page.get_by_role("link", name="Calendar file").click()
    assert "BEGIN:VEVENT" in (await (await calendar.value).path()).read_text()
    await follow(page.get_by_role("link", name="Reschedule appointment"))
    await move_to_the_last_time(page)
    await expect(page).to_have_url(MOVED)
    assert now_of(site, made)["startTime"] != made["startTime"]
    await follow(page.get_by_role("link", name="Cancel appointment"))
    assert now_of(site, made)["status"] == "booked"
    await page.get_by_label("Reason for cancelling (optional)").fill("Better again")
    await follow(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")
    assert (now_of(site, made)["status"], now_of(site, made)["cancelReason"]) == ("cancelled", "Better again")
    await expect(page.get_by_role("link", name="Book another appointment")).to_have_attribute(
        "href", "/c/harbor-street"
    )


async def test_the_same_goes_without_scripts_on_a_phone(site, browser):
    made = make(site, "sharma@example.org", clinic=3, type="Consultation")
    context, page, _ = await browsers.new_page(browser, java_script_enabled=False, **PHONE)
    await page.goto(page_of(site, made))
    await follow(page.get_by_role("link", name="Reschedule appointment"))
    await move_to_the_last_time(page)
    await expect(page).to_have_url(MOVED)
    await follow(page.get_by_role("link", name="Cancel appointment"))
    await follow(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")
    assert now_of(site, made)["status"] == "cancelled"
    await context.close()


async def test_the_keyboard_is_enough(site, page):
    made = make(site, "wang.fang@example.net")
    await page.goto(page_of(site, made))
    await follow_by_keyboard(page.get_by_role("link", name="Reschedule appointment"))
    await expect(page.locator(".times button").last).to_be_visible()
    await follow_by_keyboard(page.locator(".month a").last)
    await expect(page.locator(".month a").last).to_have_attribute("aria-current", "date")
    await follow_by_keyboard(page.locator(".times button").last)
    await expect(page).to_have_url(MOVED)
    await follow_by_keyboard(page.get_by_role("link", name="Cancel appointment"))
    await expect(page.get_by_label("Reason for cancelling (optional)")).to_be_visible()
    await follow_by_keyboard(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")


async def test_when_it_is_too_late_there_is_a_telephone_number_and_no_button(site, page):
    made = make(site, "soren@example.net", clinic=1, type="Sprechstunde")
    with api(site) as client:
        policy = client.get("/api/clinics/1").json()["policy"]
        client.patch("/api/clinics/1", json={"policy": {"cancelNoticeMinutes": 60 * 24 * 30}})
        await page.goto(page_of(site, made))
        await expect(page.locator(".notice a[href^='tel:']")).to_have_text("+49 30 23125000", use_inner_text=True)
        await expect(page.get_by_role("link", name=re.compile("Reschedule|Cancel"))).to_have_count(0)
        client.patch("/api/clinics/1", json={"policy": {"cancelNoticeMinutes": policy["cancelNoticeMinutes"]}})


async def test_a_time_that_goes_while_one_looks_is_answered_by_others(site, page):
    made, other = make(site, "sokolov@example.org", days=21), make(site, "haddad@example.net", days=28)
    await page.goto(page_of(site, made, f"/move?doctor={made['doctorId']}"))
    chosen = page.locator(".times button").first
    await expect(chosen).to_be_visible()
    start = await chosen.get_attribute("value")
    with api(site) as client:
        taken = client.put(f"/api/appointments/{other['id']}", json={"startTime": start, "doctorId": made["doctorId"]})
        assert taken.status_code == 200, taken.text
    await follow(chosen)
    await expect(page.get_by_role("alert")).to_contain_text("These are the nearest available times")
    assert await faults_of(page) == []
    assert now_of(site, made)["startTime"] == made["startTime"]
    await follow(page.get_by_role("alert").get_by_role("button").first)
    await expect(page).to_have_url(MOVED)
    assert now_of(site, made)["startTime"] not in (made["startTime"], start)


async def test_a_family_signs_in_by_one_address_and_sees_the_appointments_of_all(site, browser):
    made = make(site, "oneill@example.com")
    context, page, watched = await browsers.new_page(browser, **PHONE)
    await sign_in(page, site, "oneill@example.com")
    await expect(page).to_have_url(f"{site.url}/my")
    await expect(page.locator(".facts")).to_contain_text("oneill@example.com")
    await follow(page.locator(f"a[href='/appointments/{made['manageToken']}']"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment")
    await follow(page.get_by_role("link", name="Cancel appointment"))
    await follow(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")
    await follow(page.get_by_role("link", name="My appointments"))
    await follow(page.get_by_role("link", name="Your data"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your data")
    await page.go_back()
    await follow(page.get_by_role("button", name="Sign out"))
    await page.goto(f"{site.url}/my")
    await expect(page).to_have_url(f"{site.url}/sign-in?next=%2Fmy")
    assert watched.complaints == []
    await context.close()


async def test_signing_in_works_without_scripts_and_tells_what_is_wrong_at_the_field(site, browser):
    context, page, _ = await browsers.new_page(browser, java_script_enabled=False)
    await page.goto(f"{site.url}/my?lang=en")
    await page.locator("#address").fill("li.wei@")
    await follow(page.locator("main button"))
    await expect(page.locator("#address-fault")).not_to_be_empty()
    await page.locator("#address").fill("li.wei@example.net")
    await follow(page.locator("main button"))
    await page.locator("#code").fill("12")
    await follow(page.locator("main button"))
    await expect(page.locator("#code-fault")).to_have_text("Enter the six-digit code.")
    await page.locator("#code").fill(await sent_code(page, site, "li.wei@example.net"))
    await follow(page.locator("main button"))
    await expect(page).to_have_url(f"{site.url}/my?lang=en")
    await page.get_by_text("Others using this address").click()
    another = page.locator("button[name=customer]").first
    await expect(another).to_be_visible()
    name = await another.inner_text()
    await follow(another)
    await expect(page.locator(".facts")).to_contain_text(name)
    await context.close()


async def test_the_visitors_own_time_is_told_where_it_is_another_one(site, browser):
    made = make(site, "kovalenko@example.net", clinic=1, type="Sprechstunde")
    for zone, differs in (("Europe/Berlin", False), ("America/New_York", True)):
        context, page, _ = await browsers.new_page(browser, timezone_id=zone)
        await page.goto(page_of(site, made))
        facts = page.locator(".facts")
        await expect(facts).to_be_visible()
        if differs:
            await expect(facts).to_contain_text("Your local time", use_inner_text=True)
        else:  # the script has run when the page has loaded
            await expect(facts).not_to_contain_text("Your local time", use_inner_text=True)
        await context.close()


async def pages_of(page, site) -> list[str]:
    """The address of each page of a patient who has signed in."""
    made = make(site, "dsouza@example.org", clinic=3, type="Consultation")
    cancelled = make(site, "dsouza@example.org", clinic=3, type="Consultation")
    with api(site) as client:
        client.delete(f"/api/appointments/{cancelled['id']}", headers={"If-Match": '"v1"'})
    await sign_in(page, site, "dsouza@example.org")
    export_link = page.get_by_role("link", name="Your data")
    await expect(export_link).to_be_visible()
    export = await export_link.get_attribute("href")
    address = f"/appointments/{made['manageToken']}"
    return [
        "/my",
        f"{address}?new=1",
        f"{address}?moved=1",
        f"{address}/cancel",
        f"{address}/move",
        f"/appointments/{cancelled['manageToken']}",
        "/appointments/apm_x",
        "/sign-in",
        "/sign-in/019c5266-e140-74a8-9775-f97772db3a78",
        str(export),
        "/password-reset",
        "/credentials/x",
        "/nothing",
        "/dev/mailbox",
        "/problems",
    ]


async def test_nothing_serious_is_wrong_with_any_page_in_any_language_or_direction(site, browser):
    context, page, _ = await browsers.new_page(browser, **PHONE)
    wrong: list[object] = []
    for path in await pages_of(page, site):
        for language in AXE_LANGUAGES:
            await context.add_cookies([{"name": "language", "value": language, "url": site.url}])
            await page.goto(site.url + path)
            wrong += [(path, language, fault) for fault in await faults_of(page)]
            await expect(page.locator("html"), path).to_have_attribute("lang", language)
            wrong += [] if await is_as_wide_as_its_window(page) else [(path, language, "scrolls sideways")]
        await page.evaluate("document.documentElement.dir = 'rtl'")
        wrong += [] if await is_as_wide_as_its_window(page) else [(path, "from right to left", "scrolls sideways")]
    assert wrong == []
    await context.close()


async def test_the_pages_are_right_in_the_dark_too(site, browser):
    context, page, _ = await browsers.new_page(browser, color_scheme="dark")
    made = make(site, "minjun@example.com")
    for part in ("?new=1", "/cancel", "/move"):
        await page.goto(page_of(site, made, part))
        assert await faults_of(page) == []
    await context.close()


async def test_the_language_of_the_footer_holds_from_page_to_page(site, browser):
    context, page, _ = await browsers.new_page(browser)
    await page.goto(f"{site.url}/sign-in?next=/my")
    await follow(page.get_by_role("link", name="Deutsch"))
    await page.locator("#address").fill("nobody@example.org")
    await follow(page.get_by_role("button", name="Code senden"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Code eingeben")
    await follow(page.get_by_role("link", name="français"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Saisissez le code")
    await page.goto(f"{site.url}/nothing")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Introuvable")
    await context.close()
