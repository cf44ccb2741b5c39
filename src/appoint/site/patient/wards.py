"""The people that a signed-in patient books for, and those who book for them. Works without JavaScript."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from ... import audit
from ...customers import service as customers
from ...customers.guardians import service as guardians
from ...customers.guardians.model import NewWard
from ...http import decoding
from ...http.forms import parse_form, parse_id
from ...http.languages import language_for, typed_iso_date
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import one_line, translate
from ...kit.ids import PLATFORM
from ..rendering import NO_STORE, faults_by_field, redirect, render

PEOPLE: Final = "/my/people"
END: Final = "/my/people/end"
STAFF: Final = "/staff"
OWN_DATA: Final = route(permission="change-customers", page=True, narrows=True)


@get(PEOPLE, operation_id="showOwnPeople", opt=OWN_DATA, include_in_schema=False)
async def show_people(request: Request) -> Response[Any]:
    """Show the people that the patient books for, and those who book for the patient."""
    customer_id = request.user.customer_id
    return await _page(request, customer_id, {}) if customer_id else redirect(STAFF)


async def _page(
    request: Request,
    customer_id: UUID,
    typed: Mapping[str, str],
    *,
    faults: Mapping[str, str] | None = None,
    trouble: str = "",
    status_code: int = 200,
) -> Response[Any]:
    now = clock.now()
    wards = await guardians.list_wards(request.db, guardian_id=customer_id, clinic_id=None, now=now)
    carers = await guardians.list_guardians(request.db, ward_id=customer_id, clinic_id=None, now=now)
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=PLATFORM,
        subjects=[customer_id, *(each.ward_id for each in wards), *(each.guardian_id for each in carers)],
    )
    fields = {"name": "", "birthDate": ""}
    return render(
        request,
        "patient/people.html",
        status_code=status_code,
        cache_control=NO_STORE,
        wards=wards,
        carers=carers,
        typed=fields | dict(typed),
        faults=fields | dict(faults or {}),
        trouble=trouble,
    )


@post(PEOPLE, operation_id="addOwnWard", status_code=303, opt=OWN_DATA, include_in_schema=False)
async def add_ward(request: Request) -> Response[Any]:
    """Register a child, or someone else whom the patient cares for."""
    customer_id, fields = request.user.customer_id, await parse_form(request)
    if customer_id is None:
        return redirect(STAFF)
    try:
        content = decoding.convert(
            NewWard,
            {
                "name": one_line(fields.get("name")),
                "birthDate": typed_iso_date(request, one_line(fields.get("birthDate"))),
            },
        )
        guardian = await customers.get(request.db, customer_id)
        await request.db.atomic(
            guardians.register_ward, request.user, guardian=guardian, content=content, now=clock.now()
        )
    except errors.Invalid as invalid:
        faults = faults_by_field(invalid, language_for(request))
        return await _page(request, customer_id, fields, faults=faults, status_code=400)
    except errors.Conflict as conflict:
        problem = PROBLEMS[conflict.type]
        trouble = translate(language_for(request), problem.happened, **conflict.facts)
        return await _page(request, customer_id, fields, trouble=trouble, status_code=problem.status)
    return redirect(PEOPLE)


@post(END, operation_id="endOwnGuardianship", status_code=303, opt=OWN_DATA, include_in_schema=False)
async def end(request: Request) -> Response[Any]:
    """Stop booking for someone, or stop someone from booking for the patient."""
    customer_id, guardianship_id = request.user.customer_id, parse_id((await parse_form(request)).get("id"))
    if customer_id is None or guardianship_id is None:
        return redirect(PEOPLE)
    with suppress(errors.NotFound):  # it has already ended
        await request.db.atomic(
            guardians.end_own,
            request.user,
            guardianship_id=guardianship_id,
            customer_id=customer_id,
            now=clock.now(),
        )
    return redirect(PEOPLE)


PAGES: Final = [show_people, add_ward, end]
