"""Every page, asked for by every role, about what is its own, its clinic's, another clinic's and nobody's: as the table
of permissions says."""

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
    Things,
    asked_by,
    callers_of,
    clinic_with_two_of_everything,
    is_about_a_clinic,
    may,
    nobodys,
)
from support.app import ADMIN
from support.described import APP
from support.rows import later
from support.staff import SECRET, add_user, bearer, sign_in, works_at

SAID = {
    "name": "lakeside",
    "tag": "clinics",
    "token": "of-nobody",
    "kind": "reminder",
    "channel": "sms",
    "locale": "en",
    "file": "bookings.csv",
    "codeId": UUID(int=7 << 76 | 2 << 62),
}
"""What stands in addresses besides ids of things."""


def pages(method: str) -> Iterator[Operation]:
    for route in APP.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if (declared := handler.opt.get("route")) and declared.page and method in handler.http_methods:
                parts = [part if isinstance(part, str) else f"{{{camel(part.name)}}}" for part in route.path_components]
                parameters = {
                    camel(part.name): part.type
                    for part in route.path_components
                    if isinstance(part, PathParameterDefinition)
                }
                yield Operation(
                    route.path, "/" + "/".join(parts), method.lower(), handler, parameters, None, None, None, ""
                )


LOOKS, FORMS = list(pages("GET")), list(pages("POST"))
CLOSED = [page for page in LOOKS if route_of(page.handler).permission not in PUBLIC_PERMISSIONS]


def address(page: Operation, things: Things) -> str:
    """With the day of the appointments that there are, for the pages that show a day."""
    day = later(24 * 7).date()
    path = page.path.format_map(SAID | things.ids | {"typeId": things.ids["appointmentTypeId"]})
    return f"{path}?date={day}&from={day}&to={day}" if page.method == "get" else path


def is_the_way_in(answer) -> bool:
    return answer.status_code == 303 and "/sign-in?next=" in answer.headers["Location"]


def test_the_pages_are_found():
    assert len(CLOSED) > 20
    assert len(FORMS) > 5


async def test_every_role_sees_the_pages_that_the_table_says_and_no_other(db, database_url):
    own, same = await clinic_with_two_of_everything(db)
    other, _ = await clinic_with_two_of_everything(db)
    about = dict(zip(RELATIONS, (own, same, other, nobodys(own)), strict=True))
    wrong: list[str] = []
    asked = 0
    async with asked_by(database_url, callers_of(own)) as ask:
        for page in CLOSED:
            for relation, things in about.items():
                if relation != "own" and not page.parameters:
                    continue
                for role in Role:
                    wanted = may(page, role, relation, None)
                    if route_of(page.handler).stream and wanted is None:
                        continue  # it would go on for good
                    answer = await ask(role, "GET", address(page, things), None)
                    asked += 1
                    if wanted == {401}:
                        right = is_the_way_in(answer)
                    elif wanted:
                        right = answer.status_code in wanted
                    else:
                        right = (answer.status_code < 400 and not is_the_way_in(answer)) or (
                            relation == "none" and answer.status_code == 404
                        )
                    if not right:
                        wrong.append(f"{role} {page.route} {relation}: {answer.status_code}, {wanted or 'not refused'}")
    assert asked > 500
    print(*wrong, sep="\n")
    assert wrong == []


async def test_no_page_of_a_clinic_shows_what_another_clinic_has(db, database_url):
    """With the clinic's own number in the address, and the id of something of another clinic's."""
    own, _ = await clinic_with_two_of_everything(db)
    other, _ = await clinic_with_two_of_everything(db)
    mixed = Things({**other.ids, "clinicId": own.ids["clinicId"]})
    named = [
        page
        for page in CLOSED
        if len(page.parameters) > 1 and not set(page.parameters) & {"kind", "file"} and is_about_a_clinic(page, None)
    ]
    assert len(named) > 5
    async with asked_by(database_url, callers_of(own)) as ask:
        shown = [
            f"{role} {page.route}: {answer.status_code}"
            for page in named
            for role in (Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER, Role.PARTNER, Role.ADMINISTRATOR)
            if (answer := await ask(role, "GET", address(page, mixed), None)).status_code not in (403, 404)
        ]
    print(*shown, sep="\n")
    assert shown == []


async def test_open_pages_are_there_for_everybody(db, database_url):
    own, _ = await clinic_with_two_of_everything(db)
    async with asked_by(database_url, callers_of(own)) as ask:
        for page in LOOKS:
            if route_of(page.handler).permission in PUBLIC_PERMISSIONS:
                answer = await ask(Role.ANYONE, "GET", address(page, own), None)
                assert answer.status_code in (200, 404, 409), (page.route, answer.status_code)
                assert not is_the_way_in(answer), page.route


