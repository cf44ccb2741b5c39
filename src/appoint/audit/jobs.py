"""The worker's job that seals audit entries."""

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
            if isinstance(outcome, service.Broken):
                log.error("audit not sealed", clinic_id=clinic_id, fault=str(outcome))
            elif isinstance(outcome, BaseException):
                log.error("audit not sealed", clinic_id=clinic_id, exc_info=outcome)
        more = service.BATCH_SIZE in sealed
