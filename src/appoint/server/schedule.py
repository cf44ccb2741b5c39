"""The worker's jobs and how often they run. The jobs themselves are in the features' `jobs.py` and `service.py`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

from ..audit import jobs as audit
from ..audit.model import Key
from ..booking.holds import expire_holds
from ..database.pool import Database
from ..events import repository as events
from ..events.service import Subscriber, relay
from ..http.repository import forget_requests
from ..identity.sessions import repository as sessions
from ..identity.sign_in_codes import repository as sign_in_codes
from ..integrations.webhooks.repository import deliveries
from ..kit import clock
from ..messaging.channels.model import Channel
from ..messaging.notifications import jobs as notifications
from ..messaging.notifications import service as planning
from ..oversight.privacy import jobs as privacy
from ..oversight.reports import service as numbers
from ..scheduling.slots.jobs import nightly
from ..settings import Settings

REQUEST_TTL: Final = timedelta(hours=24)
"""How long a request with an idempotency key can be replayed."""


class Work(NamedTuple):
    """The tools of the worker's jobs."""

    db: Database
    settings: Settings
    sending: notifications.Sender
    subscribers: Sequence[Subscriber]
    """The relay calls them in this order."""

    @property
    def secret(self) -> str:
        assert self.settings.secret_key, "created at start"
        return self.settings.secret_key.get_secret_value()

    @property
    def channels(self) -> list[Channel]:
        return list(self.sending.gateways)


Job = Callable[[Work], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Nightly:
    at: time
    """In UTC."""
    run: Job


OFTEN: Final[dict[str, tuple[float, Job]]] = {
    "relay": (0.5, lambda work: relay_all(work)),  # noqa: PLW0108  defined below
    "expire-holds": (2.0, lambda work: expire_holds(work.db, now=clock.now())),
    "sum-up": (2.0, lambda work: numbers.sum_up(work.db)),
    "seal-audit": (3.0, lambda work: audit.seal(work.db, Key(work.secret), now=clock.now)),
    "remind": (
        60.0,
        lambda work: planning.plan_reminders(
            work.db, channels=work.channels, spread=spread(work.settings), now=clock.now()
        ),
    ),
    "plan-agendas": (60.0, lambda work: planning.plan_agendas(work.db, channels=work.channels, now=clock.now())),
}
"""Name, seconds between runs, and what to run."""
NIGHTLY: Final[dict[str, Nightly]] = {
    "publish-slots": Nightly(time(0, 15), lambda work: nightly(work.db, now=clock.now())),
    "forget-requests": Nightly(time(0, 45), lambda work: forget_requests(work.db, before=clock.now() - REQUEST_TTL)),
    "forget-codes": Nightly(time(1, 0), lambda work: sign_in_codes.delete_expired(work.db, now=clock.now())),
    "forget-events": Nightly(
        time(1, 15),
        lambda work: forget_events(work, before=clock.now() - timedelta(days=work.settings.event_log_days)),
    ),
    "forget-sessions": Nightly(
        time(1, 45),
        lambda work: sessions.delete_ended(
            work.db, idle=timedelta(minutes=work.settings.session_idle_minutes), now=clock.now()
        ),
    ),
    "forget-people": Nightly(time(1, 45), lambda work: privacy.forget(work.db, now=clock.now())),
}
"""Each job must tolerate running twice, or late."""


async def relay_all(work: Work) -> None:
    """Relay all events that are due."""
    while await relay(work.db, work.subscribers, now=clock.now()):
        pass


async def forget_events(work: Work, *, before: datetime) -> None:
    """Delete events relayed before that time, and their deliveries."""
    await deliveries.delete_old(work.db, before=before)
    await events.delete_relayed(work.db, before=before)


def spread(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.reminder_spread_minutes)
