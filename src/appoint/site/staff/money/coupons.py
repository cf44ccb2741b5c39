"""A clinic's coupons: the list with their uses, and a form to add, change or end one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_409_CONFLICT

from ....clinics.appointment_types import service as appointment_types
from ....clinics.clinics import service as clinics
from ....clinics.clinics.model import Clinic
from ....http import decoding
from ....http.forms import parse_form, parse_id, query_params
from ....http.languages import language_for, language_tag_for, typed_date
from ....http.request import Request
from ....http.routes import route
from ....kit import clock, errors
from ....kit.i18n import translatable
from ....kit.money import Money
from ....payments.coupons import service
from ....payments.coupons.model import Coupon, CouponContent, CouponPatch
from ...patient.manage_link import version_in
from ...rendering import redirect, url_with
from ...staff_frame import staff_page
from .amounts import amount_fault, parse_amount
from .parts import BILL, check_clinic, describe_refusal, faults_by_path

LIST: Final = "/staff/{clinic_id:int}/coupons"
PAGE: Final = f"{LIST}/{{coupon_id:uuid}}"
MANAGE: Final = route(permission="manage", page=True)
PAGE_SIZE: Final = 50
NUMBERS: Final = {"maxUses": "max_uses", "maxUsesPerCustomer": "max_uses_per_customer"}
TYPE: Final = "type."
"""The prefix of the fields that choose appointment types."""


@get(LIST, operation_id="showCoupons", opt=BILL, include_in_schema=False)
async def coupons(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the coupons that patients can use, or those that have ended."""
    query = query_params(request)
    active = query.get("status") != "ended"
    matches = await service.list_newest(
        request.db, clinic_id=clinic_id, active=active, before=parse_id(query.get("before")), limit=PAGE_SIZE
    )
    page = matches[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/money/coupons.html",
        clinic_id=clinic_id,
        place="coupons",
        subjects=[coupon.id for coupon in page],
        coupons=page,
        active=active,
        now=clock.now(),
        money=Money,
        tabs=[(each, url_with(request, status=each, before=None)) for each in ("active", "ended")],
        next=url_with(request, before=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


@get(f"{LIST}/new", operation_id="showNewCoupon", opt=MANAGE, include_in_schema=False)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _page(request, await clinics.get(request.db, clinic_id), None)


@post(f"{LIST}/new", operation_id="createCouponByForm", status_code=HTTP_200_OK, opt=MANAGE, include_in_schema=False)
async def create(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Add a coupon."""
    form, clinic = await parse_form(request), await clinics.get(request.db, clinic_id)
    try:
        content = decoding.convert(CouponContent, _discount(request, form, clinic) | _conditions(request, form, clinic))
        await request.db.atomic(service.add, request.user, clinic_id=clinic_id, content=content)
    except errors.Invalid as invalid:
        return await _page(request, clinic, None, form=form, invalid=invalid)
    except errors.Conflict as refusal:
        return await _page(request, clinic, None, form=form, refusal=refusal)
    return redirect(f"/staff/{clinic_id}/coupons")


@get(PAGE, operation_id="showCoupon", opt=MANAGE, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int], coupon_id: FromPath[UUID]) -> Response[Any]:
    check_clinic(clinic_id, coupon_id)
    coupon = await service.get(request.db, coupon_id)
    return await _page(request, await clinics.get(request.db, clinic_id), coupon)


@post(PAGE, operation_id="changeCouponByForm", status_code=HTTP_200_OK, opt=MANAGE, include_in_schema=False)
async def change(request: Request, clinic_id: FromPath[int], coupon_id: FromPath[UUID]) -> Response[Any]:
    """Change a coupon's conditions."""
    check_clinic(clinic_id, coupon_id)
    form, clinic = await parse_form(request), await clinics.get(request.db, clinic_id)
    coupon = await service.get(request.db, coupon_id)
    try:
        patch = decoding.convert(CouponPatch, _conditions(request, form, clinic))
        await request.db.atomic(
            service.change, request.user, coupon_id=coupon_id, patch=patch, if_match=version_in(form)
        )
    except errors.Invalid as invalid:
        return await _page(request, clinic, coupon, form=form, invalid=invalid)
    except (errors.Conflict, errors.VersionMismatch) as refusal:
        current = await service.get(request.db, coupon_id)
        return await _page(request, clinic, current, form=form, refusal=refusal)
    return redirect(f"/staff/{clinic_id}/coupons")


@post(f"{PAGE}/end", operation_id="endCouponByForm", status_code=HTTP_200_OK, opt=MANAGE, include_in_schema=False)
async def end(request: Request, clinic_id: FromPath[int], coupon_id: FromPath[UUID]) -> Response[Any]:
    """Stop accepting a coupon."""
    check_clinic(clinic_id, coupon_id)
    await request.db.atomic(service.remove, request.user, coupon_id=coupon_id, if_match=None, now=clock.now())
    return redirect(f"/staff/{clinic_id}/coupons")


def _discount(request: Request, form: Mapping[str, str], clinic: Clinic) -> dict[str, Any]:
    """Return the members that only a new coupon has. Raise `Invalid` for an unreadable amount or percentage."""
    text, code = form.get("discount", "").strip(), form.get("code", "").strip()
    if form.get("kind") == "amount":
        amount = parse_amount(text, clinic.currency)
        if not amount:
            raise errors.Invalid(
                amount_fault("#/discount", clinic.currency, language_tag_for(request, clinic.time_zone))
            )
        return {"code": code, "amount": amount}
    percent = text.removesuffix("%").strip()
    if not percent.isdecimal() or not 1 <= int(percent) <= 100:
        raise errors.Invalid(errors.Fault("#/discount", translatable("must be a whole number from 1 to 100")))
    return {"code": code, "percent": int(percent)}


def _conditions(request: Request, form: Mapping[str, str], clinic: Clinic) -> dict[str, Any]:
    """Return the members that can change. Raise `Invalid` for an unreadable date or number."""
    faults: list[errors.Fault] = []
    numbers: dict[str, int | None] = {}
    for name in NUMBERS:
        text = form.get(name, "").strip()
        numbers[name] = int(text) if text.isdecimal() else None
        if text and not text.isdecimal():
            faults.append(errors.Fault(f"#/{name}", translatable("must be a whole number")))
    days: dict[str, date | None] = {}
    for name in ("validFrom", "lastDay"):
        days[name] = typed_date(request, form.get(name), clinic.time_zone)
        if form.get(name) and days[name] is None:
            faults.append(errors.Fault(f"#/{name}", translatable("must be a date, such as 2027-03-01")))
    if faults:
        raise errors.Invalid(*faults)
    first, last = days["validFrom"], days["lastDay"]
    return {
        "description": form.get("description", "").strip() or None,
        "validFrom": _start_of(first, clinic),
        "validUntil": _start_of(last + timedelta(days=1) if last else None, clinic),
        "firstVisitOnly": "firstVisitOnly" in form,
        "appointmentTypeIds": [name.removeprefix(TYPE) for name in form if name.startswith(TYPE)],
        **numbers,
    }


def _start_of(day: date | None, clinic: Clinic) -> str | None:
    """Return the start of a day at the clinic, as the API writes it."""
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=clock.zone(clinic.time_zone)).isoformat()


async def _page(
    request: Request,
    clinic: Clinic,
    coupon: Coupon | None,
    *,
    form: Mapping[str, str] | None = None,
    invalid: errors.Invalid | None = None,
    refusal: errors.AppointError | None = None,
) -> Response[Any]:
    typed = form or (_typed(coupon, clinic) if coupon else {})
    types: Sequence[Any] = await appointment_types.list_types(request.db, clinic.id)
    return await staff_page(
        request,
        "staff/money/coupon.html",
        clinic_id=clinic.id,
        place="coupons",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_400_BAD_REQUEST if invalid else HTTP_200_OK,
        subjects=[coupon.id] if coupon else [],
        coupon=coupon,
        typed=typed,
        types=[(type, f"{TYPE}{type.id}" in typed) for type in types],
        type_prefix=TYPE,
        money=Money,
        faults=faults_by_path(invalid, language_for(request)) if invalid else {},
        refusal=describe_refusal(request, refusal) if refusal else "",
    )


def _typed(coupon: Coupon, clinic: Clinic) -> dict[str, str]:
    """Return a coupon's conditions as the form shows them."""
    last = coupon.valid_until and coupon.valid_until - timedelta(microseconds=1)
    return {
        "description": coupon.description or "",
        "validFrom": str(clock.local_date(coupon.valid_from, clinic.time_zone)) if coupon.valid_from else "",
        "lastDay": str(clock.local_date(last, clinic.time_zone)) if last else "",
        "maxUses": str(coupon.max_uses or ""),
        "maxUsesPerCustomer": str(coupon.max_uses_per_customer or ""),
        **({"firstVisitOnly": "on"} if coupon.first_visit_only else {}),
        **{f"{TYPE}{type_id}": "on" for type_id in coupon.appointment_type_ids},
    }


PAGES: Final = [coupons, new, create, show, change, end]
