"""Request heads are checked before anything parses them: sizes, hosts, and how URLs are spelled."""

import http.cookies
import json

import pytest
from litestar.connection import base

from appoint.http.access import COOKIE
from appoint.http.languages import LANGUAGE_COOKIE
from appoint.http.request_head import MAX_COOKIE_BYTES, MAX_HEADER_BYTES, MAX_PATH_BYTES, MAX_QUERY_BYTES, parse_cookies
from support.app import ADMIN
from support.routes import call, routes

HOST = (b"host", b"testserver.local")


def pointers(answer) -> list[str]:
    return [fault["pointer"] for fault in json.loads(answer.body)["errors"]]


@pytest.mark.parametrize(
    "path",
    [
        "//healthz",
        "/%68ealthz",
        "/healthz%2f",
        "/healthz%2F%2f",
        "/healthz//",
        "/api//clinics",
        "/api%2fclinics",
        "/api/clinic%73",
        "/api/%2e%2e/healthz",
        "/api%5cclinics",
        "/c/lakeside%2Dclinic",
    ],
)
async def test_a_second_spelling_of_an_address_is_not_found(app, path):
    answer = await call(app, "GET", path)
    assert (answer.status, json.loads(answer.body)["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["/c/caf%C3%A9", "/c/a%20b", "/c/%40home", "/c/%7Bname%7D", "/c/%00"])
async def test_escapes_that_a_path_needs_are_accepted(app, path):
    answer = await call(app, "GET", path, headers=[HOST, (b"accept", b"text/html")])
    assert (answer.status, b"lang" in answer.body) == (404, True)


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/healthz/", b"", "/healthz"),
        ("/metrics/", b"", "/metrics"),
        ("/api/clinics/", b"limit=2", "/api/clinics?limit=2"),
        ("/c/caf%C3%A9/", b"lang=de", "/c/caf%C3%A9?lang=de"),
    ],
)
async def test_a_final_slash_redirects_to_the_only_spelling(app, path, query, location):
    answer = await call(app, "GET", path, query=query)
    assert (answer.status, answer.headers["location"], answer.body) == (308, location, b"")


async def test_a_redirect_never_leads_to_another_host(app):
    for path in ("//evil.example/", "/%2fevil.example/", "/%5cevil.example/"):
        assert (await call(app, "GET", path)).status == 404


@pytest.mark.parametrize("path", ["/healthz", "/api/clinics", "/", "/nothing"])
async def test_a_request_names_exactly_one_host(app, path):
    for headers in ([], [HOST, HOST], [HOST, (b"host", b"elsewhere.example")]):
        answer = await call(app, "GET", path, headers=headers)
        assert (answer.status, pointers(answer)) == (400, ["Host"])


async def test_only_http_1_0_clients_may_leave_out_the_host(app):
    assert (await call(app, "GET", "/healthz", headers=[], http_version="1.0")).status == 200
    assert (await call(app, "GET", "/healthz", headers=[HOST, HOST], http_version="1.0")).status == 400


@pytest.mark.parametrize("name", ["Authorization", "Content-Type"])
async def test_headers_with_one_meaning_occur_once(app, name):
    header = (name.lower().encode(), b"x")
    answer = await call(app, "GET", "/api/clinics", headers=[HOST, header, header])
    assert (answer.status, pointers(answer)) == (400, [name])


@pytest.mark.parametrize(
    ("name", "most"),
    [("Cookie", MAX_COOKIE_BYTES), ("Accept-Language", MAX_HEADER_BYTES), ("X-Other", MAX_HEADER_BYTES)],
)
async def test_a_header_has_a_maximum_length_even_if_split(app, name, most):
    def headers(*lengths: int) -> list[tuple[bytes, bytes]]:
        return [HOST, *((name.lower().encode(), b"x" * length) for length in lengths)]

    assert (await call(app, "GET", "/healthz", headers=headers(most))).status == 200
    for lengths in ((most + 1,), (most // 2 + 1, most // 2)):
        answer = await call(app, "GET", "/healthz", headers=headers(*lengths))
        assert (answer.status, pointers(answer)) == (400, [name])


async def test_a_query_and_a_path_have_a_maximum_length(app):
    assert (await call(app, "GET", "/healthz", query=b"x" * MAX_QUERY_BYTES)).status == 200
    too_long = await call(app, "GET", "/healthz", query=b"x" * (MAX_QUERY_BYTES + 1))
    assert (too_long.status, pointers(too_long)) == (400, ["?"])
    assert (await call(app, "GET", "/c/" + "x" * MAX_PATH_BYTES)).status == 404


async def test_a_refused_head_gets_the_same_short_document_every_time(app):
    def without_id(answer) -> dict[str, object]:
        return {name: value for name, value in json.loads(answer.body).items() if name != "requestId"}

    for headers in ([HOST, (b"cookie", b"a=" + b"\\" * 60_000)], [HOST, (b"x" * 5000, b"y" * 60_000)], []):
        first, second = [await call(app, "GET", "/api/clinics", headers=headers) for _ in range(2)]
        assert without_id(first) == without_id(second)
        assert len(first.body) < 1000


async def test_browsers_get_a_page_about_a_refused_head(app):
    headers = [HOST, (b"accept", b"text/html"), (b"accept-language", b"de"), (b"cookie", b"x" * 60_000)]
    answer = await call(app, "GET", "/c/lakeside", headers=headers)
    assert (answer.status, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert b'lang="de"' in answer.body


def test_cookies_are_not_unquoted():
    headers = [(b"cookie", b'a=1; b="\\054"; c; d=x=y;;e=; f=%20'), (b"x-cookie", b"g=2"), (b"cookie", b"h=3;a=2")]
    assert parse_cookies(headers) == {"a": "2", "b": '"\\054"', "d": "x=y", "e": "", "f": "%20", "h": "3"}
    assert parse_cookies([]) == parse_cookies([(b"cookie", b"a=1;" + b" " * MAX_COOKIE_BYTES)]) == {}


async def test_no_route_parses_cookies_with_the_standard_library(app, monkeypatch):
    """On some Python releases, the library takes quadratic time to unquote cookies (CVE-2024-7592)."""

    def fail(*_):
        raise AssertionError

    monkeypatch.setattr(base, "parse_cookie_string", fail)
    monkeypatch.setattr(http.cookies, "_unquote", fail)
    quoted = b'a="' + b"\\" * 6000 + b'"'
    cookie = (b"cookie", b"; ".join([quoted, COOKIE.encode() + b"=aps_x", LANGUAGE_COOKIE.encode() + b"=de"]))
    for route in routes(app):
        for headers in ([HOST, cookie], [HOST, cookie, (b"authorization", ADMIN["Authorization"].encode())]):
            answer = await call(app, route.method, route.path, headers=headers)
            assert answer.status != 500, route.name
