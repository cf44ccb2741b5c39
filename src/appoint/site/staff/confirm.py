"""The page that asks users for their password again before an action that requires it. It works without JavaScript."""

from typing import Any, Final

from litestar import Response, get, post

from ...http.forms import parse_form, query_params
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts.guesses import throttle_guesses
from ...identity.oidc import linked_accounts
from ...identity.oidc.sign_in import ProviderSignIn
from ...identity.passkeys import service as passkeys
from ...identity.passkeys.requests import party_of
from ...identity.sessions import proofs
from ...identity.sessions.factors import FactorProof
from ...kit import clock, errors
from ..page_access import next_page
from ..rendering import NO_STORE, redirect, render
from .sign_in import openid_outcome

OWN: Final = route(permission="credentials", page=True)


@get("/staff/confirm", operation_id="showConfirmation", opt=OWN, include_in_schema=False)
async def show(request: Request) -> Response[Any]:
    return await _page(request, query_params(request))


@post("/staff/confirm", operation_id="proveIdentityByForm", status_code=200, opt=OWN, include_in_schema=False)
async def confirm(request: Request) -> Response[Any]:
    fields = await parse_form(request)
    try:
        await throttle_guesses(
            request,
            proofs.prove(
                request.db,
                request.user,
                password=fields.get("password", ""),
                factor=FactorProof(),
                party=party_of(request),
                now=clock.now(),
            ),
        )
    except errors.Invalid:
        return await _page(request, fields, wrong=True)
    return redirect(next_page(fields, "/staff"))


async def _page(request: Request, fields: dict[str, str], *, wrong: bool = False) -> Response[Any]:
    openid = request.services.get(ProviderSignIn)
    is_linked = await linked_accounts.linked_at(request.db, request.user, openid) is not None
    return render(
        request,
        "staff/confirm.html",
        status_code=400 if wrong else 200,
        cache_control=NO_STORE,
        next=next_page(fields, "/staff"),
        wrong=wrong,
        openid=openid_outcome(fields),
        openid_name=openid.name if is_linked else "",
        has_passkeys=bool(await passkeys.list_own(request.db, request.user)),
        passkey_origin=party_of(request).origin,
    )


PAGES: Final = [show, confirm]
