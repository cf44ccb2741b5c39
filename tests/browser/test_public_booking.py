"""A patient finds a clinic, chooses a time and books: with and without scripts, by keyboard, and on a phone."""

import re

import pytest
from playwright.async_api import Page, expect

from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    Site,
    api,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    follow_by_keyboard,
    open_page,
    tab_to,
)
from support.public_booking import (
    APPOINTMENT_URL,
    CODE_URL,
    NEWBORN,
    book,
    book_alternative,
    enter_code,
    fill_in,
    open_form,
    receive_code,
    send,
)


async def test_a_patient_finds_a_clinic_and_books(site, page):
    await page.goto(site.url)
    await page.locator("#where").fill("10557 Berlin")
    await page.get_by_text("More filters").click()
    await page.locator("#specialty").select_option("Dermatology")
    await follow(page.get_by_role("button", name="Search"))
    await expect(page.locator(".found .card")).to_have_count(1)
    await follow(page.get_by_role("link", name="Praxis am Spreebogen"))
    await follow(page.get_by_role("link", name="Hautkrebs-Screening"))
    await follow(page.get_by_role("link", name="Dr. Emre Yıldız"))
    await expect(page.get_by_role("link", name="Dr. Emre Yıldız")).to_have_attribute("aria-current", "true")
    await follow(page.locator(".times a").first)
    await fill_in(page)
    await book(page)
    await expect(page.locator("main")).to_contain_text("Dr. Emre Yıldız")


async def test_a_patient_books_without_scripts(site, browser):
    async with open_page(browser, java_script_enabled=False) as page:
        await open_form(page, site, day=1)
        await fill_in(page, email="ana@")
        await page.locator("[name=email]").evaluate("field => field.form.noValidate = true")
        await send(page)
        await expect(page.locator("#email-fault")).to_contain_text("email address")
        await expect(page.locator("[name=note]")).to_have_value("By wheelchair")
        await page.locator("[name=email]").fill("ana.without.scripts@example.org")
        await book(page)


async def test_a_patient_books_by_keyboard_alone(site, page):
    await page.goto(f"{site.url}/c/spreebogen")
    await follow_by_keyboard(page.get_by_role("link", name="Videosprechstunde"))
    await expect(page).to_have_url(re.compile(r"/times\?"))
    await follow_by_keyboard(page.locator(".turn [rel=next]"))
    await expect(page).to_have_url(re.compile("month="))
    await follow_by_keyboard(page.locator(".month a").nth(1))
    await expect(page).to_have_url(re.compile("date="))
    await follow_by_keyboard(page.locator(".times a").first)
    await expect(page).to_have_url(re.compile(r"/details\?"))
    await tab_to(page.get_by_label("Your name"))
    await page.keyboard.type("Ana Souza")
    await tab_to(page.get_by_label("Email address"))
    await page.keyboard.type("keys@example.org")
    await tab_to(page.get_by_label("Your date of birth"))
    await page.keyboard.type("02011980")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await expect(page).to_have_url(CODE_URL)
    await tab_to(page.get_by_label("Code"))
    code = await receive_code(page, page.url)
    async with page.expect_navigation():
        await page.keyboard.type(code)  # the form sends itself
    await expect(page).to_have_url(APPOINTMENT_URL)


async def test_a_patient_books_on_a_small_phone_without_scrolling_sideways(site, browser):
    async with open_page(browser, "de", viewport=PHONE) as page:
        await page.goto(site.url)
        await expect_no_sideways_scrolling(page)
        await page.goto(f"{site.url}/c/spreebogen")
        await expect_no_sideways_scrolling(page)
        for link in (page.get_by_role("link", name="Kinderuntersuchung"), page.locator(".times a").first):
            await follow(link)
            await expect_no_sideways_scrolling(page)
        await fill_in(page, born=NEWBORN)
        await send(page)
        await expect_no_sideways_scrolling(page)
        await enter_code(page)


async def fill_in_forms_for_same_time(site: Site, ana: Page, ben: Page) -> None:
    """Have two patients fill in the form for the same time."""
    await open_form(ana, site, doctor="Dr. Jana Müller", day=2, time=3)
    await ben.goto(ana.url)
    await fill_in(ana)
    await fill_in(ben, "Ben Acker", "ben@example.org", "")


