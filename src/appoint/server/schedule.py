"""The worker's jobs and how often they run. The jobs themselves are in the features' `jobs.py` and `service.py`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from ..audit import jobs as audit_jobs
from ..audit.model import Key
from ..booking.bounds import ORIGIN_TTL
from ..booking.confirmation import repository as confirmation_codes
from ..booking.holds import expire_holds
from ..booking.repository import erasure as appointments_erasure
from ..booking.steps import STEP_TTL
from ..calls.providers.gateway import Providers
from ..calls.recordings import repository as recordings
from ..calls.rooms import orphans
from ..calls.rooms import service as calls
from ..clinics.cells import jobs as cell_jobs
from ..clinics.clinics import jobs as clinic_jobs
from ..customers import addresses
from ..customers.copies import jobs as copy_jobs
from ..customers.guardians import jobs as guardian_jobs
from ..database.encryption import service as encryption
from ..database.pool import Database
from ..events import repository as events_repository
from ..events.service import Subscriber, relay
from ..http.idempotency import repository as idempotency_repository
from ..http.idempotency.keys import KEY_TTL
from ..identity.encryption import decrypt_legacy_totp
from ..identity.oidc import repository as openid_repository
from ..identity.oidc.attempts import ATTEMPT_TTL
from ..identity.passkeys import repository as passkeys_repository
from ..identity.sessions import repository as sessions_repository
from ..identity.sign_in_codes import repository as sign_in_codes_repository
from ..integrations.webhooks.repository import deliveries
from ..kit import clock
from ..messaging.channels.model import Channel
from ..messaging.notifications import jobs as notification_jobs
from ..messaging.notifications import service as notifications
from ..oversight.audit_exports import jobs as audit_exports
from ..oversight.backups import jobs as backup_jobs
from ..oversight.backups.service import BackupSource, find_origin
from ..oversight.invariants import jobs as invariants
from ..oversight.privacy import jobs as privacy_jobs
from ..oversight.reports import service as reports
from ..payments.billing import service as billing
from ..payments.checkout import jobs as checkout
from ..payments.coupons import desk as coupon_desk
from ..payments.dev_gateway import jobs as dev_gateway
from ..payments.documents import service as documents
from ..payments.receipts import service as receipts
from ..payments.retention import jobs as money_retention
from ..scheduling.slots import jobs as slot_jobs
from ..settings import Settings

if TYPE_CHECKING:
    from ..clinics.cells.gateway import CellGateway

log = structlog.get_logger()

CONFIRMATION_CODE_TTL: Final = timedelta(hours=24)
"""How long a request that confirms a booking with a code can be repeated. Repeats don't change anything."""

ADDRESS_CHANGE_TTL: Final = timedelta(days=30)
"""How long Appoint remembers a customer's former address. The message to that address goes out within 7 days."""


class Work(NamedTuple):
    """What the worker's jobs need."""

    db: Database
    settings: Settings
    sending: notification_jobs.Sender
    subscribers: Sequence[Subscriber]
    """The relay calls them in this order."""
    providers: Providers
    database_url: str = ""
    cells: "CellGateway | None" = None

    @property
    def secret(self) -> str:
        assert self.settings.secret_key, "created at startup"
        return self.settings.secret_key.get_secret_value()

    @property
    def channels(self) -> list[Channel]:
        return list(self.sending.gateways)


Job = Callable[[Work], Awaitable[object]]


def makes_backups(settings: Settings) -> bool:
    return settings.backup_url is not None


def is_cell(settings: Settings) -> bool:
    return bool(settings.cell)


def backup_origin(work: Work) -> BackupSource:
    return find_origin(work.settings, work.database_url)


