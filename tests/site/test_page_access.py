"""Every role requests every page for its own records, for other records at its clinic, for another clinic's records and
for records that don't exist. The permissions table determines the responses.
"""

from collections.abc import Iterator
from uuid import UUID

import pytest
from litestar.routes import HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from appoint.http.access import COOKIE, csrf_token
from appoint.http.openapi import Operation, camel
from appoint.http.routes import route_of
from appoint.kit.actors import Role
from appoint.kit.permissions import PUBLIC_PERMISSIONS
from support.access_matrix import (
    RELATIONS,
    callers_of,
    calls_as,
    expected_refusals,
    is_about_a_clinic,
)
from support.app import ADMIN
from support.clinic_records import Records, create_clinic_records, unknown_records
from support.described import APP
from support.staff import PASSWORD, SECRET, add_user, bearer, sign_in, works_at
from support.world import hours_ahead

PATH_VALUES = {
    "name": "lakeside",
    "tag": "clinics",
    "token": "of-nobody",
    "code": "made-up",
    "kind": "reminder",
    "channel": "sms",
    "locale": "en",
    "file": "bookings.csv",
    "sessionId": "cs_test_made_up",
    "codeId": UUID(int=7 << 76 | 2 << 62),
    "recordingId": UUID(int=7 << 76 | 2 << 62),
}
"""Values for path parameters that are not record ids."""


def pages(method: str) -> Iterator[Operation]:
    """Yield the pages that accept a method."""
    for route in APP.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if (options := handler.opt.get("route")) and options.page and method in handler.http_methods:
                parts = [part if isinstance(part, str) else f"{{{camel(part.name)}}}" for part in route.path_components]
                parameters = {
                    camel(part.name): part.type
                    for part in route.path_components
                    if isinstance(part, PathParameterDefinition)
                }
                yield Operation(
                    route.path, "/" + "/".join(parts), method.lower(), handler, parameters, None, None, None, ""
                )


VIEWS, FORMS = list(pages("GET")), list(pages("POST"))
PROTECTED_VIEWS = [page for page in VIEWS if route_of(page.handler).permission not in PUBLIC_PERMISSIONS]
VIEWERS = (Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER, Role.PARTNER, Role.ADMINISTRATOR)


def address(page: Operation, records: Records) -> str:
    """Return the page's address for these records, including the day of their appointments."""
    day = hours_ahead(24 * 7).date()
    path = page.path.format_map(PATH_VALUES | records.ids | {"typeId": records.ids["appointmentTypeId"]})
    return f"{path}?date={day}&from={day}&to={day}" if page.method == "get" else path


def redirects_to_sign_in(response) -> bool:
    return response.status_code == 303 and "/sign-in?next=" in response.headers["Location"]


def is_as_expected(response, statuses: set[int] | None, relation: str) -> bool:
    """Return whether the permissions table allows this response. `None` means any response but a refusal."""
    if statuses == {401}:
        return redirects_to_sign_in(response)
    if statuses:
        return response.status_code in statuses
    is_shown = response.status_code < 400 and not redirects_to_sign_in(response)
    return is_shown or (relation == "unknown" and response.status_code == 404)


def test_page_routes_are_collected():
    assert len(PROTECTED_VIEWS) > 20
    assert len(FORMS) > 5


async def test_every_role_sees_exactly_the_pages_the_permissions_table_allows(db, database_url):
    own, same = await create_clinic_records(db)
    other, _ = await create_clinic_records(db)
    records_by_relation = dict(zip(RELATIONS, (own, same, other, unknown_records(own)), strict=True))
    mistakes: list[str] = []
    requests = 0
    async with calls_as(database_url, callers_of(own)) as call:
        for page in PROTECTED_VIEWS:
            for relation, records in records_by_relation.items():
                if relation != "own" and not page.parameters:
                    continue
                for role in Role:
                    statuses = expected_refusals(page, role, relation, None)
                    if route_of(page.handler).stream and statuses is None:
                        continue  # a stream never ends
                    response = await call(role, "GET", address(page, records), None)
                    requests += 1
                    if not is_as_expected(response, statuses, relation):
                        mistakes.append(f"{role} {page.route} {relation}: {response.status_code}, expected {statuses}")
    assert requests > 500
    print(*mistakes, sep="\n")
    assert mistakes == []


async def test_no_page_shows_another_clinics_records(db, database_url):
    """The address combines the clinic's own number with a record id from another clinic."""
    own, _ = await create_clinic_records(db)
    other, _ = await create_clinic_records(db)
    mixed = Records({**other.ids, "clinicId": own.ids["clinicId"]})
    pages_about_records = [
        page
        for page in PROTECTED_VIEWS
        if len(page.parameters) > 1 and not set(page.parameters) & {"kind", "file"} and is_about_a_clinic(page, None)
    ]
    assert len(pages_about_records) > 5
    async with calls_as(database_url, callers_of(own)) as call:
        leaks = [
            f"{role} {page.route}: {response.status_code}"
            for page in pages_about_records
            for role in VIEWERS
            if (response := await call(role, "GET", address(page, mixed), None)).status_code not in (403, 404)
        ]
    print(*leaks, sep="\n")
    assert leaks == []


async def test_public_pages_do_not_require_signing_in(db, database_url):
    own, _ = await create_clinic_records(db)
    async with calls_as(database_url, callers_of(own)) as call:
        for page in VIEWS:
            if route_of(page.handler).permission in PUBLIC_PERMISSIONS:
                response = await call(Role.ANYONE, "GET", address(page, own), None)
                assert response.status_code in (200, 404, 409), (page.route, response.status_code)
                assert not redirects_to_sign_in(response), page.route


