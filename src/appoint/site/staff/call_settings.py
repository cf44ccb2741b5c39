"""Where a clinic's video visits take place, for managers."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ...calls.providers.gateway import default_gateway
from ...calls.providers.model import Gateway
from ...calls.rooms import service as rooms
from ...calls.settings import service
from ...calls.settings.model import MAX_SECRET_LENGTH
from ...calls.settings.secrets import MIN_SECRET_LENGTH
from ...clinics.doctors import service as doctors
from ...http.etags import digest
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.i18n import translatable, translate
from ..staff_frame import staff_page

LABELS: Final[Mapping[Gateway, str]] = {
    "jitsi": translatable("Jitsi Meet, on your own server"),
    "daily": "Daily",
    "bigbluebutton": "BigBlueButton",
    "jaas": translatable("8x8 (Jitsi as a service)"),
    "link": translatable("Fixed links"),
    "demo": translatable("Demo rooms without audio or video"),
}
"""The providers, in the order in which the page offers them."""


@get(
    "/staff/{clinic_id:int}/video",
    operation_id="showCallSettings",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    default = default_gateway(request.services.settings)
    settings = await service.get(request.db, clinic_id, default_gateway=default)
    language = language_for(request)
    links = {link.doctor_id: link.url for link in settings.doctor_links}
    return await staff_page(
        request,
        "staff/clinic/video.html",
        clinic_id=clinic_id,
        place="video",
        settings=settings,
        labels={name: translate(language, label) for name, label in LABELS.items()},
        tag=digest(settings),
        gateways=[
            *([] if settings.gateway else [("", translate(language, "Not set up"))]),
            *((name, translate(language, label)) for name, label in LABELS.items() if name != "demo" or default),
            ("off", translate(language, "No video visits")),
        ],
        doctors=[(each, links.get(each.id)) for each in await doctors.list_by_name(request.db, clinic_id)],
        upcoming=await rooms.count_upcoming(request.db, clinic_id=clinic_id, now=clock.now()),
        former_provider=settings.former_gateway and translate(language, LABELS[settings.former_gateway]),
        events_url=f"{request.services.settings.links_url}/api/calls/events/daily/{clinic_id}",
        min_secret_length=MIN_SECRET_LENGTH,
        max_secret_length=MAX_SECRET_LENGTH,
    )


PAGES: Final = [show]
