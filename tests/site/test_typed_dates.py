"""Pages understand dates as people type them in their region, and never misread them. Browsers with a date picker send
ISO dates.
"""

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY
from support.world import create_appointment_type, create_clinic, create_doctor, publish_slot

IN_BRITAIN, IN_AMERICA, ANYWHERE = "en-GB,en;q=0.5", "en-US", "en"
READINGS = pytest.mark.parametrize(
    ("language", "typed", "read"),
    [
        (IN_BRITAIN, "3/2/2027", "2027-02-03"),
        (IN_AMERICA, "3/2/2027", "2027-03-02"),
        (ANYWHERE, "3/2/2027", "2027-02-03"),  # the clinic is in Berlin
        ("de", "3.2.2027", "2027-02-03"),
        (IN_AMERICA, "2027-02-03", "2027-02-03"),
    ],
)


@pytest.fixture
async def doctor(client, db):
    await create_clinic(client, name="Lakeside")
    return await create_doctor(client)


async def show(client, path: str, language: str, **query) -> str:
    response = await client.get(
        f"/staff/1/{path}", params=query, headers=ADMIN | {"Accept-Language": language, "Accept": "text/html"}
    )
    assert response.status_code == 200, response.text
    return response.text


def value_of(page: str, name: str) -> str:
    """Return the value of a date field."""
    fields = re.findall(rf'<input [^>]*name="{name}"[^>]*>', page)
    return next(re.findall(r'value="([^"]*)"', field)[0] for field in fields if 'type="date"' in field)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("audit", "from"),
        ("audit", "to"),
        ("strangers", "from"),
        ("strangers", "to"),
        ("numbers", "from"),
        ("absences/new", "from"),
        ("hours/changes", "from"),
        ("hours/{doctor}", "from"),
        ("day", "date"),
        ("book", "from"),
    ],
)
@READINGS
async def test_filters_read_dates_as_people_type_them(client, doctor, path, name, *, language, typed, read):
    page = await show(client, path.format(doctor=doctor), language, **{name: typed})
    assert value_of(page, name) == read


@pytest.mark.parametrize(
    ("path", "name"), [("audit", "from"), ("strangers", "to"), ("absences/new", "from"), ("absences/new", "until")]
)
async def test_a_date_that_cannot_be_read_is_refused_rather_than_ignored(client, doctor, path, name):
    query = {"doctor": "all", "from": "2027-02-01"} | {name: "3/2/27"}
    page = await show(client, path, IN_BRITAIN, **query)
    assert f'id="{name}-fault">must be a date, such as 2027-03-01<' in page
    assert value_of(page, name) == ""
    assert 'id="add"' not in page


async def test_an_absence_lasts_until_the_typed_day(client, doctor):
    query = {"doctor": doctor, "from": "1/2/2027", "until": "3/2/2027"}
    page = await show(client, "absences/new", IN_BRITAIN, **query)
    assert [value_of(page, name) for name in ("from", "until")] == ["2027-02-01", "2027-02-03"]
    assert 'id="add"' in page


async def test_the_desk_books_and_registers_with_typed_dates(client, db, doctor):
    type_id = await create_appointment_type(client)
    day = COMING_MONDAY + timedelta(days=7)
    start = datetime.combine(day, time(8), UTC)
    await publish_slot(db, doctor, start, start + timedelta(hours=4))

    async def book(language: str, typed_day: str, born: str):
        fields = {"act": "typed", "date": typed_day, "time": "10:00", "whose": doctor, "name": "Ana", "birthDate": born}
        return await client.post(
            "/staff/1/book", params={"type": type_id}, data=fields, headers=ADMIN | {"Accept-Language": language}
        )

    refused = await book(IN_BRITAIN, "soon", "3/2/1990")
    assert (refused.status_code, "must be a date, such as 2027-03-01" in refused.text) == (400, True)
    response = await book(IN_BRITAIN, f"{day.day}/{day.month}/{day.year}", "3/2/1990")
    assert response.status_code == 303, response.text
    row = await db.fetchrow("select birth_date, lower(during) as start from appointment, customer")
    assert (str(row.birth_date), row.start.date()) == ("1990-02-03", day)


async def test_the_clinic_search_reads_a_typed_day(client, doctor):
    response = await client.get("/", params={"date": "3/2/2027"}, headers={"Accept-Language": IN_BRITAIN})
    assert value_of(response.text, "date") == "2027-02-03"
