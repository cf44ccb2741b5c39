"""Reports: their figures, their tables for spreadsheets, and how many statements they run."""

import csv
import io
from datetime import date, timedelta

import pytest

from appoint.oversight.reports import service
from appoint.oversight.reports.model import Cell, ReportPeriod, Sums, axis_values, chart, period
from support.app import ADMIN
from support.hours import COMING_MONDAY, local
from support.statements import StatementCounter
from support.world import create_clinic, create_customer, create_doctor, insert_appointment, publish_slot

BRITISH = ADMIN | {"Accept-Language": "en-GB"}
DAYS = {"from": str(COMING_MONDAY), "to": str(COMING_MONDAY + timedelta(days=6))}


async def add_working_doctor(client, db, name: str, *statuses: str) -> str:
    """Add a doctor with a published Monday morning, and a half-hour appointment for each status."""
    doctor_id = await create_doctor(client, name=name)
    await publish_slot(db, doctor_id, local(COMING_MONDAY, "09:00"), local(COMING_MONDAY, "12:00"))
    for number, status in enumerate(statuses):
        start = local(COMING_MONDAY, "09:00") + timedelta(minutes=30 * number)
        await insert_appointment(
            db, doctor_id, await create_customer(client), start, start + timedelta(minutes=30), status=status
        )
    return doctor_id


@pytest.fixture
async def shah(client, db):
    await create_clinic(client, name="Lakeside")
    shah = await add_working_doctor(client, db, "Dr. Shah", "booked", "fulfilled", "fulfilled", "noshow", "cancelled")
    await add_working_doctor(client, db, "=1+1", "fulfilled")
    await service.rebuild(db, [1], done=lambda _: None)
    return shah


async def page(client, **query):
    response = await client.get("/staff/1/numbers", params=DAYS | query, headers=BRITISH)
    assert response.status_code == 200, response.text
    return response.text


async def table(client, name: str, **query) -> list[dict[str, str]]:
    response = await client.get(f"/staff/1/numbers/{name}.csv", params=DAYS | query, headers=BRITISH)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert response.headers["content-disposition"] == f'attachment; filename="{DAYS["from"]}_{DAYS["to"]}_{name}.csv"'
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


async def test_the_tables_contain_the_figures(client, shah):
    assert (await table(client, "bookings"))[0] == {"day": DAYS["from"], "booked": "6", "cancelled": "1"}
    assert (await table(client, "no-shows"))[0] == {"day": DAYS["from"], "came": "3", "missed": "1"}
    # booked a week ahead, or a few days more
    assert [row["booked"] for row in await table(client, "lead-times")][3:5] in (["6", "0"], ["0", "6"])
    assert len(await table(client, "bookings")) == 7
    nine = {"weekday": "1", "hour": "9", "published_minutes": "120", "booked_minutes": "90"}
    assert (await table(client, "utilisation-by-weekday"))[0] == nine


async def test_the_tables_can_be_limited_to_one_doctor(client, shah):
    assert (await table(client, "bookings", doctor=shah))[0]["booked"] == "5"
    rows = await table(client, "utilisation-by-doctor", doctor=shah)
    assert [(row["doctor"], row["hour"], row["booked_minutes"]) for row in rows] == [
        ("Dr. Shah", "9", "60"),
        ("Dr. Shah", "10", "30"),
        ("Dr. Shah", "11", "0"),
    ]


async def test_names_in_tables_are_never_treated_as_formulas(client, shah):
    assert {row["doctor"] for row in await table(client, "utilisation-by-doctor")} == {"Dr. Shah", "'=1+1"}


@pytest.mark.parametrize(
    ("language", "columns"),
    [
        ("en", "doctor_id;doctor;"),  # the clinic is in Germany
        ("en-GB", "doctor_id,doctor,"),
        ("de", "doctor_id;doctor;"),
        ("de-CH", "doctor_id;doctor;"),
        ("fr-CA", "doctor_id;doctor;"),
        ("es-MX", "doctor_id,doctor,"),
    ],
)
async def test_spreadsheets_recognise_the_encoding_and_the_columns(client, db, shah, language, columns):
    await db.execute("update doctor set name = 'Dr. Müller' where id = $1", shah)
    headers = ADMIN | {"Accept-Language": language}
    response = await client.get("/staff/1/numbers/utilisation-by-doctor.csv", params=DAYS, headers=headers)
    assert response.content.startswith(b"\xef\xbb\xbf" + columns.encode())
    assert "Dr. Müller".encode() in response.content


