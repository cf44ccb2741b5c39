"""If an operation cannot accept a body, it returns a problem that names the fault, and writes nothing."""

from datetime import timedelta

import pytest

from appoint.http.request import MAX_BODY_BYTES
from support.app import ADMIN
from support.bad_requests import UNKNOWN_ID, faults, send
from support.described import ADMINISTRATORS
from support.hours import COMING_MONDAY

OPERATIONS = [operation for operation in ADMINISTRATORS if operation.body]

BODIES = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "text": b'""',
    "half an object": b'{"name": ',
    "two objects": b"{} {}",
    "Python quotes": b"{'name': 'x'}",
    "a trailing comma": b'{"name": "x",}',
    "not a number": b'{"name": NaN}',
    "more than a number": b'{"name": 1e400}',
    "10,000 nested lists": b"[" * 10_000 + b"]" * 10_000,
    "9,000 nested objects": b'{"a": ' * 9000 + b"1" + b"}" * 9000,
    "a duplicate key": b'{"name": "x", "name": "x"}',
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
async def test_a_malformed_body_is_400(api, body):
    for operation in OPERATIONS:
        optional = type(None) in getattr(operation.body, "__args__", ())
        if not (optional and body in (b"", b"null")):
            faults(await send(api, operation, content=body), 400)


async def test_a_body_of_the_wrong_type_is_415_and_one_that_is_too_large_is_413(api):
    for operation in OPERATIONS:
        for content_type in (
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
        ):
            faults(await send(api, operation, content=b"{}", headers={"Content-Type": content_type}), 415)
        most = operation.handler.resolve_request_max_body_size()
        faults(await send(api, operation, content=b'{"name": "' + b"x" * most + b'"}'), 413)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/bookings", b'{"appointments": [' + b"{}," * (MAX_BODY_BYTES // 3 - 20) + b"{}]}"),
        ("/api/bookings", b'{"appointments": [' + b"1," * (MAX_BODY_BYTES // 2 - 20) + b"1]}"),
        ("/api/customers", b"{" + b",".join(b'"%d": 1' % n for n in range(6000)) + b"}"),
        ("/api/customers", b'{"' + b"x" * (MAX_BODY_BYTES - 20) + b'": 1}'),
        ("/api/customers", b"{" + b",".join(b'"\\u0000%d": 1' % n for n in range(3900)) + b"}"),
        (
            "/api/clinics/1/doctors",
            b'{"name": "x", "appointmentTypeIds": [' + b'"",' * (MAX_BODY_BYTES // 3 - 20) + b'""]}',
        ),
    ],
    ids=["parts", "parts of the wrong type", "unknown members", "a long name", "NULs", "types"],
)
async def test_a_body_with_thousands_of_faults_gets_a_short_response(api, path, body):
    response = await api.post(path, content=body, headers=ADMIN | {"Content-Type": "application/json"})
    assert 1 <= len(faults(response, 400)) <= 100
    assert len(response.content) < 20_000


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
            {"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:00:30Z", "doctorId": UNKNOWN_ID},
            "#/endTime",
        ),
    ],
)
async def test_an_invalid_member_is_named_in_the_problem(api, path, members, pointer):
    if path in ("bookingSlots", "appointments"):
        members = {"doctorId": UNKNOWN_ID, **members}
    if path == "appointments":
        members |= {"customerId": UNKNOWN_ID}
    assert pointer in faults(await api.post(f"/api/{path}", json=members, headers=ADMIN), 400)


async def test_an_hours_change_that_ends_centuries_ahead_is_400(client, world):
    """Without an end, the change reaches as far as the last manually published slot."""
    distant_slot = {
        "doctorId": str(world.dr_shah),
        "startTime": "2998-05-01T08:00:00Z",
        "endTime": "2998-05-01T09:00:00Z",
    }
    assert (await client.post("/api/bookingSlots", json=distant_slot, headers=ADMIN)).status_code == 201
    path = f"/api/doctors/{world.dr_shah}/scheduleChanges?dryRun=true"
    assert "#/to" in faults(await client.post(path, headers=ADMIN), 400)
    assert (
        await client.post(path, json={"to": str(COMING_MONDAY + timedelta(days=7))}, headers=ADMIN)
    ).status_code == 200


def test_the_cases_cover_every_operation_with_a_body():
    assert len(OPERATIONS) > 25
