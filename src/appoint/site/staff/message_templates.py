"""A clinic's message templates, both default and customised, for staff."""

from typing import Any, Final, get_args

from litestar import Response, get
from litestar.params import FromPath

from ...http import etags
from ...http.languages import language_names
from ...http.request import Request
from ...http.routes import route
from ...kit.permissions import widest_grant
from ...messaging.channels.model import Channel
from ...messaging.templates import service
from ...messaging.templates.model import EMAIL_ONLY, Kind, TemplateText, template_key
from ...messaging.templates.plain import plain_text
from ...messaging.templates.site_links import SiteLinks
from ..rendering import allow_letters, local_pictures
from ..staff_frame import staff_page


@get(
    "/staff/{clinic_id:int}/messages/words",
    operation_id="showMessageTemplates",
    opt=route(permission="see-messages", page=True),
    include_in_schema=False,
)
async def list_templates(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    customised = await service.list_customised(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/messages/message_templates.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[template.id for template in customised if template.id],
        customised={(each.kind, each.channel, each.locale) for each in customised},
        messages=[
            (kind, channel)
            for kind in get_args(Kind)
            for channel in get_args(Channel)
            if channel == "email" or kind not in EMAIL_ONLY
        ],
        names=language_names(request),
    )


@get(
    "/staff/{clinic_id:int}/messages/words/{kind:str}/{channel:str}/{locale:str}",
    operation_id="showMessageTemplate",
    opt=route(permission="see-messages", page=True),
    include_in_schema=False,
)
async def template(
    request: Request, clinic_id: FromPath[int], kind: FromPath[str], channel: FromPath[str], locale: FromPath[str]
) -> Response[Any]:
    """Show a message's template to managers, who can change it, and the message with example data to others."""
    key, settings = template_key(kind, channel, locale), request.services.settings
    details = await service.get(request.db, clinic_id=clinic_id, key=key)
    draft = TemplateText(details.subject, details.text) if details.custom else plain_text(key)
    example = None
    if not widest_grant(request.user, "manage", clinic_id):
        site = SiteLinks("", settings.privacy_url, settings.imprint_url)
        example = await service.preview(request.db, clinic_id=clinic_id, key=key, template=draft, site=site)
    page = await staff_page(
        request,
        "staff/messages/message_template.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[kind, channel, locale, *([details.id] if details.id else [])],
        message=details,
        draft=draft,
        example=example,
        html=local_pictures(request, example.html) if example else None,
        etag=etags.digest(details),
        in_language=language_names(request)[details.locale],
    )
    return allow_letters(page)


PAGES: Final = [list_templates, template]