async def test_an_unknown_table_is_not_found(client, shah):
    assert (await client.get("/staff/1/numbers/salaries.csv", headers=ADMIN)).status_code == 404


async def test_the_page_compares_the_period_with_the_previous_one(client, db, shah):
    text = await page(client)
    assert "<dd>6 <small>previously 0</small></dd>" in text
    assert "<dd>25% <small>previously –</small></dd>" in text  # one no-show among four finished appointments
    assert "<dd>33.3% <small>previously –</small></dd>" in text  # 120 minutes of 360
    next_monday = COMING_MONDAY + timedelta(days=7)
    await publish_slot(db, shah, local(next_monday, "09:00"), local(next_monday, "12:00"))
    await service.rebuild(db, [1], done=lambda _: None)
    next_week = {"from": str(next_monday), "to": str(next_monday + timedelta(days=6))}
    assert "<dd>0 <small>previously 6</small></dd>" in await page(client, **next_week)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": "x", "to": "9999-12-31", "doctor": "who"},
        {"from": "0001-01-01"},
        {"from": "2999-12-31", "to": "1900-01-01"},
    ],
)
async def test_an_invalid_query_still_shows_a_page(client, shah, query):
    assert (await client.get("/staff/1/numbers", params=query, headers=ADMIN)).status_code == 200


async def test_a_period_without_data_says_so(client, shah):
    text = await page(client, **{"from": "2001-01-01", "to": "2001-02-01"})
    assert "No published hours or bookings in this period." in text
    assert "<svg" not in text.partition("<main")[2]


async def test_the_page_runs_as_many_statements_for_five_doctors_as_for_two(client, db, shah, monkeypatch):
    counter = StatementCounter(monkeypatch)

    async def cost() -> int:
        before = counter.count
        await page(client)
        return counter.count - before

    await page(client)
    cost_for_two = await cost()
    for number in range(3):
        await add_working_doctor(client, db, f"Dr. {number}", "booked", "fulfilled")
    await service.rebuild(db, [1], done=lambda _: None)
    assert (await cost(), "Dr. 2" in await page(client)) == (cost_for_two, True)


TODAY = date(2027, 3, 10)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, ("2027-02-11", "2027-03-10", "day")),
        (date(2027, 1, 1), None, ("2027-01-01", "2027-01-28", "day")),
        (date(2027, 3, 1), date(2027, 1, 1), ("2027-01-01", "2027-03-01", "week")),
        (date(2000, 1, 1), date(2027, 1, 1), ("2026-01-01", "2027-01-01", "month")),
    ],
)
def test_the_period_is_the_last_four_weeks_unless_another_is_requested(first, last, expected):
    result = period(first, last, TODAY)
    assert (str(result.first), str(result.last), result.unit) == expected
    assert (result.before.days, result.before.last) == (result.days, result.first - timedelta(days=1))


def test_steps_are_whole_weeks_or_months():
    weeks = list(ReportPeriod(date(2027, 1, 1), date(2027, 3, 1)).steps())
    assert (weeks[0], weeks[-1], len(weeks)) == (date(2026, 12, 28), date(2027, 3, 1), 10)
    assert list(ReportPeriod(date(2026, 8, 31), date(2027, 3, 1)).steps())[:2] == [date(2026, 8, 31), date(2026, 9, 7)]
    assert [f"{month:%m%d}" for month in ReportPeriod(date(2026, 1, 31), date(2026, 12, 31)).steps()] == [
        f"{number:02}01" for number in range(1, 13)
    ]


def test_rates_without_a_denominator_are_none():
    assert (Sums().no_show_rate, Sums().utilisation, Sums().mean_lead, Cell(0, 0).share) == (None, None, None, None)
    assert [Cell(60, minutes).heat for minutes in (0, 5, 6, 59, 60, 90)] == [0, 0, 1, 9, 9, 9]


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),
        (31, [0, 10, 20, 30, 40]),
        (1234, [0, 500, 1000, 1500]),
    ],
)
def test_chart_axes_use_round_steps(maximum, expected):
    assert axis_values(maximum) == expected


def test_a_bars_height_is_proportional_to_its_value():
    bar_chart = chart(["a", "b"], [[5, None], [0, 10]], [["a: 5", ""], ["", "b: 10"]], [(0, "0"), (10, "10")])
    first, second = bar_chart.bars
    assert (first.series, second.series, first.title) == (0, 1, "a: 5")
    assert second.height == first.height * 2
    assert first.y + first.height == second.y + second.height == bar_chart.floor
