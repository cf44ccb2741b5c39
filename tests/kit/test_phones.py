"""Phone numbers as people type and paste them."""

import pytest

from appoint.kit import phones


@pytest.mark.parametrize(
    "typed",
    [
        "+49 30 12345678",
        " +49 (0)30 / 1234-5678, ",
        "tel:+49-30-12345678",
        "+49\u00a030\u200912345678",  # spaces of other widths
        "+49 30 12345678\u202c",  # pasting from contacts adds direction marks
        "+49 30 1234\u201156\u201378",  # non-breaking hyphen, dash
        "＋４９　３０　１２３４５６７８",
        "030 12345678",
    ],
)
def test_text_pasted_around_a_number_is_removed(typed):
    assert phones.check(typed) is None
    assert phones.to_e164(typed, time_zone="Europe/Berlin") == "+493012345678"


@pytest.mark.parametrize(
    "typed", ["+52 1 55 1234 5678", "044 55 1234 5678", "045 55 1234 5678", "+52 55 1234 5678", "55 1234 5678"]
)
def test_mexican_numbers_lose_prefixes_that_no_longer_exist(typed):
    assert phones.to_e164(typed, time_zone="America/Mexico_City") == "+525512345678"


@pytest.mark.parametrize(
    "typed", ["12", "+49 30 12345678 ext. 5", "call me", "+49 30 1234\x005678", "030 1", "+0 123456789"]
)
def test_text_that_is_not_a_number_is_refused(typed):
    assert phones.check(typed) or phones.to_e164(typed, time_zone="Europe/Berlin") is None


async def test_the_api_stores_a_pasted_number_in_international_format(client):
    body = {"name": "Ana", "phone": "tel:+52 1 55 1234\u20115678,"}
    assert (await client.post("/api/customers", json=body)).json()["phone"] == "+525512345678"
