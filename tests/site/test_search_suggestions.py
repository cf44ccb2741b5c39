"""What the search on the start page suggests while someone types, and how it reads what they type."""

import re

import pytest

from support.booking_pages import NINE, TEN
from support.world import create_clinic, create_doctor, publish_slot


@pytest.fixture
async def berlin(db, client) -> int:
    """A clinic in Berlin where Dr. Jana Müller, a dermatologist, has free times."""
    clinic = await create_clinic(client, name="Praxis am Fluss", slug="fluss", address="Am See 1\n10115 Berlin")
    doctor = await create_doctor(client, clinic, name="Dr. Jana Müller", specialties=["394582007"])
    await publish_slot(db, doctor, NINE, TEN)
    return clinic


async def suggestions(client, **query: str) -> list[tuple[str, str]]:
    page = await client.get("/suggestions", params=query, headers={"Accept-Language": "de"})
    assert page.status_code == 200
    return re.findall(r"<span>([^<]+)</span> <small>([^<]*)</small>", page.text)


async def test_doctors_clinics_specialties_and_towns_are_suggested(client, berlin):
    assert await suggestions(client, q="mül") == [
        ("Dr. Jana Müller", "Praxis am Fluss"),
        ("Mülheim, Nordrhein-Westfalen", "Deutschland"),
        ("Müllheim", "Deutschland"),
        ("Mülsen", "Deutschland"),
    ]
    assert (await suggestions(client, q="flus"))[0] == ("Praxis am Fluss", "Am See 1, 10115 Berlin")
    assert (await suggestions(client, q="hautarzt"))[0] == ("Dermatologie", "Fachrichtung")
    assert (await suggestions(client, q="berl"))[0] == ("Berlin", "Deutschland")
    assert await suggestions(client, where="10115") == [("10115 Berlin", "Deutschland")]


async def test_a_suggested_doctor_leads_to_their_times_and_a_town_searches_there(client, berlin):
    page = (await client.get("/suggestions?q=müller")).text
    assert re.search(r'data-page="/c/fluss\?doctor=[0-9a-f-]{36}"', page)
    page = (await client.get("/suggestions?q=berlin")).text
    assert 'data-field="where" data-value="Berlin"' in page


async def test_nothing_is_suggested_for_short_texts_or_for_doctors_without_hours(client, berlin):
    await create_doctor(client, await create_clinic(client, name="Closed"), name="Dr. Zora Closed")
    for query in ({"q": "m"}, {"q": "clos"}, {"q": ""}, {"where": "be"}, {"q": "x" * 500}, {}):
        assert await suggestions(client, **query) == [], query


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Müller Berlin", "Near Berlin"),
        ("Hautarzt 10115", "Near 10115 Berlin"),
        ("dermatologist in Berlin", "Near Berlin"),
        ("10115 Berlin, Hautarzt", "Near 10115 Berlin"),
        ("Berlin", "Near Berlin"),
        ("Potsdam", "Near Potsdam"),
        ("Müller", None),
        ("fluss", None),
    ],
)
async def test_a_text_can_name_a_place_too(client, berlin, text, place):
    page = (await client.get("/", params={"q": text})).text
    assert "Praxis am Fluss" in page
    assert re.findall(r"Near [^<\n]+", page) == ([place] if place else [])


async def test_a_name_that_is_also_a_place_is_found_where_no_clinic_is_near(db, client, berlin):
    essen = await create_clinic(client, name="Dr. Essen", slug="essen", address="Am Fluss 1\n80331 München")
    await publish_slot(db, await create_doctor(client, essen), NINE, TEN)
    page = (await client.get("/?q=Essen")).text
    assert re.findall(r'<h2><a href="/c/(\w+)"', page) == ["essen"]
    assert "Near" not in page


async def test_visitors_can_say_that_a_text_is_a_name(client, berlin):
    page = (await client.get("/?q=Müller+Berlin")).text
    assert "by=name" in page
    assert "Near" not in (await client.get("/?q=Müller+Berlin&by=name")).text


async def test_towns_with_the_same_name_are_offered(client, berlin):
    page = (await client.get("/?q=Hautarzt+Frankfurt")).text
    assert "No clinics within 25 km of Frankfurt am Main" in page
    assert 'href="?q=Hautarzt&amp;where=Frankfurt+%28Oder%29">Frankfurt (Oder)</a>' in page