@dataclass(frozen=True, slots=True)
class Frequent:
    seconds: float
    """The pause between two runs."""
    run: Job
    is_long: bool = False
    """Whether a statement may run for minutes."""
    is_on: Callable[[Settings], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Nightly:
    at: time
    """In UTC."""
    run: Job
    days: Callable[[Settings], int] = lambda _: 1
    """The number of nights from one run to the next."""
    is_on: Callable[[Settings], bool] = lambda _: True


FREQUENT: Final[dict[str, Frequent]] = {
    "relay": Frequent(0.5, lambda work: relay_all(work)),  # noqa: PLW0108  defined below
    "expire-holds": Frequent(2.0, lambda work: expire_holds(work.db, now=clock.now())),
    "check-calls": Frequent(
        30.0,
        lambda work: calls.check(work.db, default_gateway=work.providers.default_gateway, now=clock.now()),
        is_long=True,
    ),
    "sum-up": Frequent(2.0, lambda work: reports.sum_up(work.db), is_long=True),
    "seal-audit": Frequent(3.0, lambda work: audit_jobs.seal(work.db, Key(work.secret), now=clock.now)),
    "bill-appointments": Frequent(2.0, lambda work: billing.bill_due(work.db, now=clock.now())),
    "release-coupons": Frequent(60.0, lambda work: coupon_desk.release_expired(work.db, now=clock.now())),
    "render-invoices": Frequent(2.0, lambda work: documents.render_due(work.db, now=clock.now())),
    "render-receipts": Frequent(2.0, lambda work: receipts.render_due(work.db, now=clock.now())),
    "remind": Frequent(
        60.0,
        lambda work: notifications.plan_reminders(
            work.db, channels=work.channels, spread=reminder_spread(work.settings), now=clock.now()
        ),
        is_long=True,
    ),
    "close-payment-pages": Frequent(5.0, lambda work: checkout.run_frequent(work.db, work.settings, now=clock.now())),
    "reconcile-payments": Frequent(
        3600.0, lambda work: checkout.run_hourly(work.db, work.settings, now=clock.now()), is_long=True
    ),
    "deliver-dev-payments": Frequent(1.0, lambda work: dev_gateway.deliver(work.db, work.settings)),
    "follow-cells": Frequent(2.0, lambda work: cell_jobs.follow(work.db, work.cells, now=clock.now()), is_on=is_cell),
    "send-customers": Frequent(2.0, lambda work: copy_jobs.send_changes(work.db, work.cells), is_on=is_cell),
    "plan-agendas": Frequent(
        60.0,
        lambda work: notifications.plan_agendas(work.db, channels=work.channels, now=clock.now()),
        is_long=True,
    ),
}
"""The jobs that run continuously, by name."""
NIGHTLY: Final[dict[str, Nightly]] = {
    "publish-slots": Nightly(time(0, 15), lambda work: slot_jobs.publish_to_horizon(work.db, now=clock.now())),
    "end-guardianships": Nightly(time(0, 20), lambda work: guardian_jobs.end_expired(work.db, now=clock.now())),
    "sum-coming-days": Nightly(time(0, 25), lambda work: reports.note_coming_days(work.db, now=clock.now())),
    "locate-clinics": Nightly(time(0, 30), lambda work: clinic_jobs.locate_clinics(work.db)),
    "forget-requests": Nightly(time(0, 45), lambda work: forget_requests(work, before=clock.now() - KEY_TTL)),
    "forget-codes": Nightly(time(1, 0), lambda work: forget_codes(work, now=clock.now())),
    "forget-events": Nightly(
        time(1, 15),
        lambda work: forget_events(work, before=clock.now() - timedelta(days=work.settings.event_log_days)),
    ),
    "forget-sessions": Nightly(
        time(1, 45),
        lambda work: sessions_repository.delete_ended(
            work.db, idle=timedelta(minutes=work.settings.session_idle_minutes), now=clock.now()
        ),
    ),
    "forget-challenges": Nightly(
        time(1, 50),
        lambda work: passkeys_repository.delete_expired_challenges(
            work.db,
            now=clock.now() - timedelta(hours=1),  # servers' clocks may differ
        ),
    ),
    "forget-addresses": Nightly(
        time(1, 55),
        lambda work: addresses.delete_old_changes(work.db, before=clock.now() - ADDRESS_CHANGE_TTL),
    ),
    "forget-unconfirmed": Nightly(
        time(1, 30),
        lambda work: privacy_jobs.forget_unconfirmed(
            work.db, older_than=timedelta(days=work.settings.unconfirmed_days), now=clock.now()
        ),
    ),
    "forget-strangers": Nightly(
        time(1, 35),
        lambda work: appointments_erasure.delete_old_origins(work.db, before=clock.now() - ORIGIN_TTL),
    ),
    "forget-steps": Nightly(
        time(1, 40), lambda work: appointments_erasure.delete_old_steps(work.db, before=clock.now() - STEP_TTL)
    ),
    "export-audit": Nightly(
        time(2, 0),
        lambda work: audit_exports.export_heads(work.db, work.settings, work.sending.gateways, now=clock.now()),
    ),
    "forget-audit": Nightly(
        time(2, 15),
        lambda work: audit_jobs.delete_old(
            work.db, Key(work.secret), before=years_before(clock.now(), work.settings.audit_years), now=clock.now()
        ),
    ),
    "encrypt-values": Nightly(time(2, 30), lambda work: encrypt_values(work)),  # noqa: PLW0108  defined below
    "check-invariants": Nightly(time(3, 0), lambda work: invariants.check_invariants(work.db)),
    "back-up": Nightly(
        time(3, 30), lambda work: backup_jobs.back_up(work.db, work.settings, backup_origin(work)), is_on=makes_backups
    ),
    "check-backup": Nightly(
        time(4, 30),
        lambda work: backup_jobs.verify(work.settings),
        days=lambda settings: settings.backup_check_days,
        is_on=makes_backups,
    ),
    "expire-recordings": Nightly(time(2, 50), lambda work: recordings.expire(work.db, now=clock.now())),
    "remove-orphaned-rooms": Nightly(
        time(2, 45), lambda work: orphans.remove_all(work.db, work.providers, now=clock.now())
    ),
    "forget-dev-payments": Nightly(time(1, 20), lambda work: dev_gateway.forget_old(work.db, now=clock.now())),
    "expire-documents": Nightly(time(1, 25), lambda work: money_retention.expire(work.db, now=clock.now())),
    "forget-people": Nightly(time(1, 45), lambda work: privacy_jobs.forget(work.db, now=clock.now())),
}
"""The nightly jobs, by name. Each must tolerate being run twice, or late."""


def frequent_jobs(settings: Settings) -> dict[str, Frequent]:
    """Return the continuous jobs that these settings turn on."""
    return {name: job for name, job in FREQUENT.items() if job.is_on(settings)}


def nightly_jobs(settings: Settings) -> dict[str, Nightly]:
    """Return the nightly jobs that these settings turn on."""
    return {name: job for name, job in NIGHTLY.items() if job.is_on(settings)}


async def relay_all(work: Work) -> None:
    """Relay all due events."""
    while await relay(work.db, work.subscribers, now=clock.now()):
        pass


async def forget_requests(work: Work, *, before: datetime) -> None:
    """Delete the idempotency keys of requests that can no longer be repeated."""
    await idempotency_repository.delete_old_keys(work.db, before=before)
    await appointments_erasure.delete_old_keys(work.db, before=before)


async def forget_codes(work: Work, *, now: datetime) -> None:
    """Delete expired sign-in codes, records of sign-ins, and confirmation codes from yesterday and earlier."""
    await sign_in_codes_repository.delete_expired(work.db, now=now)
    await openid_repository.delete_old_states(work.db, before=now - ATTEMPT_TTL)
    await confirmation_codes.delete_old(work.db, before=now - CONFIRMATION_CODE_TTL)


async def forget_events(work: Work, *, before: datetime) -> None:
    """Delete events that were relayed before the given time, together with their deliveries."""
    await deliveries.delete_old(work.db, before=before)
    await events_repository.delete_relayed(work.db, before=before)


def years_before(now: datetime, years: int) -> datetime:
    return now - timedelta(days=366 * years)  # leap years can't make the period too short


async def encrypt_values(work: Work) -> None:
    """Encrypt values from before encryption was introduced, and re-encrypt those that are encrypted with an older
    key."""
    if not work.db.keys.names:
        return
    done = await encryption.encrypt_all(work.db, decrypt=decrypt_legacy_totp(work.secret))
    if done.encrypted or done.unreadable:
        log.info("values encrypted", values=done.encrypted, unreadable=done.unreadable)


def reminder_spread(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.reminder_spread_minutes)
