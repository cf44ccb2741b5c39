"""The languages that doctors speak."""

import pytest

from appoint.clinics.doctors.languages import SIGN_LANGUAGES, SPOKEN_LANGUAGES, choices, form_choices, is_known, name_of
from appoint.kit.i18n import LANGUAGES
from support.app import ADMIN
from support.world import create_clinic, create_doctor


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_in_the_list_has_a_name_in_the_readers_language(language):
    for code in (*SPOKEN_LANGUAGES, *SIGN_LANGUAGES):
        assert is_known(code)
        assert name_of(code, language) != code


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("tr", "Türkisch"),
        ("fa-AF", "Dari"),
        ("zh-Hant", "Chinesisch (traditionell)"),
        ("gsg", "Deutsche Gebärdensprache"),
    ],
)
def test_codes_are_shown_as_names(code, name):
    assert name_of(code, "de") == name


def test_a_language_without_a_name_is_shown_as_its_code():
    assert (is_known("qq"), name_of("qq", "en")) == (False, "qq")


def test_a_doctors_own_languages_come_first_in_the_form():
    first, others = form_choices("en", ["ha"])
    assert "ha" in {code for code, _ in first}
    assert not {code for code, _ in first} & {code for code, _ in others}
    assert {*first, *others} == {*choices("en")}


async def test_an_unknown_language_is_refused(client):
    await create_clinic(client)
    doctor = await create_doctor(client, languages=["de", "gsg"])
    refusal = await client.patch(f"/api/doctors/{doctor}", json={"languages": ["de", "qq"]}, headers=ADMIN)
    assert [error["pointer"] for error in refusal.json()["errors"]] == ["#/languages/1"]


async def test_the_list_of_languages_is_in_the_callers_language(client):
    names = (await client.get("/api/languages", headers={"Accept-Language": "fr"})).json()["items"]
    assert {"code": "de", "name": "allemand"} in names
