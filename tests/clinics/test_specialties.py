"""The coded list of specialties, and the codes that doctors have."""

import pytest

from appoint.clinics.doctors.specialties import SPECIALTIES, find_code, name_of
from appoint.kit.i18n import LANGUAGES
from support.app import ADMIN
from support.world import create_clinic

CARDIOLOGY, DERMATOLOGY = "394579002", "394582007"


@pytest.fixture
async def doctors(client):
    """Create a German clinic and return the path of its doctors."""
    return f"/api/clinics/{await create_clinic(client, locale='de')}/doctors"


async def add(client, doctors, **members):
    return (await client.post(doctors, json={"name": "Dr Shah", **members}, headers=ADMIN)).json()


async def test_the_list_is_in_the_callers_language(client):
    response = await client.get("/api/specialties", headers={"Accept-Language": "de"})
    names = {item["code"]: item["name"] for item in response.json()["items"]}
    assert names[CARDIOLOGY] == "Kardiologie"
    assert len(names) == len(SPECIALTIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_is_found_in_every_language(language):
    for code in SPECIALTIES:
        assert find_code(name_of(code, language).upper()) in SPECIALTIES


@pytest.mark.parametrize(
    ("name", "code"),
    [("Pediatrics", "394537008"), ("haut- und geschlechtskrankheiten", DERMATOLOGY), ("Kräuterkunde", None)],
)
def test_clinics_own_words_are_recognised(name, code):
    assert find_code(name) == code


async def test_a_specialty_typed_as_text_gets_its_code(client, doctors):
    created = await add(client, doctors, specialty="Cardiology")
    assert (created["specialty"], created["specialties"]) == ("Cardiology", [CARDIOLOGY])


async def test_a_specialty_that_is_not_in_the_list_stays_text(client, doctors):
    created = await add(client, doctors, specialty="Kräuterkunde")
    assert (created["specialty"], created["specialties"]) == ("Kräuterkunde", [])


async def test_codes_alone_give_the_specialty_its_name_in_the_clinics_language(client, doctors):
    created = await add(client, doctors, specialties=[DERMATOLOGY, CARDIOLOGY])
    assert (created["specialty"], created["specialties"]) == ("Dermatologie", [DERMATOLOGY, CARDIOLOGY])


async def test_a_client_that_knows_only_the_text_can_change_the_specialty(client, doctors):
    created = await add(client, doctors, specialty="Cardiology")
    path = f"/api/doctors/{created['id']}"
    changed = (await client.patch(path, json={"specialty": "Dermatology"}, headers=ADMIN)).json()
    assert changed["specialties"] == [DERMATOLOGY]
    assert (await client.patch(path, json={"email": "shah@example.org"}, headers=ADMIN)).json()["specialties"] == [
        DERMATOLOGY
    ]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"specialties": ["123456789"]}, "#/specialties/0"),
        ({"languages": ["English"]}, "#/languages/0"),
        ({"minAge": 18, "maxAge": 17}, "#/maxAge"),
        ({"title": " "}, "#/title"),
    ],
)
async def test_an_invalid_member_is_reported(client, doctors, members, pointer):
    assert [error["pointer"] for error in (await add(client, doctors, **members))["errors"]] == [pointer]
