"""Staff sign in on the sign-in page."""

import re

import pytest
from playwright.async_api import expect

from support.browsers import PASSWORD, expect_accessible, follow, open_page

RECEPTION = "reception@spreebogen.example.org"


async def test_a_receptionist_lands_on_their_clinics_pages(site, page):
    await page.goto(f"{site.url}/staff/sign-in")
    await page.get_by_label("Email").fill(RECEPTION)
    await page.locator("input[name=password]").fill(PASSWORD)
    await follow(page.locator("form[action='/staff/sign-in'] button"))
    await expect(page).to_have_url(re.compile(f"^{re.escape(site.url)}/staff/1/"))
    await page.goto(f"{site.url}/staff/sign-in")
    await expect_accessible(page)


async def test_a_wrong_password_is_reported_and_the_email_address_is_kept(site, page):
    await page.goto(f"{site.url}/staff/sign-in")
    await page.get_by_label("Email").fill(RECEPTION)
    await page.locator("input[name=password]").fill("not " + PASSWORD)
    await follow(page.locator("form[action='/staff/sign-in'] button"))
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_label("Email")).to_have_value(RECEPTION)


async def test_a_staff_page_redirects_to_sign_in_when_signed_out(site, page):
    await page.goto(f"{site.url}/staff")
    await expect(page).to_have_url(f"{site.url}/staff/sign-in?next=%2Fstaff")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_design_page_is_accessible(site, browser, scheme):
    async with open_page(browser, color_scheme=scheme) as page:
        await page.goto(f"{site.url}/design")
        await expect_accessible(page)
