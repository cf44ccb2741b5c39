"""/cells/customers/{customerId}/copies: how another cell gets a copy of a customer. Not part of the public API."""

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from ...clinics.cells.everywhere import answer
from ...clinics.cells.network import sender_of
from ...http.request import Request
from ...http.routes import route
from . import service


@post(
    "/cells/customers/{customer_id:uuid}/copies",
    operation_id="copyCustomerForCell",
    status_code=200,
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def copy_for_cell(request: Request, customer_id: FromPath[UUID]) -> Response[bytes]:
    """Return a customer who is at home here to the cell where they book."""
    cell = sender_of(request)
    return answer(await request.services.db.across().atomic(service.give_copy, customer_id, to=cell))
