"""Links that open a clinic's pages at an appointment type or doctor, with the booking form filled in."""

import re
from urllib.parse import urlencode

from playwright.async_api import Page, expect

from support.browsers import Site, api, follow, open_page
from support.public_booking import CODE_URL, answer_questions, enter_code, open_form, send

ANA = {"name": "Ana Souza", "email": "brought@example.org", "birthDate": "1980-02-01", "note": "By wheelchair"}


def id_of(site: Site, kind: str, name: str) -> str:
    """Return the id of one of the Berlin clinic's appointment types or doctors."""
    with api(site) as client:
        items = client.get(f"/api/clinics/1/{kind}", params={"limit": 100}).json()["items"]
    return next(each["id"] for each in items if each["name"] == name)


async def open_times(page: Page, site: Site, fragment: str) -> None:
    type_id = id_of(site, "appointmentTypes", "Hautsprechstunde")
    await page.goto(f"{site.url}/c/spreebogen/times?type={type_id}#{fragment}")


async def test_a_link_fills_in_the_form_and_leaves_no_details_in_any_address(site, page):
    requests: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.url} {request.headers.get('referer')}"))
    await open_times(page, site, urlencode(ANA))
    await expect(page).not_to_have_url(re.compile("Ana"))
    await follow(page.locator(".turn [rel=next]"))
    await follow(page.locator(".times a").first)
    for name, text in ANA.items():
        await expect(page.locator(f"[name={name}]")).to_have_value(text)
    assert not [request for request in requests if "Ana" in request]
    await answer_questions(page)
    await send(page)
    await expect(page).to_have_url(CODE_URL)
    await enter_code(page)
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_link_for_one_clinic_does_not_fill_in_another_clinics_form(site, page):
    await page.goto(f"{site.url}/c/harbor-street#{urlencode(ANA)}")
    await expect(page).not_to_have_url(re.compile("Ana"))
    await open_form(page, site)
    await expect(page.locator("[name=name]")).to_have_value("")


async def test_without_scripts_a_link_fills_in_nothing(site, browser):
    async with open_page(browser, java_script_enabled=False) as page:
        await open_times(page, site, urlencode(ANA))
        await follow(page.locator(".turn [rel=next]"))
        await follow(page.locator(".times a").first)
        await expect(page.locator("[name=name]")).to_have_value("")
