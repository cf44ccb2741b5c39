"""API requests for appointments with Dr Shah, who works for eight hours in three days' time."""

from datetime import timedelta
from uuid import UUID

from appoint.database.pool import Database
from appoint.kit import clock
from support.world import World


async def create_world(db, cache) -> World:
    world = await World.make(db, cache)
    world.nine = (clock.now() + timedelta(days=3)).replace(hour=8, minute=0, second=0, microsecond=0)
    await world.publish(world.dr_shah, world.nine - timedelta(hours=1), world.nine + timedelta(hours=7))
    return world


def appointment_body(world, *, hours=0, customer=None, **members):
    """Return a half-hour request that starts the given number of hours after nine o'clock."""
    start = world.nine + timedelta(hours=hours)
    times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
    return {"customerId": str(customer or world.ana), "doctorId": str(world.dr_shah), **times} | members


async def begin_now(db: Database, appointment_id: str | UUID) -> None:
    """Move an appointment and its slot to the current minute, which no use case allows."""
    minute = clock.now().replace(second=0, microsecond=0)
    await db.execute(
        """
        with moved as (
          update booking_slot s
             set during = tstzrange($2::timestamptz, $2 + interval '2 hours')
            from appointment a
           where a.id = $1 and s.clinic_id = a.clinic_id and s.doctor_id = a.doctor_id and s.active_during @> a.during
        )
        update appointment
           set during = tstzrange($2, $2 + interval '30 minutes'), claimed = tstzrange($2, $2 + interval '30 minutes')
         where id = $1
        """,
        appointment_id,
        minute,
    )
