"""/api/clinics/{clinicId}/callSettings"""

from litestar import Controller, Response, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ... import audit
from ...http.languages import language_for
from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from ..providers.gateway import create_providers, default_gateway
from . import service
from .model import CallSettings, CallSettingsContent, CallTrial


class ClinicCallSettings(Controller):
    """Where a clinic's video visits take place."""

    path = "/clinics/{clinic_id:int}/callSettings"
    tags = ["Video visits"]

    @get(operation_id="getCallSettings", opt=route(permission="manage"))
    async def find(self, request: Request, clinic_id: FromPath[int]) -> Response[CallSettings]:
        """Return where a clinic's video visits take place, without the secret."""
        default = default_gateway(request.services.settings)
        settings = await service.get(request.db, clinic_id, default_gateway=default)
        return json_response(request, settings, subjects=[])

    @put(operation_id="replaceCallSettings", opt=route(permission="manage", problems=("types-still-online",)))
    async def replace(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[CallSettingsContent]
    ) -> Response[CallSettings]:
        """Set where a clinic's video visits take place. If the provider changes, upcoming visits get new rooms."""
        settings = await request.db.atomic(
            service.replace,
            request.user,
            clinic_id=clinic_id,
            content=data,
            if_match=request.if_match,
            default_gateway=default_gateway(request.services.settings),
            now=clock.now(),
        )
        return json_response(request, settings)

    @post("/test", operation_id="testCallSettings", status_code=HTTP_200_OK, opt=route(permission="manage"))
    async def test(self, request: Request, clinic_id: FromPath[int]) -> Response[CallTrial]:
        """Make a test call and end it, to see whether the settings work."""
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        providers = create_providers(request.services.settings)
        trial = await service.try_out(
            request.db, clinic_id=clinic_id, providers=providers, language=language_for(request), now=clock.now()
        )
        await audit.record(request.services.db, request.user, clinic_id=clinic_id, subjects=[clinic_id])
        return json_response(request, trial, cache_control="no-store")
