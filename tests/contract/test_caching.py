"""No cache stores anything about a person, or anything secret: every response to every route is checked."""

from appoint.http.routes import route_of
from appoint.kit.actors import Role
from support.access_matrix import callers_of, calls_as
from support.app import ADMIN, client_of, composed
from support.clinic_records import create_clinic_records
from support.described import OPERATIONS, example
from support.routes import routes
from support.staff import add_user, bearer, works_at
from support.world import create_clinic

NO_STORE = "no-store"
PUBLIC_HEADERS = ("public, no-cache", "public, max-age=2", "private, no-cache", NO_STORE)


async def test_responses_to_callers_who_are_signed_in_are_not_stored_unless_they_are_public(db, database_url):
    own, _ = await create_clinic_records(db)
    stored: list[str] = []
    calls = 0
    async with calls_as(database_url, callers_of(own)) as call:
        for operation in OPERATIONS:
            body = own.in_body(example(operation))
            for role in Role:
                response = await call(role, operation.method, own.in_path(operation), body)
                calls += 1
                header = response.headers.get("Cache-Control")
                is_public = route_of(operation.handler).permission == "public"
                is_shared = is_public and header.startswith("public") and response.status_code < 400
                if header != NO_STORE and not is_shared and not (is_public and role is Role.ANYONE):
                    stored.append(f"{role} {operation.handler.operation_id}: {header}")
                assert header in PUBLIC_HEADERS
    assert calls > 800
    assert stored == []


async def test_what_shared_caches_store_is_the_same_for_everyone(db, database_url):
    own, _ = await create_clinic_records(db)
    different: list[str] = []
    async with calls_as(database_url, callers_of(own)) as call:
        for operation in OPERATIONS:
            if operation.method != "get" or route_of(operation.handler).permission != "public":
                continue
            path = own.in_path(operation)
            bodies = {
                response.text
                for role in Role
                if (response := await call(role, "get", path)).headers["Cache-Control"].startswith("public")
            }
            if len(bodies) > 1:
                different.append(str(operation.handler.operation_id))
    assert different == []


async def test_pages_for_people_who_are_signed_in_are_neither_stored_nor_compressed(db, database_url):
    app = composed(database_url)
    async with client_of(app) as client:
        await create_clinic(client)
        await works_at(db, await add_user(db))
        shown = 0
        for headers in (ADMIN, await bearer(client)):
            for route in routes(app):
                declared = route_of(route.handler)
                if route.method != "GET" or not declared.page or declared.stream:
                    continue
                response = await client.get(route.path, headers=headers)
                header = response.headers["Cache-Control"]
                is_public = declared.permission == "public" and header.startswith("public")
                assert header == NO_STORE or is_public, route.name
                assert is_public or "Content-Encoding" not in response.headers, route.name
                shown += response.status_code == 200
        assert shown > 50


async def test_responses_without_a_route_are_not_stored(client):
    for path in ("/nowhere", "/api/nowhere", "/healthz/", "/%ff"):
        assert (await client.get(path)).headers["Cache-Control"] == NO_STORE, path
