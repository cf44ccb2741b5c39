"""Whatever is sent to any operation: no bug, and no answer that the document does not describe."""

import asyncio
from datetime import timedelta
from unittest import SkipTest

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as bounds
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.pytest.lazy import get_all_tests

from appoint.database.pool import connect
from appoint.http import openapi
from appoint.kit import clock
from appoint.server import app as application
from support.app import ADMIN, TOKEN, settings
from support.database import reset
from support.scale import scaled

CHECKS = {
    "positive_data_acceptance": {
        "enabled": False
    },  # a schema cannot say all: which members go together, what a cursor is, what has passed
    # a version of nothing is refused by 412
    "negative_data_rejection": {
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, 503]
    },
}
DOCUMENT = openapi.document(application.create(settings(), database_url="", admin_token=TOKEN))
for name in ("If-Match", "If-None-Match", "Idempotency-Key"):  # the same for all would be 412, 304 and 422 for most
    del DOCUMENT["components"]["parameters"][name]["example"]
asked = DOCUMENT["paths"]["/api/customers/{customerId}/export"]["get"]["parameters"]
asked[:] = [
    parameter for parameter in asked if parameter.get("name") != "format"
]  # what is a page then is none of these answers
WORLD: dict[str, str] = {}
"""What the document's examples name, and what is there instead."""


async def app(scope, receive, send):
    """The application, which has a database only when the tests run."""
    await app.real(scope, receive, send)


def described(**phases):
    config = schemathesis.Config.from_dict({"checks": CHECKS, "generation": {"deterministic": True}, "phases": phases})
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.location, schema.app = "/api/openapi.json", app
    return schema


def bounded(examples):
    """The same requests in every run."""
    phases = [Phase.explicit, Phase.generate]
    return bounds(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )


def example_of(path):
    """The example of the path's last parameter."""
    return [
        parameter["example"]
        for parameter in DOCUMENT["paths"][path]["get"]["parameters"]
        if parameter.get("in") == "path"
    ][-1]


NAMED = {
    thing: example_of(path)
    for thing, path in {
        "doctor": "/api/doctors/{doctorId}",
        "provider": "/api/providers/{providerId}/availability",
        "visit": "/api/appointmentTypes/{id}",
        "customer": "/api/customers/{customerId}",
        "time slot": "/api/timeslots/{timeSlotId}",
        "line": "/api/doctors/slots/{doctorSlotId}",
        "slot": "/api/bookingSlots/{bookingSlotId}",
        "appointment": "/api/appointments/{appointmentId}",
    }.items()
}
schemathesis.openapi.format("uuid", st.uuids().map(str) | st.sampled_from(list(NAMED.values())))
schemathesis.openapi.format("time-zone", st.sampled_from(sorted(clock.ZONES)))
schemathesis.openapi.format("currency", st.sampled_from(["EUR", "USD", "JPY"]))


@pytest.fixture(scope="module", autouse=True)
def world(database_url):
    """A clinic with a doctor, a customer, hours and an appointment, so that not everything is 404."""
    app.real = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    day = clock.now().date() + timedelta(days=7)
    made = asyncio.run(furnish(database_url, str(day)))
    WORLD.update(
        {NAMED[thing]: id for thing, id in made.items()},
        **{"2027-03-01": str(day), "2027-03-07": str(day + timedelta(days=6))},
    )


async def furnish(database_url, day):
    db = connect(database_url, size=1, wait_seconds=30, statement_seconds=60)
    await reset(db)
    await db.close()
    app = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local/api", headers=ADMIN
        ) as client,
    ):

        async def make(path, **body):
            answer = await client.post(path, json=body)
            assert answer.is_success, answer.text
            return answer.json()["id"]

        await make("/clinics", name="Lakeside Clinic", timeZone="Europe/Berlin")
        made = {
            "doctor": (doctor := await make("/clinics/1/doctors", name="Dr. Amara Shah")),
            "provider": doctor,
            "visit": (visit := await make("/clinics/1/appointmentTypes", name="Visit", minutes=30)),
            "customer": (customer := await make("/customers", name="Ana Souza")),
            "time slot": await make("/clinics/1/timeslots", startTime="20:00", endTime="21:00"),
            "line": await make(f"/doctors/{doctor}/slots", weekday="monday", startTime="09:00", endTime="12:00"),
            "slot": await make(
                "/bookingSlots", doctorId=doctor, startTime=f"{day}T08:00:00Z", endTime=f"{day}T11:00:00Z"
            ),
        }
        return made | {
            "appointment": await make(
                "/appointments",
                doctorId=doctor,
                customerId=customer,
                appointmentTypeId=visit,
                startTime=f"{day}T10:00:00Z",
            )
        }


def there(value):
    """The same with what is in the world in place of the document's examples."""
    match value:
        case dict():
            return {name: there(inner) for name, inner in value.items()}
        case list():
            return [there(inner) for inner in value]
        case str():
            for example, real in WORLD.items():
                value = value.replace(example, real)
            return value
        case _:
            return value


def sent(case, **headers):
    case.path_parameters, case.query, case.body = there(case.path_parameters), there(case.query), there(case.body)
    case.call_and_validate(headers=headers)


OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method != "parameters"
]


def ask(operation, test, **phases):
    """The requests of one operation are made up here, where its test runs: `schema.parametrize` makes up all of them in
    every worker, before any test."""
    load_all_checks()
    (made_up,) = get_all_tests(
        schema=described(**phases).include(name=operation), test_func=test, settings=None, given_kwargs=None
    )
    try:
        made_up.ok()[1]()
    except SkipTest as nothing:
        pytest.fail(f"No request can be made up: {nothing}")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_administrator_gets_what_the_document_says(operation):
    @bounded(examples=scaled(50, 4))
    def test(case):
        sent(case, **ADMIN)

    ask(operation, test)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_anybody_gets_what_the_document_says(operation):
    @bounded(examples=scaled(10, 2))
    def test(case):
        sent(case)

    ask(operation, test, coverage={"enabled": False})
