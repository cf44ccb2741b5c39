"""Staff sign in and out by pages."""

import re

import pytest
from playwright.async_api import expect

from support import browsers
from support.browsers import PASSWORD, faults_of, follow, sign_in

pytestmark = pytest.mark.anyio


async def test_a_receptionist_comes_to_the_day_of_their_clinic(site, page):
    await sign_in(page, site.url, "reception@spreebogen.example.org")
    await expect(page).to_have_url(re.compile(f"^{re.escape(site.url)}/staff/1/"))
    await page.goto(f"{site.url}/staff/sign-in")
    assert await faults_of(page) == []


async def test_a_wrong_password_is_told_and_the_address_kept(site, page):
    await page.goto(f"{site.url}/staff/sign-in")
    await page.get_by_label("Email").fill("reception@spreebogen.example.org")
    await page.locator("input[name=password]").fill("not " + PASSWORD)
    await follow(page.locator("main button"))
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_label("Email")).to_have_value("reception@spreebogen.example.org")


async def test_who_is_not_signed_in_is_asked_to_and_comes_back(site, page):
    await page.goto(f"{site.url}/staff")
    await expect(page).to_have_url(f"{site.url}/staff/sign-in?next=%2Fstaff")


async def test_the_design_is_shown_and_nothing_serious_is_wrong_with_it(site, browser):
    for scheme in ("light", "dark"):
        context, page, watched = await browsers.new_page(browser, color_scheme=scheme)
        await page.goto(f"{site.url}/design")
        assert await faults_of(page) == []
        assert watched.complaints == []
        await context.close()
