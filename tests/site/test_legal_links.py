"""Links to privacy notices and imprints, wherever patients type their data."""

import pytest

from support.app import ADMIN, client_of, composed
from support.patient_pages import book, path_of, sign_in

CLINICS = "https://lakeside.example.org/privacy"
PLATFORMS = "https://appoint.example/privacy"


@pytest.fixture
async def legal_client(db, database_url):
    """A client for a platform that has a privacy notice."""
    async with client_of(composed(database_url, privacy_url=PLATFORMS)) as client:
        yield client


async def add_privacy_notice(client):
    response = await client.patch("/api/clinics/1", json={"profile": {"privacyUrl": CLINICS}}, headers=ADMIN)
    assert response.status_code == 200


@pytest.mark.parametrize("part", ["", "/move", "/cancel"])
async def test_an_appointments_pages_link_to_the_clinics_privacy_notice(client, practice, part):
    appointment = await book(client, practice)
    await add_privacy_notice(client)
    assert CLINICS in (await client.get(path_of(appointment, part))).text


@pytest.mark.parametrize("part", ["", "/move", "/cancel"])
async def test_an_appointments_pages_have_the_clinics_colour(client, practice, part):
    appointment = await book(client, practice)
    await client.patch("/api/clinics/1", json={"profile": {"colour": "#1f5fa8"}}, headers=ADMIN)
    assert "--accent:#1f5fa8" in (await client.get(path_of(appointment, part))).text


async def test_a_frame_links_to_the_platforms_privacy_notice(practice, legal_client):
    assert PLATFORMS in (await legal_client.get("/embed/1")).text


async def test_the_sign_in_page_links_to_the_platforms_privacy_notice_next_to_the_form(practice, legal_client):
    assert (await legal_client.get("/sign-in")).text.count(PLATFORMS) == 2


async def test_patients_find_the_privacy_notices_of_the_clinics_that_know_them(client, practice):
    await book(client, practice)
    await add_privacy_notice(client)
    assert CLINICS in (await client.get("/my/details", headers=await sign_in(client))).text
