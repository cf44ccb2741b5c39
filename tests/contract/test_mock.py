"""The mock returns every documented response for every operation."""

import json
import re
from functools import cache

import pytest
from jsonschema_rs import Draft202012Validator

from appoint.server import mock
from support.app import client_of
from support.described import DOCUMENT, described_operations, resolve
from support.matrix import for_each


@pytest.fixture(scope="module")
async def client():
    async with client_of(mock.create(), proves=False) as client:
        yield client


def documented_responses(operation):
    """Yield the status and the problem for every documented response, starting with success."""
    for status, response in operation["responses"].items():
        for name in (
            resolve(DOCUMENT, response).get("content", {}).get("application/problem+json", {}).get("examples", [None])
        ):
            yield status, name


async def send(client, path, method, operation, **headers):
    """Send the operation's example."""
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
    return await client.request(method, path.format_map(values), params=query, headers=headers, **body)


@for_each("path, method, operation", lambda: list(described_operations(DOCUMENT)))
async def test_the_mock_returns_every_documented_response(client, path, method, operation):
    (success, _), *others = documented_responses(operation)
    check(await send(client, path, method, operation), success, None, operation)
    for status, name in others:
        prefer = f"code={status}" + (f', example="{name}"' if name else "")
        check(await send(client, path, method, operation, Prefer=prefer), status, name, operation)


@cache
def validator_of(schema):
    """Return the validator of a schema. Many responses share theirs, and building one takes longer than using it."""
    return Draft202012Validator({**json.loads(schema), "components": DOCUMENT["components"]}, validate_formats=True)


def check(response, status, name, operation):
    documented = resolve(DOCUMENT, operation["responses"][status])
    assert response.status_code == int(status), response.text
    for media_type, content in list(documented.get("content", {}).items())[:1]:  # the mock prefers JSON
        assert response.headers["Content-Type"].removesuffix("; charset=utf-8") == media_type
        validator = validator_of(json.dumps(content["schema"]))
        body = response.json() if "json" in media_type else response.text
        assert [error.message for error in validator.iter_errors(body)] == []
    assert name is None or response.json()["type"] == f"/problems/{name}"
    assert [
        header
        for header, reference in documented["headers"].items()
        if resolve(DOCUMENT, reference).get("required") and header not in response.headers
    ] == []


async def test_a_created_resource_can_be_read_at_its_location(client):
    created = await client.post("/api/clinics", json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"})
    assert (await client.get(created.headers["Location"])).json() == created.json()


async def test_the_mock_validates_bodies_like_the_real_server(client):
    refusal = (await client.post("/api/clinics", json={"name": "", "colour": "blue"})).json()
    assert sorted(fault["pointer"] for fault in refusal["errors"]) == ["#/colour", "#/name", "#/timeZone"]


@pytest.mark.parametrize("query", ["limit=0", "colour=blue", "limit=1&limit=2"])
async def test_the_mock_validates_queries_like_the_real_server(client, query):
    assert (await client.get(f"/api/clinics?{query}")).status_code == 400


async def test_an_operation_without_parameters_rejects_queries(client):
    assert (await client.get("/api/clinics/1?colour=blue")).status_code == 400


async def test_unknown_paths_and_wrong_methods_get_problem_documents(client):
    responses = [await client.get("/api/nothing"), await client.post("/api/clinics/1")]
    assert [(response.status_code, response.json()["type"]) for response in responses] == [
        (404, "/problems/not-found"),
        (405, "/problems/method-not-allowed"),
    ]


async def test_an_undocumented_response_cannot_be_requested(client):
    refusal = await client.get("/api/clinics", headers={"Prefer": "code=418"})
    assert re.match("must be one of: 200, 304, 400, 401", refusal.json()["errors"][0]["detail"])


async def test_a_client_with_a_current_etag_gets_304(client):
    tag = (await client.get("/api/clinics/1")).headers["ETag"]
    assert (await client.get("/api/clinics/1", headers={"If-None-Match": tag})).status_code == 304
