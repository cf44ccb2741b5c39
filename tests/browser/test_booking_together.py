"""A patient books several appointments, and appointments for several people, in one visit."""

import re

import pytest
from playwright.async_api import Page, expect

from support.browsers import DAYS, Site, expect_accessible, expect_no_sideways_scrolling, follow, open_page
from support.public_booking import ADULT, NEWBORN, answer_questions, enter_code, send


async def choose(page: Page, type: str, *, day: int) -> None:
    """From the clinic's page, choose a type and the second time on one of next month's days."""
    await follow(page.get_by_role("link", name=re.compile(f"^{type}")))
    await follow(page.locator(".turn [rel=next]"))
    await follow(page.locator(DAYS).nth(day))
    await expect(page).to_have_url(re.compile("date="))
    await follow(page.locator(".times a").nth(1))
    await expect(page.locator("#booking")).to_be_visible()


async def add_time(page: Page, type: str, *, day: int) -> None:
    await follow(page.get_by_role("link", name="Add another appointment or person to this visit"))
    await expect(page.get_by_role("status")).to_contain_text("You have already chosen:")
    await choose(page, type, day=day)


async def fill_in_for_two(page: Page, email: str) -> None:
    """Fill in the form for a child's check-up and, as the other appointment in the visit, a parent's visit."""
    await page.locator("[name=name]").fill("Mia Souza")
    await page.locator("[name=email]").fill(email)
    await answer_questions(page, NEWBORN)
    await page.locator("[name=name1]").fill("Ana Souza")
    if await page.locator("[name=birthDate1]").count():
        await page.locator("[name=birthDate1]").fill(ADULT)


async def book_for_two(page: Page, site: Site, *, day: int, email: str, has_scripts: bool) -> None:
    """Choose two times and book them. Mistype the address first."""
    await page.goto(f"{site.url}/c/spreebogen")
    await choose(page, "Sprechstunde", day=day)
    await add_time(page, "Kinderuntersuchung", day=day)
    await expect(page.get_by_role("heading", name="Also in this visit")).to_be_visible()
    if has_scripts:
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)
    await fill_in_for_two(page, f"wrong-{email}")
    await send(page)
    await expect(page.get_by_role("heading", name="Confirm your booking")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("Also in this visit")
    if has_scripts:
        await expect_accessible(page)
    await follow(page.get_by_role("link", name="Change your details"))
    await expect(page.locator("main")).not_to_contain_text("no longer available")
    if has_scripts:
        await expect(page.locator("[name=name]")).to_have_value("Mia Souza")
        await expect(page.locator("[name=name1]")).to_have_value("Ana Souza")
        await expect(page.locator("[name=email]")).to_have_value(f"wrong-{email}")
    await fill_in_for_two(page, email)
    await send(page)
    await enter_code(page)
    await expect(page.get_by_role("heading", name="Also in this visit")).to_be_visible()
    if has_scripts:
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_parent_books_for_a_child_and_themselves_and_corrects_their_address(site, browser, has_scripts):
    async with open_page(browser, java_script_enabled=has_scripts) as page:
        day, email = (5, "souza@example.org") if has_scripts else (6, "souza2@example.org")
        await book_for_two(page, site, day=day, email=email, has_scripts=has_scripts)
        await follow(page.get_by_role("link", name=re.compile("^Sprechstunde, ")))
        await expect(page.locator(".facts")).to_contain_text("Sprechstunde")
        await expect(page.get_by_role("link", name="Reschedule appointment")).to_be_visible()
