"""/api/account/recoveryCodes"""

from litestar import Controller, Response, post
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request, idempotency_key
from ...http.responses import json_response
from ...http.routes import route
from ...kit import clock
from . import service
from .model import RecoveryCodes


class OwnRecoveryCodes(Controller):
    """The caller's recovery codes, for signing in after losing a second factor."""

    path = "/account/recoveryCodes"
    tags = ["Account"]

    @post(
        operation_id="createRecoveryCodes",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials", problems=("forbidden", "no-second-factor"), recent_proof=True),
    )
    async def create(self, request: Request) -> Response[RecoveryCodes]:
        """Create ten new recovery codes, which replace the old ones. Only this response contains them; a repeated
        request creates new codes."""
        idempotency_key(request)
        codes = await request.db.atomic(service.create_codes, request.user, now=clock.now())
        return json_response(request, codes, cache_control="no-store")
