"""A manager changes the clinic's settings, and an administrator closes and reopens a clinic."""

import re

import pytest
from playwright.async_api import expect

from support.app import TOKEN
from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    api,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
    sign_in,
)
from support.lotus_lane import (
    CLINIC,
    DOCTOR,
    MANAGER,
    RECEPTION,
    Practice,
    day_of_week,
    expect_notice,
    hours,
    staff_url,
)


async def test_a_manager_changes_the_notice_period_and_the_reminders(site, manager_page):
    page = manager_page
    notice_period = page.get_by_label("Minimum notice for changes")
    await page.goto(staff_url(site, "clinic"))
    await notice_period.fill("2")
    await page.locator("[id='policy.cancelNoticeMinutes-unit']").select_option("1440")
    await page.get_by_label("7 days").check()
    await follow(page.get_by_role("button", name="Save"))
    await expect_notice(page, "Saved.")
    clinic = api(site).get(f"/api/clinics/{CLINIC}").json()
    assert clinic["policy"]["cancelNoticeMinutes"] == 2880
    assert 10080 in clinic["notifications"]["reminderMinutes"]
    await expect(notice_period).to_have_value("2")
    await notice_period.fill("0")
    await page.get_by_label("7 days").uncheck()
    await follow(page.get_by_role("button", name="Save"))
    await expect(notice_period).to_have_value("0")


async def test_an_invalid_field_is_marked_and_other_fields_are_kept(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "clinic"))
    await page.locator("#address").fill("8 Lotus Lane")
    await page.get_by_label("URL name (slug)").fill("Lotus Lane!")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#slug[aria-invalid=true]")).to_be_visible()
    await expect(page.locator("#slug-fault")).not_to_be_empty()
    await page.get_by_label("URL name (slug)").fill("spreebogen")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").get_by_text("URL name already in use")).to_be_visible()
    await expect(page.locator("#slug-fault")).to_contain_text("Another clinic already uses this URL name")
    await expect(page.locator("#address")).to_have_value("8 Lotus Lane")


async def test_settings_changed_by_someone_else_are_not_overwritten_and_can_be_reloaded(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "clinic"))
    client, path = api(site), f"/api/clinics/{CLINIC}"
    etag = client.get(path).headers["ETag"]
    response = client.patch(path, json={"phone": "+913322221111"}, headers={"If-Match": etag})
    assert response.status_code == 200
    await page.get_by_label("Phone").fill("+913322223333")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Someone else has changed this in the meantime.")
    await expect(page.get_by_role("alert")).not_to_contain_text("If-Match", use_inner_text=True)
    await expect(page.get_by_label("Phone")).to_have_value("+913322223333")
    await follow(page.get_by_role("button", name="Reload"))
    await expect(page.get_by_label("Phone")).to_have_value("+913322221111")


async def test_the_settings_show_the_booking_page_and_the_code_to_embed_it(site, manager_page):
    await manager_page.goto(staff_url(site, "clinic"))
    link = manager_page.get_by_role("link", name="/c/lotus-lane")
    await expect(link).to_have_attribute("href", "/c/lotus-lane")
    await expect(manager_page.locator("#snippet")).to_have_text(
        f'<script src="{site.url}/embed.js" data-clinic="lotus-lane" async></script>', use_inner_text=True
    )


async def test_an_administrator_closes_a_clinic_and_reopens_it(site, browser):
    client = api(site)
    clinic_id = client.post("/api/clinics", json={"name": "Short-lived", "timeZone": "Europe/Paris"}).json()["id"]
    async with open_page(browser) as page:
        await page.set_extra_http_headers({"Authorization": f"Bearer {TOKEN}"})
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{site.url}/staff/{clinic_id}/clinic")
        await follow(page.get_by_role("button", name="Close clinic"))
        await expect_notice(page, "Clinic closed.")
        assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is False
        await follow(page.get_by_role("button", name="Reactivate"))
        await expect(page.get_by_text("Clinic reopened.")).to_be_visible()
        assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is True


@pytest.mark.parametrize(
    ("email", "path"),
    [
        (RECEPTION, "clinic"),
        (RECEPTION, "doctors"),
        (RECEPTION, "types"),
        (DOCTOR, "clinic"),
        (DOCTOR, "hours/changes"),
    ],
)
async def test_only_managers_see_the_settings(site, page, email, path):
    await sign_in(page, site.url, email)
    assert (await page.goto(staff_url(site, path))).status == 403


async def test_the_settings_are_translated(site, manager_page):
    heading = manager_page.locator("h1")
    await manager_page.goto(staff_url(site, "types"))
    await follow(manager_page.get_by_role("link", name="Deutsch"))
    await expect(heading).to_have_text("Terminarten", use_inner_text=True)
    await manager_page.goto(staff_url(site, "absences"))
    await expect(heading).to_have_text("Abwesenheiten", use_inner_text=True)


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_the_settings_are_accessible_on_a_phone(site, browser, language):
    practice = Practice(site, week={"monday": hours("09:00", "12:00")})
    practice.book(day_of_week(0), 11, 40)
    slot_id = practice.api.get(f"/api/clinics/{CLINIC}/timeslots").json()["items"][0]["id"]
    async with open_page(browser, language, viewport=PHONE) as page:
        await sign_in(page, site.url, MANAGER)
        for path in (
            "clinic",
            "doctors",
            "doctors?show=left",
            "doctors/new",
            f"doctors/{practice.doctor}",
            "types",
            "types?show=removed",
            "types/new",
            f"types/{practice.type}",
            "hours",
            f"hours/{practice.doctor}",
            f"hours/line/{practice.doctor}",
            f"hours/changes/{practice.doctor}",
            "hours/changes",
            f"hours/time-slots/{slot_id}",
            "absences",
            "absences?show=past",
            "absences/rebook",
            "absences/new",
            f"absences/new?doctor={practice.doctor}&from={day_of_week(0)}",
        ):
            assert (await page.goto(staff_url(site, path))).status == 200, path
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(rf"^{language}\b"))
            await expect_accessible(page)
            await expect_no_sideways_scrolling(page)


async def test_managers_see_only_the_fields_of_the_video_provider_they_choose(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "video"))
    gateway, provider = page.locator("#gateway"), page.locator("fieldset.provider:visible")
    for value, legends in {
        "bigbluebutton": ["BigBlueButton"],
        "daily": ["Daily", "Recordings, only with Daily"],
    }.items():
        await gateway.select_option(value)
        await expect(provider.locator("legend")).to_have_text(legends)
    await page.locator("#daily-url").fill("https://lakeside.daily.co")
    await page.locator("#daily-secret").fill("a key")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#daily-secret-fault")).to_contain_text("must be an API key")
    await page.locator("#daily-secret").fill("key")
    await follow(page.get_by_role("button", name="Save"))
    await expect_notice(page, "Saved.")
    await expect(provider.locator("legend").first).to_have_text("Daily")
    await expect_accessible(page)
    await gateway.select_option("demo")
    await expect(provider).to_have_count(0)
    await follow(page.get_by_role("button", name="Save"))
    await expect_notice(page, "Saved.")


async def test_without_scripts_the_fields_of_each_video_provider_are_together(site, browser):
    async with open_page(browser, java_script_enabled=False, viewport=PHONE) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(staff_url(site, "video"))
        await expect(page.locator("fieldset.provider:visible legend")).to_have_text(
            [
                "Jitsi Meet, on your own server",
                "Daily",
                "BigBlueButton",
                "8x8 (Jitsi as a service)",
                "Fixed links",
                "Recordings, only with Daily",
            ]
        )
