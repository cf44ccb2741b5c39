"""SQL for billing appointments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit.fields import Locale
from ...kit.ids import clinic_of
from ...kit.money import Money
from ..policies.model import RefundTo
from .model import End, Settlement

REQUEST_BILLS: Final = load(__name__, "request_bills")
CLAIM_BILL: Final = load(__name__, "claim_bill")
FIND_FACTS: Final = load(__name__, "find_facts")
LIST_CHARGES: Final = load(__name__, "list_charges")
LIST_DEPOSITS: Final = load(__name__, "list_deposits")


class BillingFacts(NamedTuple):
    """What billing needs to know about an appointment."""

    clinic_id: int
    id: UUID
    booking_id: UUID
    customer_id: UUID
    booker_id: UUID | None
    appointment_type_id: UUID | None
    status: str
    was_only_held: bool
    by_clinic: bool
    start_time: datetime
    price_amount: int | None
    currency: str
    type: str | None
    time_zone: str
    ended_at: datetime | None
    settled_as: End | None
    updated_at: datetime
    is_open_for_business: bool
    """Whether the clinic is active."""
    has_policy: bool


class Charge(NamedTuple):
    """An issued invoice that charges for an appointment."""

    invoice_id: UUID
    billed: int
    open: int
    by_card: bool
    """Whether part of it was paid by card."""


class DepositPayment(NamedTuple):
    """A deposit that was paid for a booking."""

    id: UUID
    amount: int
    free: int
    currency: str
    by_card: bool
    used: int
    """How much of it has already been used for the appointment."""


class BillRequest(NamedTuple):
    clinic_id: int
    appointment_id: UUID
    ended_at: datetime | None
    """When the appointment was cancelled."""


async def request_bills(tx: Statements, requests: Sequence[BillRequest], *, due_at: datetime) -> None:
    """Have appointments billed at the clinics that have a payment policy."""
    await tx.execute(
        REQUEST_BILLS,
        clinic_ids=[request.clinic_id for request in requests],
        appointment_ids=[request.appointment_id for request in requests],
        ended_ats=[request.ended_at for request in requests],
        due_at=due_at,
    )


async def list_due(db: Statements, *, now: datetime, limit: int) -> list[UUID]:
    """List appointments whose bills are due, at all clinics, oldest first."""
    rows = await db.fetch(
        """
        select appointment_id
          from appointment_bill b
         where due_at <= $1
           and exists (select from clinic c where c.id = b.clinic_id)  -- has not moved
         order by due_at
         limit $2
        """,
        now,
        limit,
    )
    return [row.appointment_id for row in rows]


async def claim(tx: Statements, appointment_id: UUID, *, now: datetime) -> bool:
    """Lock an appointment's bill and the bills for everything booked with it. Return whether the appointment's own is
    due."""
    return bool(
        await tx.fetchval(CLAIM_BILL, clinic_id=clinic_of(appointment_id), appointment_id=appointment_id, now=now)
    )


async def postpone(db: Statements, appointment_id: UUID, *, due_at: datetime | None) -> None:
    """Make a bill due at a different time, or not at all."""
    await db.execute(
        "update appointment_bill set due_at = $3 where clinic_id = $1 and appointment_id = $2",
        clinic_of(appointment_id),
        appointment_id,
        due_at,
    )


async def find_facts(db: Statements, appointment_id: UUID) -> BillingFacts | None:
    row = await db.fetchrow(FIND_FACTS, clinic_id=clinic_of(appointment_id), appointment_id=appointment_id)
    return BillingFacts(*row) if row else None


async def list_charges(db: Statements, appointment_id: UUID) -> list[Charge]:
    rows = await db.fetch(LIST_CHARGES, clinic_id=clinic_of(appointment_id), appointment_id=appointment_id)
    return [Charge(*row) for row in rows]


async def list_deposits(db: Statements, facts: BillingFacts) -> list[DepositPayment]:
    rows = await db.fetch(
        LIST_DEPOSITS, clinic_id=facts.clinic_id, appointment_id=facts.id, booking_id=facts.booking_id
    )
    return [DepositPayment(*row) for row in rows]


async def find_language(tx: Statements, clinic_id: int) -> Locale:
    return await tx.fetchval("select locale from clinic where id = $1", clinic_id)


async def is_invoiced(tx: Statements, appointment_id: UUID) -> bool:
    """Return whether an invoice, or a draft, already charges for an appointment's visit."""
    return await tx.fetchval(
        """
        select exists (select
                         from invoice_line l
                         join invoice i on i.clinic_id = $1 and i.id = l.invoice_id
                        where l.clinic_id = $1 and l.appointment_id = $2 and i.kind = 'invoice'
                          and i.occasion is distinct from 'noShow' and i.occasion is distinct from 'cancellation')
        """,
        clinic_of(appointment_id),
        appointment_id,
    )


