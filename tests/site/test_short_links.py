"""The short links in text messages lead to the appointment's page."""

from uuid import UUID

import pytest

from appoint.booking import links
from appoint.kit.signed_tokens import short_id, verify_short_id
from support.patient_pages import book, path_of

SETTINGS_SECRET = "signs links in tests"
ID = UUID("00000001-0197-818c-8c22-0201f9661508")


@pytest.mark.parametrize("part", ["", "/move"])
async def test_a_short_link_leads_to_the_appointments_page(client, practice, part):
    appointment = await book(client, practice)
    code = links.short_code(SETTINGS_SECRET, UUID(appointment["id"]))
    response = await client.get(f"/a/{code}{part}", follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (303, path_of(appointment, part))


@pytest.mark.parametrize("code", ["x", "A" * 32, "A" * 35, "A" * 31 + "="])
async def test_a_code_with_an_invalid_signature_is_not_found(client, code):
    assert (await client.get(f"/a/{code}")).status_code == 404


@pytest.mark.parametrize(("number", "length"), [(1, 32), (2, 35), (300, 35)])
def test_a_code_stands_for_one_link_of_one_appointment(number, length):
    code = short_id("a secret", "a", ID, number)
    assert len(code) == length
    assert verify_short_id("a secret", "a", code) == (ID, number)
    assert verify_short_id("a secret", "b", code) is None
    assert verify_short_id("another", "a", code) is None
    assert verify_short_id("a secret", "a", code.swapcase()) is None


def test_a_code_becomes_the_token_with_the_same_number():
    code = links.short_code("a secret", ID, 2)
    assert links.token_of_code("a secret", code) == links.token("a secret", ID, 2)
