"""Plan the messages that tell customers about money, and about changes to their record that they may not have made."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ...database.pool import Transaction
from ...events.facts import (
    CustomerChanged,
    GuardianshipAdded,
    GuardianshipFact,
    InvoiceCorrected,
    InvoiceIssued,
    MoneyFact,
    PatientCorrected,
    PaymentSucceeded,
)
from ...events.model import Event
from ..channels.model import Channel
from .model import NOTICE_TTL
from .repository import corrections, notices

MONEY_DELAY: Final = timedelta(minutes=1)
"""How long messages about money wait, so that they mention payments that are recorded right after the invoice."""


async def plan_notices(tx: Transaction, events: Sequence[Event], *, channels: Sequence[Channel], now: datetime) -> None:
    """Plan the messages that follow from events. Relaying an event again plans nothing new."""
    expires_at = now + NOTICE_TTL
    for event in events:
        match event.fact:
            case PatientCorrected() as fact:
                await corrections.insert_notices(
                    tx, event=event, fact=fact, channels=channels, now=now, expires_at=expires_at
                )
            case GuardianshipFact() as fact:
                await notices.insert_guardian_notice(
                    tx,
                    kind="guardian-added" if isinstance(fact, GuardianshipAdded) else "guardian-ended",
                    event=event,
                    fact=fact,
                    channels=channels,
                    now=now,
                    expires_at=expires_at,
                )
            case InvoiceIssued() | InvoiceCorrected() | PaymentSucceeded() as fact:
                await _plan_money_message(tx, event, fact, channels=channels, now=now)
            case _:
                pass
    if changed := [event.fact.customer_id for event in events if isinstance(event.fact, CustomerChanged)]:
        await notices.insert_address_notices(
            tx, customer_ids=changed, channels=channels, now=now, expires_at=expires_at
        )


async def _plan_money_message(
    tx: Transaction, event: Event, fact: MoneyFact, *, channels: Sequence[Channel], now: datetime
) -> None:
    match fact:
        case InvoiceIssued():
            kind, subject_id = "invoice", event.subject_id
        case InvoiceCorrected():
            kind, subject_id = "credit-note", str(fact.credit_note_id)
        case _:
            kind, subject_id = "receipt", event.subject_id
    await notices.insert_money_message(
        tx,
        clinic_id=event.clinic_id,
        kind=kind,
        subject_id=subject_id,
        customer_id=fact.customer_id,
        event_id=event.id,
        channels=channels,
        due_at=now + MONEY_DELAY,
        expires_at=now + NOTICE_TTL,
    )
