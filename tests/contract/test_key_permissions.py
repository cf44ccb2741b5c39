"""An API key can do only what its permissions allow, even where other callers don't need any."""

from typing import Any

import msgspec
import pytest

from appoint.http.routes import route_of
from appoint.kit.actors import Role
from appoint.kit.permissions import SCOPES
from support.access_matrix import callers_of, calls_as
from support.clinic_records import create_clinic_records
from support.described import OPERATIONS, example

WITHOUT_CALLER = {"public", "sign-in"}
"""Permissions for operations that have nothing to do with the key, such as signing in."""


@pytest.mark.parametrize("scope", [None, *sorted(SCOPES)])
async def test_a_key_with_one_permission_can_change_only_what_that_permission_allows(db, database_url, scope):
    own, _ = await create_clinic_records(db)
    callers = callers_of(own)
    callers[Role.PARTNER] = msgspec.structs.replace(callers[Role.PARTNER], scopes=frozenset({scope} - {None}))
    refused: dict[str, bool] = {}
    expected: dict[str, bool] = {}
    async with calls_as(database_url, callers) as call:
        for operation in OPERATIONS:
            permission = route_of(operation.handler).permission
            if operation.method == "get" or permission in WITHOUT_CALLER:
                continue
            body: Any = own.in_body(example(operation))
            if isinstance(body, dict):
                body.pop("override", None)  # needs a different permission
            response = await call(Role.PARTNER, operation.method, own.in_path(operation), body)
            name = str(operation.handler.operation_id)
            refused[name] = response.status_code == 403
            expected[name] = permission != scope
    assert refused == expected
    assert {"bookAppointment", "makeBooking", "createCustomer", "cancelAppointment"} <= refused.keys()


async def test_a_refused_key_learns_which_permission_it_lacks(db, database_url):
    own, _ = await create_clinic_records(db)
    callers = callers_of(own)
    callers[Role.PARTNER] = msgspec.structs.replace(callers[Role.PARTNER], scopes=frozenset({"list-appointments"}))
    async with calls_as(database_url, callers) as call:
        response = await call(Role.PARTNER, "post", "/api/customers", {"name": "Ana", "email": "ana@example.org"})
    assert response.status_code == 403
    assert response.json()["detail"].startswith("This API key doesn’t have the permission")
