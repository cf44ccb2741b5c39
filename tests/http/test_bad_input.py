"""Whatever is sent: a problem that says what to change, never a bug, and nothing half-written."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest

from appoint.http.languages import language_of
from appoint.kit.cache import ClinicCache
from appoint.kit.i18n import LANGUAGES
from support.app import ADMIN, composed
from support.described import ADMINISTRATORS as OPERATIONS
from support.described import address, example
from support.hours import COMING_MONDAY as MONDAY
from support.world import World, at

SENDING = [operation for operation in OPERATIONS if operation.body]
READING = [operation for operation in OPERATIONS if operation.method == "get"]
LISTS = [operation for operation in READING if "limit" in getattr(operation.query, "__struct_fields__", ())]
MIB = 1024 * 1024
NOBODYS = "00000001-0197-8cb1-8c0b-0be260bd516d"
"""An id of the first clinic."""


@pytest.fixture
async def world(db):
    """A clinic whose doctor has an evening of hours on a coming Monday."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await world.publish(world.dr_shah, evening(0), evening(120))
        yield world


def evening(minutes):
    """So many minutes into it."""
    return at(18, day=MONDAY) + timedelta(minutes=minutes)


def wish(world, minutes, *, customer=None):
    """For half an hour of the evening."""
    times = {"startTime": evening(minutes).isoformat(), "endTime": evening(minutes + 30).isoformat()}
    return {"clinicId": world.clinic, "customerId": str(customer or world.ana), "doctorId": str(world.dr_shah), **times}


@pytest.fixture(scope="module")
async def api(database_url):
    """For what is refused whatever the database holds, which nobody empties then."""
    app = composed(database_url)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        yield client


def told(answer, *statuses):
    """What the problem says is wrong where, once it is certain that the answer is one."""
    problem = answer.json()
    assert answer.status_code in statuses, (str(answer.request.url)[:200], answer.text[:500])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["requestId"] == answer.headers["X-Request-ID"]
    assert all(problem[member] for member in ("type", "title", "detail", "instance"))
    assert problem["status"] == answer.status_code
    faults = {fault["pointer"]: fault["detail"] for fault in problem.get("errors", [])}
    assert faults or problem["type"] != "/problems/invalid-request"
    return faults


async def send(client, operation, at=None, **more):
    return await client.request(
        operation.method,
        at or address(operation),
        headers=ADMIN | {"Content-Type": "application/json"} | more.pop("headers", {}),
        **more,
    )


def date(operation):
    """A query, where the operation is not asked without one."""
    asked = {"date": "2027-03-01", "since": "2027-03-01T08:30:00Z"}
    return next(
        (
            f"?{name}={value}"
            for name, value in asked.items()
            if name in getattr(operation.query, "__struct_fields__", ())
        ),
        "",
    )


