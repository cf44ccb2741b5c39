"""Patients' pages are accessible in every language, on a phone, in right-to-left layout, and in dark mode."""

import re

from playwright.async_api import Page, expect

from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    Site,
    api,
    expect_accessible,
    expect_no_sideways_scrolling,
    open_page,
)
from support.patient_browser import book, path_of, sign_in


async def paths_after_sign_in(page: Page, site: Site) -> list[str]:
    """Sign in as a patient, and return the paths of all pages that patients see."""
    appointment, cancelled_appointment = (
        book(site, "dsouza@example.org", clinic=3, type="Consultation"),
        book(site, "dsouza@example.org", clinic=3, type="Consultation"),
    )
    with api(site) as client:
        client.delete(f"/api/appointments/{cancelled_appointment['id']}", headers={"If-Match": '"v1"'})
    await sign_in(page, site, "dsouza@example.org")
    export_link = page.get_by_role("link", name="Your data", exact=True)
    await expect(export_link).to_be_visible()
    return [
        "/my",
        "/my/invoices",
        path_of(appointment, "?new=1"),
        path_of(appointment, "?moved=1"),
        path_of(appointment, "/cancel"),
        path_of(appointment, "/move"),
        path_of(appointment, f"/move/confirm?start={appointment['startTime']}"),
        path_of(cancelled_appointment),
        "/appointments/apm_x",
        "/sign-in",
        "/sign-in/019c5266-e140-74a8-9775-f97772db3a78",
        str(await export_link.get_attribute("href")),
        "/password-reset",
        "/credentials/x",
        "/nothing",
        "/dev/mailbox",
        "/problems",
    ]


async def test_patients_pages_are_accessible_in_every_language_and_direction(site, browser):
    async with open_page(browser, viewport=PHONE) as page:
        for path in await paths_after_sign_in(page, site):
            for language in AXE_LANGUAGES:
                await page.context.add_cookies([{"name": "language", "value": language, "url": site.url}])
                await page.goto(site.url + path)
                await expect(page.locator("html"), path).to_have_attribute("lang", re.compile(rf"^{language}\b"))
                await expect_accessible(page)
                await expect_no_sideways_scrolling(page)
            await page.evaluate("document.documentElement.dir = 'rtl'")
            await expect_no_sideways_scrolling(page)


async def test_an_appointments_pages_are_accessible_in_dark_colours(site, browser):
    appointment = book(site, "minjun@example.com")
    async with open_page(browser, color_scheme="dark") as page:
        for part in ("?new=1", "/cancel", "/move"):
            await page.goto(site.url + path_of(appointment, part))
            await expect_accessible(page)


async def test_the_queue_is_accessible_in_every_language_and_in_dark_colours(site, browser):
    with api(site) as client:
        client.patch("/api/clinics/2/queue", json={"open": True}).raise_for_status()
        try:
            async with open_page(browser, viewport=PHONE, color_scheme="dark") as page:
                for language in AXE_LANGUAGES:
                    response = await page.goto(f"{site.url}/c/2?lang={language}")
                    assert response
                    assert "refresh" in response.headers
                    await expect_accessible(page)
                    await expect_no_sideways_scrolling(page)
        finally:
            client.patch("/api/clinics/2/queue", json={"open": False}).raise_for_status()
