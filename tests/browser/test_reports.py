"""A manager views the clinic's reports and downloads their tables."""

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.browsers import (
    AXE_LANGUAGES,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
    sign_in,
)

MANAGER = "manager@spreebogen.example.org"
TABLES = ("utilisation-by-doctor", "utilisation-by-weekday", "bookings", "no-shows", "lead-times")


async def test_a_manager_sees_charts_and_downloads_their_tables(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff")
    await follow(page.locator("nav").get_by_role("link", name="Reports"))
    await expect(page.get_by_role("img")).to_have_count(3)
    await expect(page.locator(".heat td[class]").nth(20)).to_be_attached()
    await expect(page.locator("rect").nth(20)).to_be_attached()
    for name in TABLES:
        async with page.expect_download() as event:
            await page.locator(f"a[href*='{name}.csv']").click()
        download = await event.value
        with Path(await download.path()).open(newline="") as file:
            assert list(csv.DictReader(file)), name
        assert download.suggested_filename.endswith(f"{name}.csv")


async def test_a_chart_and_its_table_have_the_same_figures(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/1/numbers")
    section = page.locator("section", has=page.get_by_role("heading", name="Lead time"))
    cells, bars = section.locator("tbody td:nth-child(2)"), section.locator("rect title")
    await expect(cells.first).to_be_visible()
    figures_in_table = [int(text) for text in await cells.all_inner_texts()]
    figures_in_chart = [int(text.rsplit(": ", 1)[1]) for text in await bars.all_text_contents()]
    assert figures_in_chart == [figure for figure in figures_in_table if figure]


async def test_a_manager_chooses_a_doctor_and_a_period(site, page):
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


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_the_reports_are_accessible(site, browser, language, scheme, width):
    viewport = {"width": width, "height": 800}
    async with open_page(browser, language, color_scheme=scheme, viewport=viewport) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/numbers")
        await expect(page.locator("html")).to_have_attribute("lang", re.compile(rf"^{language}\b"))
        await expect(page.locator("summary").first).to_be_visible()
        for summary in await page.locator("summary").all():
            await summary.click()
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)
