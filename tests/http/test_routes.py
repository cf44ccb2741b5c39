"""The application checks its handlers' declarations when it starts."""

import pytest
from litestar import Litestar, get

from appoint.http.routes import check_routes, route


def application(**options):
    @get("/things", operation_id="listThings", **options)
    async def handler() -> None: ...

    return Litestar([handler], openapi_config=None)


def test_a_known_permission_and_known_problems_are_accepted():
    check_routes(application(opt=route(permission="manage", problems=("not-found",), rate_limit="search")), owned_by=())


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, "has no opt=route(…)"),
        ({"opt": route(permission="mange")}, "unknown permission 'mange'"),
        ({"opt": route(permission="manage", problems=("not-fuond",))}, "unknown problem 'not-fuond'"),
        ({"opt": route(permission="manage", owned_by="thing_id")}, "no function finds the owner of 'thing_id'"),
        ({"opt": route(permission="manage", rate_limit="searches")}, "unknown rate limit 'searches'"),
    ],
)
def test_an_invalid_declaration_raises_at_startup_with_its_name(options, fault):
    with pytest.raises(ValueError, match="listThings") as error:
        check_routes(application(**options), owned_by=())
    assert str(error.value) == f"listThings (/things): {fault}"
