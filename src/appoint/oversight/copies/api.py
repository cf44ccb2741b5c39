"""/cells/customers/{customerId}: how a customer's home changes or erases a copy. Not part of the public API."""

from uuid import UUID

from litestar import put
from litestar.params import FromPath
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...clinics.cells.everywhere import read_question
from ...clinics.cells.network import sender_of
from ...customers.copies.model import CustomerRecord
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from . import service


@put(
    "/cells/customers/{customer_id:uuid}",
    operation_id="changeCustomerCopy",
    status_code=HTTP_204_NO_CONTENT,
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def change_customer_copy(request: Request, customer_id: FromPath[UUID]) -> None:
    """Adopt a customer's changes from their home."""
    home = sender_of(request)
    record = read_question(request, await request.body(), CustomerRecord)
    if record.id != customer_id:
        raise errors.Invalid
    await request.services.db.across().atomic(service.adopt, record, home=home, now=clock.now())
