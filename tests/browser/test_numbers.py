"""A manager looks at how the clinic goes, and takes the tables along."""

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from support import browsers
from support.browsers import AXE_LANGUAGES, faults_of, follow, sign_in

pytestmark = pytest.mark.anyio
MANAGER = "manager@spreebogen.example.org"
TABLES = {"utilisation-by-doctor", "utilisation-by-weekday", "bookings", "no-shows", "lead-times"}


async def test_a_manager_sees_how_the_last_weeks_went_and_takes_the_tables_along(site, page):
    await sign_in(page, site.url, MANAGER)
    await follow(page.locator("nav").get_by_role("link", name="Reports"))
    await expect(page.get_by_role("img")).to_have_count(3)
    await expect(page.locator(".heat td[class]").nth(20)).to_be_attached()
    await expect(page.locator("rect").nth(20)).to_be_attached()
    for name in TABLES:
        async with page.expect_download() as downloading:
            await page.locator(f"a[href*='{name}.csv']").click()
        download = await downloading.value
        with Path(await download.path()).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows, name
        assert download.suggested_filename.endswith(f"{name}.csv")


async def test_a_chart_and_its_table_say_the_same(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/1/numbers")
    section = page.locator("section", has=page.get_by_role("heading", name="Lead time"))
    await section.locator("summary").click()
    await expect(section.locator("tbody td").first).to_be_visible()
    shown = await section.locator("tbody td:nth-child(2)").all_inner_texts()
    drawn = await section.locator("rect title").all_text_contents()
    assert [int(text.rsplit(": ", 1)[1]) for text in drawn] == [int(number) for number in shown if number != "0"]


async def test_one_doctor_and_a_time_of_ones_own_can_be_chosen(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/1/numbers")
    await follow(page.get_by_role("link", name="Last 3 months"))
    await expect(page.locator("[aria-current=page]", has_text="Last 3 months")).to_have_count(1)
    await page.locator("select[name=doctor]").select_option(label="Dr. Jana Müller")
    await follow(page.get_by_role("button", name="Show"))
    await expect(page.locator(".heat").first.locator("tbody th")).to_have_text(["Dr. Jana Müller"])
    await page.get_by_label("From").fill("2001-01-01")
    await page.get_by_label("Until").fill("2001-01-31")
    await follow(page.get_by_role("button", name="Show"))
    await expect(page.get_by_text("No published hours or bookings in this period.")).to_be_visible()


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_with_it_in_any_language_size_and_light(site, browser, language):
    for scheme, width in (("light", 1280), ("dark", 320)):
        context, page, watched = await browsers.new_page(
            browser, language, color_scheme=scheme, viewport={"width": width, "height": 800}
        )
        await page.goto(f"{site.url}/staff/sign-in")
        await page.locator("input[name=email]").fill(MANAGER)
        await page.locator("input[name=password]").fill(browsers.PASSWORD)
        await follow(page.locator("main button").first)
        await expect(page).not_to_have_url(re.compile("sign-in"))
        await page.goto(f"{site.url}/staff/1/numbers")
        await expect(page.locator("summary").first).to_be_visible()
        for summary in await page.locator("summary").all():
            await summary.click()
        assert await faults_of(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.complaints == []
        await context.close()