async def cookie_of(client, **who) -> str:
    answer = await sign_in(client, **who, cookie=True)
    return next(
        header.split("=", 1)[1].split(";")[0]
        for header in answer.headers.get_list("set-cookie")
        if header.startswith(COOKIE)
    )


async def test_no_form_of_somebody_signed_in_is_taken_without_what_other_sites_do_not_know(db, client):
    own, _ = await clinic_with_two_of_everything(db)
    await works_at(db, await add_user(db), own.ids["clinicId"])
    token = await cookie_of(client)
    headers = {"Cookie": f"{COOKIE}={token}"}
    closed = [page for page in FORMS if route_of(page.handler).permission != "sign-in"]
    for page in closed:
        for sent in ({}, {"csrf": ""}, {"csrf": csrf_token(SECRET, token + "x")}):
            answer = await client.post(address(page, own), data={"name": "Ana", **sent}, headers=headers)
            assert answer.status_code == 403, page.route
    answer = await client.post("/sign-out", data={"csrf": csrf_token(SECRET, token)}, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/sign-in")


async def test_a_form_that_is_older_than_the_session_is_taken_when_the_browser_says_that_it_is_ours(db, client):
    own, _ = await clinic_with_two_of_everything(db)
    await works_at(db, await add_user(db), own.ids["clinicId"])
    headers = {"Cookie": f"{COOKIE}={await cookie_of(client)}"}
    for site, expected in (("cross-site", 403), ("same-site", 403), ("none", 403), ("same-origin", 303)):
        answer = await client.post("/sign-out", data={"csrf": ""}, headers={**headers, "Sec-Fetch-Site": site})
        assert answer.status_code == expected, site


async def test_no_form_that_another_site_sends_is_taken(db, client):
    own, _ = await clinic_with_two_of_everything(db)
    for page in FORMS:
        answer = await client.post(address(page, own), data={"name": "Ana"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403, page.route


async def test_who_looks_at_people_on_a_page_is_written_down(db, client):
    """Whatever page shows a patient, or what was noted or told of one, or who works at the clinic: its look is in the
    audit before anyone sees it."""
    own, same = await clinic_with_two_of_everything(db)
    clinic_id = own.ids["clinicId"]
    await db.execute("update customer set name = 'marked-customer', email = 'marked-customer@example.org'")
    await db.execute("update patient set notes = 'marked-notes'")
    await db.execute("update notification set reason = 'marked-reason'")
    await db.execute("update app_user set name = 'marked-user'")
    await works_at(db, await add_user(db), clinic_id)
    headers = await bearer(client)
    showing = set()
    for page in CLOSED:
        if "clinicId" not in page.parameters or route_of(page.handler).stream:
            continue
        for things in (own, same):
            await db.execute("delete from audit_unsealed")
            answer = await client.get(address(page, things), headers=headers)
            if "marked-" in answer.text:
                showing.add(page.handler.operation_id)
                recorded = await db.fetchval(
                    "select count(*) from audit_unsealed where clinic_id = $1 and action = $2",
                    clinic_id,
                    page.handler.operation_id,
                )
                assert recorded == 1, page.route
    assert {"showPatients", "showPatient", "showMessages", "showUsers", "showUser", "showDay"} <= showing


async def test_a_doctor_sees_nobody_on_pages_who_is_another_doctors_alone(db, database_url):
    own, same = await clinic_with_two_of_everything(db)
    await db.execute("update customer set name = 'marked-customer' where id = $1", same.ids["customerId"])
    await db.execute("update patient set notes = 'marked-notes' where customer_id = $1", same.ids["customerId"])
    async with asked_by(database_url, callers_of(own)) as ask:
        pages_of_clinic = [
            page for page in CLOSED if "clinicId" in page.parameters and not route_of(page.handler).stream
        ]
        shown = [
            (role, page.route)
            for page in pages_of_clinic
            for role in (Role.DOCTOR, Role.RECEPTIONIST)
            if "marked-" in (await ask(role, "GET", address(page, own), None)).text
        ]
    assert [route for role, route in shown if role is Role.DOCTOR] == []
    assert {"/staff/{clinic_id:int}/patients", "/staff/{clinic_id:int}/day"} <= {route for _, route in shown}


@pytest.mark.parametrize(
    "path",
    [
        "/staff/999/patients",
        "/staff/1/patients/019a0000-0000-7000-8000-000000000000",
        "/staff/01/patients",
        "/staff/4294967296/patients",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(db, client, path):
    await clinic_with_two_of_everything(db)
    answer = await client.get(path, headers=ADMIN)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


async def test_who_is_not_signed_in_comes_back_to_the_page_with_its_query(client):
    answer = await client.get("/staff/1/patients?q=ana&after=1")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/staff/sign-in?next=%2Fstaff%2F1%2Fpatients%3Fq%3Dana%26after%3D1",
    )
