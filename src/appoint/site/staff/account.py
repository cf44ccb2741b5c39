"""The signed-in user's own account: their details, and how they sign in."""

from typing import Any, Final

from litestar import Response, get

from ...clinics.clinics import service as clinics
from ...http.forms import query_params
from ...http.languages import language_names, region_names
from ...http.request import Request
from ...http.routes import route
from ...identity.accounts import service as accounts
from ...identity.oidc.sign_in import ProviderSignIn
from ...identity.passkeys import service as passkeys_service
from ...identity.passkeys.requests import party_of
from ...identity.sessions import service as sessions_service
from ...kit import clock
from ...kit.ids import PLATFORM
from ..page_access import next_page
from ..rendering import redirect
from ..staff_frame import staff_page

OWN: Final = route(permission="credentials", page=True)


@get("/staff/account", operation_id="showAccount", opt=OWN, include_in_schema=False)
async def details(request: Request) -> Response[Any]:
    return await staff_page(
        request,
        "staff/account/details.html",
        clinic_id=None,
        account=await accounts.get_account(request.db, request.user),
        language_names=language_names(request),
        region_names=region_names(request),
    )


@get("/staff/account/security", operation_id="showAccountSecurity", opt=OWN, include_in_schema=False)
async def security(request: Request) -> Response[Any]:
    """Show the user's passkeys, second factors, password and sessions."""
    account = await accounts.get_account(request.db, request.user)
    passkeys = await passkeys_service.list_own(request.db, request.user)
    sessions = await sessions_service.list_own(
        request.db, request.user, idle=request.services.settings.session_idle, now=clock.now()
    )
    own = await clinics.list_choices(
        request.services.db.across(), clinic_ids=[each.clinic_id for each in account.memberships]
    )
    return await staff_page(
        request,
        "staff/account/security.html",
        clinic_id=None,
        subjects=[*(session.id for session in sessions), *(passkey.id for passkey in passkeys)],
        account=account,
        passkeys=passkeys,
        passkey_origin=party_of(request).origin,
        openid_name=request.services.get(ProviderSignIn).name,
        sessions=sessions,
        time_zone=own[0].time_zone if own else "UTC",
    )


@get("/staff/second-factor", operation_id="showSecondFactor", opt=OWN, include_in_schema=False)
async def second_factor(request: Request) -> Response[Any]:
    """Let users whose role requires a second factor set one up, or use the one that they have."""
    next = next_page(query_params(request), "/staff")
    unprotected = request.user.unprotected
    if not unprotected:
        return redirect(next)
    requiring = await clinics.list_choices(
        request.services.db.across(), clinic_ids=[each for each in unprotected if each != PLATFORM]
    )
    return await staff_page(
        request,
        "staff/account/second_factor.html",
        clinic_id=None,
        account=await accounts.get_account(request.db, request.user),
        clinics=[clinic.name for clinic in requiring],
        is_administrator=PLATFORM in unprotected,
        passkey_origin=party_of(request).origin,
        next=next,
    )


PAGES: Final = [details, security, second_factor]
