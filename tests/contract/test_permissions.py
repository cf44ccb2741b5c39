"""Every route has one permission, and only listed ones are public."""

from appoint.http.routes import route_of
from appoint.kit.actors import Role
from appoint.kit.permissions import PERMISSIONS, PUBLIC_PERMISSIONS
from support.app import ADMIN
from support.described import APP, OPERATIONS, address, example


def test_every_route_declares_a_permission():
    handlers = [
        (route.path, handler)
        for route in APP.routes
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]
    assert [path for path, handler in handlers if route_of(handler).permission not in PERMISSIONS] == []


def test_only_reading_booking_registering_and_signing_in_are_public():
    public = {
        (operation.method, route_of(operation.handler).permission)
        for operation in OPERATIONS
        if route_of(operation.handler).permission in PUBLIC_PERMISSIONS
    }
    assert public <= {
        ("get", "public"),
        ("get", "sign-in"),
        ("post", "book"),
        ("post", "register"),
        ("post", "sign-in"),
    }


async def test_operations_that_are_not_public_require_a_token(client):
    rejections = [
        operation.handler.operation_id
        for operation in OPERATIONS
        if (await client.request(operation.method, address(operation))).status_code == 401
    ]
    assert rejections == [
        operation.handler.operation_id
        for operation in OPERATIONS
        if route_of(operation.handler).permission not in PUBLIC_PERMISSIONS
    ]


async def test_every_operation_rejects_a_wrong_token(client):
    for operation in OPERATIONS:
        response = await client.request(operation.method, address(operation), headers={"Authorization": "Bearer wrong"})
        assert (response.status_code, response.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer"), (
            operation.path
        )


async def test_every_post_rejects_an_idempotency_key_that_is_too_long(client):
    """The rejection shows that every POST accepts an idempotency key."""
    for operation in OPERATIONS:
        if (
            operation.method == "post"
            and Role.ADMINISTRATOR in PERMISSIONS[route_of(operation.handler).permission].reach
        ):
            query = getattr(operation.query, "EXAMPLE", {})
            response = await client.post(
                address(operation),
                params=query,
                json=example(operation),
                headers=ADMIN | {"Idempotency-Key": "x" * 256},
            )
            assert [fault["pointer"] for fault in response.json().get("errors", [])] == ["Idempotency-Key"], (
                operation.path
            )
