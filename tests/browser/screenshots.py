"""`make screenshots`: take the screenshots in docs/images, showing the demo world as of today, in the middle of the
morning.
"""

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the tests next to this file
os.environ["APPOINT_TESTS_NOW"] = f"{datetime.now(UTC):%Y-%m-%d}T09:50:00Z"  # `run_clock` reads this

from support import database, run_clock
from support.browsers import Site, follow, launch, open_page, serve_demo, sign_in
from support.public_booking import answer_questions, enter_code, send

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
LANGUAGE = "en-GB"
NARROW_DESKTOP = {"viewport": {"width": 1100, "height": 900}}


async def take_all(site: Site) -> None:
    async with launch() as browser:
        await take_patient_pages(browser, site)
        await take_staff_pages(browser, site)
        await take_api_docs(browser, site)


async def take_patient_pages(browser: Browser, site: Site) -> None:
    async with open_page(browser, LANGUAGE, timezone_id="Europe/Berlin", **PHONE) as page:
        await page.goto(site.url)
        await take(page, "find")
        await page.goto(f"{site.url}/c/spreebogen")
        await take(page, "clinic")
        await follow(page.locator("main .choices a").first)
        await take(page, "times")
        await follow(page.locator(".times a").first)
        await page.locator("#name").fill("Ana Ibarra")
        await page.locator("#email").fill("ana@example.org")
        await answer_questions(page)
        await page.evaluate("scrollTo(0, 0)")
        await take(page, "details")
        await send(page)
        await enter_code(page)
        await take(page, "booked")


async def take_staff_pages(browser: Browser, site: Site) -> None:
    for scheme, ending in (("light", ""), ("dark", "-dark")):
        options = {"color_scheme": scheme, "timezone_id": "Europe/Berlin", **DESKTOP}
        async with open_page(browser, LANGUAGE, **options) as page:
            await page.clock.install(time=run_clock.now())
            await sign_in(page, site.url, "manager@spreebogen.example.org")
            for path in ("day", "week", "hours", "absences", "numbers", "messages", "patients"):
                if scheme == "light" or path in ("day", "numbers"):
                    await page.goto(f"{site.url}/staff/1/{path}")
                    await page.wait_for_function("!document.querySelector('.loading:not([hidden])')")
                    await take(page, f"staff-{path}{ending}")


async def take_api_docs(browser: Browser, site: Site) -> None:
    async with open_page(browser, LANGUAGE, **NARROW_DESKTOP) as page:
        await page.goto(f"{site.url}/api/docs")
        await take(page, "api-docs")


async def take(page: Page, name: str) -> None:
    await page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
    print(f"docs/images/{name}.png")


def main() -> None:
    run_clock.shift_this_process()
    with tempfile.TemporaryDirectory(prefix="appoint-pictures-") as folder:
        Path(folder).chmod(0o711)  # when root starts it, the server runs as a different user
        os.environ[database.SERVER_FOLDER] = folder
        with database.server() as url, serve_demo(url, "pictures", shifted=True) as site:
            asyncio.run(take_all(site))


if __name__ == "__main__":
    main()