async def test_a_patient_whose_time_is_taken_books_another_with_one_click(site, browser):
    async with open_page(browser) as ana, open_page(browser) as ben:
        await fill_in_forms_for_same_time(site, ana, ben)
        await ana.route("**/details/free?**", lambda route: route.abort())  # the script has not checked yet
        await book(ben)
        await send(ana)
        await expect(ana.get_by_role("alert")).to_contain_text("That time is taken")
        await expect(ana.locator("[name=name]")).to_have_value("Ana Souza")
        await expect(ana.locator("[name=note]")).to_have_value("By wheelchair")
        await expect_accessible(ana)
        await book_alternative(ana)


async def test_the_form_says_that_its_time_was_taken_while_the_patient_typed(site, browser):
    async with open_page(browser) as ana, open_page(browser) as ben:
        await fill_in_forms_for_same_time(site, ana, ben)
        await book(ben)
        await ana.evaluate("dispatchEvent(new Event('focus'))")
        await expect(ana.get_by_role("alert")).to_contain_text("no longer available")
        await expect(ana.locator("#booking .submit")).to_be_hidden()
        await expect(ana.locator("[name=note]")).to_have_value("By wheelchair")
        async with ana.expect_navigation():
            await ana.locator("[name=name]").press("Enter")  # must not book a time that Ana did not choose
        await expect(ana).to_have_url(re.compile("/details"))
        await expect(ana.get_by_role("alert")).to_be_visible()
        await book_alternative(ana, 1)


async def test_a_double_click_books_once(site, page):
    await open_form(page, site, day=2, time=8)
    await fill_in(page, email="twice@example.org")
    await page.locator("#booking .submit button").dblclick()
    await expect(page).to_have_url(CODE_URL)
    with api(site) as client:
        (ana,) = client.get("/api/customers", params={"q": "twice@example.org"}).json()["items"]
        assert len(client.get(f"/api/customers/{ana['id']}/appointments").json()["items"]) == 1


async def test_a_visitor_in_another_time_zone_also_sees_their_own_time(site, browser):
    async with open_page(browser, timezone_id="America/New_York") as page:
        await page.goto(f"{site.url}/c/lotus-lane")
        await follow(page.locator(".choices a").first)
        first = page.locator(".times li").first
        await expect(first.locator("small")).to_be_visible()
        start = await first.locator("time").get_attribute("datetime")
        local_time = await page.evaluate(
            "start => new Date(start).toLocaleTimeString('en', {hour: 'numeric', minute: '2-digit'})", start
        )
        await expect(first.locator("small")).to_contain_text(local_time)
        await expect(page.locator(".zone")).to_contain_text("Times are in the clinic’s time zone: Kolkata time.")
        await expect(page.locator(".zone")).to_contain_text("Your local time appears in small print.")
        await follow(first.locator("a"))
        await expect(page.locator(".summary")).to_contain_text(local_time)


async def test_a_visitor_in_the_clinics_time_zone_sees_one_time(site, browser):
    async with open_page(browser, timezone_id="Europe/Vienna") as page:
        await page.goto(f"{site.url}/c/spreebogen")
        await follow(page.locator(".choices a").first)
        await expect(page.locator(".times li").first).to_be_visible()
        await expect(page.locator(".times small")).to_have_count(0)
        await expect(page.locator(".zone")).to_be_hidden()


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_the_booking_pages_are_accessible(site, browser, language):
    async with open_page(browser, language) as page:
        searches = ("/", "/?q=nowhere", "/?specialty=Dermatology", "/?where=Dresden", "/?where=Potsdm&date=2020-01-01")
        for path in (*searches, "/c/spreebogen", "/c/nowhere", "/embed/spreebogen"):
            await page.goto(site.url + path)
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(rf"^{language}\b"))
            await expect_accessible(page)
        await page.goto(f"{site.url}/c/spreebogen")
        for link in (page.locator(".choices a").first, page.locator(".times a").first):
            await follow(link)
            await expect_accessible(page)
        await page.locator("#booking").evaluate("form => form.noValidate = true")
        await send(page)
        await expect(page.locator("#email-fault")).not_to_be_empty()
        await expect_accessible(page)
        await fill_in(page)
        await send(page)
        await page.locator("#code").fill("12")
        await follow(page.locator("form .submit button"))
        await expect(page.locator("#code-fault")).not_to_be_empty()
        await expect_accessible(page)
