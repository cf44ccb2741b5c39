"""/api/customers/{customerId}/export and /erase"""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.resources import idempotent_result
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from . import service
from .model import Erasure, Export, ExportQuery


class ExportPage(NamedTuple):
    """Renders an export as a page."""

    render: Callable[[Request, Export], Response[Any]]


class Privacy(Controller):
    path = "/customers/{customer_id:uuid}"
    tags = ["Customers"]

    @get(
        "/export",
        operation_id="exportCustomer",
        opt=route(
            permission="see-customers",
            owned_by="customer_id",
            problems=("address-corrected",),
            recent_proof=True,
            media_types=("text/html",),
            stale=True,
        ),
    )
    async def export(self, request: Request, customer_id: FromPath[UUID], query: ExportQuery) -> Response[Export]:
        """Export all data about the customer, from all clinics: as JSON, or as a page (`format=html`, or `Accept:
        text/html`). When the customer requests it, the export omits staff notes and the names of staff who accessed the
        data."""
        if request.user.customer_id == customer_id:
            export = await service.export_own(request.db, request.user, customer_id=customer_id, now=clock.now())
        else:
            export = await service.export(request.stale_db, customer_id=customer_id, now=clock.now())
        if query.format == "html" or (
            query.format is None and request.accept.best_match(["application/json", "text/html"]) == "text/html"
        ):
            return request.services.get(ExportPage).render(request, export)
        return json_response(
            request, export, cache_control="no-store", headers={"Vary": "Accept"}, subjects=[customer_id]
        )

    @post(
        "/erase",
        operation_id="eraseCustomer",
        status_code=HTTP_200_OK,
        opt=route(
            permission="change-customers",
            owned_by="customer_id",
            problems=("customer-has-appointments", "customer-elsewhere", "address-corrected"),
            recent_proof=True,
        ),
    )
    async def erase(self, request: Request, customer_id: FromPath[UUID]) -> Response[Erasure]:
        """Erase all of the customer's personal data. This cannot be undone. Their appointments remain, without personal
        data. The event `customer.erased` informs clinics' and partners' systems.

        When customers erase themselves, what clinics have recorded about their visits stays
        for each clinic's retention period, without a name; `retained` lists these records.
        """
        erasure, replayed = await idempotent_result(
            request, None, lambda tx: service.erase(tx, request.user, customer_id=customer_id, now=clock.now()), Erasure
        )
        return json_response(request, erasure, headers=replay_headers(replayed))
