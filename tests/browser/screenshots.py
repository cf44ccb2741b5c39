"""`make screenshots`: the pictures of pages in docs/images, of the demo world as it is today."""

import asyncio
import re
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the others here

from appoint.database import embedded
from support import browsers

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 800}}


async def pictures(site: browsers.Site) -> None:
    async for browser in browsers.opened_browser():
        await of_a_patient(browser, site)
        await of_staff(browser, site)


async def of_a_patient(browser: Browser, site: browsers.Site) -> None:
    context, page, _ = await browsers.new_page(browser, **PHONE)
    await page.goto(site.url)
    await taken(page, "find")
    await page.goto(f"{site.url}/c/spreebogen")
    await taken(page, "clinic")
    await browsers.follow(page.locator("main .choices a").first)
    await browsers.follow(page.locator(".month a").last)
    await taken(page, "times")
    await browsers.follow(page.locator(".times a").first)
    await page.locator("#name").fill("Ana Ibarra")
    await page.locator("#email").fill("ana@example.org")
    await taken(page, "details")
    await browsers.follow(page.locator("main form button").last)
    await expect(page).to_have_url(re.compile("/appointments/"))
    await taken(page, "booked")
    await context.close()


async def of_staff(browser: Browser, site: browsers.Site) -> None:
    for scheme in ("light", "dark"):
        context, page, _ = await browsers.new_page(browser, color_scheme=scheme, **DESK)
        await browsers.sign_in(page, site.url, "manager@spreebogen.example.org")
        ending = "" if scheme == "light" else "-dark"
        for place in ("day", "week", "hours", "absences", "numbers", "messages", "patients"):
            if scheme == "light" or place in ("day", "numbers"):
                await page.goto(
                    f"{site.url}/staff/1/{place}" + (f"?date={working_day()}" if place in ("day", "week") else "")
                )
                await page.wait_for_function("!document.querySelector('.loading:not([hidden])')")
                await taken(page, f"staff-{place}{ending}")
        await context.close()


def working_day() -> date:
    """Today, or the Monday after it."""
    today = datetime.now(UTC).date()
    return today if today.weekday() < 5 else today + timedelta(days=7 - today.weekday())


async def taken(page: Page, name: str) -> None:
    await page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
    print(f"docs/images/{name}.png")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="appoint-pictures-"))
    folder.chmod(0o711)  # for root the server runs as somebody else
    with embedded.running(folder, durable=False, say=print) as server, browsers.site(server.url, "pictures") as site:
        asyncio.run(pictures(site))


if __name__ == "__main__":
    main()
