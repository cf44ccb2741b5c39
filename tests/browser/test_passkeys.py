"""Users add passkeys and sign in with them, using the browser's own virtual authenticator."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from support.browsers import expect_accessible, follow, sign_in
from support.harbor_street import add_manager
from support.staff import PASSWORD

SECURITY = "/staff/account/security"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@asynccontextmanager
async def authenticator(page: Page, **options: Any) -> AsyncIterator[Any]:
    """Give the page an authenticator."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | options})
    yield devtools
    await devtools.send("WebAuthn.disable")


@pytest.fixture
def address(site) -> str:
    """Return the site's address with a domain name, because passkeys don't work on IP addresses."""
    return site.url.replace("127.0.0.1", "localhost")


async def hide_from_autofill(page: Page) -> None:
    """Stop the browser from offering passkeys when it fills in the email address. The virtual authenticator would sign
    the user in at once.
    """
    await page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")


async def add_passkey(page: Page, address: str, name: str) -> None:
    await page.goto(f"{address}{SECURITY}")
    await page.get_by_label("Passkey name").fill(name)
    await page.get_by_role("button", name="Add passkey").click()


async def test_a_user_adds_a_passkey_signs_in_with_it_and_removes_it(site, page, address):
    email = await add_manager(site)
    async with authenticator(page):
        await sign_in(page, address, email, PASSWORD)
        await add_passkey(page, address, "Mia’s laptop")
        await expect(page.locator("#recovery-codes")).to_have_text(re.compile("^([a-z2-9-]{19}\\s?){10}$"))
        codes = await page.locator("#recovery-codes").inner_text()
        code = codes.split()[0]
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Download").click()
        assert Path(await (await download.value).path()).read_text().strip() == codes.strip()
        await follow(page.get_by_role("button", name="I’ve saved the codes"))
        await expect(page.get_by_role("row", name="Mia’s laptop")).to_contain_text("Never")
        await expect_accessible(page)

        await hide_from_autofill(page)
        await follow(page.get_by_role("button", name="Sign out", exact=True))
        await page.goto(f"{address}{SECURITY}")
        await follow(page.get_by_role("button", name="Sign in with a passkey"))
        await expect(page).to_have_url(f"{address}{SECURITY}")
        await expect(page.get_by_role("row", name="Mia’s laptop")).not_to_contain_text("Never")

        await follow(page.get_by_role("button", name="Sign out", exact=True))
        await page.goto(f"{address}/staff/sign-in?next={SECURITY}")
        for recovery_code in (None, code):
            await page.get_by_label("Email address").fill(email)
            await page.get_by_label("Password").fill(PASSWORD)
            if recovery_code:
                await page.get_by_label("Recovery code").fill(recovery_code)
            await follow(page.get_by_role("button", name="Sign in", exact=True))
        await expect(page.get_by_text("You have 9 unused codes")).to_be_visible()

        await page.get_by_text("Rename – Mia’s laptop").click()
        await page.get_by_role("row").get_by_label("Passkey name").fill("Mia’s old laptop")
        await follow(page.get_by_role("button", name="Save name"))
        await expect(page.locator(".notice.good")).to_have_text("Passkey renamed.")

        page.on("dialog", lambda dialog: dialog.accept())
        await follow(page.get_by_role("button", name="Remove Mia’s old laptop"))
        await expect(page.locator(".notice.good")).to_have_text("Passkey removed.")


async def test_the_browser_offers_passkeys_when_it_fills_in_the_email_address(site, page, address):
    """The virtual authenticator accepts the offer at once."""
    email = await add_manager(site)
    async with authenticator(page):
        await sign_in(page, address, email, PASSWORD)
        await add_passkey(page, address, "Mia’s laptop")
        await follow(page.get_by_role("button", name="I’ve saved the codes"))
        await page.context.clear_cookies()  # the page after “Sign out” would already offer the passkey
        await page.goto(f"{address}{SECURITY}", wait_until="commit")  # the sign-in page may close while it loads
        await expect(page).to_have_url(f"{address}{SECURITY}")
        await expect(page.get_by_role("row", name="Mia’s laptop")).not_to_contain_text("Never")


async def test_an_authenticator_that_does_not_verify_its_user_cannot_add_a_passkey(site, page, address):
    email = await add_manager(site)
    async with authenticator(page, isUserVerified=False):
        await sign_in(page, address, email, PASSWORD)
        await add_passkey(page, address, "Shared laptop")
        await expect(page.get_by_text("Your device didn’t confirm the passkey.")).to_be_visible()


async def test_without_a_domain_the_page_says_where_passkeys_work(site, page, address):
    email = await add_manager(site)
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(f"{site.url}{SECURITY}")
    await expect(page.get_by_text(f"They work in current browsers at {address}.")).to_be_visible()
    await expect(page.get_by_role("button", name="Add passkey")).to_be_hidden()
