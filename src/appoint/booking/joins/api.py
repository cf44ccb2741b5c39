"""/api/clinics/{clinicId}/similarPatients, and a patient's joined records"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...customers import service as customers
from ...customers.model import Patient
from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import service
from .model import JoinedRecord, OtherRecord, PatientSketch, SimilarPatient


class JoinedPatients(Controller):
    path = "/clinics/{clinic_id:int}"
    tags = ["Patients"]

    @get("/similarPatients", operation_id="findSimilarPatients", opt=route(permission="manage-patients"))
    async def find_similar(
        self, request: Request, clinic_id: FromPath[int], query: PatientSketch
    ) -> Response[Page[SimilarPatient]]:
        """Find records that probably belong to the same person, before registering a new patient. Searches only the
        clinic's own patients, and returns a single page of at most 5, most likely first."""
        similar = await service.find_similar(request.db, clinic_id=clinic_id, sketch=query)
        return json_response(request, Page(similar, None), subjects=[patient.id for patient in similar])

    @get(
        "/patients/{customer_id:uuid}/similar",
        operation_id="listSimilarPatients",
        opt=route(permission="manage-patients"),
    )
    async def list_similar(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]
    ) -> Response[Page[SimilarPatient]]:
        """List the clinic's other patients who are probably the same person. Returns a single page of at most 5, most
        likely first."""
        patient = await customers.get_patient(request.db, clinic_id, customer_id)
        similar = await service.list_similar(request.db, clinic_id=clinic_id, patient=patient)
        return json_response(request, Page(similar, None), subjects=[customer_id, *(each.id for each in similar)])

    @get(
        "/patients/{customer_id:uuid}/joined",
        operation_id="listJoinedRecords",
        opt=route(permission="see-patients", owned_by="customer_id"),
    )
    async def list_joined(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]
    ) -> Response[Page[JoinedRecord]]:
        """List the records that are joined with a patient's main record, with their own details and notes."""
        patient = await customers.get_patient(request.db, clinic_id, customer_id)
        joined = await service.list_joined(request.db, clinic_id=clinic_id, patient=patient)
        return json_response(request, Page(joined, None), subjects=[customer_id, *(record.id for record in joined)])

    @post(
        "/patients/{customer_id:uuid}/join",
        operation_id="joinPatients",
        status_code=HTTP_200_OK,
        opt=route(
            permission="manage-patients",
            problems=("joined-appointments-overlap", "too-many-joined", "customer-erased"),
        ),
    )
    async def join(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID], data: JSONBody[OtherRecord]
    ) -> Response[Patient]:
        """Join another record of the same person with a patient's record, at this clinic only.

        From then on, the person appears once, and cannot have two appointments at the same time under different
        records. Both ids remain valid everywhere. Joining records again changes nothing.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        patient = await request.db.atomic(
            service.join,
            request.user,
            clinic_id=clinic_id,
            customer_id=customer_id,
            other_id=data.customer_id,
            now=clock.now(),
        )
        return json_response(request, patient)

    @post(
        "/patients/{customer_id:uuid}/separate",
        operation_id="separatePatient",
        status_code=HTTP_200_OK,
        opt=route(permission="manage-patients", problems=("not-joined",)),
    )
    async def separate(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]
    ) -> Response[Patient]:
        """Separate a record from those that it is joined with. Each record has kept its own details, notes and
        appointments."""
        idempotency_key(request)
        patient = await request.db.atomic(
            service.separate, request.user, clinic_id=clinic_id, customer_id=customer_id, now=clock.now()
        )
        return json_response(request, patient)

    @post(
        "/patients/{customer_id:uuid}/differ",
        operation_id="markAsDifferent",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage-patients"),
    )
    async def mark_as_different(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID], data: JSONBody[OtherRecord]
    ) -> None:
        """Record that two similar records belong to different people, such as twins. They are no longer suggested.
        Repeating this changes nothing."""
        idempotency_key(request)
        await request.db.atomic(
            service.mark_different,
            request.user,
            clinic_id=clinic_id,
            customer_id=customer_id,
            other_id=data.customer_id,
        )
