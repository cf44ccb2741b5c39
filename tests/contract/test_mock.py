"""The mock answers as the document says: every operation, every documented answer."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from litestar.testing import TestClient

from appoint.http import openapi
from appoint.server import mock
from support.matrix import for_each

APP = mock.create()
DOCUMENT = openapi.document(APP)


@pytest.fixture(scope="module")
def client():
    with TestClient(APP) as client:
        yield client


def resolved(item):
    if "$ref" not in item:
        return item
    _, _, kind, name = item["$ref"].split("/")
    return DOCUMENT["components"][kind][name]


def each():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def answers(operation):
    """Status, and which of several problems, of everything that is documented; success first."""
    for status, response in operation["responses"].items():
        for name in resolved(response).get("content", {}).get("application/problem+json", {}).get("examples", [None]):
            yield status, name


def send(client, path, method, operation, **headers):
    """The operation's own example."""
    values = {
        parameter["name"]: parameter["example"]
        for parameter in operation["parameters"]
        if parameter.get("in") == "path"
    }
    body = {}
    if "requestBody" in operation:
        (media_type, content), *_ = operation["requestBody"]["content"].items()
        body = {"content": json.dumps(content["example"])}
        headers["Content-Type"] = media_type
    query = {
        parameter["name"]: parameter["example"]
        for parameter in operation["parameters"]
        if parameter.get("in") == "query" and "example" in parameter
    }
    return client.request(method, path.format_map(values), params=query, headers=headers, **body)


@for_each("path, method, operation", list(each()))
def test_every_documented_answer_can_be_had(client, path, method, operation):
    (success, _), *others = answers(operation)
    conforms(send(client, path, method, operation), success, None, operation)
    for status, name in others:
        prefer = f"code={status}" + (f', example="{name}"' if name else "")
        conforms(send(client, path, method, operation, Prefer=prefer), status, name, operation)


def conforms(answer, status, name, operation):
    response = resolved(operation["responses"][status])
    assert answer.status_code == int(status), answer.text
    for media_type, content in response.get("content", {}).items():
        assert answer.headers["Content-Type"] == media_type
        validator = Draft202012Validator(
            {**content["schema"], "components": DOCUMENT["components"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        assert [error.message for error in validator.iter_errors(answer.json())] == []
    assert name is None or answer.json()["type"] == f"/problems/{name}"
    assert [
        header
        for header, reference in response["headers"].items()
        if resolved(reference).get("required") and header not in answer.headers
    ] == []


def test_what_was_made_is_found_at_its_location(client):
    made = client.post("/api/clinics", json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"})
    assert client.get(made.headers["Location"]).json() == made.json()


def test_requests_are_read_as_strictly_as_real_ones(client):
    refused = client.post("/api/clinics", json={"name": "", "colour": "blue"}).json()
    assert sorted(fault["pointer"] for fault in refused["errors"]) == ["#/colour", "#/name", "#/timeZone"]


@pytest.mark.parametrize("query", ["limit=0", "colour=blue", "limit=1&limit=2"])
def test_queries_are_read_as_strictly_as_real_ones(client, query):
    assert client.get(f"/api/clinics?{query}").status_code == 400


def test_an_operation_without_parameters_takes_none(client):
    assert client.get("/api/clinics/1?colour=blue").status_code == 400


def test_an_unknown_path_and_a_wrong_method_are_problems_too(client):
    answers = [client.get("/api/nothing"), client.post("/api/clinics/1")]
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [
        (404, "/problems/not-found"),
        (405, "/problems/method-not-allowed"),
    ]


def test_what_is_not_documented_cannot_be_had(client):
    refused = client.get("/api/clinics", headers={"Prefer": "code=418"})
    assert re.match("must be one of: 200, 304, 400, 401", refused.json()["errors"][0]["detail"])


def test_a_client_that_has_it_already_is_told_so(client):
    tag = client.get("/api/clinics/1").headers["ETag"]
    assert client.get("/api/clinics/1", headers={"If-None-Match": tag}).status_code == 304
