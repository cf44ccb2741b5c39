"""The worker's jobs that seal audit entries and delete old ones."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from ..database.pool import Database
from ..kit import errors
from . import service
from .model import Key
from .repository import chain

log = structlog.get_logger()
MAX_CONCURRENT_CLINICS: Final = 4


async def seal(db: Database, key: Key, *, now: Callable[[], datetime]) -> None:
    """Seal waiting entries, one batch per clinic in turn, until no clinic has a full batch left. Concurrent workers
    take different clinics, and a failing clinic does not stop the others."""
    places = asyncio.Semaphore(MAX_CONCURRENT_CLINICS)

    async def batch(clinic_id: int) -> int:
        async with places:
            return await db.sealing().atomic(service.seal, clinic_id=clinic_id, key=key, now=now())

    more = True
    while more:
        clinic_ids = await chain.waiting(db)
        random.shuffle(clinic_ids)  # so that workers rarely choose the same clinic
        sealed = await asyncio.gather(*map(batch, clinic_ids), return_exceptions=True)
        for clinic_id, outcome in zip(clinic_ids, sealed, strict=True):
            if isinstance(outcome, errors.Unavailable):
                raise outcome
            if isinstance(outcome, service.ChainBroken):
                log.error("audit not sealed", clinic_id=clinic_id, fault=str(outcome))
            elif isinstance(outcome, BaseException):
                log.error("audit not sealed", clinic_id=clinic_id, exc_info=outcome)
        more = service.BATCH_SIZE in sealed


async def delete_old(db: Database, key: Key, *, before: datetime, now: datetime) -> None:
    """Delete sealed entries written before the given time, clinic by clinic. Chains that have been tampered with keep
    their entries."""
    for each in await chain.chains(db):
        try:
            deleted = 1
            while deleted:
                deleted = await db.sealing().atomic(
                    service.delete_old, clinic_id=each.clinic_id, key=key, before=before, now=now
                )
        except service.ChainBroken as broken:
            log.error("audit not shortened", clinic_id=each.clinic_id, fault=str(broken))  # noqa: TRY400