BODIES = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "text": b'""',
    "half an object": b'{"name": ',
    "two objects": b"{} {}",
    "Python's quotes": b"{'name': 'x'}",
    "a comma too many": b'{"name": "x",}',
    "not a number": b'{"name": NaN}',
    "more than a number": b'{"name": 1e400}',
    "10,000 lists in each other": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects in each other": b'{"a": ' * 10_000 + b"1" + b"}" * 10_000,
    "equal keys": b'{"name": "x", "name": "x"}',
    "an unknown member": b'{"surprise": 1}',
    "NUL": b'{"name": "a\\u0000b"}',
    "NUL in a key": b'{"\\u0000": 1}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "half a surrogate pair as bytes": b'{"name": "\xed\xa0\x80"}',
    "Latin-1": b'{"name": "\xe9"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "a number of 5,000 digits": b'{"name": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_body_that_cannot_be_meant_is_400(api, body):
    for operation in SENDING:
        optional = type(None) in getattr(operation.body, "__args__", ())
        if not (optional and body in (b"", b"null")):
            told(await send(api, operation, content=body), 400)


async def test_a_body_in_another_format_is_415_and_one_over_a_mebibyte_413(api):
    for operation in SENDING:
        for content_type in (
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
        ):
            told(await send(api, operation, content=b"{}", headers={"Content-Type": content_type}), 415)
        told(await send(api, operation, content=b'{"name": "' + b"x" * MIB + b'"}'), 413)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/bookings", b'{"appointments": [' + b"{}," * (MIB // 3 - 20) + b"{}]}"),
        ("/api/bookings", b'{"appointments": [' + b"1," * (MIB // 2 - 20) + b"1]}"),
        ("/api/customers", b"{" + b",".join(b'"%d": 1' % n for n in range(70_000)) + b"}"),
        ("/api/customers", b'{"' + b"x" * (MIB - 20) + b'": 1}'),
        ("/api/customers", b"{" + b",".join(b'"\\u0000%d": 1' % n for n in range(50_000)) + b"}"),
        ("/api/clinics/1/doctors", b'{"name": "x", "appointmentTypeIds": [' + b'"",' * (MIB // 3 - 20) + b'""]}'),
    ],
    ids=["parts", "parts that are none", "unknown members", "a long name", "NULs", "types"],
)
async def test_a_body_with_faults_beyond_number_gets_a_short_answer(api, path, body):
    answer = await api.post(path, content=body, headers=ADMIN | {"Content-Type": "application/json"})
    assert 1 <= len(told(answer, 400)) <= 100
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    ("path", "members", "pointer"),
    [
        ("clinics", {"name": "x", "timeZone": "Europe/Berlin", "slug": "lakeside\n"}, "#/slug"),
        ("clinics", {"name": "x", "timeZone": "Europe/Berlin\n"}, "#/timeZone"),
        ("clinics", {"name": "x", "timeZone": "EST"}, "#/timeZone"),
        ("clinics", {"name": "x", "timeZone": "../../etc/passwd"}, "#/timeZone"),
        ("clinics", {"name": "x", "timeZone": "Europe/Berlin", "currency": "eur"}, "#/currency"),
        (
            "clinics",
            {"name": "x", "timeZone": "Europe/Berlin", "policy": {"horizonDays": 2**70}},
            "#/policy/horizonDays",
        ),
        (
            "clinics",
            {"name": "\u200b \t", "timeZone": "Europe/Berlin", "policy": {"horizonDays": True}},
            "#/policy/horizonDays",
        ),
        ("clinics", {"name": "x", "timeZone": "Europe/Berlin", "locale": "pt"}, "#/locale"),
        ("clinics/1/timeslots", {"startTime": "09:00\n", "endTime": "10:00"}, "#/startTime"),
        ("clinics/1/timeslots", {"startTime": "9:00", "endTime": "10:00"}, "#/startTime"),
        ("clinics/1/timeslots", {"startTime": "09:00", "endTime": "24:01"}, "#/endTime"),
        ("clinics/1/timeslots", {"startTime": "24:00", "endTime": "24:00"}, "#/startTime"),
        ("clinics/1/appointmentTypes", {"name": "x", "minutes": 4}, "#/minutes"),
        ("clinics/1/appointmentTypes", {"name": "x", "minutes": 30.5}, "#/minutes"),
        ("clinics/1/appointmentTypes", {"name": "x", "minutes": "30"}, "#/minutes"),
        (
            "clinics/1/appointmentTypes",
            {"name": "x", "minutes": 30, "price": {"amount": 2**31, "currency": "EUR"}},
            "#/price/amount",
        ),
        ("customers", {"name": "x", "email": "ana@example.org\nBcc: all@example.org"}, "#/email"),
        ("customers", {"name": "x", "email": "ana@example.org\n"}, "#/email"),
        ("customers", {"name": "x", "phone": " " * 39 + "x"}, "#/phone"),
        ("customers", {"name": "x", "birthDate": "9999-12-31"}, "#/birthDate"),
        ("customers", {"name": "x", "birthDate": "2027-02-29"}, "#/birthDate"),
        ("customers", {"name": "x" * 201}, "#/name"),
        ("bookingSlots", {"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:00:00.000001Z"}, "#/endTime"),
        ("bookingSlots", {"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:30:30Z"}, "#/endTime"),
        ("bookingSlots", {"startTime": "2027-03-01T09:00:00", "endTime": "2027-03-01T09:30:00Z"}, "#/startTime"),
        ("bookingSlots", {"startTime": "9999-12-31T23:59:59-14:00", "endTime": "2027-03-01T09:30:00Z"}, "#/startTime"),
        ("availability/createBookingSlots", {"clinicId": 1, "from": "2027-01-01", "to": "2037-01-01"}, "#/to"),
        ("availability/createBookingSlots", {"clinicId": 1, "from": "2027-01-02", "to": "2027-01-01"}, "#/to"),
        (
            "availability/createBookingSlots",
            {"clinicId": 2**31, "from": "2027-01-01", "to": "2027-01-01"},
            "#/clinicId",
        ),
        ("clinics/1/scheduleChanges", {"from": "2027-01-01", "to": "2037-01-01"}, "#/to"),
        ("clinics/1/absences", {"startTime": "2027-01-01T00:00:00Z", "endTime": "2037-01-01T00:00:00Z"}, "#/endTime"),
        ("providers/00000001-0197-8cb1-8c0b-0be260bd516d/schedule", {"weekly": {"Monday": []}}, "#/weekly/Monday"),
        (
            "appointments",
            {"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:00:30Z", "doctorId": NOBODYS},
            "#/endTime",
        ),
    ],
)
async def test_what_cannot_be_is_named(api, path, members, pointer):
    if path in ("bookingSlots", "appointments"):
        members = {"doctorId": NOBODYS, **members}
    if path == "appointments":
        members |= {"customerId": NOBODYS}
    assert pointer in told(await api.post(f"/api/{path}", json=members, headers=ADMIN), 400)


@pytest.mark.parametrize(
    "id",
    [
        "nonsense",
        "%00",
        "%ED%A0%80",
        "%FF",
        "x" * 5000,
        "1",
        "00000001-0197-8cb1-8c0b-0be260bd516g",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "80000001-0000-8000-8000-000000000000",
        "7fffffff-0000-8000-8000-000000000000",
    ],
)
async def test_an_id_that_is_nobodys_is_404(api, id):
    for operation in OPERATIONS:
        for name in operation.parameters:
            if name not in ("clinicId", "day", "codeId"):  # of a code that there is not it is not said
                told(
                    await send(
                        api, operation, address(operation, **{name: id}) + date(operation), json=example(operation)
                    ),
                    404,
                )


NUMBERS = [
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "9223372036854775808",
    "9" * 5000,
    "01",
    "+1",
    "%201",
    "1%20",
    "1.0",
    "1e0",
    "%D9%A1",
    "%EF%BC%91",
    "%00",
]


async def test_a_clinic_that_is_not_there_is_404_and_the_one_that_is_has_one_address(client, world):
    for operation in OPERATIONS:
        for number in NUMBERS if "clinicId" in operation.parameters else ():
            asked = "?email=ana@example.com" if operation.handler.operation_id == "findCustomers" else date(operation)
            told(
                await send(client, operation, address(operation, clinicId=number) + asked, json=example(operation)), 404
            )


@pytest.mark.parametrize(
    "day",
    [
        "2027-02-30",
        "2027-3-1",
        "20270301",
        "2027-W09-1",
        "9999-12-31",
        "1899-12-31",
        "tomorrow",
        "%00",
        "2027-03-01T00:00:00Z",
    ],
)
async def test_a_day_that_is_none_is_400(api, day):
    assert "day" in told(await api.get(f"/api/clinics/1/freeslots/{day}"), 400)


@pytest.mark.parametrize(
    "query",
    [
        "surprise=1",
        "=1",
        "%00=1",
        "%ED%A0%80=1",
        "limit%5B%5D=1",
        "LIMIT=1",
        "a=1&a=1",
        "&".join(f"a{n}=1" for n in range(101)),
        "%FF=%FF",
    ],
)
async def test_a_query_that_is_not_known_is_400_everywhere(api, query):
    for operation in OPERATIONS:
        told(await send(api, operation, f"{address(operation)}?{query}", json=example(operation)), 400)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000000", "9" * 5000, "", "x", "%D9%A1", "1&limit=1"])
async def test_a_limit_out_of_range_is_400(api, limit):
    for operation in LISTS:
        assert "?limit" in told(await api.get(f"{address(operation)}?limit={limit}", headers=ADMIN), 400), (
            operation.path
        )


RANGES = (
    "date=2027-02-30",
    "date=9999-12-31",
    "date=2027-03-01T00:00:00Z",
    "from=2027-03-02&to=2027-03-01",
    "from=2027-03-01&to=2037-03-01",
)
HALF_RANGES = (
    "",
    "from=2027-03-01",
    "to=2027-03-01",
    "date=2027-03-01&from=2027-03-01&to=2027-03-01",
    "date=2027-03-01&minutes=4",
)


@pytest.mark.parametrize("query", RANGES + HALF_RANGES)
async def test_dates_that_cannot_be_asked_for_are_400(api, query):
    for operation in READING:
        names = set(getattr(operation.query, "__struct_encode_fields__", ()))
        if "date" in names:
            assert told(await api.get(f"{address(operation)}?{query}"), 400)
        elif "from" in names and query.startswith("from") and "to=2027" in query:
            assert "?to" in told(await api.get(f"{address(operation)}?{query}", headers=ADMIN), 400)


async def cursor(client, path):
    """That of the first page of one, which is not the last."""
    page = await client.get(path, headers=ADMIN)
    assert page.json()["next"], page.text
    return page.json()["next"]


async def test_a_cursor_is_good_for_its_own_list_only_and_nobody_makes_one_up(client, world):
    await world.add_clinic()
    other = await world.add_clinic()
    for _ in range(2):
        await world.add_doctor("Dr Rao", clinic=other)
    await world.add_doctor("Dr Lee")
    own = await cursor(client, "/api/clinics?limit=1")
    of_doctors = await cursor(client, f"/api/clinics/{world.clinic}/doctors?limit=1")
    assert (await client.get(f"/api/clinics?limit=200&cursor={own}")).status_code == 200

    raw = urlsafe_b64decode(own)
    place = raw.rindex(b"[")
    made_up = [
        raw[:place] + b"[1099511627776]",
        raw[:place] + b"[0]",
        raw[:place],
        raw[place:],
        b"",
        b"\x00" * 40,
        raw + b" ",
    ]
    for bad in (
        of_doctors,
        *(urlsafe_b64encode(each).decode() for each in made_up),
        "é",
        "x",
        "=",
        "x" * 1001,
        own[:-2],
        own + "A",
    ):
        assert "?cursor" in told(await client.get(f"/api/clinics?cursor={quote(bad)}"), 400), bad
    for path in (
        f"/api/clinics/{other}/doctors",
        f"/api/clinics/{world.clinic}/doctors?specialty=x",
        f"/api/clinics/{world.clinic}/appointmentTypes",
    ):
        assert "?cursor" in told(await client.get(f"{path}{'&' if '?' in path else '?'}cursor={of_doctors}"), 400), path


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
async def test_no_header_is_too_strange(client, world, name, values):
    for value in values:
        header = {name: value.encode()}
        assert (await client.get("/api/clinics/1", headers=header)).status_code == 200
        told(await client.get("/api/nothing", headers=header), 404)


@pytest.mark.parametrize("value", ["v1", 'W/"v1"', "", '"', '"v2"', "é", '"v' + "9" * 400 + '"', "x" * 5000])
async def test_a_version_that_is_not_the_one_there_is_412(client, world, value):
    for method, body in (("PUT", {"name": "Dr Shah"}), ("PATCH", {"name": "Dr Shah"}), ("DELETE", None)):
        answer = await client.request(
            method, f"/api/doctors/{world.dr_shah}", json=body, headers=ADMIN | {"If-Match": value.encode()}
        )
        told(answer, 412)


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
def test_a_language_is_understood_however_it_is_written(header, language):
    assert language_of(header) == language in LANGUAGES


async def test_head_is_answered_like_get_without_the_body(client, world):
    for path in ("/", "/healthz", "/api/docs", "/api/clinics", "/api/clinics/1", "/api/clinics/99", "/nothing"):
        asked, told_in_full = await client.head(path), await client.get(path)
        assert (asked.status_code, asked.headers["Content-Type"]) == (
            told_in_full.status_code,
            told_in_full.headers["Content-Type"],
        )
        assert asked.headers["Content-Length"] == told_in_full.headers["Content-Length"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/clinics", "GET, HEAD, OPTIONS, POST"),
        ("/api/clinics/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/api/appointments/00000001-01a1-8fd4-8b37-f97cf160a9c8/arrive", "OPTIONS, POST"),
    ],
)
async def test_options_names_every_method_there_is(api, path, methods):
    assert (await api.options(path)).headers["Allow"] == methods