async def session_token(client) -> str:
    response = await sign_in(client, cookie=True)
    return next(
        header.split("=", 1)[1].split(";")[0]
        for header in response.headers.get_list("set-cookie")
        if header.startswith(COOKIE)
    )


async def test_forms_from_signed_in_users_require_the_csrf_token(db, client):
    own, _ = await create_clinic_records(db)
    await works_at(db, await add_user(db), own.ids["clinicId"])
    token = await session_token(client)
    headers = {"Cookie": f"{COOKIE}={token}"}
    protected_forms = [page for page in FORMS if route_of(page.handler).permission != "sign-in"]
    for page in protected_forms:
        for fields in ({}, {"csrf": ""}, {"csrf": csrf_token(SECRET, token + "x")}):
            response = await client.post(address(page, own), data={"name": "Ana", **fields}, headers=headers)
            assert response.status_code == 403, page.route
    response = await client.post("/sign-out", data={"csrf": csrf_token(SECRET, token)}, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, "/staff/sign-in")


async def test_a_form_older_than_the_session_is_accepted_only_from_the_same_origin(db, client):
    own, _ = await create_clinic_records(db)
    await works_at(db, await add_user(db), own.ids["clinicId"])
    headers = {"Cookie": f"{COOKIE}={await session_token(client)}"}
    for site, status in (("cross-site", 403), ("same-site", 403), ("none", 403), ("same-origin", 303)):
        response = await client.post("/sign-out", data={"csrf": ""}, headers={**headers, "Sec-Fetch-Site": site})
        assert response.status_code == status, site


async def test_forms_sent_by_another_site_are_refused(db, client):
    own, _ = await create_clinic_records(db)
    for page in FORMS:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "http://testserver.local.evil.example"},
            {"Origin": "http://testserver.local:8001"},
        ):
            response = await client.post(address(page, own), data={"name": "Ana"}, headers=headers)
            assert response.status_code == 403, (page.route, headers)


async def test_another_site_cannot_sign_a_visitor_in(db, client):
    """Otherwise, the visitor could use the attacker's account without noticing."""
    await add_user(db)
    form = {"email": "mia@example.org", "password": PASSWORD}
    for headers in ({"Origin": "null"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        response = await client.post("/staff/sign-in", data=form, headers=headers)
        assert (response.status_code, response.headers.get("Set-Cookie")) == (403, None), headers
    for headers in ({"Origin": "http://testserver.local"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {}):
        assert (await client.post("/staff/sign-in", data=form, headers=headers)).status_code == 303, headers
    page = await client.get("/staff/sign-in")
    assert page.headers["Referrer-Policy"] == "same-origin"  # so that older browsers send the form's origin


async def test_access_to_pages_with_personal_data_is_recorded_in_the_audit_log(db, client):
    """Personal data includes patients' details, notes and messages about them, and the names of staff."""
    own, same = await create_clinic_records(db)
    clinic_id = own.ids["clinicId"]
    await db.execute("update customer set name = 'marked-customer', email = 'marked-customer@example.org'")
    await db.execute("update patient set notes = 'marked-notes'")
    await db.execute("update notification set reason = 'marked-reason'")
    await db.execute("update app_user set name = 'marked-user'")
    await works_at(db, await add_user(db), clinic_id)
    headers = await bearer(client)
    operations = set()
    for page in PROTECTED_VIEWS:
        if "clinicId" not in page.parameters or route_of(page.handler).stream:
            continue
        for records in (own, same):
            await db.execute("delete from audit_unsealed")
            response = await client.get(address(page, records), headers=headers)
            if "marked-" in response.text:
                operations.add(page.handler.operation_id)
                entries = await db.fetchval(
                    "select count(*) from audit_unsealed where clinic_id = $1 and action = $2",
                    clinic_id,
                    page.handler.operation_id,
                )
                assert entries == 1, page.route
    assert {"showPatients", "showPatient", "showMessages", "showUsers", "showUser", "showDay"} <= operations


async def test_a_doctor_does_not_see_patients_who_only_have_another_doctor(db, database_url):
    own, same = await create_clinic_records(db)
    await db.execute("update customer set name = 'marked-customer' where id = $1", same.ids["customerId"])
    await db.execute("update patient set notes = 'marked-notes' where customer_id = $1", same.ids["customerId"])
    async with calls_as(database_url, callers_of(own)) as call:
        clinic_pages = [
            page for page in PROTECTED_VIEWS if "clinicId" in page.parameters and not route_of(page.handler).stream
        ]
        views = [
            (role, page.route)
            for page in clinic_pages
            for role in (Role.DOCTOR, Role.RECEPTIONIST)
            if "marked-" in (await call(role, "GET", address(page, own), None)).text
        ]
    assert [route for role, route in views if role is Role.DOCTOR] == []
    assert {"/staff/{clinic_id:int}/patients", "/staff/{clinic_id:int}/day"} <= {route for _, route in views}


@pytest.mark.parametrize(
    "path",
    [
        "/staff/999/patients",
        "/staff/1/patients/019a0000-0000-7000-8000-000000000000",
        "/staff/01/patients",
        "/staff/4294967296/patients",
    ],
)
async def test_unknown_addresses_get_a_not_found_page(db, client, path):
    await create_clinic_records(db)
    response = await client.get(path, headers=ADMIN)
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


async def test_the_redirect_to_sign_in_remembers_the_page_and_its_query(client):
    response = await client.get("/staff/1/patients?q=ana&after=1")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        "/staff/sign-in?next=%2Fstaff%2F1%2Fpatients%3Fq%3Dana%26after%3D1",
    )
