"""Public holidays, and closing the clinic on them."""

from datetime import date

import pytest

from appoint.kit import errors
from appoint.scheduling.holidays.model import HolidayPlace, known_regions, list_holidays
from appoint.scheduling.holidays.service import country_of_zone
from support.app import ADMIN
from support.callers import accept_callers, headers_of, staff
from support.world import create_clinic, create_doctor

BERLIN = HolidayPlace("DE", "BE")
YEAR = {"first": date(2027, 1, 1), "last": date(2027, 12, 31)}
LABOUR_DAY, WOMENS_DAY = "2027-05-01", "2027-03-08"


def test_regions_have_holidays_of_their_own():
    berlin = list_holidays(BERLIN, language="de", **YEAR)
    assert berlin[date(2027, 3, 8)] == "Frauentag"
    assert date(2027, 3, 8) not in list_holidays(HolidayPlace("DE"), language="de", **YEAR)
    assert known_regions("DE")["BE"] == "Berlin"


@pytest.mark.parametrize(("language", "name"), [("de", "Neujahr"), ("en", "New Year's Day"), ("fr", "Neujahr")])
def test_holidays_are_named_in_the_callers_language_if_possible(language, name):
    assert list_holidays(BERLIN, language=language, **YEAR)[date(2027, 1, 1)] == name


def test_an_unknown_country_has_no_holidays_and_an_unknown_region_is_invalid():
    assert list_holidays(HolidayPlace("ZZ"), language="en", **YEAR) == {}
    with pytest.raises(errors.Invalid):
        list_holidays(HolidayPlace("DE", "XX"), language="en", **YEAR)


@pytest.mark.parametrize(("zone", "country"), [("Europe/Berlin", "DE"), ("Asia/Kolkata", "IN"), ("UTC", None)])
def test_the_country_follows_from_the_time_zone(zone, country):
    assert country_of_zone(zone) == country


@pytest.fixture
async def clinic(client) -> str:
    await create_clinic(client, timeZone="Europe/Berlin", locale="de")
    return "/api/clinics/1/publicHolidays"


async def close(client, clinic, *dates, headers=ADMIN, **members):
    return await client.post(f"{clinic}/close", json={"dates": dates, **members}, headers=headers)


async def closures(client, clinic) -> dict[str, str | None]:
    answer = await client.get(clinic, params={"region": "BE", "to": "2027-12-31"}, headers=ADMIN)
    return {each["date"]: each["closureId"] for each in answer.json()["holidays"]}


async def test_a_clinic_closes_on_holidays_once_and_opens_again(client, clinic):
    answer = (await close(client, clinic, LABOUR_DAY, WOMENS_DAY, region="BE")).json()
    assert [(each["startTime"], each["endTime"], each["reason"]) for each in answer["closures"]] == [
        ("2027-03-07T23:00:00Z", "2027-03-08T23:00:00Z", "Frauentag"),
        ("2027-04-30T22:00:00Z", "2027-05-01T22:00:00Z", "Erster Mai"),
    ]
    shown = await closures(client, clinic)
    assert [shown[day] for day in (WOMENS_DAY, LABOUR_DAY)] == [each["id"] for each in answer["closures"]]
    again = (await close(client, clinic, LABOUR_DAY)).json()
    assert again == {"closures": [], "undo": None}
    assert (await client.post(answer["undo"]["url"], headers=ADMIN)).status_code == 204
    assert set((await closures(client, clinic)).values()) == {None}


async def test_a_day_that_is_not_a_holiday_is_refused(client, clinic):
    refusal = await close(client, clinic, LABOUR_DAY, "2027-05-04")
    assert [error["pointer"] for error in refusal.json()["errors"]] == ["#/dates/1"]
    assert set((await closures(client, clinic)).values()) == {None}


async def test_doctors_cannot_close_the_clinic(client, clinic):
    accept_callers(client, staff(1, await create_doctor(client)))
    for caller, status in (("doctor", 403), ("receptionist", 200)):
        assert (await close(client, clinic, LABOUR_DAY, headers=headers_of(caller))).status_code == status


async def test_only_closures_can_be_removed_together(client, clinic):
    doctor = await create_doctor(client)
    content = {"doctorId": doctor, "startTime": "2027-05-01T06:00:00Z", "endTime": "2027-05-01T10:00:00Z"}
    absence = (await client.post("/api/clinics/1/absences", json=content, headers=ADMIN)).json()["id"]
    response = await client.post(f"{clinic}/reopen", params={"absenceIds": absence}, headers=ADMIN)
    assert response.status_code == 404
