"""Who may call what, in one word a route."""

import re

import pytest

from appoint import app as application
from appoint.web import openapi
from appoint.web.request import OPEN
from conftest import ADMIN, TOKEN, settings

APP = application.create(settings(), database_url="", admin_token=TOKEN)
OPERATIONS = [pytest.param(operation, id=operation.handler.operation_id) for operation in openapi.operations(APP)]
DOCUMENT = openapi.document(APP)
KNOWN = {"public", "book", "register", "staff", "schedule", "manage", "administer"}
"""Open to anyone: read what is public, book, register. Else: run the day of a clinic, set its doctors' hours, set it up, or run the platform."""
EXAMPLES = {"int": "1", "uuid": "00000001-0000-8000-8000-000000000001", "date": "2027-03-01", "str": "x", "path": "x"}


def address(route):
    return re.sub(r"\{\w+:(\w+)\}", lambda found: EXAMPLES[found[1]], route)


def test_every_route_names_its_permission():
    handlers = [(route.path, handler) for route in APP.routes for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
    assert [path for path, handler in handlers if handler.opt.get("permission") not in KNOWN] == []


def test_only_reading_booking_and_registering_are_open():
    opened = {(operation.method, operation.handler.opt["permission"]) for operation in openapi.operations(APP) if operation.handler.opt["permission"] in OPEN}
    assert opened <= {("get", "public"), ("post", "book"), ("post", "register")}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_is_not_open_needs_a_token(client, operation):
    answer = await client.request(operation.method, address(operation.route))
    assert (answer.status_code == 401) == (operation.handler.opt["permission"] not in OPEN)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_wrong_token_is_refused_everywhere(client, operation):
    answer = await client.request(operation.method, address(operation.route), headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", [param for param in OPERATIONS if param.values[0].method == "post"])
async def test_every_post_refuses_an_idempotency_key_that_is_too_long(client, operation):
    """Which it can do only if it takes one."""
    described = DOCUMENT["paths"][operation.path]["post"]
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    path = operation.path.format_map({parameter["name"]: parameter["example"] for parameter in described["parameters"] if parameter.get("in") == "path"})
    answer = await client.post(path, json=body, headers=ADMIN | {"Idempotency-Key": "x" * 256})
    assert [fault["pointer"] for fault in answer.json().get("errors", [])] == ["Idempotency-Key"]
