"""A manager gives other systems access through API keys and webhooks."""

import re

import httpx2
from playwright.async_api import expect

from support.browsers import follow, sign_in
from support.harbor_street import CLINIC, MANAGER, connect, fill, staff_url


async def test_an_api_key_is_created_shown_once_rotated_and_revoked(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "keys/new"))
    await fill(page, name="Referral portal")
    await page.get_by_role("button", name="Create key").click()
    await expect(page.locator("#scopes-fault")).to_have_text(re.compile("."))
    await page.get_by_label("View patients and their notes").check()
    await page.get_by_role("button", name="Create key").click()
    secret = page.locator("#made-secret")
    await expect(secret).to_have_text(re.compile("^apt_"))
    key = await secret.inner_text()
    await follow(page.get_by_role("button", name="Done"))
    await expect(page).to_have_url(staff_url(site, "keys"))
    await follow(page.get_by_role("link", name="Referral portal").last)
    await expect(page.locator("#overlapMinutes")).to_be_visible()
    assert key not in await page.content()

    async with httpx2.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {key}"}) as partner:
        assert (await partner.get(f"/api/clinics/{CLINIC}/patients")).status_code == 200
        await page.locator("#overlapMinutes").select_option("0")
        await page.get_by_role("button", name="Create new secret").click()
        await expect(secret).to_have_text(re.compile("^apt_"))
        await expect(secret).not_to_have_text(key)
        assert (await partner.get(f"/api/clinics/{CLINIC}/patients")).status_code == 401
    async with page.expect_navigation():
        await page.keyboard.press("Escape")
    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("button", name="Revoke key"))
    await expect(page).to_have_url(staff_url(site, "keys"))
    await follow(page.get_by_role("link", name="Show revoked keys"))
    await expect(page.get_by_role("row").filter(has_text="Referral portal").first).to_contain_text("Revoked")


async def fail_deliveries(site, webhook_id: str) -> None:
    """Turn a webhook off, as repeated failed deliveries would."""
    async with connect(site) as db:
        await db.execute(
            "update webhook set disabled_at = now(), failing_since = now() where clinic_id = $1 and id = $2",
            CLINIC,
            webhook_id,
        )
        await db.execute(
            """
            insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at, status,
                                          attempts, response_status, reason)
            values ($1, mint_id($1), $2, uuidv7(), 'appointment.booked', 'one', now(), 'failed', 8, 500,
                    'responded with 500')
            """,
            CLINIC,
            webhook_id,
        )


async def test_a_webhook_is_added_turned_on_again_after_failures_and_removed(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "webhooks/new"))
    await fill(page, url="https://10.0.0.1/appoint")
    await page.get_by_role("button", name="Add webhook").click()
    await expect(page.locator("#url-fault")).to_have_text("must be reachable from the internet")
    await fill(page, url="https://93.184.215.14/appoint", description="Laboratory")
    await page.get_by_text("Events (all if none selected)").click()
    await page.get_by_label("appointment.booked").check()
    await page.get_by_role("button", name="Add webhook").click()
    await expect(page.locator("#made-secret")).to_have_text(re.compile("^whsec_"))
    await follow(page.get_by_role("button", name="Done"))
    await expect(page).to_have_url(re.compile(r"/webhooks/[0-9a-f-]{36}$"))
    await fail_deliveries(site, page.url.rpartition("/")[2])
    await page.reload()
    await expect(page.get_by_role("row").filter(has_text="responded with 500")).to_contain_text("Failed")
    await follow(page.get_by_role("button", name="Turn on again"))
    await expect(page.locator(".badge.good").first).to_have_text("On")
    await page.get_by_role("button", name="Resend events").click()
    await expect(page.locator("#replayed")).to_contain_text(re.compile(r"\d"))
    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("button", name="Remove webhook"))
    await expect(page).to_have_url(staff_url(site, "webhooks"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text="Laboratory")).to_have_count(0)