async def test_another_clinics_things_are_not_there_and_nothing_is_written(client, world):
    """Each request is good but for one id, which is another clinic's."""
    other = await world.add_clinic()
    rao, theirs, visit = (
        await world.add_doctor("Dr Rao", clinic=other),
        await world.add_type(30, clinic=other),
        await world.add_type(30),
    )
    slot = await world.publish(rao, evening(0), evening(120))
    appointment = (await client.post("/api/appointments", json=wish(world, 0, customer=world.ben))).json()["id"]
    before = await everything(world)

    good = wish(world, 60)
    part = {name: value for name, value in good.items() if name not in ("clinicId", "customerId")}
    whole = {"clinicId": world.clinic, "customerId": str(world.ana)}
    of_rao = {"doctorId": str(rao)}
    requests = [
        ("POST", "appointments", good | of_rao),
        (
            "POST",
            "appointments",
            {name: value for name, value in good.items() if name != "endTime"} | {"appointmentTypeId": str(theirs)},
        ),
        ("POST", "appointments", whole | {"bookingSlotId": str(slot)}),
        ("POST", "appointments", good | {"clinicId": other}),
        ("POST", "appointments", good | {"customerId": str(visit)}),
        ("POST", "bookings", good | {"clinicId": other}),
        ("POST", "bookings", whole | {"appointments": [part, part | of_rao]}),
        ("PUT", f"appointments/{appointment}", {"startTime": good["startTime"], **of_rao}),
        (
            "POST",
            "availability/createBookingSlots",
            {"clinicId": world.clinic, "from": str(MONDAY), "to": str(MONDAY), **of_rao},
        ),
        (
            "POST",
            f"clinics/{world.clinic}/absences",
            {"startTime": good["startTime"], "endTime": good["endTime"], **of_rao},
        ),
        ("GET", f"clinics/{world.clinic}/patients/{world.ana}", None),
        ("GET", f"clinics/{other}/patients/{world.ben}", None),
        ("GET", f"clinics/{other}/bookings/{appointment}", None),
        ("GET", f"clinics/{world.clinic}/availability?date={MONDAY}&doctorId={rao}", None),
        ("GET", f"doctors/{world.dr_shah}/availability?date={MONDAY}&appointmentTypeId={theirs}", None),
    ]
    for method, path, body in requests:
        told(await client.request(method, f"/api/{path}", json=body, headers=ADMIN), 404)
    offering = {"name": "Dr Lee", "appointmentTypeIds": [str(visit), str(theirs)]}
    assert "#/appointmentTypeIds/1" in told(
        await client.post(f"/api/clinics/{world.clinic}/doctors", json=offering, headers=ADMIN), 400
    )
    assert await everything(world) == before


