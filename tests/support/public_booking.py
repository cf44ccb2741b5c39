"""The steps of a booking on the public pages in a browser."""

import asyncio
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from secrets import token_hex
from uuid import UUID

import asyncpg
from playwright.async_api import FrameLocator, Page, expect

from support.browsers import DAYS, Site, follow, send_code, site_of

ADULT = "1980-02-01"
NEWBORN = datetime.now(UTC).date().isoformat()
APPOINTMENT_URL = re.compile(r"/appointments/apm_")
CODE_URL = re.compile(r"/confirm/apm_")
CODE_MESSAGE = """
select m.subject
  from notification n join dev_message m on m.token like n.id || '.%'
 where n.subject_id = $1 and n.kind like 'confirmation-code-%'
 order by m.id desc
 limit 1
"""


async def open_form(page: Page, site: Site, *, doctor: str | None = None, day: int = 0, time: int = 0) -> None:
    """Go from the Berlin clinic's page to the form, following the links for a day and a time next month."""
    await page.goto(f"{site.url}/c/spreebogen")
    await follow(page.get_by_role("link", name=re.compile("^Sprechstunde")))
    if doctor:
        await follow(page.get_by_role("link", name=doctor))
        await expect(page.get_by_role("link", name=doctor)).to_have_attribute("aria-current", "true")
    await follow(page.locator(".turn [rel=next]"))  # this month may have only one day left
    await expect(page).to_have_url(re.compile("month="))
    await follow(page.locator(DAYS).nth(day))
    await expect(page).to_have_url(re.compile("date="))
    await follow(page.locator(".times a").nth(time))
    await expect(page.locator("#booking")).to_be_visible()


async def fill_in(page: Page, name="Ana Souza", email="", note="By wheelchair", born=ADULT) -> None:
    """Fill in the form. Without an address, use a new one: tests share a site, and one person cannot have two
    appointments at the same time.
    """
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=email]").fill(email or f"ana.{token_hex(4)}@example.org")
    await answer_questions(page, born)
    await page.locator("[name=note]").fill(note)


async def answer_questions(form: Page | FrameLocator, born: str = ADULT) -> None:
    """Answer what the form asks only if a doctor or an appointment type is not for everyone."""
    if await form.locator("[name=birthDate]").count():
        await form.locator("[name=birthDate]").fill(born)
    if await form.locator("[name=known]").count():
        await form.locator("[name=known][value=no]").check()


async def send(page: Page) -> None:
    await follow(page.locator("#booking .submit button"))


async def book(page: Page) -> None:
    await send(page)
    await enter_code(page)


async def book_alternative(page: Page, number: int = 0) -> None:
    """Book one of the times that the form offers in place of a taken one."""
    await follow(page.locator("button[name=instead]").nth(number))
    await enter_code(page)


async def enter_code(page: Page) -> None:
    """Enter the code that Appoint sends to the visitor."""
    await expect(page).to_have_url(CODE_URL)
    code = await receive_code(page, page.url)
    await send_code(page.locator("#code"), code, page.locator("form .submit button"))
    await expect(page).to_have_url(APPOINTMENT_URL)


async def receive_code(page: Page, address: str) -> str:
    """Return the code for the booking on a page, once the worker has sent it."""
    token = address.partition("?")[0].rpartition("/")[2]
    payload = token.removeprefix("apm_").partition(".")[0]
    appointment_id = str(UUID(bytes=urlsafe_b64decode(payload + "==")))
    connection = await asyncpg.connect(site_of(page).database_url)
    try:
        async with asyncio.timeout(30):
            while not (subject := await connection.fetchval(CODE_MESSAGE, appointment_id)):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
    (code,) = re.findall(r"\b\d{6}\b", subject)
    return code
