"""Every error is a problem document that says what happened and what to do next, and each kind has its own page."""

import ast
from pathlib import Path
from string import Formatter

import msgspec
import pytest

import appoint
from appoint.http.problems.catalogue import PROBLEMS
from appoint.http.problems.documents import ProblemDocument
from appoint.http.routes import route_of
from appoint.kit.i18n import LANGUAGES
from support.app import ADMIN
from support.described import OPERATIONS

SOURCE = Path(appoint.__file__).parent
OPTIONAL_MEMBERS = {"reason", "errors", "alternatives", "index"}
"""Members that only some problems have. Every problem has all the others."""


def conflicts():
    """Yield the possible types and the facts of each `Conflict("type", facts…)` in the source."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "Conflict":
                branches = (
                    [node.args[0].body, node.args[0].orelse] if isinstance(node.args[0], ast.IfExp) else [node.args[0]]
                )
                types = {branch.value for branch in branches if isinstance(branch, ast.Constant)}
                yield types, {keyword.arg for keyword in node.keywords if keyword.arg}


def test_every_raised_conflict_is_in_the_catalogue():
    assert {type for types, _ in conflicts() for type in types} - set(PROBLEMS) == set()


def test_a_conflict_has_the_facts_that_its_sentences_mention():
    missing_facts = []
    for types, facts in conflicts():
        for type in types:
            mentioned = {
                name
                for text in (PROBLEMS[type].happened, PROBLEMS[type].remedy)
                for _, name, _, _ in Formatter().parse(text)
                if name
            }
            missing_facts += [(type, fact) for fact in mentioned - facts]
    assert missing_facts == []


def test_facts_never_replace_a_problems_standard_members():
    standard = {field.encode_name for field in msgspec.structs.fields(ProblemDocument)} - OPTIONAL_MEMBERS
    facts = {fact for _, names in conflicts() for fact in names} | {
        fact for problem in PROBLEMS.values() for fact in problem.facts
    }
    assert facts & standard == set()


def test_every_problem_says_what_happened_and_what_to_do_next():
    assert [
        type for type, problem in PROBLEMS.items() if not (problem.title and problem.happened and problem.remedy)
    ] == []


def test_problems_that_operations_declare_are_in_the_catalogue():
    assert {problem for operation in OPERATIONS for problem in route_of(operation.handler).problems} - set(
        PROBLEMS
    ) == set()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_problem_has_a_page_in_every_language(client, language):
    for type in PROBLEMS:
        page = await client.get(f"/problems/{type}", headers={"Accept-Language": language})
        assert page.status_code == 200
        assert page.headers["Content-Language"] == language
        assert msgspec.json.encode(f"/problems/{type}").decode() in page.text.replace("&#34;", '"')


@pytest.mark.parametrize(
    ("call", "headers", "body", "expected"),
    [
        ("GET /nothing", {}, None, "404 not-found"),
        ("GET /api/nothing", {}, None, "404 not-found"),
        ("GET /api/clinics/nothing", {}, None, "404 not-found"),
        ("GET /api/clinics/99999999999999999999", {}, None, "404 not-found"),
        ("GET /api/clinics/-99999999999999999999", {}, None, "404 not-found"),
        ("GET /api/doctors/nothing", {}, None, "404 not-found"),
        ("DELETE /api/clinics", {}, None, "405 method-not-allowed"),
        ("GET /api/appointments", {}, None, "405 method-not-allowed"),
        ("BREW /api/clinics", {}, None, "405 method-not-allowed"),
        ("POST /problems/taken", {}, None, "405 method-not-allowed"),
        ("GET /api/clinics", {"Authorization": "Basic eDp4"}, None, "401 unauthorized"),
        ("POST /api/clinics", ADMIN, b"{", "400 malformed-json"),
        ("POST /api/clinics", ADMIN, b"", "400 malformed-json"),
        ("POST /api/clinics", ADMIN, b"[" * 10_000 + b"]" * 10_000, "400 malformed-json"),
        ("POST /api/clinics", ADMIN, b'{"name": "a", "name": "b", "timeZone": "Europe/Berlin"}', "400 malformed-json"),
        ("POST /api/clinics", ADMIN, b"{}", "400 invalid-request"),
        ("POST /api/clinics", ADMIN, b'{"name": "' + b"a" * 1024 * 1024 + b'"}', "413 body-too-large"),
        ("POST /api/clinics", ADMIN | {"Content-Type": "text/plain"}, b"{}", "415 unsupported-media-type"),
        (
            "POST /api/clinics",
            ADMIN | {"Content-Type": "application/merge-patch+json"},
            b"{}",
            "415 unsupported-media-type",
        ),
    ],
)
async def test_an_unanswerable_request_gets_a_problem_document(client, call, headers, body, expected):
    (method, path), (status, type) = call.split(), expected.split()
    response = await client.request(method, path, headers={"Content-Type": "application/json"} | headers, content=body)
    problem = response.json()
    assert (response.status_code, response.headers["Content-Type"]) == (int(status), "application/problem+json")
    assert (problem["status"], problem["type"], problem["instance"]) == (int(status), f"/problems/{type}", path)
    assert problem["requestId"] == response.headers["X-Request-ID"]


async def test_listing_all_appointments_points_to_the_clinics_own(client):
    problem = (await client.get("/api/appointments")).json()
    assert problem["see"] == "/api/clinics/{clinicId}/appointments"
    assert problem["detail"].endswith("To get the list, use /api/clinics/{clinicId}/appointments.")


async def test_a_problem_lists_all_faults_at_once(client):
    body = {
        "name": " ",
        "timeZone": "Mars/Olympus",
        "policy": {"horizonDays": 0, "a/b": 1, "c~d é": 1},
        "colour": "blue",
    }
    problem = (await client.post("/api/clinics", json=body, headers=ADMIN)).json()
    assert sorted(fault["pointer"] for fault in problem["errors"]) == [
        "#/colour",
        "#/name",
        "#/policy/a~1b",
        "#/policy/c~0d%20%C3%A9",
        "#/policy/horizonDays",
        "#/timeZone",
    ]


async def test_invalid_unicode_is_rejected_in_keys_and_values(client):
    body = b'{"name": "a\\u0000", "timeZone": "Europe/Berlin", "\\ud800": "\\udfff"}'
    problem = (
        await client.post("/api/clinics", content=body, headers=ADMIN | {"Content-Type": "application/json"})
    ).json()
    assert [fault["pointer"] for fault in problem["errors"]] == ["#/name", "#", "#/?"]


async def test_the_response_to_a_wrong_method_lists_the_allowed_ones(client):
    refusal = await client.delete("/api/clinics")
    assert sorted(refusal.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS", "POST"]


async def test_a_conflict_has_a_reason_and_its_facts(client):
    for _ in range(2):
        response = await client.post(
            "/api/clinics",
            json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin", "slug": "lakeside"},
            headers=ADMIN,
        )
    assert response.json() == {
        "type": "/problems/slug-taken",
        "title": "URL name already in use",
        "status": 409,
        "detail": "Another clinic already uses this URL name. Choose another URL name.",
        "instance": "/api/clinics",
        "requestId": response.headers["X-Request-ID"],
        "reason": "slug-taken",
    }
