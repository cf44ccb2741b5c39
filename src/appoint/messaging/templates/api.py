"""/api/clinics/{clinicId}/messageTemplates"""

from typing import cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Transaction
from ...http.idempotency import idempotent
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit.structs import Page, PageQuery
from . import repository, service
from .model import MessageTemplate, Preview, TemplateContent, template_key

ONE = "/{kind:str}/{channel:str}/{locale:str}"


class MessageTemplates(Controller):
    """What people are told, in a clinic's own words instead of everybody's, by kind of message, channel (`email`,
    `sms`) and language.

    Customers are told by `confirmation`, `moved`, `cancelled`, `reminder`, `hold-expiring` and `missed`; a doctor is
    mailed the `agenda` of the day, and the clinic's staff what is `stranded` and a `webhook-disabled`. A template may
    use `{{ placeholder }}`, filters (`upper`, `lower`, `capitalize`), and `{% if placeholder %}`; what is empty counts
    as no. Placeholders, of which a template lists those that it can use: `clinic`, `phone` and `address` of the clinic;
    `customer`; `doctor`; `type` of the appointment; `mode`, which is inPerson or online; `where`; `when`, with the name
    of the clinic's time zone; `yours`, the same in the customer's time zone where that shows another time; `day` and
    `time`; `before`, when a moved one was; `expires`, when a hold ends; `link`, where the customer sees the appointment
    and can cancel it; `appointments`, one a line, and their `count`; `webhook`. In an e-mail, lines under each other
    that all read “label: text” are shown as a table.
    """

    path = "/clinics/{clinic_id:int}/messageTemplates"
    tags = ["Message templates"]

    @get(operation_id="listMessageTemplates", opt=route(permission="see-messages"))
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: PageQuery
    ) -> Response[Page[MessageTemplate]]:
        """A clinic's own templates, oldest first."""
        found = await repository.list_for_clinic(
            request.db, clinic_id, after=cursor_after(request, query, tuple[UUID]), limit=query.limit
        )
        if not found:
            await clinics.get(request.db, clinic_id)
        return page_response(
            request, query, found, lambda template: (template.id,), subject=lambda template: cast("UUID", template.id)
        )

    @get(ONE, operation_id="getMessageTemplate", opt=route(permission="see-messages"))
    async def get(
        self,
        request: Request,
        clinic_id: FromPath[int],
        kind: FromPath[str],
        channel: FromPath[str],
        locale: FromPath[str],
    ) -> Response[MessageTemplate]:
        """The template that a message is made from: the clinic's own, or everybody's."""
        message = template_key(kind, channel, locale)
        template = await service.get(request.db, clinic_id=clinic_id, which=message)
        return json_response(request, template, subjects=[*message, *([template.id] if template.id else [])])

    @put(ONE, operation_id="replaceMessageTemplate", opt=route(permission="manage"))
    async def replace(
        self,
        request: Request,
        clinic_id: FromPath[int],
        kind: FromPath[str],
        channel: FromPath[str],
        locale: FromPath[str],
        *,
        data: JSONBody[TemplateContent],
    ) -> Response[MessageTemplate]:
        """Use a template of the clinic's own from now on. One that cannot be filled in is refused, with the lines and
        what is wrong there."""
        saved = await request.db.atomic(
            service.save,
            request.user,
            clinic_id=clinic_id,
            which=template_key(kind, channel, locale),
            words=data.words,
            if_match=request.if_match,
        )
        return json_response(request, saved)

    @delete(ONE, operation_id="removeMessageTemplate", status_code=HTTP_204_NO_CONTENT, opt=route(permission="manage"))
    async def remove(
        self,
        request: Request,
        clinic_id: FromPath[int],
        kind: FromPath[str],
        channel: FromPath[str],
        locale: FromPath[str],
    ) -> None:
        """Go back to everybody's template."""
        await request.db.atomic(
            service.remove,
            request.user,
            clinic_id=clinic_id,
            which=template_key(kind, channel, locale),
            if_match=request.if_match,
        )

    @post(
        ONE + "/preview", operation_id="previewMessageTemplate", status_code=HTTP_200_OK, opt=route(permission="manage")
    )
    async def preview(
        self,
        request: Request,
        clinic_id: FromPath[int],
        kind: FromPath[str],
        channel: FromPath[str],
        locale: FromPath[str],
        *,
        data: JSONBody[TemplateContent],
    ) -> Response[Preview]:
        """What somebody in an example would be sent. Nothing is kept."""
        message = template_key(kind, channel, locale)

        async def make(tx: Transaction) -> Preview:
            preview = await service.preview(tx, clinic_id=clinic_id, which=message, words=data.words)
            await audit.record(tx, request.user, clinic_id=clinic_id, subjects=message)
            return preview

        preview, replayed = await idempotent(
            request,
            data,
            make,
            remember=lambda _: None,
            recall=lambda tx, _: service.preview(tx, clinic_id=clinic_id, which=message, words=data.words),
        )
        return json_response(request, preview, headers=replay_headers(replayed))
