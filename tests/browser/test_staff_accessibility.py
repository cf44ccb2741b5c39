"""The pages for patients, messages, the team, integrations and the account are accessible, even on a phone."""

import re

import pytest
from playwright.async_api import expect

from appoint.kit import ids
from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    Site,
    expect_accessible,
    expect_no_sideways_scrolling,
    open_page,
    sign_in,
)
from support.harbor_street import CLINIC, add_dead_message, add_manager, add_patient, connect
from support.money_records import create_money_records
from support.staff import PASSWORD


async def staff_paths(site: Site, email: str, language: str) -> list[str]:
    """Add records for the pages to show, and return the pages' paths."""
    customer_id, _ = await add_patient(site)
    await add_dead_message(site, customer_id)
    webhook_id, key_id = ids.new_id(CLINIC), ids.new_id(CLINIC)
    async with connect(site) as db:
        user_id = await db.fetchval("select id from app_user where email = $1", email)
        await db.execute(
            """
            insert into webhook (clinic_id, id, url, secret)
            values ($1, $2, 'https://partner.example.com/', sha256(''))
            """,
            CLINIC,
            webhook_id,
        )
        await db.execute(
            """
            insert into api_key (clinic_id, id, name, scopes, secret_hash)
            values ($1, $2, 'Lab', '{see-patients}', sha256(''))
            """,
            CLINIC,
            key_id,
        )
        money = await create_money_records(db, CLINIC, customer_id, f"AXE-{language.upper()}")
        draft_id = await db.fetchval(
            """
            insert into invoice (clinic_id, id, customer_id, currency, language)
            values ($1, mint_id($1), $2, 'EUR', 'en')
            returning id
            """,
            CLINIC,
            customer_id,
        )
    clinic_paths = [
        "patients",
        "patients?q=nobody+of+that+name",
        f"patients/{customer_id}",
        "messages",
        "messages/words",
        f"messages/words/confirmation/email/{language}",
        "users",
        "users/invite",
        f"users/{user_id}",
        "keys",
        "keys/new",
        f"keys/{key_id}",
        "webhooks",
        "video",
        "webhooks/new",
        f"webhooks/{webhook_id}",
        "audit",
        "till",
        f"till?patient={customer_id}",
        "invoices",
        f"invoices/{draft_id}",
        f"invoices/{money['invoiceId']}",
        f"payments/{money['paymentId']}?done=taken",
        "coupons",
        f"coupons/{money['couponId']}",
        "payment-rules",
        "invoice-details",
        "payment-differences",
        "revenue",
    ]
    return [f"/staff/{CLINIC}/{path}" for path in clinic_paths] + [
        "/staff/account",
        "/staff/account/security",
        "/staff/clinics/new",
        "/staff",
    ]


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_staff_pages_are_accessible_on_a_phone(site, browser, language):
    email = await add_manager(site, administrator=True)
    async with open_page(browser, language, viewport=PHONE) as page:
        await sign_in(page, site.url, email, PASSWORD)
        for path in await staff_paths(site, email, language):
            response = await page.goto(site.url + path)
            assert response
            assert response.status == 200, path
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(rf"^{language}\b"))
            await expect_no_sideways_scrolling(page)
            await expect_accessible(page)
