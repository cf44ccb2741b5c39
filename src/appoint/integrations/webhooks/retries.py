"""When failed deliveries are retried, and when a webhook that keeps failing is disabled."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Transaction
from ...events import repository as events_repository
from ...events.facts import WebhookDisabled
from .model import GONE_STATUS, DeliveryOutcome
from .repository import deliveries

MAX_FAILING_TIME: Final = timedelta(days=5)
"""How long a webhook can fail without a single success before it is disabled."""
RETRY_DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)


def retry_delay(failures: int, *, jitter: float) -> timedelta | None:
    """Return the delay before the next attempt after this many failed ones; None after the eighth, which is about a day
    after the first. `jitter`, from 0 to 1, shortens or lengthens the delay by up to a tenth."""
    return RETRY_DELAYS[failures - 1] * (0.9 + 0.2 * jitter) if failures <= len(RETRY_DELAYS) else None


async def record_outcome(
    tx: Transaction,
    *,
    delivery_id: UUID,
    version: int,
    attempts: int,
    outcome: DeliveryOutcome,
    jitter: float,
    now: datetime,
) -> None:
    """Record the outcome of a delivery attempt after `attempts` failed ones.

    Do nothing if the delivery has changed since `version`: it was replayed, or another worker sent it because this one
    was slow. If the webhook is disabled, append an event, which reaches the clinic's other webhooks.
    """
    if outcome.reason is None:
        await deliveries.record_success(
            tx, delivery_id, version=version, response_status=outcome.response_status, now=now
        )
        return
    is_gone = outcome.response_status == GONE_STATUS
    delay = None if is_gone else retry_delay(attempts + 1, jitter=jitter)
    changed = await deliveries.record_failure(
        tx,
        delivery_id,
        version=version,
        due_at=now + delay if delay else None,
        response_status=outcome.response_status,
        reason=outcome.reason,
        disable_from=now if is_gone else now - MAX_FAILING_TIME,
        now=now,
    )
    if changed and changed.disabled_at and changed.failing_since:
        fact = msgspec.json.encode(WebhookDisabled(failing_since=changed.failing_since)).decode()
        await events_repository.append_event(
            tx,
            clinic_id=changed.clinic_id,
            type="webhook.disabled",
            subject_id=str(changed.id),
            subject_version=changed.version,
            data=fact,
        )
