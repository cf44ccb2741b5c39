"""Staff pages follow the reader's region, or else the clinic's country."""

import re

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY
from support.world import create_clinic, create_doctor


@pytest.fixture
async def doctor(client):
    await create_clinic(client, name="Lakeside")
    return await create_doctor(client)


async def page(client, path: str, language: str) -> str:
    response = await client.get(f"/staff/1/{path}", headers=ADMIN | {"Accept-Language": language})
    assert response.status_code == 200, response.text
    return response.text


FIRST_WEEKDAY = pytest.mark.parametrize(
    ("language", "first"), [("en", "Mon"), ("en-GB", "Mon"), ("en-US", "Sun"), ("de-AT", "Mo"), ("fr-CA", "dim")]
)


@FIRST_WEEKDAY
async def test_weekly_hours_begin_on_the_regions_first_weekday(client, doctor, language, first):
    text = await page(client, "hours", language)
    weekdays = re.findall(r'<th scope="col">([^<]+)</th>', text)[-7:]
    assert weekdays[0].startswith(first)


@FIRST_WEEKDAY
async def test_opening_hours_begin_on_the_regions_first_weekday(client, doctor, language, first):
    text = await page(client, "profile", language)
    (label, *others) = re.findall(r'<label for="hours-\w+">([^<]+)</label>', text)
    assert (label.startswith(first), len(others)) == (True, 6)


@pytest.mark.parametrize(("language", "first"), [("en", 0), ("en-US", -1), ("es-MX", -1), ("de-CH", 0)])
async def test_a_week_on_the_board_begins_on_the_regions_first_weekday(client, doctor, language, first):
    monday = COMING_MONDAY.toordinal()
    text = await page(client, f"week?date={COMING_MONDAY}&doctor={doctor}", language)
    (shown,) = set(re.findall(r'"first":"([\d-]+)"', text))
    assert shown == str(COMING_MONDAY.fromordinal(monday + first))
