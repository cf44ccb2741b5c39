"""All operations that change video visits, in an order that gives each what it needs."""

from typing import Any
from uuid import UUID

from support.calls import add_dead_call


async def change_calls(run: Any, db: Any, *, appointment_id: str, type_id: str) -> None:
    """Run each operation with `run(operation_id, body, **path_parameters)`, which returns the response's content."""
    await db.execute("update appointment_type set mode = 'online'")
    await db.execute("update appointment set appointment_type_id = $2 where id = $1", appointment_id, type_id)
    guest = (await run("inviteGuest", {"name": "Ines"}, appointmentId=appointment_id))["id"]
    await run("revokeGuest", appointmentId=appointment_id, guestId=guest)
    await add_dead_call(db, UUID(appointment_id))
    await run("renewCall", appointmentId=appointment_id)
    await run("sendJoinLink", appointmentId=appointment_id)
    await run("endCall", appointmentId=appointment_id)
    await db.execute("update appointment_type set mode = 'inPerson'")
    await run("replaceCallSettings", {"gateway": "link", "url": "https://meet.example.org/room"}, clinicId=1)
    await run("testCallSettings", clinicId=1)
