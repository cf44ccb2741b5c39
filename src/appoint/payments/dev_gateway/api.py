"""/dev/payments/v1: the development gateway's API, for this machine only."""

from base64 import b64decode
from binascii import Error as MalformedBase64

import msgspec
from litestar import Response
from litestar import route as any_method
from litestar.enums import HttpMethod
from litestar.params import FromPath

from ...http.development import expect_development
from ...http.request import Request
from ...http.routes import route
from ...http.url_encoding import parse_pairs
from ...kit import clock
from ..checkout.gateway import DEV_PATH
from . import forms, service
from .forms import ApiError
from .service import ApiRequest, ApiResponse

MAX_KEY_LENGTH = 255


@any_method(
    DEV_PATH + "/v1/{path:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    operation_id="callDevelopmentGateway",
    status_code=200,
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def call_development_gateway(request: Request, path: FromPath[str]) -> Response[bytes]:
    """Respond as the payment provider would. Everything is play money."""
    expect_development(request)
    try:
        response = await _respond(request, path)
    except ApiError as error:
        response = ApiResponse(error.status, msgspec.json.encode(error.content))
    headers = {"Idempotent-Replayed": "true"} if response.replayed else {}
    return Response(response.body, status_code=response.status, media_type="application/json", headers=headers)


async def _respond(request: Request, path: str) -> ApiResponse:
    if not _key_of(request).startswith("sk_test_"):
        raise ApiError(401, "Invalid API Key provided.", type="authentication_error")
    raw = request.scope["query_string"] if request.method == "GET" else await request.body()
    try:
        form = forms.nest(parse_pairs(raw))
    except ValueError:
        raise ApiError(400, "Invalid request body.") from None
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > MAX_KEY_LENGTH:
        raise ApiError(400, "Idempotency keys may only be up to 255 characters in length.")
    page_url = f"{request.services.settings.links_url}{DEV_PATH}/pay/"
    segments = tuple(part for part in path.split("/") if part)
    call = ApiRequest(request.method, segments, form, key, page_url)
    return await request.services.db.across().atomic(service.respond, call, now=clock.now())


def _key_of(request: Request) -> str:
    """Return the secret key, which is a bearer token or a user name without a password."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return value
    try:
        return b64decode(value, validate=True).decode().removesuffix(":")
    except (MalformedBase64, ValueError):
        return ""
