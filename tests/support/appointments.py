"""API requests for appointments with Dr Shah, who works for eight hours in three days' time."""

from datetime import timedelta

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
