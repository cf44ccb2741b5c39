"""SQL for the coupons that appointments were booked with, which the package for payments writes."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from ...database.pool import Statements
from ...kit.money import Discount


async def list_discounts(db: Statements, *, clinic_id: int, appointment_ids: Sequence[UUID]) -> Mapping[UUID, Discount]:
    """Return the discounts that were agreed when these appointments were booked, by appointment id.

    Cancelling an appointment releases its coupon, but the agreed price still decides its fee and its refund.
    """
    rows = await db.fetch(
        """
        select distinct on (u.appointment_id) u.appointment_id, c.percent, c.amount
          from coupon_use u
          join coupon c on c.clinic_id = $1 and c.id = u.coupon_id
         where u.clinic_id = $1 and u.appointment_id = any($2::uuid[]) and u.reserved_until is not null
         order by u.appointment_id, u.id
        """,
        clinic_id,
        appointment_ids,
    )
    return {row.appointment_id: Discount(row.percent, row.amount) for row in rows}