async def list_drafts(tx: Statements, appointment_id: UUID, *, occasions: Sequence[str]) -> list[UUID]:
    """Return the drafts that Appoint made for an appointment and these occasions."""
    rows = await tx.fetch(
        """
        select id from invoice
         where clinic_id = $1 and appointment_id = $2 and occasion = any($3) and status = 'draft'
        """,
        clinic_of(appointment_id),
        appointment_id,
        occasions,
    )
    return [row.id for row in rows]


async def list_drafts_with(tx: Statements, appointment_id: UUID) -> list[UUID]:
    """Return the visit drafts that include an appointment."""
    rows = await tx.fetch(
        """
        select distinct i.id
          from invoice_line l
          join invoice i on i.clinic_id = $1 and i.id = l.invoice_id
         where l.clinic_id = $1 and l.appointment_id = $2 and i.status = 'draft' and i.occasion = 'visit'
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
    return [row.id for row in rows]


async def settle(tx: Statements, settlement: Settlement, *, now: datetime) -> None:
    """Record how an appointment has been settled."""
    await tx.execute(
        """
        update appointment_bill
           set settled_as = $3, settled_at = $4, currency = $5, paid = $6, kept = $7, returned = $8, refund_to = $9
         where clinic_id = $1 and appointment_id = $2
        """,
        clinic_of(settlement.appointment_id),
        settlement.appointment_id,
        settlement.end,
        now,
        settlement.paid.currency,
        settlement.paid.amount,
        settlement.kept.amount,
        settlement.returned.amount,
        settlement.refund_to,
    )


async def sum_refunds(db: Statements, appointment_id: UUID) -> tuple[int, RefundTo]:
    """Return how much has been refunded because of an appointment, and where it went."""
    row = await db.fetchrow(
        """
        select coalesce(sum(amount), 0)::bigint as amount, coalesce(max(destination), 'credit') as refund_to
          from refund
         where clinic_id = $1 and appointment_id = $2 and status <> 'failed'
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
    assert row, "a sum always has a row"
    refund_to: RefundTo = row.refund_to
    return row.amount, refund_to


async def reopen(tx: Statements, appointment_id: UUID) -> None:
    """Forget how an appointment was settled, because it takes place after all."""
    await tx.execute(
        """
        update appointment_bill
           set settled_as = null, settled_at = null, currency = null, paid = null, kept = null, returned = null,
               refund_to = null
         where clinic_id = $1 and appointment_id = $2
        """,
        clinic_of(appointment_id),
        appointment_id,
    )


async def find_settlement(db: Statements, appointment_id: UUID) -> Settlement | None:
    """Return how an appointment has been settled, if it has."""
    row = await db.fetchrow(
        """
        select appointment_id, settled_as, paid, kept, returned, currency, refund_to
          from appointment_bill
         where clinic_id = $1 and appointment_id = $2 and settled_as is not null
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
    if row is None:
        return None
    refund_to: RefundTo = row.refund_to
    return Settlement(
        row.appointment_id,
        row.settled_as,
        Money(row.paid, row.currency),
        Money(row.kept, row.currency),
        Money(row.returned, row.currency),
        refund_to,
    )
