"""/api/customers and /api/clinics/{clinicId}/patients"""

from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ..clinics.clinics import service as clinics
from ..http.languages import language_tag_for
from ..http.pagination import cursor_after
from ..http.request import Request
from ..http.resources import idempotent_resource, resource_page
from ..http.responses import created_response, json_response
from ..http.routes import route
from ..kit import clock
from ..kit.structs import Page
from . import lists, service, tokens
from .model import (
    Customer,
    CustomerContent,
    CustomerFilter,
    CustomerPatch,
    Patient,
    PatientContent,
    PatientFilter,
    PatientPatch,
    search_terms,
)


class Customers(Controller):
    path = "/customers"
    tags = ["Customers"]

    @get(operation_id="listCustomers", opt=route(permission="search-customers"))
    async def list(self, request: Request, query: CustomerFilter) -> Response[Page[Customer]]:
        """List the platform's customers, oldest first, excluding removed ones."""
        customers = await service.search(
            request.db, q=query.q, after=cursor_after(request, query, tuple[UUID]), limit=query.limit
        )
        return resource_page(request, query, customers)

    @post(operation_id="createCustomer", opt=route(permission="register"))
    async def create(self, request: Request, data: JSONBody[CustomerContent]) -> Response[Customer]:
        """Register a customer. Unless the caller is staff or a partner system, the response contains a token for
        booking on the customer's behalf."""
        await request.services.limits.count_recipients(request.user, (data.email, data.phone))
        customer, replayed = await idempotent_resource(
            request, data, lambda tx: service.register(tx, request.user, content=data, now=clock.now()), service.get
        )
        # by now, someone else may be using the same network and browser, and must not see changed data
        if replayed and request.user.is_anyone and customer.version > 1:
            customer = msgspec.structs.replace(customer, **msgspec.structs.asdict(data))
        if not (request.user.memberships or request.user.administrator):
            token = tokens.create_token(request.services.secret_key, customer.id, now=clock.now())
            customer = msgspec.structs.replace(customer, customer_token=token)
        return created_response(request, customer, f"/api/customers/{customer.id}", replayed=replayed)

    @get(
        "/{customer_id:uuid}", operation_id="getCustomer", opt=route(permission="see-customers", owned_by="customer_id")
    )
    async def get(self, request: Request, customer_id: FromPath[UUID]) -> Response[Customer]:
        """Return a customer, whether active or removed."""
        return json_response(request, await service.get(request.db, customer_id), subjects=[customer_id])

    @put(
        "/{customer_id:uuid}",
        operation_id="replaceCustomer",
        opt=route(
            permission="change-customers",
            owned_by="customer_id",
            problems=("address-needs-code", "customer-erased", "customer-elsewhere", "proof-required"),
        ),
    )
    async def replace(
        self, request: Request, customer_id: FromPath[UUID], data: JSONBody[CustomerContent]
    ) -> Response[Customer]:
        """Replace a customer. Omitted members are deleted. Customers change their own address on `/my/details`, which
        sends a code to the new one. To delete one of their addresses, they must have entered a code in the last ten
        minutes. The old address receives a message."""
        return json_response(request, await self._change(request, customer_id, data))

    @patch(
        "/{customer_id:uuid}",
        operation_id="patchCustomer",
        opt=route(
            permission="change-customers",
            owned_by="customer_id",
            problems=("address-needs-code", "customer-erased", "customer-elsewhere", "proof-required"),
        ),
    )
    async def patch(
        self, request: Request, customer_id: FromPath[UUID], data: JSONBody[CustomerPatch]
    ) -> Response[Customer]:
        """Update a customer (JSON merge patch). `active: true` restores a removed customer. Customers change their
        own address on `/my/details`, which sends a code to the new one. To delete one of their addresses, they must
        have entered a code in the last ten minutes. The old address receives a message."""
        return json_response(request, await self._change(request, customer_id, data))

    @delete(
        "/{customer_id:uuid}",
        operation_id="removeCustomer",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(
            permission="change-customers",
            owned_by="customer_id",
            problems=("customer-has-appointments", "customer-elsewhere"),
            recent_proof=True,
        ),
    )
    async def remove(self, request: Request, customer_id: FromPath[UUID]) -> None:
        """Remove a customer. Past data remains readable."""
        await request.db.atomic(
            service.remove, request.user, customer_id=customer_id, if_match=request.if_match, now=clock.now()
        )

    async def _change(self, request: Request, customer_id: UUID, change: CustomerContent | CustomerPatch) -> Customer:
        return await request.db.atomic(
            service.change,
            request.user,
            customer_id=customer_id,
            change=change,
            if_match=request.if_match,
            now=clock.now(),
        )


class Patients(Controller):
    path = "/clinics/{clinic_id:int}/patients"
    tags = ["Patients"]

    @get(operation_id="listPatients", opt=route(permission="see-patients", narrows=True))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PatientFilter) -> Response[Page[Patient]]:
        """List a clinic's patients, ordered by date of registration. Joined records appear once."""
        place = cursor_after(request, query, tuple[UUID])
        patients = await lists.list_patients(
            request.db,
            clinic_id,
            doctor_id=request.grant.doctor_id,
            terms=search_terms(query.q, language_tag_for(request)),
            updated_since=query.updated_since,
            after=place,
            limit=query.limit,
        )
        if not patients:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, patients)

    @post(
        operation_id="createPatient",
        opt=route(permission="manage-patients", problems=("record-number-taken",)),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[PatientContent]
    ) -> Response[Patient]:
        """Register a new patient without booking an appointment. To find existing records first, use
        `findSimilarPatients`."""
        patient, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add_patient(tx, request.user, clinic_id=clinic_id, content=data, now=clock.now()),
            lambda tx, customer_id: service.get_patient(tx, clinic_id, customer_id),
        )
        location = f"/api/clinics/{clinic_id}/patients/{patient.id}"
        return created_response(request, patient, location, replayed=replayed)

    @get("/{customer_id:uuid}", operation_id="getPatient", opt=route(permission="see-patients", owned_by="customer_id"))
    async def get(self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Patient]:
        """Return a clinic's record of a customer or, if it is joined with others, the main record."""
        return json_response(
            request, await service.get_patient(request.db, clinic_id, customer_id), subjects=[customer_id]
        )

    @patch(
        "/{customer_id:uuid}",
        operation_id="patchPatient",
        opt=route(
            permission="note-patients", owned_by="customer_id", problems=("record-number-taken", "customer-erased")
        ),
    )
    async def patch(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID], data: JSONBody[PatientPatch]
    ) -> Response[Patient]:
        """Correct a patient's details, and update the clinic's notes about them (JSON merge patch).

        If the customer has confirmed their address or is a patient at another clinic, the corrected details apply at
        this clinic only. Appoint notifies the patient at their old and new addresses.
        """
        return json_response(
            request,
            await request.db.atomic(
                service.change_patient,
                request.user,
                clinic_id=clinic_id,
                customer_id=customer_id,
                patch=data,
                if_match=request.if_match,
                now=clock.now(),
            ),
        )
