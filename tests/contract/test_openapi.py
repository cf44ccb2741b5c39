"""The description of the API says what the API does: each operation, each example, each problem; as a document and as
pages."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from litestar.testing import TestClient

from appoint.http import decoding, openapi
from appoint.http.problems.catalogue import PROBLEMS
from appoint.server import app as application
from appoint.server import mock
from support.app import TOKEN, settings
from support.matrix import for_each

APP = application.create(settings(), database_url="", admin_token=TOKEN)
DOCUMENT = openapi.document(APP)
OPERATIONS = {operation.handler.operation_id: operation for operation in openapi.operations(APP)}


def each():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(item):
    if "$ref" not in item:
        return item
    _, _, kind, name = item["$ref"].split("/")
    return DOCUMENT["components"][kind][name]


def examples(response):
    for content in response.get("content", {}).values():
        yield from ((content["schema"], example["value"]) for example in content.get("examples", {}).values())
        if "example" in content:
            yield content["schema"], content["example"]


def faults(schema, value):
    """What a validator that knows formats has to say."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [
        error.message
        for error in Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(value)
    ]


def test_the_checked_in_document_is_that_of_the_routes():
    checked_in = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert checked_in.read_text() == openapi.text(APP), "run `make openapi`"


def test_every_route_under_api_is_described():
    routes = {
        (re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path), method)
        for route in APP.routes
        for method in route.methods
        if route.path.startswith("/api/")
    }
    pages = {"/api/docs", "/api/docs/{tag}", "/api/openapi.json"}
    wanted = sorted(
        (path, method.lower()) for path, method in routes if path not in pages and method not in ("OPTIONS", "HEAD")
    )
    snake = re.compile(r"(?<=[a-z])([A-Z])(?=[A-Za-z]*\})")
    found = sorted(
        (snake.sub(lambda letter: f"_{letter[1].lower()}", path), method)
        for path, item in DOCUMENT["paths"].items()
        for method in item
    )
    assert found == wanted


def test_components_have_names_of_their_own_and_are_all_used():
    names = set(DOCUMENT["components"]["schemas"])
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    assert names == set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(DOCUMENT)))


def test_operations_have_unique_ids():
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert sorted(ids) == sorted(set(ids))


@for_each("path, method, operation", list(each()))
def test_an_operation_says_what_it_is(path, method, operation):
    assert operation["summary"]
    assert operation["x-permission"]
    assert {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"} == set(
        re.findall(r"\{(\w+)\}", path)
    )
    assert all(
        parameter.get("description") or "$ref" in parameter or parameter["in"] == "path"
        for parameter in operation["parameters"]
    )


@for_each("path, method, operation", list(each()))
def test_an_operation_shows_what_it_reads(path, method, operation):
    body = OPERATIONS[operation["operationId"]].body
    assert ("requestBody" in operation) == bool(body)
    if body:
        (content, *_) = operation["requestBody"]["content"].values()
        assert faults(content["schema"], content["example"]) == []
        assert decoding.body(body, json.dumps(content["example"]).encode())


@for_each("path, method, operation", list(each()))
def test_an_operation_shows_every_answer(path, method, operation):
    for status, reference in operation["responses"].items():
        response = resolved(reference)
        shown = list(examples(response))
        assert bool(shown) == (status not in ("204", "304"))
        assert [fault for schema, value in shown for fault in faults(schema, value)] == []
        assert {resolved(header)["description"] for header in response["headers"].values()}


def test_an_internal_error_is_expected_nowhere():
    assert [operation["operationId"] for *_, operation in each() if "500" in operation["responses"]] == []


def test_every_conflict_is_documented_by_some_operation():
    documented = {
        name
        for *_, operation in each()
        for name in resolved(operation["responses"].get("409", {}))
        .get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
    assert {name for name, problem in PROBLEMS.items() if problem.status == 409} == documented


def test_the_mock_describes_itself_the_same_way():
    assert openapi.document(mock.create()) == DOCUMENT


@pytest.fixture(scope="module")
def browser():
    with TestClient(mock.create()) as browser:
        yield browser


def test_the_document_is_served_and_need_not_be_fetched_twice(browser):
    served = browser.get("/api/openapi.json")
    assert served.json() == DOCUMENT
    assert browser.get("/api/openapi.json", headers={"If-None-Match": served.headers["ETag"]}).status_code == 304


def test_every_link_on_every_page_leads_somewhere(browser):
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


def test_pages_bring_everything_from_here(browser):
    """Style stands in the page itself, and its policy names it by its digest."""
    for path in ("/", "/api/docs", "/api/docs/clinics", "/problems", "/problems/taken", "/design"):
        page = re.sub(r"<style>.*?</style>|<link rel=\"icon\"[^>]*>", "", browser.get(path).text, flags=re.DOTALL)
        assert re.findall(r"<script>|style=|https?://|src=\"(?!/assets/)|onclick", page) == []
        assert '<html lang="' in page


def test_a_page_that_does_not_exist_is_not_found(browser):
    assert [
        browser.get(path).status_code for path in ("/problems/nothing", "/api/docs/nothing", "/static/nothing")
    ] == [404, 404, 404]
