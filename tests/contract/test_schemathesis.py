"""Generated requests reveal no bugs, and every response matches the OpenAPI document."""

import asyncio
from copy import deepcopy
from datetime import timedelta
from functools import cache
from itertools import count
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import negative_data_rejection

from appoint.database.pool import connect
from appoint.kit import clock
from appoint.server import app as application
from support import described
from support.app import ADMIN, TOKEN, client_of, settings
from support.database import reset
from support.scale import SOAK, scaled

pytestmark = pytest.mark.xdist_group("schemathesis")

CHECKS = {
    # A schema cannot express every rule, such as which members belong together or that a time is in the future.
    "positive_data_acceptance": {"enabled": False},
    # An unknown version of a resource gets 412.
    "negative_data_rejection": {
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, 503]
    },
}
CHECKS_OF_SEQUENCES = {
    # Removed resources can still be read, with `active: false`.
    "use_after_free": {"enabled": False},
    # It sends every request two more times without credentials, so soon every response is a 429.
    "ignored_auth": {"enabled": False},
}
DOCUMENT = deepcopy(described.DOCUMENT)
# the same value everywhere would mostly produce 412, 304 and 422
for name in ("If-Match", "If-None-Match", "Idempotency-Key"):
    del DOCUMENT["components"]["parameters"][name]["example"]
export_parameters = DOCUMENT["paths"]["/api/customers/{customerId}/export"]["get"]["parameters"]
export_parameters[:] = [
    parameter for parameter in export_parameters if parameter.get("name") != "format"
]  # with any other format, the response is a page
WORLD: dict[str, str] = {}
"""Ids and dates from the document's examples, mapped to their replacements from the database."""


async def app(scope, receive, send):
    """The application. It has a database only while tests run."""
    await app.real(scope, receive, send)


@cache
def document_schema(*, sequences=False):
    """Return the document's schema. Tests share it, so that Schemathesis reuses values it has found, such as those that
    match a pattern.
    """
    checks, mode = (CHECKS | CHECKS_OF_SEQUENCES, "positive") if sequences else (CHECKS, "all")
    config = schemathesis.Config.from_dict({"checks": checks, "generation": {"deterministic": True, "mode": mode}})
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.location, schema.app = "/api/openapi.json", app
    return schema


def limited_to(examples, **more):
    """Generate the same requests in every run, at most `examples` for each operation."""
    phases = [Phase.explicit, Phase.generate]
    return hypothesis_settings(
        **more,
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )


def last_parameter_example(path):
    """Return the example for the path's last parameter."""
    return [
        parameter["example"]
        for parameter in DOCUMENT["paths"][path]["get"]["parameters"]
        if parameter.get("in") == "path"
    ][-1]


EXAMPLE_IDS = {
    name: last_parameter_example(path)
    for name, path in {
        "doctor": "/api/doctors/{doctorId}",
        "provider": "/api/providers/{providerId}/availability",
        "visit": "/api/appointmentTypes/{id}",
        "customer": "/api/customers/{customerId}",
        "time slot": "/api/timeslots/{timeSlotId}",
        "line": "/api/doctors/slots/{doctorSlotId}",
        "slot": "/api/bookingSlots/{bookingSlotId}",
        "appointment": "/api/appointments/{appointmentId}",
        "invoice": "/api/invoices/{invoiceId}",
        "payment": "/api/payments/{paymentId}",
    }.items()
}
schemathesis.openapi.format("uuid", st.uuids().map(str) | st.sampled_from(list(EXAMPLE_IDS.values())))
schemathesis.openapi.format("time-zone", st.sampled_from(sorted(clock.ZONES)))
schemathesis.openapi.format("currency", st.sampled_from(["EUR", "USD", "JPY"]))


@pytest.fixture(scope="module", autouse=True)
def world(database_url):
    """Create the records that the examples refer to, so that not every response is 404."""
    app.real = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    replace_world(database_url)


def replace_world(database_url):
    """Delete all records and create the examples' records again."""
    day = clock.now().date() + timedelta(days=7)
    ids = asyncio.run(create_world(database_url, str(day)))
    WORLD.update(
        {EXAMPLE_IDS[name]: id for name, id in ids.items()},
        **{"2027-03-01": str(day), "2027-03-07": str(day + timedelta(days=6))},
    )


