"""Users manage their own accounts: name, password, two-step sign-in and sessions."""

import re

import pyotp
from playwright.async_api import expect

from support.browsers import follow, open_page, sign_in
from support.harbor_street import add_manager, connect, fill
from support.staff import ANOTHER, PASSWORD


async def test_a_user_sets_up_two_step_sign_in_uses_it_and_turns_it_off(site, page):
    email = await add_manager(site)
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(f"{site.url}/staff/account/security")
    await page.locator("#password").fill("not my password")
    await page.get_by_role("button", name="Set up authenticator app").click()
    await expect(page.locator("#password-fault")).to_have_text("is not your current password")
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Set up authenticator app").click()
    secret = page.locator("[data-answer=secret]")
    await expect(secret).to_have_text(re.compile("^([A-Z2-7]{4} ?){8}$"))
    await expect(page.locator("[data-answer=uri]")).to_have_attribute("href", re.compile("^otpauth://totp/"))
    totp = pyotp.TOTP((await secret.inner_text()).replace(" ", ""))
    await page.locator("#code").fill("000000")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.locator("#code-fault")).to_have_text(re.compile("."))
    await page.locator("#code").fill(totp.now())
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.locator("#recovery-codes")).to_have_text(re.compile("^([a-z2-9-]{19}\\s?){10}$"))
    await follow(page.get_by_role("button", name="I’ve saved the codes"))
    await expect(page.locator(".notice.good")).to_have_text("Two-step sign-in is on.")

    await follow(page.get_by_role("button", name="Sign out", exact=True))
    async with connect(site) as db:  # a code works only once; this saves waiting for the next one
        await db.execute("update app_user set totp_step = null where email = $1", email)
    await page.goto(f"{site.url}/staff/sign-in?next=/staff/account/security")
    await fill(page, email=email, password=PASSWORD)
    await follow(page.locator("form[action='/staff/sign-in'] button"))
    await fill(page, password=PASSWORD, totp=totp.now())
    await follow(page.locator("form[action='/staff/sign-in'] button"))
    await expect(page).to_have_url(f"{site.url}/staff/account/security")
    await page.locator("#password").fill(PASSWORD)
    await follow(page.get_by_role("button", name="Remove authenticator app"))
    await expect(page.locator(".notice.good")).to_have_text("Authenticator app removed.")


async def test_changing_the_password_signs_the_user_out_on_other_devices(site, browser, page):
    email = await add_manager(site)
    async with open_page(browser) as other_device:
        await sign_in(other_device, site.url, email, PASSWORD)
        await sign_in(page, site.url, email, PASSWORD)
        await page.goto(f"{site.url}/staff/account")
        await fill(page, name="Mia Groß")
        await follow(page.get_by_role("button", name="Save"))
        await expect(page.locator(".who")).to_contain_text("Mia Groß")
        await follow(page.get_by_role("link", name="Sign-in and security"))
        await expect(page.get_by_role("button", name="End session")).to_have_count(1)
        await fill(page, current=PASSWORD, new="short")
        await page.get_by_role("button", name="Change password").click()
        await expect(page.locator("#new-fault")).to_contain_text("12")
        await fill(page, current=PASSWORD, new=ANOTHER)
        await follow(page.get_by_role("button", name="Change password"))
        await expect(page.locator(".notice.good")).to_contain_text("Password changed.")
        await expect(page.get_by_role("button", name="End session")).to_have_count(0)
        await other_device.goto(f"{site.url}/staff/account/security")
        await expect(other_device).to_have_url(re.compile("/staff/sign-in"))
    await follow(page.get_by_role("button", name="Sign out on all devices"))
    await expect(page).to_have_url(f"{site.url}/staff/sign-in")


async def test_a_password_never_ends_up_in_the_address_when_scripts_fail_to_load(site, page):
    email = await add_manager(site)
    await sign_in(page, site.url, email, PASSWORD)
    await page.route("**/*.js", lambda route: route.abort())
    await page.goto(f"{site.url}/staff/account/security")
    await page.locator("#current").fill(PASSWORD)
    await page.locator("#new").fill(ANOTHER)
    await follow(page.get_by_role("button", name="Change password"))
    await expect(page.get_by_role("heading", name="Nothing was saved")).to_be_visible()
    await expect(page).to_have_url(f"{site.url}/staff/account/security")


async def test_a_staff_user_has_no_access_to_patients_pages(site, page):
    email = await add_manager(site)
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(f"{site.url}/my")
    await expect(page.get_by_text("Your account doesn’t have access to this page.")).to_be_visible()


async def test_signing_out_again_in_a_second_window_says_that_the_user_is_signed_out(site, page):
    email = await add_manager(site)
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(f"{site.url}/staff/account/security")
    other_page = await page.context.new_page()
    await other_page.goto(f"{site.url}/staff/account/security")
    for window in (page, other_page):
        await follow(window.locator(".side form button"))
    await expect(other_page.get_by_role("heading", name="You are signed out")).to_be_visible()
