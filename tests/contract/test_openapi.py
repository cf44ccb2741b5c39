"""The OpenAPI document and its pages describe every operation, example and problem correctly."""

import functools
import json
import re
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator
from litestar.testing import TestClient

from appoint.http import decoding, openapi
from appoint.http.problems.catalogue import PROBLEMS
from appoint.server import mock
from support import described
from support.described import APP, DOCUMENT, described_operations, resolve
from support.matrix import for_each

OPERATIONS = {operation.handler.operation_id: operation for operation in described.OPERATIONS}


def examples(response):
    for content in response.get("content", {}).values():
        yield from ((content["schema"], example["value"]) for example in content.get("examples", {}).values())
        if "example" in content:
            yield content["schema"], content["example"]


@functools.cache
def validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, validate_formats=True)


def faults(schema, value):
    """Validate a value, including formats, and return the error messages."""
    return [error.message for error in validator(json.dumps(schema)).iter_errors(value)]


def test_the_checked_in_document_matches_the_routes():
    checked_in = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert checked_in.read_text() == openapi.text(APP), "run `make openapi`"


def test_every_route_under_api_is_described():
    routes = {
        (re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path).replace("/.pdf", ".pdf"), method)
        for route in APP.routes
        for method in route.methods
        if route.path.startswith("/api/")
    }
    pages = {"/api/docs", "/api/docs/{tag}", "/api/openapi.json"}
    pages |= {"/api/payments/events", "/api/calls/events/daily/{clinic_id}"}  # in the providers’ own formats
    expected = sorted(
        (path, method.lower()) for path, method in routes if path not in pages and method not in ("OPTIONS", "HEAD")
    )
    snake = re.compile(r"(?<=[a-z])([A-Z])(?=[A-Za-z]*\})")
    in_document = sorted(
        (snake.sub(lambda letter: f"_{letter[1].lower()}", path), method)
        for path, item in DOCUMENT["paths"].items()
        for method in item
    )
    assert in_document == expected


def test_components_are_named_in_camel_case_and_all_used():
    names = set(DOCUMENT["components"]["schemas"])
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    assert names == set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(DOCUMENT)))


def test_operations_have_unique_ids():
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert sorted(ids) == sorted(set(ids))


@for_each("path, method, operation", lambda: list(described_operations(DOCUMENT)))
def test_every_operation_has_a_summary_and_describes_its_parameters(path, method, operation):
    assert operation["summary"]
    assert operation["x-permission"]
    assert {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"} == set(
        re.findall(r"\{(\w+)\}", path)
    )
    assert all(
        parameter.get("description") or "$ref" in parameter or parameter["in"] == "path"
        for parameter in operation["parameters"]
    )


@for_each("path, method, operation", lambda: list(described_operations(DOCUMENT)))
def test_every_operation_has_a_valid_example_body(path, method, operation):
    body = OPERATIONS[operation["operationId"]].body
    assert ("requestBody" in operation) == bool(body)
    if body:
        (content, *_) = operation["requestBody"]["content"].values()
        assert faults(content["schema"], content["example"]) == []
        assert decoding.body(body, json.dumps(content["example"]).encode())


@for_each("path, method, operation", lambda: list(described_operations(DOCUMENT)))
def test_every_operation_has_valid_example_responses(path, method, operation):
    for status, reference in operation["responses"].items():
        response = resolve(DOCUMENT, reference)
        values = list(examples(response))
        assert bool(values) == (status not in ("204", "304"))
        assert [fault for schema, value in values for fault in faults(schema, value)] == []
        assert {resolve(DOCUMENT, header)["description"] for header in response["headers"].values()}


def test_no_operation_documents_an_internal_error():
    assert [
        operation["operationId"] for *_, operation in described_operations(DOCUMENT) if "500" in operation["responses"]
    ] == []


def test_every_conflict_is_documented_by_at_least_one_operation():
    documented = {
        name
        for *_, operation in described_operations(DOCUMENT)
        for name in resolve(DOCUMENT, operation["responses"].get("409", {}))
        .get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
    assert {name for name, problem in PROBLEMS.items() if problem.status == 409} == documented


def test_the_mock_serves_the_same_document():
    assert openapi.document(mock.create()) == DOCUMENT


@pytest.fixture(scope="module")
def browser():
    with TestClient(mock.create()) as browser:
        yield browser


def test_the_document_is_served_with_an_etag(browser):
    served = browser.get("/api/openapi.json")
    assert served.json() == DOCUMENT
    assert browser.get("/api/openapi.json", headers={"If-None-Match": served.headers["ETag"]}).status_code == 304


def test_every_link_on_every_page_resolves(browser):
    pages, broken, waiting = {}, [], ["/api/docs"]
    while waiting:
        address = waiting.pop()
        path, _, anchor = address.partition("#")
        if path not in pages and "lang=" not in path:
            response = browser.get(path)
            assert response.status_code == 200, path
            pages[path] = response.text
            if response.headers["Content-Type"].startswith("text/html"):
                waiting += [
                    link if link.startswith("/") else path + link
                    for link in re.findall(r'href="(?!data:)([^"]+)"', response.text)
                ]
        if anchor and f'id="{anchor}"' not in pages.get(path, ""):
            broken.append(address)
    assert broken == []
    assert all(f"/problems/{name}" in pages for name in PROBLEMS)
    assert [name for name in OPERATIONS if not any(f'id="{name}"' in page for page in pages.values())] == []


def test_pages_do_not_load_anything_from_other_origins(browser):
    """Styles are inline, and the page's content security policy allows them by digest."""
    for path in ("/", "/api/docs", "/api/docs/clinics", "/problems", "/problems/taken"):
        page = re.sub(r"<style>.*?</style>|<link rel=\"icon\"[^>]*>", "", browser.get(path).text, flags=re.DOTALL)
        assert re.findall(r"<script>|style=|(?:href|src|action)=\"https?://|src=\"(?!/assets/)|onclick", page) == []
        assert '<html lang="' in page


def test_an_unknown_page_is_404(browser):
    assert [
        browser.get(path).status_code for path in ("/problems/nothing", "/api/docs/nothing", "/static/nothing")
    ] == [404, 404, 404]


def test_the_export_is_documented_as_json_and_as_a_page():
    content = DOCUMENT["paths"]["/api/customers/{customerId}/export"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/html"]
