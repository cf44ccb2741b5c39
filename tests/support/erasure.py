"""A customer's data, and its erasure."""

from datetime import timedelta
from uuid import UUID

from appoint.kit.actors import SYSTEM
from appoint.oversight.privacy import service
from appoint.oversight.privacy.model import ErasedCounts
from support.world import NOW, World, at

LATER = NOW + timedelta(days=2)


async def erase(world: World, customer: UUID, *, now=LATER) -> ErasedCounts:
    return (await world.db.atomic(service.erase, SYSTEM, customer_id=customer, now=now)).erased


async def add_data_about_ana(world: World) -> None:
    """Add a visit, notes, preferences, a session, a sign-in code, a stored request and a message for Ana."""
    await world.db.execute(
        """
        update customer set email = 'ana@example.org', phone = '+493012345678', birth_date = '1990-05-17' where id = $1
        """,
        world.ana,
    )
    world.visit = await world.book(world.dr_shah, at(9), world.ana, notes="afraid of needles", key="once")
    await world.db.execute(
        "update patient set notes = 'likes tea', record_number = '7' where customer_id = $1", world.ana
    )
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', true)", world.ana
    )
    await world.db.execute(
        "insert into session (token_hash, customer_id, expires_at) values (sha256('x'), $1, now() + interval '1 day')",
        world.ana,
    )
    await world.db.execute(
        "insert into sign_in_code (channel, customer_ids, expires_at) values ('email', array[$1::uuid], now())",
        world.ana,
    )
    await world.db.execute(
        "insert into request_key (caller, key, digest, answer) values ('open', 'k', 'd', to_jsonb($1::uuid::text))",
        world.ana,
    )
    await world.db.execute(
        """
        insert into dev_message (token, channel, recipient, subject, text, customer_id)
        values ('t', 'email', 'ana@', 's', 't', $1)
        """,
        world.ana,
    )
