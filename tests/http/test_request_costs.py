"""The cost of the worst requests: callers cannot keep a process busy for long, or at all before they are authorised."""

import time

import pytest

from appoint.http.forms import MAX_FORM_BYTES
from appoint.http.request import MAX_BODY_BYTES
from appoint.http.request_head import MAX_COOKIE_BYTES, MAX_QUERY_BYTES
from appoint.http.routes import route_of
from appoint.kit.permissions import PUBLIC_PERMISSIONS
from support.app import client_of, composed
from support.routes import FORM, JSON, Route, call, routes

MAX_CPU_SECONDS = 0.05
"""The event loop's time for one request. Nearly all requests take a tenth of it."""
ATTEMPTS = 5
"""Only the fastest run counts, because other programs can slow down any of them."""
HOST = (b"host", b"testserver.local")
LARGER_BODIES = {"makeBooking", "bookByForm", "replaceLogo", "replacePhoto", "replacePortrait", "receivePaymentEvent",
                 "changeInvoiceByForm", "issueInvoiceByForm"}  # fmt: skip


def worst_headers(media_type: bytes) -> list[tuple[bytes, bytes]]:
    """Return nearly 64 KiB of headers that are slow to parse."""
    values = {
        b"cookie": b'a="' + b"\\" * (MAX_COOKIE_BYTES // 2) + b'";' + b"a;" * (MAX_COOKIE_BYTES // 4 - 10),
        b"accept-language": b"de-x;q=0." + b"1,*;q=" * 2000,
        b"if-none-match": b'"a",' * 3000,
        b"accept-encoding": b"gzip;q=0," * 800,
        b"accept": b"text/html;q=0.1," * 400,
        b"content-type": media_type + b";a=" + b'\\" ' * 1000,
        b"user-agent": b"\xff" * 1000,
        b"tracestate": b"," * 1000,
        b"prefer": b"," * 1000,
    }
    return [HOST, *values.items(), *((b"x-%d" % n, b"\xff" * 20) for n in range(80))]


WORST_QUERIES = [b"lang=" + b"%25" * (MAX_QUERY_BYTES // 3 - 5), b"&".join([b"%ff=" + b"%" * 70] * 100)]


def worst_bodies(route: Route) -> list[bytes]:
    """Return the largest bodies that the route accepts, all slow to parse."""
    size = route.max_body_bytes - 64
    if route.media_type == FORM:
        return [b"name=" + b"%20" * (size // 3), b"a=%" + b"%a" * (size // 2), b"&" * size, b"note=" + b"+" * size]
    return [
        b"[" + b'"\\u0041",' * (size // 9) + b'""]',
        b'["\\ud83d\\ude00",' + b"[1]," * (size // 4 - 9) + b'"\\ud800"]',
        b"[" * (size // 2) + b"]" * (size // 2),
        b"[" * 40 + b'"' + b'\\"' * (size // 2 - 40),
        b"{" + b",".join(b'"\\u0001%d":1' % n for n in range(size // 15)) + b"}",
        b'{"appointments":[' + b"{}," * (size // 3 - 9) + b"{}]}",
        b'{"name":0.' + b"1" * (size - 20) + b"}",
        b"[" + (b"9" * 4300 + b",") * (size // 4301) + b"1]",
    ]


async def cpu_seconds(send) -> float:
    """Return the processor time that the event loop spends on a request."""
    least = MAX_CPU_SECONDS * 100
    for _ in range(ATTEMPTS):
        before = time.thread_time()
        await send()
        least = min(least, time.thread_time() - before)
        if least < MAX_CPU_SECONDS:
            break
    return least


async def test_no_request_costs_more_than_50_milliseconds(app, world):
    slow = {}
    for route in routes(app):
        headers = worst_headers(route.media_type)
        requests = [(query, b"") for query in WORST_QUERIES]
        requests += [(b"", body) for body in worst_bodies(route)] if route.has_body else []
        for index, (query, body) in enumerate(requests):
            seconds = await cpu_seconds(
                lambda route=route, headers=headers, query=query, body=body: call(
                    app, route.method, route.path, query=query, headers=headers, body=body
                )
            )
            if seconds >= MAX_CPU_SECONDS:
                slow[route.name, index] = round(seconds, 3)
    assert slow == {}


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/nothing", "/api/clinics", "/assets/x.js", "/embed.js"])
async def test_a_refused_head_costs_hardly_anything(app, path):
    for headers in (
        [HOST, (b"cookie", b'a="' + b"\\" * 60_000 + b'"')],
        [HOST, (b"accept", b"text/html"), (b"cookie", b";" * 64_000)],
        [HOST, (b"accept-language", b"," * 64_000)],
        [HOST, *[(b"host", b"x" * 640)] * 99],
    ):
        assert await cpu_seconds(lambda headers=headers: call(app, "GET", path, headers=headers)) < 0.05
    query = b"lang=" + b"%25" * 20_000
    assert await cpu_seconds(lambda: call(app, "GET", path, query=query)) < 0.05


async def test_every_route_has_a_rate_limit(db, database_url, fixed_clock):
    rates = dict.fromkeys(
        ("requests", "search", "bookings", "registrations", "sign_in", "monitoring", "callbacks"), "1/minute"
    )
    app = composed(database_url, rate_limits=True, **{f"{name}_rate": rate for name, rate in rates.items()})
    async with client_of(app):
        for number, route in enumerate(routes(app)):
            address = f"192.0.{number // 250}.{number % 250}"
            answers = [await call(app, route.method, route.path, address=address) for _ in range(2)]
            assert answers[1].status == 429, (route.name, answers)
            assert answers[1].headers["ratelimit-remaining"] == "0", route.name


async def test_no_body_is_read_before_the_caller_is_authorised(db, database_url):
    app = composed(database_url)
    async with client_of(app):
        for route in routes(app):
            if route_of(route.handler).permission not in PUBLIC_PERMISSIONS:
                headers = [HOST, (b"content-type", route.media_type), (b"accept", b"text/html")]
                answer = await call(app, route.method, route.path, headers=headers, body=b"{")
                assert (answer.status in (303, 401), answer.reads) == (True, 0), (route.name, answer.status)


async def test_a_link_is_checked_before_the_submitted_form_is_read(app):
    links = [route for route in routes(app) if route.has_body and "token" in route.parameters]
    assert len(links) >= 4
    for route in links:
        answer = await call(app, route.method, route.path, headers=[HOST, (b"content-type", FORM)], body=b"a=1")
        assert (answer.status, answer.reads) == (404, 0), route.name


async def test_bodies_are_small_unless_a_route_needs_more(app):
    larger = {
        route.handler.operation_id
        for route in routes(app)
        if route.max_body_bytes > (MAX_FORM_BYTES if route.media_type == FORM else MAX_BODY_BYTES)
    }
    assert larger == LARGER_BODIES


async def test_a_body_that_is_too_large_is_not_read(app):
    for route in routes(app):
        if route.has_body and route_of(route.handler).permission in PUBLIC_PERMISSIONS:
            length = b"%d" % (route.max_body_bytes + 1)
            headers = [HOST, (b"content-type", route.media_type), (b"content-length", length)]
            answer = await call(app, route.method, route.path, headers=headers)
            # links, callbacks, other cells and callers of the development gateway are refused before the body is read
            links = route.media_type == FORM or route.path.startswith("/cells/")
            refusals = (413, 404, 403) if links else (413, 401)
            assert answer.status in refusals, (route.name, answer)
            assert answer.reads == 0, route.name


async def test_an_oversized_body_without_a_length_is_cut_off(app):
    for path, media_type, size in (("/api/customers", JSON, MAX_BODY_BYTES), ("/sign-in", FORM, MAX_FORM_BYTES)):
        headers = [HOST, (b"content-type", media_type)]
        assert (await call(app, "POST", path, headers=headers, body=b" " * (size + 1))).status == 413
