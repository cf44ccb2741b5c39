"""Headers and methods that no well-behaved client sends."""

import pytest

from appoint.http.languages import language_of
from appoint.kit.i18n import LANGUAGES
from support.app import ADMIN
from support.bad_requests import faults

HEADERS = [
    (
        "Accept-Language",
        [
            "DE",
            "*",
            "",
            "-",
            "_",
            "q",
            ";",
            "de;q=nan",
            "de;q=1e999",
            "x" * 5000,
            "de," * 2000,
            "é",
            "zh-Hans-CN-x-private",
            "../../etc/passwd",
        ],
    ),
    ("X-Request-ID", ["", "a b", "é", "x" * 129, "\t", "日本"]),
    (
        "traceparent",
        [
            "",
            "nonsense",
            "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
            "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
            "é",
            "x" * 5000,
        ],
    ),
    ("tracestate", ["", ",,=,é", "x" * 5000]),
    ("If-None-Match", ["", "v1", '"', "W/", ",,,", "é", '"v' + "9" * 400 + '"', "x" * 5000]),
    ("Accept", ["", "text/html", "application/xml;q=0.1", "é", "x" * 5000]),
    ("Cookie", ["é", "a=b; a=c", "=" * 5000]),
]


@pytest.mark.parametrize(("name", "values"), HEADERS, ids=[name for name, _ in HEADERS])
async def test_malformed_headers_are_ignored(client, world, name, values):
    for value in values:
        header = {name: value.encode()}
        assert (await client.get("/api/clinics/1", headers=header)).status_code == 200
        faults(await client.get("/api/nothing", headers=header), 404)


@pytest.mark.parametrize("value", ["v1", 'W/"v1"', "", '"', '"v2"', "é", '"v' + "9" * 400 + '"', "x" * 5000])
async def test_a_version_that_does_not_match_is_412(client, world, value):
    for method, body in (("PUT", {"name": "Dr Shah"}), ("PATCH", {"name": "Dr Shah"}), ("DELETE", None)):
        response = await client.request(
            method, f"/api/doctors/{world.dr_shah}", json=body, headers=ADMIN | {"If-Match": value.encode()}
        )
        faults(response, 412)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("DE", "de"),
        ("de-AT", "de"),
        ("de; q=0.9, fr;q=0.8", "de"),
        ("en ;q=0.1,ES ; q=0.2", "es"),
        ("FR-ca, *;q=0.1", "fr"),
    ],
)
def test_the_language_header_is_read_whatever_its_case_and_spacing(header, language):
    assert language_of(header) == language in LANGUAGES


async def test_head_returns_the_same_headers_as_get_without_the_body(client, world):
    for path in ("/", "/healthz", "/api/docs", "/api/clinics", "/api/clinics/1", "/api/clinics/99", "/nothing"):
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.headers["Content-Type"]) == (
            get.status_code,
            get.headers["Content-Type"],
        )
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/clinics", "GET, HEAD, OPTIONS, POST"),
        ("/api/clinics/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/api/appointments/00000001-01a1-8fd4-8b37-f97cf160a9c8/arrive", "OPTIONS, POST"),
    ],
)
async def test_options_lists_all_of_a_paths_methods(api, path, methods):
    assert (await api.options(path)).headers["Allow"] == methods
