"""What messages say about the money for appointments that do not take place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Database
from ...payments.billing import service as billing
from ..templates.model import MessageFacts
from .model import NotificationContext

SETTLED_KINDS: Final = frozenset({"cancelled", "payment-returned"})
"""The kinds of messages that say what happens to the money."""


async def with_settlements(
    db: Database, kind: str, contexts: Sequence[NotificationContext], each_facts: list[MessageFacts], now: datetime
) -> list[MessageFacts]:
    """Return the appointments' facts with what happens to the money for each, if the message says that."""
    if kind not in SETTLED_KINDS:
        return each_facts
    return [
        msgspec.structs.replace(facts, settlement=await billing.get_settlement(db, UUID(context.subject_id), now=now))
        for context, facts in zip(contexts, each_facts, strict=True)
    ]
