"""Whatever is sent to any operation: no bug, and no answer that the document does not describe."""

import asyncio
from datetime import date, timedelta

import httpx2
import pytest
import schemathesis
from conftest import ADMIN, TOKEN, empty, settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as bounds
from hypothesis import strategies as st

from appoint import app as application
from appoint import clock
from appoint.database.pool import connect
from appoint.web import openapi

UNDECIDED = {"positive_data_acceptance": {"enabled": False}}
"""A schema cannot say all: which members go together, what a cursor is, what is in the past."""
IDS: list[str] = []
"""Of what is in the world; half of all ids that are sent are among them."""
SCHEMA = schemathesis.openapi.from_dict(
    openapi.document(application.create(settings(), database_url="", admin_token=TOKEN)),
    config=schemathesis.Config.from_dict({"checks": UNDECIDED, "generation": {"deterministic": True}}),
)
SCHEMA.location = "/api/openapi.json"


async def app(scope, receive, send):
    """The application, which has a database only when the tests run."""
    await app.real(scope, receive, send)


SCHEMA.app = app
schemathesis.openapi.format("uuid", st.uuids().map(str) | st.integers(0, 99).map(lambda n: IDS[n % len(IDS)]))
schemathesis.openapi.format("time-zone", st.sampled_from(sorted(clock.ZONES)))
schemathesis.openapi.format("currency", st.sampled_from(["EUR", "USD", "JPY"]))


@pytest.fixture(scope="module", autouse=True)
def world(database_url):
    """A clinic with a doctor, a customer, hours and an appointment, so that not everything is 404."""
    app.real = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    IDS[:] = asyncio.run(furnish(database_url))


async def furnish(database_url):
    db = await connect(database_url, size=1, wait_seconds=30, statement_seconds=60)
    await empty(db)
    await db.close()
    app = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    async with app.lifespan(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local/api", headers=ADMIN) as client:

        async def made(path, **body):
            answer = await client.post(path, json=body)
            assert answer.is_success, answer.text
            return answer.json().get("id")

        day = date.today() + timedelta(days=7)
        await made("/clinics", name="Lakeside Clinic", timeZone="Europe/Berlin")
        doctor = await made("/clinics/1/doctors", name="Dr. Amara Shah")
        visit = await made("/clinics/1/appointmentTypes", name="Visit", minutes=30)
        customer = await made("/customers", name="Ana Souza")
        time_slot = await made("/clinics/1/timeslots", startTime="20:00", endTime="21:00")
        line = await made(f"/doctors/{doctor}/slots", weekday="monday", startTime="09:00", endTime="12:00")
        slot = await made("/bookingSlots", doctorId=doctor, startTime=f"{day}T08:00:00Z", endTime=f"{day}T11:00:00Z")
        appointment = await made("/appointments", doctorId=doctor, customerId=customer, appointmentTypeId=visit, startTime=f"{day}T08:30:00Z")
        return [doctor, visit, customer, time_slot, line, slot, appointment]


@SCHEMA.parametrize()
@bounds(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
def test_the_administrator_gets_what_the_document_says(case):
    case.call_and_validate(headers=ADMIN)
