"""Former names of `support.world`."""

import asyncpg

from support.database import wait_for_lock as someone_waits
from support.world import RUN_START
from support.world import (
    create_appointment_type as appointment_type,
)
from support.world import (
    create_clinic as clinic,
)
from support.world import (
    create_customer as customer,
)
from support.world import (
    create_doctor as doctor,
)
from support.world import (
    hours_ahead as later,
)
from support.world import (
    insert_appointment as book,
)
from support.world import (
    publish_slot as publish,
)

NOW = RUN_START


async def wins(booking) -> bool:
    """Return whether a booking by plain SQL was written. Outside published hours it is not."""
    try:
        await booking
    except asyncpg.ForeignKeyViolationError:
        return False
    return True


__all__ = [
    "NOW",
    "appointment_type",
    "book",
    "clinic",
    "customer",
    "doctor",
    "later",
    "publish",
    "someone_waits",
    "wins",
]
