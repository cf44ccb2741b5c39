"""Text messages go only to mobile numbers in allowed countries."""

import pytest

from appoint.kit import errors
from appoint.kit.phones import local_countries, text_message_fault
from appoint.server.worker import prepare
from support.app import settings
from support.post import Office

NOT_MOBILE = "the number is not a mobile number"
OTHER_COUNTRY = "text messages are not sent to this country"


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("+4915112345678", None),
        ("+33612345678", None),
        ("+12125550123", None),  # US numbers don't reveal whether they are mobile
        ("+493012345678", NOT_MOBILE),
        ("+499001234567", NOT_MOBILE),  # premium
        ("+491801234567", NOT_MOBILE),  # shared cost
        ("+4970012345678", NOT_MOBILE),  # personal
        ("+37190123456", NOT_MOBILE),  # Latvian premium
        ("+881612345678", OTHER_COUNTRY),  # satellite
        ("+88216123456", NOT_MOBILE),  # satellite
        ("+23276123456", OTHER_COUNTRY),  # Sierra Leone
        ("+18765550123", OTHER_COUNTRY),  # Jamaica shares the country code of the United States
    ],
)
def test_text_messages_go_only_to_mobile_numbers_in_allowed_countries(number, fault):
    assert text_message_fault(number, {"DE", "FR", "LV", "US"}) == fault


@pytest.mark.parametrize(
    ("places", "inside", "outside"),
    [
        ([("Europe/Berlin", "de")], {"DE", "FR", "GB", "CH"}, {"US", "SL"}),
        ([("America/New_York", "en")], {"US"}, {"JM", "DE"}),
        ([("America/New_York", "en"), ("Europe/London", "en")], {"US", "GB", "LV"}, {"JM"}),
        ([("UTC", "de")], {"DE"}, {"US"}),
    ],
)
def test_without_a_setting_the_clinics_own_countries_are_allowed(places, inside, outside):
    countries = local_countries(places)
    assert inside <= countries
    assert not outside & countries


@pytest.mark.parametrize(
    ("number", "countries", "expected"),
    [
        ("+4915112345678", (), ("sent", None)),
        ("+493012345678", (), ("dead", NOT_MOBILE)),
        ("+23276123456", (), ("dead", OTHER_COUNTRY)),
        ("+4915112345678", ("FR",), ("dead", OTHER_COUNTRY)),
    ],
)
async def test_staff_can_see_why_a_number_did_not_get_a_text_message(world, post, number, countries, expected):
    office = Office(world.db, post, channels=("sms",), sms_countries=countries)
    await world.db.execute("update customer set phone = $2 where id = $1", world.ben, number)
    await world.book(world.dr_shah, world.now.replace(hour=9), world.ben)
    await office.plan(world.now)
    await office.send(world.now)
    row = await world.db.fetchrow("select status, reason from notification")
    assert (row.status, row.reason) == expected
    assert len(post.messages) == (expected[0] == "sent")


async def test_a_worker_does_not_start_with_an_unknown_country(db):
    with pytest.raises(errors.StartupError, match="UK is not a country's code"):
        prepare(settings(sms_countries="DE,UK"), db)
