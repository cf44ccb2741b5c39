"""Create and revoke administrators' tokens, and use them to identify callers."""

import hmac
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ...messaging.notifications.service import notify_user
from . import repository
from .model import (
    MAX_TOKENS,
    AdminToken,
    AdminTokenWithSecret,
    NewAdminToken,
    hash_secret,
    new_secret,
    parse_token,
    serialize_token,
)

USE_UPDATE_INTERVAL: Final = timedelta(minutes=1)
"""How often a token's time of last use is updated."""


async def get(db: Statements, token_id: UUID) -> AdminToken:
    """Return a token, without its secret. Raise `NotFound`."""
    if token := await repository.find(db, token_id):
        return token
    raise errors.NotFound


async def get_without_secret(db: Statements, token_id: UUID) -> AdminTokenWithSecret:
    """Return a token, without its secret, for the response to a repeated request. Raise `NotFound`."""
    return AdminTokenWithSecret(**msgspec.structs.asdict(await get(db, token_id)), token=None)


async def list_tokens(
    db: Statements, *, active: bool, after: tuple[UUID] | None = None, limit: int = MAX_TOKENS, now: datetime
) -> list[AdminToken]:
    """Return up to `limit` of the tokens, oldest first, plus one if there are more."""
    return await repository.list_tokens(db, active=active, after=after, limit=limit, now=now)


async def add(tx: Transaction, actor: Actor, *, content: NewAdminToken, now: datetime) -> AdminTokenWithSecret:
    """Create a token. Raise a `too-many-admin-tokens` `Conflict`."""
    await repository.lock_all(tx)
    if await repository.count_active(tx, now=now) >= MAX_TOKENS:
        raise errors.Conflict("too-many-admin-tokens", most=MAX_TOKENS)
    secret = new_secret()
    token = await repository.add(
        tx, name=content.name, secret_hash=hash_secret(secret), lifetime=timedelta(days=content.days), now=now
    )
    if actor.user_id:
        await notify_user(tx, kind="admin-token-created", user_id=actor.user_id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[token.id])
    return AdminTokenWithSecret(**msgspec.structs.asdict(token), token=serialize_token(token.id, secret))


async def revoke(tx: Transaction, actor: Actor, *, token_id: UUID, now: datetime) -> None:
    """Revoke a token. Takes effect immediately. Raise `NotFound`."""
    if not await repository.revoke(tx, token_id, now=now):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[token_id])


async def identify(db: Database, token: str, *, now: datetime) -> Actor | None:
    """Return the administrator with this token; None if it is malformed, wrong, expired or revoked."""
    credential = parse_token(token)
    if credential is None:
        return None
    stored = await repository.find_valid(db, credential.id, now=now)
    if not hmac.compare_digest(stored.secret_hash if stored else bytes(32), credential.secret_hash) or stored is None:
        return None
    if stored.last_used_at is None or stored.last_used_at <= now - USE_UPDATE_INTERVAL:
        await repository.record_use(db, stored.id, now=now)
    return Actor(f"administrator:{stored.id}", administrator=True)
