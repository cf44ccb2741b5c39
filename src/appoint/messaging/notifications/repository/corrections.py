"""Tell patients what a clinic's staff have corrected about them."""

from collections.abc import Sequence
from datetime import datetime

from ....database.pool import Statements
from ....events.facts import PatientCorrected
from ....events.model import Event
from ...channels.model import Channel


async def insert_notices(
    tx: Statements,
    *,
    event: Event,
    fact: PatientCorrected,
    channels: Sequence[Channel],
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert the messages that tell a patient what was corrected, ignoring their preferences: one to their current
    address and, if the address itself was corrected, one to the old address.

    A corrected phone number receives them only if the patient has no email address.
    """
    await tx.execute(
        """
        with reached as (
          select coalesce(p.corrected_email, c.email) as email, coalesce(p.corrected_phone, c.phone) as phone
            from patient p
            join customer c on c.id = p.customer_id
           where p.clinic_id = $1 and p.customer_id = $2 and c.active
        ), notice as (
          select 'details-corrected' as kind, case when email is not null then 'email' else 'sms' end as channel
            from reached
           where num_nonnulls(email, phone) > 0
           union all
          select 'details-corrected-1', case k.detail when 'email' then 'email' else 'sms' end
            from reached
            join patient_correction k
              on k.clinic_id = $1 and k.id = $3 and k.old_value is not null
             and (k.detail = 'email' or k.detail = 'phone' and reached.email is null)
        )
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  event_id, urgent, due_at, expires_at)
        select $1, mint_id($1), kind, $3::uuid::text, 0, 'customer', $2::uuid::text, channel, $4, false, $5, $6
          from notice
         where channel = any($7)
        on conflict do nothing
        """,
        event.clinic_id,
        fact.customer_id,
        fact.correction_id,
        event.id,
        now,
        expires_at,
        channels,
    )
