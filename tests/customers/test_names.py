"""Names from patients and strangers cannot smuggle advertising into messages."""

import pytest

from appoint.customers.names import MAX_NAME_LENGTH, name_fault
from support.app import ADMIN


@pytest.mark.parametrize(
    "name",
    [
        "WIN 1,000 EUR http://evil.example/?x now",
        "Your results: www.evil.example",
        "Your results: evil.example",
        "evil.example/results",
        "EVIL.COM",
        "see evil.com: now",
        "Results at (evil.com)",
        "evil。com",
        "max@evil.example",
        "Ana\nYour results are ready",
        "Ana\u2028Souza",
        "x" * (MAX_NAME_LENGTH + 1),
    ],
)
def test_names_with_links_line_breaks_or_too_many_characters_are_refused(name):
    assert name_fault(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ana Souza",
        "J.R. Smith",
        "J.R.R. Tolkien",
        "St.John Rivers",
        "Dr. med. Eva-Maria Müller-Lüdenscheidt",
        "Ph.D. Lee",
        "Sammy Davis Jr.",
        "María de la Concepción Núñez y Fernández-Villaverde de los Santos",
        "Zübeyde Hanım d'Aubigné / Legal Guardian",
        "زهرا محمدی\u200cنژاد",
        "ธนวรรธน์ กิจเจริญพาณิชย์สกุลวัฒนา",
        "Keihanaikukauakahihulihe'ekahaunaele Keihanaikukauakahihuliheekahaunaele",
    ],
)
def test_real_names_are_accepted(name):
    assert name_fault(name) is None


async def test_staff_can_enter_any_name_but_strangers_cannot(client):
    body = {"name": "See http://evil.example/"}
    refusal = await client.post("/api/customers", json=body)
    assert refusal.status_code == 400
    assert refusal.json()["errors"] == [{"pointer": "#/name", "detail": "must not contain a web or email address"}]
    assert (await client.post("/api/customers", json=body, headers=ADMIN)).status_code == 201


@pytest.mark.parametrize("character", ["\u202e", "\u202d", "\u2066"])
def test_names_cannot_change_the_direction_of_text(character):
    assert name_fault(f"Ana{character}nosirroM")
