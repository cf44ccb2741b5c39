"""Page languages and error pages."""

import httpx2
import pytest

from appoint.clinics.catalogue import service as catalogue
from appoint.kit import errors
from appoint.kit.i18n import translate
from appoint.server import app as application
from support.app import TOKEN, settings
from support.patient_pages import request_code

NO_PAGE = "This page doesn’t exist, or you don’t have access to it. Check that the link is complete."


async def test_the_language_chosen_in_the_footer_applies_to_later_pages_and_forms(client, practice):
    code_page = await request_code(client)
    page = await client.get(f"{code_page}&lang=es")
    assert "language=es" in page.headers["Set-Cookie"]
    assert '<html lang="es"' in page.text
    response = await client.post(f"{code_page}&lang=es", data={"code": "12"}, headers={"Cookie": "language=es"})
    assert translate("es", "Enter the six-digit code.") in response.text
    page = await client.get("/sign-in", headers={"Cookie": "language=es", "Accept-Language": "de"})
    assert '<html lang="es"' in page.text


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
async def test_the_not_found_page_is_translated_and_offers_links(client, language):
    text = translate(language, NO_PAGE)
    assert (text == NO_PAGE) == (language == "en")
    response = await client.get("/nothing/here", headers={"Accept-Language": language, "Accept": "text/html"})
    assert response.status_code == 404
    assert text in response.text
    assert 'href="/my"' in response.text


@pytest.mark.usefixtures("still_clock")
async def test_the_too_many_requests_page_says_how_long_to_wait(db, database_url):
    app = application.create(
        settings(rate_limits=True, requests_rate="1/minute"), database_url=database_url, admin_token=TOKEN
    )
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as client,
    ):
        _, response = [await client.get("/sign-in") for _ in range(2)]
    assert response.status_code == 429
    assert "Please try again in 1 minute." in response.text
    assert ">Try again</a>" in response.text


async def test_the_page_for_a_short_outage_offers_a_retry(client, monkeypatch):
    async def fail(*_: object) -> None:
        raise errors.Unavailable

    monkeypatch.setattr(catalogue, "find_by_name", fail)
    response = await client.get("/c/lakeside")
    assert response.status_code == 503
    assert "<h1>Temporarily unavailable</h1>" in response.text
    assert ">Try again</a>" in response.text
