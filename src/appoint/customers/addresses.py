"""Find the people who share an email address or a phone number, and store old addresses until a message about the
change has been sent to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from ..database.pool import Statements, to
from .model import FoundCustomer


async def list_ids_at_address(db: Statements, *, email: str | None, phone: str | None, limit: int) -> list[UUID]:
    """Return the ids of customers with exactly this email address, ignoring case, or this phone number in E.164.

    If there are more than `limit`, prefer customers who have confirmed this address, then those with a confirmed
    appointment, then the oldest: anyone can register more customers with the address and hold times for them, and these
    must not crowd out the real ones.
    """
    rows = await db.fetch(
        """
        select id from customer c
         where active and (lower(email) = lower($1) or phone = $2)
         order by case when $2::text is null then email_confirmed_at else phone_confirmed_at end is null,
                  exists (select from appointment a
                           where a.customer_id = c.id and a.status not in ('pending', 'cancelled')) desc,
                  id
         limit $3
        """,
        email,
        phone,
        limit,
    )
    return sorted(row.id for row in rows)


async def find_at_address(
    db: Statements, *, clinic_id: int, email: str | None, phone: str | None, limit: int
) -> list[FoundCustomer]:
    """Return the customers with exactly this email address or phone number, the clinic's patients first."""
    rows = await db.fetch(
        """
        select c.id as customer_id, c.name, p.customer_id is not null as is_patient
          from customer c left join listed_patient p on p.clinic_id = $1 and p.customer_id = c.id
         where c.active and (lower(c.email) = lower($2) or c.phone = $3)
         order by is_patient desc,
                  exists (select from appointment a
                           where a.customer_id = c.id and a.status not in ('pending', 'cancelled')) desc,
                  c.id
         limit $4
        """,
        clinic_id,
        email,
        phone,
        limit,
    )
    return [to(FoundCustomer, row) for row in rows]


async def record_changes(
    tx: Statements, customer_id: UUID, old_addresses: Mapping[Literal["email", "sms"], str], *, now: datetime
) -> None:
    """Record the addresses that a customer no longer has, by the channel that reaches them, so that a message can go
    there."""
    await tx.execute(
        """
        insert into address_change (customer_id, created_at, channel, old_address)
        select $1, $4, channel, address from unnest($2::text[], $3::text[]) as old (channel, address)
        """,
        customer_id,
        [*old_addresses.keys()],
        [*old_addresses.values()],
        now,
    )


async def forget_changes(tx: Statements, customer_id: UUID) -> None:
    """Delete a customer's previous addresses."""
    await tx.execute("delete from address_change where customer_id = $1", customer_id)


async def delete_old_changes(db: Statements, *, before: datetime) -> None:
    """Delete all customers' addresses that changed before the given time."""
    await db.execute("delete from address_change where created_at < $1", before)