async def create_world(database_url, day):
    db = connect(database_url, size=1, wait_seconds=30, statement_seconds=60)
    await reset(db)
    await db.close()
    async with client_of(app.real, base_url="http://testserver.local/api", headers=ADMIN) as client:

        async def create(path, **body):
            response = await client.post(path, json=body)
            assert response.is_success, response.text
            return response.json()["id"]

        await create("/clinics", name="Lakeside Clinic", timeZone="Europe/Berlin")
        ids = {
            "doctor": (doctor := await create("/clinics/1/doctors", name="Dr. Amara Shah")),
            "provider": doctor,
            "visit": (visit := await create("/clinics/1/appointmentTypes", name="Visit", minutes=30)),
            "customer": (customer := await create("/customers", name="Ana Souza")),
            "time slot": await create("/clinics/1/timeslots", startTime="20:00", endTime="21:00"),
            "line": await create(f"/doctors/{doctor}/slots", weekday="monday", startTime="09:00", endTime="12:00"),
            "slot": await create(
                "/bookingSlots", doctorId=doctor, startTime=f"{day}T08:00:00Z", endTime=f"{day}T11:00:00Z"
            ),
        }
        ids["appointment"] = await create(  # makes the customer a patient of the clinic
            "/appointments",
            doctorId=doctor,
            customerId=customer,
            appointmentTypeId=visit,
            startTime=f"{day}T10:00:00Z",
        )
        line = {"description": "Travel certificate", "unitAmount": 4500}
        ids["invoice"] = await create("/clinics/1/invoices", customerId=customer, lines=[line])
        amount = {"amount": 4500, "currency": "EUR"}
        ids["payment"] = await create("/clinics/1/payments", customerId=customer, method="cash", amount=amount)
        return ids


def with_real_ids(value):
    """Replace the document's examples with ids and dates from the database."""
    match value:
        case dict():
            return {name: with_real_ids(inner) for name, inner in value.items()}
        case list():
            return [with_real_ids(inner) for inner in value]
        case str():
            for example, real in WORLD.items():
                value = value.replace(example, real)
            return value
        case _:
            return value


def fill_in(case):
    """Replace the example ids in a request."""
    case.path_parameters = with_real_ids(case.path_parameters)
    case.query, case.body = with_real_ids(case.query), with_real_ids(case.body)


def send(case, **headers):
    fill_in(case)
    case.call_and_validate(
        headers=headers, excluded_checks=[negative_data_rejection] if only_lacks_optional_body(case) else []
    )


def only_lacks_optional_body(case) -> bool:
    """Return whether the request counts as invalid only because it has no body, even though it doesn't need one."""
    body = case.operation.definition.raw.get("requestBody")
    invalid = {name for name, component in case.meta.components.items() if component.mode.is_negative}
    return (
        body is not None
        and not body.get("required")
        and isinstance(case.body, NotSet)
        and invalid == {ParameterLocation.BODY}
    )


OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method != "parameters"
]
FEATURES = [
    ("Absences",),
    ("Customers", "Patients"),
    ("Appointments", "Bookings"),
    ("Clinics", "Doctors", "Appointment types"),
    ("Time slots", "Schedules", "Booking slots"),
    ("Webhooks", "API keys", "Message templates"),
    ("Users", "Administrator tokens"),
    ("Invoices", "Payments"),
]
"""Tags of operations that lead to one another."""


def run(operation, test):
    """Generate and send the requests for one operation. `schema.parametrize` would generate requests for all
    operations, in every worker and before any test runs.
    """
    load_all_checks()
    (generated,) = get_all_tests(
        schema=document_schema().include(name=operation), test_func=test, settings=None, given_kwargs=None
    )
    try:
        generated.ok()[1]()
    except SkipTest as reason:
        pytest.fail(f"No request can be generated: {reason}")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_responses_to_the_administrator_and_to_anonymous_callers_match_the_document(operation, database_url):
    if SOAK:  # other operations may have erased the examples' customer
        replace_world(database_url)
    numbers = count(OPERATIONS.index(operation))

    @limited_to(examples=scaled(50, 2))
    def test(case):
        if case.meta.phase.name == "coverage":
            # Coverage systematically varies every member, in about a hundred requests per operation.
            if next(numbers) % scaled(1, 4) == 0:
                send(case, **ADMIN)
        else:
            send(case, **ADMIN)
            send(case)

    run(operation, test)


@pytest.mark.parametrize("tags", FEATURES[: scaled(len(FEATURES), 1)], ids=", ".join)
def test_responses_to_sequences_of_requests_match_the_document(tags, database_url):
    """Follow links from one response to the next request, such as from a new absence to its removal.

    Schemathesis infers 15,000 links between all 200 operations. At first, only the 200 rules that need no link can run,
    and Hypothesis stops looking for one of them after 10,000 rules (`_MAX_FILTER_CALLS`). So each feature is tested
    separately.
    """
    load_all_checks()
    machine = document_schema(sequences=True).include(tag=list(tags)).as_state_machine()

    class Sequence(machine):
        def setup(self):
            self.is_new = True

        def before_call(self, case):
            """At full size, start each sequence with the same records and empty caches. Hypothesis repeats the
            beginnings of sequences, and earlier responses decide which rules it can choose from. At the reduced size,
            this would take longer than all requests.
            """
            if SOAK and self.is_new:  # most sequences that Hypothesis tries end before the first request
                asgi.shutdown_lifespans()
                replace_world(database_url)
                self.is_new = False
            fill_in(case)
            if "clinicId" in (case.path_parameters or {}):
                case.path_parameters["clinicId"] = 1
            if isinstance(case.body, dict) and "customerId" in case.body:  # almost no random id exists
                case.body["customerId"] = WORLD[EXAMPLE_IDS["customer"]]

        def get_call_kwargs(self, case):
            return {"headers": ADMIN}

    Sequence.run(settings=limited_to(examples=scaled(60, 5), stateful_step_count=scaled(20, 8)))
