"""The worker's jobs for payments by card: close pages whose holds are over, send refunds, and reconcile."""

from datetime import datetime
from typing import Final

import structlog

from ...database.pool import Database
from ...kit.actors import Actor
from ...settings import Settings
from ..policies import service as policies
from . import reconciliation, refunds, service
from .gateway import create_gateway
from .links import PaymentLinks
from .model import GatewayRefusal, GatewayUnavailable
from .port import PaymentGateway
from .reconciliation import ReconciliationContext
from .repository import payments

log = structlog.get_logger()

BATCH_SIZE: Final = 50


async def run_frequent(db: Database, settings: Settings, *, now: datetime) -> None:
    """Close pages whose holds are over, and send refunds."""
    gateway = create_gateway(settings)
    if gateway is None:
        return
    try:
        await close_ended(db, gateway, links=PaymentLinks.of(settings), now=now)
        await refunds.send_due(db, gateway, Actor("system", operation="sendRefund"), now=now)
    finally:
        await gateway.aclose()


async def close_ended(db: Database, gateway: PaymentGateway, *, links: PaymentLinks, now: datetime) -> None:
    """Close the provider's page for each payment whose hold is over. Only then can the hold expire, so no patient
    pays for a time that is gone. If the provider is unavailable, the holds remain."""
    actor = Actor("system", operation="closePaymentPage")
    for payment_id in await payments.list_ended(db, now=now, limit=BATCH_SIZE):
        try:
            await service.close(db, gateway, actor, payment_id=payment_id, links=links, now=now)
        except GatewayUnavailable:
            return
        except GatewayRefusal as refusal:
            log.warning("page not closed", payment_id=str(payment_id), reason=refusal.code)


async def run_hourly(db: Database, settings: Settings, *, now: datetime) -> None:
    """Compare our books with the provider's. Without a provider, warn if clinics ask for deposits, because patients
    can't pay them."""
    gateway = create_gateway(settings)
    if gateway is None:
        if clinics := await policies.count_clinics_with_deposits(db):
            log.warning("deposits cannot be paid: no payment provider is configured", clinics=clinics)
        return
    try:
        actor = Actor("system", operation="reconcilePayments")
        await reconciliation.reconcile(ReconciliationContext(db, gateway, actor, PaymentLinks.of(settings), now))
    except GatewayUnavailable:
        log.warning("books not compared: the payment provider cannot be reached")
    finally:
        await gateway.aclose()