async def everything(world):
    """How many rows each table has, and which versions."""
    tables = ("appointment", "booking_slot", "patient", "customer", "doctor", "absence", "event", "request_key")
    return {table: await world.count(table) for table in tables} | {
        "versions": await world.db.fetchval("select sum(version) from appointment")
    }


async def test_a_key_belongs_to_one_request_whatever_the_address(client, world):
    """Also with the same body elsewhere."""
    key = ADMIN | {"Idempotency-Key": "one"}
    assert (await client.post("/api/customers", json={"name": "Ana"}, headers=key)).status_code == 201
    for path in ("/api/customers?", "/api/customers"):
        assert (await client.post(path, json={"name": "Ana"}, headers=key)).headers["Idempotent-Replayed"] == "true"
    told(await client.post(f"/api/clinics/{world.clinic}/doctors", json={"name": "Ana"}, headers=key), 422)
    assert (await client.post("/api/appointments", json=wish(world, 0), headers=key)).status_code == 201
    told(await client.post("/api/bookings", json=wish(world, 0), headers=key), 422)


async def test_a_change_of_hours_that_reaches_centuries_ahead_is_400(client, world):
    """As far as the last slot that somebody has published by hand."""
    far = {"doctorId": str(world.dr_shah), "startTime": "2998-05-01T08:00:00Z", "endTime": "2998-05-01T09:00:00Z"}
    assert (await client.post("/api/bookingSlots", json=far, headers=ADMIN)).status_code == 201
    path = f"/api/doctors/{world.dr_shah}/scheduleChanges?dryRun=true"
    assert "#/to" in told(await client.post(path, headers=ADMIN), 400)
    assert (await client.post(path, json={"to": str(MONDAY + timedelta(days=7))}, headers=ADMIN)).status_code == 200


def test_the_tables_reach_every_operation():
    assert len(SENDING) > 25
    assert len(LISTS) > 10
    assert {operation.method for operation in OPERATIONS} == {"get", "post", "put", "patch", "delete"}
