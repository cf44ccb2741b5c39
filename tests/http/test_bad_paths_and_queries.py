"""If an operation cannot accept a path or query, it returns a problem that names the fault."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from support.app import ADMIN
from support.bad_requests import faults, send
from support.described import ADMINISTRATORS as OPERATIONS
from support.described import address, example

READING = [operation for operation in OPERATIONS if operation.method == "get"]
LISTS = [operation for operation in READING if "limit" in getattr(operation.query, "__struct_fields__", ())]


def required_query(operation):
    """Return an example of the operation's required query, if any."""
    required = {
        "date": "2027-03-01",
        "since": "2027-03-01T08:30:00Z",
        "name": "Ana",
        "absenceIds": "00000001-0197-8cb1-8c0b-0be260bd516a",
    }
    return next(
        (
            f"?{name}={value}"
            for name, value in required.items()
            if name in getattr(operation.query, "__struct_encode_fields__", ())
        ),
        "",
    )


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
async def test_an_unknown_id_is_404(api, id):
    for operation in OPERATIONS:
        for name in operation.parameters:
            if name not in ("clinicId", "day", "codeId"):  # an unknown code gets the same response as a wrong one
                faults(
                    await send(
                        api,
                        operation,
                        address(operation, **{name: id}) + required_query(operation),
                        json=example(operation),
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


async def test_only_the_canonical_spelling_of_a_clinic_number_is_found(client, world):
    for operation in OPERATIONS:
        for number in NUMBERS if "clinicId" in operation.parameters else ():
            query = (
                "?email=ana@example.com"
                if operation.handler.operation_id == "findCustomers"
                else required_query(operation)
            )
            faults(
                await send(client, operation, address(operation, clinicId=number) + query, json=example(operation)), 404
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
async def test_an_invalid_day_in_a_path_is_400(api, day):
    assert "day" in faults(await api.get(f"/api/clinics/1/freeslots/{day}"), 400)


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
async def test_an_unknown_query_parameter_is_400_for_every_operation(api, query):
    for operation in OPERATIONS:
        faults(await send(api, operation, f"{address(operation)}?{query}", json=example(operation)), 400)


@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "201", "1000000000", "9" * 5000, "", "x", "%D9%A1", "1&limit=1", "1e2", "10.0", "0x10", "1_0", "%2B5"],
)
async def test_an_out_of_range_limit_is_400(api, limit):
    for operation in LISTS:
        assert "?limit" in faults(await api.get(f"{address(operation)}?limit={limit}", headers=ADMIN), 400), (
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
WITHOUT_DATE = {"searchClinics"}
"""Operations that need no date."""


@pytest.mark.parametrize("query", RANGES + HALF_RANGES)
async def test_an_invalid_date_range_is_400(api, query):
    for operation in READING:
        names = set(getattr(operation.query, "__struct_encode_fields__", ()))
        if "date" in names and (query or operation.handler.operation_id not in WITHOUT_DATE):
            assert faults(await api.get(f"{address(operation)}?{query}"), 400)
        elif "from" in names and query.startswith("from") and "to=2027" in query:
            assert "?to" in faults(await api.get(f"{address(operation)}?{query}", headers=ADMIN), 400)


async def next_cursor(client, path):
    """Return the cursor from a page that is not the last one."""
    page = await client.get(path, headers=ADMIN)
    assert page.json()["next"], page.text
    return page.json()["next"]


async def test_a_cursor_is_valid_only_for_its_own_list_and_cannot_be_forged(client, world):
    await world.add_clinic()
    other = await world.add_clinic()
    for _ in range(2):
        await world.add_doctor("Dr Rao", clinic=other)
    await world.add_doctor("Dr Lee")
    clinics_cursor = await next_cursor(client, "/api/clinics?limit=1")
    doctors_cursor = await next_cursor(client, f"/api/clinics/{world.clinic}/doctors?limit=1")
    assert (await client.get(f"/api/clinics?limit=200&cursor={clinics_cursor}")).status_code == 200

    raw = urlsafe_b64decode(clinics_cursor)
    position = raw.rindex(b"[")
    forgeries = [
        raw[:position] + b"[1099511627776]",
        raw[:position] + b"[0]",
        raw[:position],
        raw[position:],
        b"",
        b"\x00" * 40,
        raw + b" ",
    ]
    for cursor in (
        doctors_cursor,
        *(urlsafe_b64encode(forgery).decode() for forgery in forgeries),
        "é",
        "x",
        "=",
        "x" * 1001,
        clinics_cursor[:-2],
        clinics_cursor + "A",
    ):
        assert "?cursor" in faults(await client.get(f"/api/clinics?cursor={quote(cursor)}"), 400), cursor
    for path in (
        f"/api/clinics/{other}/doctors",
        f"/api/clinics/{world.clinic}/doctors?specialty=x",
        f"/api/clinics/{world.clinic}/appointmentTypes",
    ):
        assert "?cursor" in faults(
            await client.get(f"{path}{'&' if '?' in path else '?'}cursor={doctors_cursor}"), 400
        ), path


def test_the_cases_cover_every_kind_of_operation():
    assert len(LISTS) > 10
    assert {operation.method for operation in OPERATIONS} == {"get", "post", "put", "patch", "delete"}
