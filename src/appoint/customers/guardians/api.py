"""/api/customers/{customerId}/wards and /api/clinics/{clinicId}/patients/{customerId}/guardians"""

from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...database.pool import Transaction
from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from .. import service as customers
from . import service
from .model import Guardianship, NewGuardian, NewWard


class Wards(Controller):
    path = "/customers/{customer_id:uuid}/wards"
    tags = ["Customers"]

    @get(operation_id="listWards", opt=route(permission="see-customers", owned_by="customer_id"))
    async def list(self, request: Request, customer_id: FromPath[UUID]) -> Response[Page[Guardianship]]:
        """List the people that a customer can book for today. Returns a single page of at most 20."""
        await customers.get(request.db, customer_id)
        wards = await service.list_wards(request.db, guardian_id=customer_id, clinic_id=None, now=clock.now())
        return json_response(request, Page(wards, None), subjects=[customer_id, *(each.ward_id for each in wards)])

    @post(
        operation_id="createWard",
        opt=route(
            permission="change-customers", owned_by="customer_id", problems=("too-many-wards", "customer-erased")
        ),
    )
    async def create(
        self, request: Request, customer_id: FromPath[UUID], data: JSONBody[NewWard]
    ) -> Response[Guardianship]:
        """Register a child, or someone else without a record of their own, to book for. Messages about their
        appointments go to the caller. Children book for themselves from their 18th birthday."""

        async def register(tx: Transaction) -> Guardianship:
            guardian = await customers.get(tx, customer_id)
            return await service.register_ward(tx, request.user, guardian=guardian, content=data, now=clock.now())

        guardianship, replayed = await idempotent_resource(request, data, register, service.get)
        location = f"/api/customers/{customer_id}/wards/{guardianship.id}"
        return created_response(request, guardianship, location, replayed=replayed)

    @delete(
        "/{guardianship_id:uuid}",
        operation_id="endGuardianship",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="change-customers", owned_by="customer_id"),
    )
    async def end(self, request: Request, customer_id: FromPath[UUID], guardianship_id: FromPath[UUID]) -> None:
        """Stop booking for someone, or stop someone from booking for the caller. Their appointments remain."""
        await request.db.atomic(
            service.end_own,
            request.user,
            guardianship_id=guardianship_id,
            customer_id=customer_id,
            now=clock.now(),
        )


class Guardians(Controller):
    path = "/clinics/{clinic_id:int}/patients/{customer_id:uuid}/guardians"
    tags = ["Patients"]

    @get(operation_id="listGuardians", opt=route(permission="manage-patients"))
    async def list(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]
    ) -> Response[Page[Guardianship]]:
        """List the people who can currently book for a patient at this clinic. Returns a single page."""
        await customers.get_patient(request.db, clinic_id, customer_id)
        guardians = await service.list_guardians(
            request.services.db.across(), ward_id=customer_id, clinic_id=clinic_id, now=clock.now()
        )
        return json_response(
            request, Page(guardians, None), subjects=[customer_id, *(each.guardian_id for each in guardians)]
        )

    @post(operation_id="addGuardian", opt=route(permission="manage-patients", problems=("already-guardian",)))
    async def add(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID], data: JSONBody[NewGuardian]
    ) -> Response[Guardianship]:
        """Let another of the clinic's patients book for this patient, at this clinic only."""
        guardianship, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.grant(
                tx, request.user, clinic_id=clinic_id, ward_id=customer_id, content=data, now=clock.now()
            ),
            service.get,
            db=request.services.db.across(),
        )
        location = f"{request.scope['path']}/{guardianship.id}"
        return created_response(request, guardianship, location, replayed=replayed)

    @delete(
        "/{guardianship_id:uuid}",
        operation_id="removeGuardian",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage-patients"),
    )
    async def remove(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID], guardianship_id: FromPath[UUID]
    ) -> None:
        """Withdraw a right to book that the clinic granted. Appointments that are already booked remain."""
        await request.services.db.across().atomic(
            service.revoke,
            request.user,
            clinic_id=clinic_id,
            ward_id=customer_id,
            guardianship_id=guardianship_id,
            now=clock.now(),
        )
