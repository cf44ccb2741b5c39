"""Add, change and remove coupons, check them, and use them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from ... import audit
from ...clinics.appointment_types import service as types
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction, violates
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import clinic_of
from ...kit.money import Discount, Money
from ...kit.structs import merge
from . import repository
from .model import (
    Coupon,
    CouponCheck,
    CouponContent,
    CouponDiscount,
    CouponOffer,
    CouponPatch,
    IntendedAppointment,
    check_validity,
)

CONTENT_MEMBERS = CouponContent.__struct_fields__


async def get(db: Statements, coupon_id: UUID) -> Coupon:
    """Return a coupon, or raise `NotFound`."""
    if coupon := await repository.find(db, clinic_of(coupon_id), id=coupon_id):
        return coupon
    raise errors.NotFound


async def list_newest(
    db: Statements, *, clinic_id: int, active: bool, before: UUID | None, limit: int
) -> Sequence[Coupon]:
    """Return a clinic's active or removed coupons, newest first, plus one beyond `limit` if there is a next page."""
    return await repository.list_coupons(db, clinic_id, active=active, after=(before,) if before else None, limit=limit)


async def list_codes(db: Statements, *, invoice_id: UUID) -> dict[UUID, str]:
    """Return the codes of the coupons on an invoice's lines, by the ids of their uses."""
    return await repository.list_codes(db, invoice_id)


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: CouponContent) -> Coupon:
    """Add a coupon. Raise a `coupon-code-taken` `Conflict` if another active coupon has its code."""
    await clinics.get_active(tx, clinic_id)
    coupon_id = await repository.add(tx, clinic_id, content)
    if coupon_id is None:
        raise errors.Conflict("coupon-code-taken")
    await _set_types(tx, coupon_id, content)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[coupon_id])
    return await get(tx, coupon_id)


async def change(tx: Transaction, actor: Actor, *, coupon_id: UUID, patch: CouponPatch, if_match: str | None) -> Coupon:
    """Change a coupon's conditions. Raise a `coupon-spent` `Conflict` if it has been used more often than it could be
    from now on."""
    current = await _lock(tx, coupon_id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[coupon_id])
    content = merge(CouponContent(**{name: getattr(current, name) for name in CONTENT_MEMBERS}), patch)
    msgspec.structs.replace(content)
    try:
        await repository.change(tx, coupon_id, content)
    except asyncpg.ForeignKeyViolationError as error:
        if violates(error, "coupon_use_exists", "coupon_use_of_customer"):
            raise errors.Conflict("coupon-spent") from error
        raise
    await _set_types(tx, coupon_id, content)
    return await get(tx, coupon_id)


async def remove(tx: Transaction, actor: Actor, *, coupon_id: UUID, if_match: str | None, now: datetime) -> None:
    """Stop accepting a coupon. Invoices keep their discounts."""
    current = await _lock(tx, coupon_id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[coupon_id])
    await repository.remove(tx, coupon_id, now=now)


async def check(db: Statements, *, query: CouponCheck, now: datetime) -> CouponDiscount:
    """Return what a coupon takes off a type's price. Anyone can ask, so a coupon that is used up is refused like one
    that does not exist. Raise `NotFound` for an unknown type, or a `coupon-not-valid` or `coupon-without-price`
    `Conflict`."""
    type = await types.get(db, query.appointment_type_id)
    coupon = await repository.find(db, clinic_of(type.id), code=query.code)
    if coupon is None:
        raise errors.Conflict("coupon-not-valid")
    if not type.price or not type.price.amount:
        raise errors.Conflict("coupon-without-price")
    await _check(db, coupon, customer_id=None, type_id=type.id, now=now)
    if coupon.max_uses is not None and coupon.use_count >= coupon.max_uses:
        raise errors.Conflict("coupon-not-valid")
    return CouponDiscount(price=type.price, discount=Money(coupon.discount.of(type.price.amount), type.price.currency))


async def find_offer(
    db: Statements, *, clinic_id: int, code: str, appointments: Sequence[IntendedAppointment], now: datetime
) -> CouponOffer:
    """Return what a coupon would take off a booking, and for which of its appointments. Like `check`, raise a
    `coupon-not-valid` `Conflict` for one that is used up, or `coupon-without-price`."""
    coupon = await repository.find(db, clinic_id, code=code)
    if coupon is None or (coupon.max_uses is not None and coupon.use_count >= coupon.max_uses):
        raise errors.Conflict("coupon-not-valid")
    refusal = errors.Conflict("coupon-without-price")
    for position, (customer_id, type_id) in enumerate(appointments):
        if not await has_price(db, type_id):
            continue
        try:
            await _check(db, coupon, customer_id=customer_id, type_id=type_id, now=now)
        except errors.Conflict as conflict:
            refusal = conflict
            continue
        return CouponOffer(coupon.code, position, coupon.discount)
    raise refusal


async def has_price(db: Statements, type_id: UUID | None) -> bool:
    """Return whether appointments of this type cost something that a coupon could be taken off."""
    type = await types.find(db, type_id) if type_id else None
    return type is not None and type.price is not None and type.price.amount > 0


async def find_discount(tx: Transaction, appointment_id: UUID, *, invoice_id: UUID) -> tuple[UUID, Discount] | None:
    """Return the use and the discount of the coupon that an appointment was booked with, if there is one."""
    found_use = await repository.find_booked(tx, appointment_id, invoice_id=invoice_id)
    if found_use is None:
        return None
    use_id, coupon_id = found_use
    return use_id, (await get(tx, coupon_id)).discount


async def use(
    tx: Transaction,
    *,
    clinic_id: int,
    code: str,
    customer_id: UUID,
    type_id: UUID | None,
    appointment_id: UUID | None,
    now: datetime,
    reserved_until: datetime | None = None,
) -> tuple[UUID, Discount]:
    """Use a coupon. Return the id of the use and the discount. Raise a `coupon-not-valid` or `coupon-spent`
    `Conflict`."""
    coupon = await repository.find(tx, clinic_id, code=code)
    if coupon is None:
        raise errors.Conflict("coupon-not-valid")
    await _check(tx, coupon, customer_id=customer_id, type_id=type_id, now=now)
    await repository.lock(tx, coupon.id)
    use_id = await repository.take_use(
        tx, coupon.id, customer_id=customer_id, appointment_id=appointment_id, reserved_until=reserved_until
    )
    if use_id is None:
        raise errors.Conflict("coupon-spent")
    return use_id, coupon.discount


async def _check(
    db: Statements, coupon: Coupon, *, customer_id: UUID | None, type_id: UUID | None, now: datetime
) -> None:
    is_first_visit = None
    if coupon.first_visit_only and customer_id:
        is_first_visit = not await repository.has_visited(db, coupon.clinic_id, customer_id)
    check_validity(coupon, type_id=type_id, is_first_visit=is_first_visit, now=now)


async def _lock(tx: Transaction, coupon_id: UUID, if_match: str | None) -> Coupon:
    await repository.lock(tx, coupon_id)
    current = await get(tx, coupon_id)
    await clinics.check_version(tx, current.clinic_id, if_match=if_match, version=current.version)
    return current


async def _set_types(tx: Transaction, coupon_id: UUID, content: CouponContent) -> None:
    try:
        await repository.set_types(tx, coupon_id, content.appointment_type_ids)
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Invalid(
            errors.Fault("#/appointmentTypeIds", translatable("contains an unknown appointment type"))
        ) from error
