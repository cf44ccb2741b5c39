"""/api/clinics/{clinicId}/coupons and /api/coupons"""

from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after
from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from ...kit.structs import Page
from . import repository, service
from .model import Coupon, CouponCheck, CouponContent, CouponDiscount, CouponFilter, CouponPatch


class Coupons(Controller):
    """Codes that take a percentage or an amount off a price."""

    tags = ["Coupons"]

    @get("/clinics/{clinic_id:int}/coupons", operation_id="listCoupons", opt=route(permission="bill"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: CouponFilter) -> Response[Page[Coupon]]:
        """List a clinic's coupons, newest first."""
        place = cursor_after(request, query, tuple[UUID])
        coupons = await repository.list_coupons(
            request.db, clinic_id, active=query.active, after=place, limit=query.limit
        )
        if not coupons:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, coupons)

    @post(
        "/clinics/{clinic_id:int}/coupons",
        operation_id="createCoupon",
        opt=route(permission="manage", problems=("clinic-inactive", "coupon-code-taken")),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[CouponContent]
    ) -> Response[Coupon]:
        """Add a coupon to a clinic."""
        coupon, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data),
            service.get,
        )
        return created_response(request, coupon, f"/api/coupons/{coupon.id}", replayed=replayed)

    @post(
        "/coupons/check",
        operation_id="checkCoupon",
        status_code=HTTP_200_OK,
        opt=route(permission="book", rate_limit="search", problems=("coupon-not-valid", "coupon-without-price")),
    )
    async def check(self, request: Request, data: JSONBody[CouponCheck]) -> Response[CouponDiscount]:
        """Return what a coupon takes off the price of an appointment type. Whether a patient can use it is not checked
        until they book."""
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        of_clinic = request.services.db.within(clinic_of(data.appointment_type_id))
        return json_response(request, await service.check(of_clinic, query=data, now=clock.now()))

    @get("/coupons/{coupon_id:uuid}", operation_id="getCoupon", opt=route(permission="bill"))
    async def get(self, request: Request, coupon_id: FromPath[UUID]) -> Response[Coupon]:
        """Return a coupon, and how often it has been used."""
        return json_response(request, await service.get(request.db, coupon_id), subjects=[coupon_id])

    @patch(
        "/coupons/{coupon_id:uuid}",
        operation_id="patchCoupon",
        opt=route(permission="manage", problems=("coupon-spent",)),
    )
    async def patch(self, request: Request, coupon_id: FromPath[UUID], data: JSONBody[CouponPatch]) -> Response[Coupon]:
        """Change a coupon's conditions (JSON merge patch). Its code and discount stay."""
        coupon = await request.db.atomic(
            service.change, request.user, coupon_id=coupon_id, patch=data, if_match=request.if_match
        )
        return json_response(request, coupon)

    @delete(
        "/coupons/{coupon_id:uuid}",
        operation_id="removeCoupon",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove(self, request: Request, coupon_id: FromPath[UUID]) -> None:
        """Stop accepting a coupon. Discounts on existing invoices remain."""
        await request.db.atomic(
            service.remove, request.user, coupon_id=coupon_id, if_match=request.if_match, now=clock.now()
        )
