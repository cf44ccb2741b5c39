"""SQL for a clinic's set-up."""

from datetime import datetime

from ...database.pool import Statements
from .model import Progress


async def load_progress(db: Statements, clinic_id: int, *, now: datetime) -> Progress | None:
    """Return the clinic's progress, or None for an unknown clinic."""
    row = await db.fetchrow(
        """
        select c.address is not null and c.phone is not null as contact,
               exists (select from appointment_type t where t.clinic_id = $1 and t.active) as types,
               exists (select from booking_slot s
                        where s.clinic_id = $1 and s.active_during && tstzrange($2, null)) as doctors,
               (select count(*) from membership m where m.clinic_id = $1) > 1 as team,
               array(select step from clinic_setup_step s where s.clinic_id = $1) as ticked
          from clinic c
         where c.id = $1
        """,
        clinic_id,
        now,
    )
    if row is None:
        return None
    evident = {name for name in ("contact", "types", "doctors", "team") if row[name]}
    return Progress(frozenset({*evident, *row.ticked} - {"hidden"}), "hidden" in row.ticked)


async def tick(tx: Statements, clinic_id: int, step: str) -> None:
    """Tick a step off. Ticking it again has no effect."""
    await tx.execute(
        "insert into clinic_setup_step (clinic_id, step) values ($1, $2) on conflict do nothing", clinic_id, step
    )
