"""The log names each request's route, and never repeats request content."""

import re
import subprocess
import sys

import pytest

from support.logs import log_line

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_request_is_logged_as_one_line_with_its_route(server, http):
    response = http.get("/api/clinics?q=Mueller", headers={"traceparent": TRACEPARENT})
    line = log_line(server, response.headers["X-Request-ID"])
    assert line | {"milliseconds": 0, "timestamp": ""} == {
        "event": "request",
        "level": "info",
        "operation": "listClinics",
        "method": "GET",
        "route": "/api/clinics",
        "status": 200,
        "milliseconds": 0,
        "request_id": response.headers["X-Request-ID"],
        "trace_id": TRACE,
        "timestamp": "",
    }


def test_a_request_without_a_route_is_logged_without_its_path(server, http):
    response = http.get("/api/patients/Mueller")
    line = log_line(server, response.headers["X-Request-ID"])
    assert (line["operation"], line["route"], line["status"]) == ("unknown", None, 404)


def test_the_log_never_repeats_request_content(server, http):
    http.post("/api/clinics", json={"name": "Xanthippe", "timeZone": "Europe/Berlin", "email": "xanthippe@example.org"})
    http.post("/api/clinics", content=b'{"name": "Xanthippe"')
    last = http.get("/api/clinics?q=Xanthippe&cursor=Xanthippe")
    log_line(server, last.headers["X-Request-ID"])
    assert "anthippe" not in server.output


@pytest.mark.parametrize("id", ["a", "abc-123/äöü"[:8], "x" * 128])
def test_a_request_id_is_accepted_and_echoed(http, id):
    response = http.get("/api/nothing", headers={"X-Request-ID": id})
    assert (response.headers["X-Request-ID"], response.json()["requestId"]) == (id, id)


@pytest.mark.parametrize("id", ["", "x" * 129, "two words", "tab\tbed", "ümlaut".encode()])
def test_a_request_id_that_is_not_visible_ascii_is_replaced(http, id):
    assert re.fullmatch("[0-9a-f]{24}", http.get("/api/clinics", headers={"X-Request-ID": id}).headers["X-Request-ID"])


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", TRACEPARENT[:-1], TRACEPARENT.replace(TRACE, "0" * 32), TRACEPARENT.upper()]
)
def test_a_malformed_traceparent_is_ignored(server, http, traceparent):
    response = http.get("/api/clinics", headers={"traceparent": traceparent})
    assert "trace_id" not in log_line(server, response.headers["X-Request-ID"])


EXCEPTIONS = """
import asyncio, logging, sys
import structlog
from appoint.server import logs
from appoint.settings import Settings
logs.configure(Settings(_env_file=None, log_format=sys.argv[1]))

def fails(patient):
    try:
        {}[patient]
    except KeyError as error:
        raise ValueError(patient) from error

async def fails_alone(patient):
    fails(patient)

async def main():
    patient = "Xanthippe " + "Mueller"
    try:
        fails(patient)
    except ValueError:
        structlog.get_logger().exception("bug")
        logging.getLogger("uvicorn.error").exception("bug")
    try:
        raise ExceptionGroup(patient, [ValueError(patient)])
    except ExceptionGroup:
        structlog.get_logger().exception("bugs")
    task = asyncio.create_task(fails_alone(patient))
    await asyncio.sleep(0)
    logging.getLogger("asyncio").error("Unhandled exception in task: %s", task)
    del task

asyncio.run(main())
"""


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_shows_code_locations_without_values(format):
    output = subprocess.run(
        [sys.executable, "-c", EXCEPTIONS, format], capture_output=True, text=True, check=True
    ).stderr
    assert all(text in output for text in ("in fails", "ValueError", "KeyError", "Task exception was never retrieved"))
    assert output.count("bug") == 3
    assert "Mueller" not in output
