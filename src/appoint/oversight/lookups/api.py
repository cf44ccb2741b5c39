"""/api/clinics/{clinicId}/customers"""

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...customers.model import FindCustomers, FoundCustomer
from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import service


class FoundCustomers(Controller):
    path = "/clinics/{clinic_id:int}/customers"
    tags = ["Customers"]

    @get(operation_id="findCustomers", opt=route(permission="find-customers"))
    async def find(
        self, request: Request, clinic_id: FromPath[int], query: FindCustomers
    ) -> Response[Page[FoundCustomer]]:
        """Find customers at any clinic by their exact email address or phone number, in order to book for them. Returns
        a single page of at most 20. Each user and each API key has a limit of a few searches an hour
        (`APPOINT_LOOKUPS_RATE`), and a person who is not the clinic's patient gets a message that says who searched."""
        await request.services.limits.count_lookup(request, request.user)
        customers = await request.services.db.across().atomic(
            service.find, clinic_id=clinic_id, email=query.email, phone=query.phone, now=clock.now()
        )
        return json_response(request, Page(customers, None), subjects=[customer.id for customer in customers])
