"""The small demo world opens on a lively day, and looks plausible to a doctor."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest

from appoint import demo
from appoint.database.pool import Database

pytestmark = pytest.mark.xdist_group("demo")
WEEKEND = {"saturday": date(2027, 3, 13), "sunday": date(2027, 3, 14), "monday": date(2027, 3, 15)}


@pytest.fixture
async def connection(db: Database, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("day", WEEKEND.values(), ids=WEEKEND.keys())
async def test_the_first_clinics_day_shows_every_state_whatever_the_weekday(connection, day):
    await demo.small(connection, now=datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
    today = """
        select status from appointment
         where clinic_id = 1 and (lower(during) at time zone 'Europe/Berlin')::date = $1
    """
    statuses = [row["status"] for row in await connection.fetch(today, day)]
    assert len(statuses) >= 10
    assert {"booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow"} <= set(statuses)


async def test_patients_have_doctors_and_examinations_that_suit_their_age(connection):
    await demo.small(connection, now=datetime(2027, 3, 10, 12, tzinfo=UTC))
    visits = await connection.fetch(
        """
        select d.specialty, t.name, extract(year from age(lower(a.during), c.birth_date))::integer as age
          from appointment a
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
          join customer c on c.id = a.customer_id
        """
    )
    oldest_child = max(age for specialty, _, age in visits if specialty in ("Kinder- und Jugendmedizin", "Pediatrics"))
    youngest_adult = min(age for specialty, _, age in visits if specialty in ("Kardiologie", "Cardiology"))
    oldest_infant = max(age for _, type, age in visits if type in ("Kinderuntersuchung U1–U9", "Well-baby visit"))
    assert (oldest_child <= 18, youngest_adult >= 15, oldest_infant <= 6) == (True, True, True)
