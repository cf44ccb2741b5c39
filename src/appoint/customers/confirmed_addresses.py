"""Confirm addresses, and find the one person behind several records with the same confirmed address and name."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from ..database.pool import Statements, to


class ConfirmedCustomer(msgspec.Struct, frozen=True):
    """A customer's record, with the address that codes go to and the details that distinguish people who share it."""

    id: UUID
    email: str | None
    phone: str | None
    is_confirmed: bool

    @property
    def channel(self) -> Literal["email", "sms"]:
        """The channel that codes are sent on."""
        return "email" if self.email else "sms"


async def lock(tx: Statements, customer_id: UUID, *, version: int) -> ConfirmedCustomer | None:
    """Lock an active customer's record and address until the transaction ends, so that concurrent confirmations of the
    same address queue. Return None if the record is no longer at the given version."""
    row = await tx.fetchrow(
        """
        select id, email, phone,
               case when email is null then phone_confirmed_at else email_confirmed_at end is not null as is_confirmed
          from customer
         where id = $1 and version = $2 and active
           for no key update
        """,
        customer_id,
        version,
    )
    if row is None:
        return None
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", (row.email or row.phone or "").lower())
    return to(ConfirmedCustomer, row)


async def find_same_person(tx: Statements, customer_id: UUID) -> UUID | None:
    """Return the oldest other record with the same confirmed address and the same name, ignoring case, accents and
    spacing. Where both records have a birth date, it must be the same too."""
    return await tx.fetchval(
        """
        select other.id
          from customer own
          join customer other
            on other.active and other.id <> own.id
           and case when own.email is null
                    then other.phone = own.phone and other.phone_confirmed_at is not null
                    else lower(other.email) = lower(own.email) and other.email_confirmed_at is not null end
         where own.id = $1
           and regexp_replace(folded(trim(other.name)), '\\s+', ' ', 'g')
               = regexp_replace(folded(trim(own.name)), '\\s+', ' ', 'g')
           and coalesce(other.birth_date = own.birth_date, true)
         order by other.id
         limit 1
        """,
        customer_id,
    )


async def mark_confirmed(tx: Statements, customer_id: UUID, *, channel: Literal["email", "sms"], now: datetime) -> None:
    """Record that messages on the channel reach the customer at their current address."""
    await tx.execute(
        """
        update customer
           set email_confirmed_at = case $2 when 'email' then $3 else email_confirmed_at end,
               phone_confirmed_at = case $2 when 'sms' then $3 else phone_confirmed_at end
         where id = $1
        """,
        customer_id,
        channel,
        now,
    )


async def delete_duplicate(tx: Statements, customer_id: UUID) -> None:
    """Delete a record that no appointment refers to, after its appointments were moved to the same person's other
    record. Raise `ForeignKeyViolationError` if something else refers to it."""
    await tx.execute(
        """
        delete from patient p
         where customer_id = $1 and noted_id is null
           and not exists (select from appointment a where a.clinic_id = p.clinic_id and a.customer_id = p.customer_id)
        """,
        customer_id,
    )
    await tx.execute(
        """
        with deleted as (
          delete from customer where id = $1 returning id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 0, 'customer.removed', id::text, version + 1, jsonb_build_object('customerId', id) from deleted
        """,
        customer_id,
    )
