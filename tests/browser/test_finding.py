"""A patient chooses from the search's suggestions, and a manager corrects where the search finds the clinic."""

import re

import pytest
from playwright.async_api import expect

from support.browsers import AXE_LANGUAGES, api, expect_accessible, follow, open_page
from support.lotus_lane import CLINIC, expect_notice, staff_url

OPTION = ".suggestions [role=option]"


async def test_a_patient_opens_a_suggested_doctor_with_the_keyboard(site, page):
    await page.goto(site.url)
    field = page.get_by_role("combobox", name="Doctor, clinic, specialty or reason")
    await field.press_sequentially("yildi")
    await expect(page.locator(OPTION, has_text="Dr. Emre Yıldız")).to_be_visible()
    await expect(field).to_have_attribute("aria-expanded", "true")
    await field.press("ArrowDown")
    await expect(page.locator(OPTION).first).to_have_attribute("aria-selected", "true")
    await field.press("Escape")
    await expect(page.locator(OPTION)).to_have_count(0)
    await expect(field).to_have_value("yildi")
    await field.press_sequentially("z")
    await expect(page.locator(OPTION, has_text="Dr. Emre Yıldız")).to_be_visible()
    await field.press("ArrowDown")
    async with page.expect_navigation():
        await field.press("Enter")
    await expect(page.get_by_role("main")).to_contain_text("With Dr. Emre Yıldız")


async def test_a_patient_searches_near_a_suggested_town(site, page):
    await page.goto(site.url)
    await page.get_by_label("Town or postal code").press_sequentially("berli")
    await expect(page.locator(OPTION).first).to_contain_text("Berlin Germany")
    await follow(page.locator(OPTION).first)
    await expect(page.get_by_role("link", name="Praxis am Spreebogen")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Near Berlin")


async def test_a_search_without_scripts_understands_a_specialty_and_a_place(site, browser):
    async with open_page(browser, java_script_enabled=False) as page:
        await page.goto(site.url)
        await page.get_by_label("Doctor, clinic, specialty or reason").fill("dermatologist 10557")
        await follow(page.get_by_role("button", name="Search"))
        await expect(page.locator(".found .card")).to_have_count(1)
        await expect(page.get_by_role("main")).to_contain_text("Near 10557 Berlin")


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_suggestions_are_accessible(site, browser, language):
    async with open_page(browser, language) as page:
        await page.goto(site.url)
        await page.locator("#q").press_sequentially("mül")
        await page.locator("#q").press("ArrowDown")
        await expect(page.locator(OPTION).first).to_be_visible()
        await expect_accessible(page)


async def test_a_manager_corrects_where_searches_find_the_clinic(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "profile"))
    field = page.get_by_label(re.compile("^Coordinates"))
    section = page.locator("#place")
    await expect(section).to_contain_text("patients find the clinic near")
    await field.fill("somewhere")
    await section.get_by_role("button", name="Save").click()
    await expect(page.locator("#coordinates-fault")).to_contain_text("Enter a latitude and a longitude")
    await field.fill("22.5448, 88.3426")
    await follow(section.get_by_role("button", name="Save"))
    await expect_notice(page, "Saved.")
    location = api(site).get(f"/api/clinics/{CLINIC}").json()["profile"]["location"]
    assert location == {"latitude": 22.5448, "longitude": 88.3426}
    await expect(field).to_have_value("22.5448, 88.3426")
    await field.fill("")
    await follow(section.get_by_role("button", name="Save"))
    await expect(section).to_contain_text("patients find the clinic near")
    assert api(site).get(f"/api/clinics/{CLINIC}").json()["profile"]["location"] is None
