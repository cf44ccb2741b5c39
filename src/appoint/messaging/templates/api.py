"""/api/clinics/{clinicId}/messageTemplates"""

from typing import cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Transaction
from ...http.idempotency.keys import idempotent
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit.structs import Page, PageQuery
from . import repository, service
from .model import MessageTemplate, Preview, TemplateContent, template_key
from .site_links import SiteLinks

ONE = "/{kind:str}/{channel:str}/{locale:str}"


class MessageTemplates(Controller):
    """A clinic's own message templates, which replace the default ones. There is one per kind of message, channel
    (`email`, `sms`) and language.

    Customers receive `confirmation`, `moved`, `place-changed`, `cancelled`, `reminder`, `hold-expiring`, `hold-expired`
    and `missed`; doctors receive the day's `agenda`; and the clinic's staff receive `stranded`, `webhook-disabled` and
    `call-failed`. Templates can use filters (`upper`, `lower`, `capitalize`), `{{ placeholder }}` and
    `{% if placeholder %}`; an empty value counts as false. Each template lists the placeholders it can use: `clinic`,
    and the clinic's `phone` and `address`;
    `customer`; `doctor`; `type`, the appointment type; `mode`, either inPerson or online; `where`; `when`, with the
    name of the clinic's time zone; `yours`, the same in the customer's time zone if the time differs; `day` and `time`;
    `before`, a moved appointment's previous time; `expires`, when a hold ends; `link`, where the customer can see and
    cancel the appointment; `deadline`, the latest time to do so; `preparation`, what to bring; `join_link`, where they
    join a video visit, and `opens_before`, how many minutes before the start its waiting room opens; `rebook_link`,
    where they can book another one; `appointments`, one per line, and their `count`; `webhook`. An email shows
    consecutive lines of the form “label: text” as a table, and a line with nothing but a link as a button.
    """

    path = "/clinics/{clinic_id:int}/messageTemplates"
    tags = ["Message templates"]

    @get(operation_id="listMessageTemplates", opt=route(permission="see-messages"))
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: PageQuery
    ) -> Response[Page[MessageTemplate]]:
        """List a clinic's own templates, oldest first."""
        templates = await repository.list_for_clinic(
            request.db, clinic_id, after=cursor_after(request, query, tuple[UUID]), limit=query.limit
        )
        if not templates:
            await clinics.get(request.db, clinic_id)
        return page_response(
            request,
            query,
            templates,
            lambda template: (template.id,),
            subject=lambda template: cast("UUID", template.id),
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
        """Return a message's template: the clinic's own, or the default one."""
        key = template_key(kind, channel, locale)
        template = await service.get(request.db, clinic_id=clinic_id, key=key)
        return json_response(request, template, subjects=[*key, *([template.id] if template.id else [])])

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
        """Replace a message's template with the clinic's own. Invalid templates are rejected, and the response gives
        the line and a description of each fault."""
        saved = await request.db.atomic(
            service.save,
            request.user,
            clinic_id=clinic_id,
            key=template_key(kind, channel, locale),
            template=data.template,
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
        """Restore the default template."""
        await request.db.atomic(
            service.remove,
            request.user,
            clinic_id=clinic_id,
            key=template_key(kind, channel, locale),
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
        """Preview the message with example data. Nothing is saved."""
        key, settings = template_key(kind, channel, locale), request.services.settings
        site = SiteLinks("", settings.privacy_url, settings.imprint_url)  # pictures from the site that shows it

        async def render(tx: Transaction) -> Preview:
            return await service.preview(tx, clinic_id=clinic_id, key=key, template=data.template, site=site)

        async def make(tx: Transaction) -> Preview:
            preview = await render(tx)
            await audit.record(tx, request.user, clinic_id=clinic_id, subjects=key)
            return preview

        preview, replayed = await idempotent(
            request,
            data,
            make,
            remember=lambda _: None,
            recall=lambda tx, _: render(tx),
        )
        return json_response(request, preview, headers=replay_headers(replayed))
