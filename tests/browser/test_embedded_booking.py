"""A patient books in a frame on a clinic's own site."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import expect

from support.browsers import DAYS, api, follow, open_page, send_code
from support.public_booking import APPOINTMENT_URL, answer_questions, receive_code


@pytest.fixture
def clinic_site(site, tmp_path) -> Iterator[str]:
    """A clinic's own site, on a different origin."""
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="de"><title>Praxis</title><h1>Unsere Praxis</h1>'
        f'<script src="{site.url}/embed.js" data-clinic="spreebogen" async></script><p>Ende</p>'
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"  # to a browser, this is a different site from 127.0.0.1
    server.shutdown()


async def test_a_patient_books_in_a_frame_as_tall_as_its_page(browser, clinic_site):
    async with open_page(browser) as page:
        await page.goto(clinic_site)
        content = page.frame_locator("iframe")
        await expect(content.get_by_role("link", name=re.compile("^Sprechstunde"))).to_be_visible()
        frame = next(frame for frame in page.frames if "/embed/" in frame.url)
        await follow(content.get_by_role("link", name=re.compile("^Sprechstunde")), frame)
        await follow(content.locator(".turn [rel=next]"), frame)
        await follow(content.locator(DAYS).nth(1), frame)
        await expect(content.get_by_role("heading", name="Termin wählen")).to_be_visible()
        await page.wait_for_function(
            "height => document.querySelector('iframe').offsetHeight === height",
            arg=await frame.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)"),
        )
        await follow(content.locator(".times a").nth(10), frame)
        await content.locator("[name=name]").fill("Ana Souza")
        await content.locator("[name=email]").fill("ana.in.a.frame@example.org")
        await answer_questions(content)
        await follow(content.locator("#booking .submit button"), frame)
        await expect(content.get_by_role("heading", name="Buchung bestätigen")).to_be_visible()
        await expect(content.locator("#code")).to_be_focused()
        code = await receive_code(page, frame.url)
        await send_code(content.locator("#code"), code, content.locator("form .submit button"), frame)
        await expect(content.get_by_role("heading", name="Ihr Termin ist gebucht.")).to_be_focused()
        async with page.context.expect_page() as new_page:
            await content.get_by_role("link", name="Ansehen, verschieben oder absagen").click()
        await expect(await new_page.value).to_have_url(APPOINTMENT_URL)
        await expect(page.locator("iframe")).to_have_attribute("title", "Ihr Termin ist gebucht. · Appoint")


async def test_a_clinics_own_site_opens_booking_at_a_type_and_a_doctor(site, browser, clinic_site, tmp_path):
    with api(site) as client:
        types = client.get("/api/clinics/1/appointmentTypes", params={"limit": 100}).json()["items"]
        doctors = client.get("/api/clinics/1/doctors", params={"limit": 100}).json()["items"]
    type_id = next(each["id"] for each in types if each["name"] == "Hautsprechstunde")
    doctor_id = next(each["id"] for each in doctors if each["name"] == "Dr. Emre Yıldız")
    attributes = f'data-clinic="spreebogen" data-type="{type_id}" data-doctor="{doctor_id}" data-language="fr"'
    (tmp_path / "skin.html").write_text(
        f'<!doctype html><title>Praxis</title><h1>Praxis</h1><script src="{site.url}/embed.js" {attributes}></script>'
    )
    async with open_page(browser) as page:
        await page.goto(f"{clinic_site}skin.html")
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_role("heading", name="Choisir un horaire")).to_be_visible()
        await expect(frame.locator("main")).to_contain_text("Dr. Emre Yıldız")
        address = await page.locator("iframe").get_attribute("src")
        assert address == f"{site.url}/embed/spreebogen/times?type={type_id}&doctor={doctor_id}&lang=fr"


async def test_the_frame_is_as_light_or_dark_as_its_page(site, browser, clinic_site, tmp_path):
    # without Playwright's own colour scheme, which would apply to all frames; the system's is light
    async with open_page(browser, color_scheme="null") as page:
        for number, (style, theme, scheme) in enumerate(
            (
                ("", "", "light"),
                ("", "dark", "dark"),
                ("color-scheme: dark", "", "dark"),
                ("color-scheme: dark", "light", "light"),
                ("color-scheme: light dark", "", "light dark"),
                ("background: #111; color: #eee", "", "dark"),
            )
        ):
            (tmp_path / f"{number}.html").write_text(
                f'<!doctype html><html lang="de" style="{style}"><title>Praxis</title><p>Anfang</p><script '
                f'src="{site.url}/embed.js" data-clinic="spreebogen" data-theme="{theme}"></script>'
            )
            await page.goto(f"{clinic_site}{number}.html")
            await expect(page.locator("iframe")).to_have_css("color-scheme", scheme)
            await expect(page.frame_locator("iframe").get_by_role("link", name=re.compile("^Sprech"))).to_be_visible()
            frame = next(frame for frame in page.frames if "/embed/" in frame.url)
            is_dark = await frame.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
            assert is_dark is (scheme == "dark"), (style, theme)
