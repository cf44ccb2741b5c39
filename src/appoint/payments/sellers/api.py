"""/api/clinics/{clinicId}/seller"""

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from . import service
from .model import Seller


class Sellers(Controller):
    """A clinic's details on invoices and receipts."""

    path = "/clinics/{clinic_id:int}/seller"
    tags = ["Payment policies"]

    @get(operation_id="getSeller", opt=route(permission="bill"))
    async def show(self, request: Request, clinic_id: FromPath[int]) -> Response[Seller]:
        """Return a clinic's details on invoices: legal name, tax IDs and bank account."""
        return json_response(request, await service.get(request.db, clinic_id), subjects=[])

    @put(operation_id="replaceSeller", opt=route(permission="manage"))
    async def replace(self, request: Request, clinic_id: FromPath[int], data: JSONBody[Seller]) -> Response[Seller]:
        """Replace a clinic's details on invoices. Applies to new invoices and receipts; those already
        issued stay as they are."""
        content = await request.db.atomic(service.replace, request.user, clinic_id=clinic_id, content=data)
        return json_response(request, content)
