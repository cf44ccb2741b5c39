"""Create, change and revoke API keys, and use them to identify callers."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor, Membership, Role
from ...kit.allow_lists import normalized
from ...kit.ids import clinic_of
from ...kit.structs import content_after
from ...messaging.notifications.service import notify_user
from . import repository
from .model import (
    MAX_KEYS,
    USE_UPDATE_INTERVAL,
    ApiKey,
    ApiKeyContent,
    ApiKeyPatch,
    ApiKeyWithSecret,
    hash_secret,
    is_valid,
    new_secret,
    parse_key,
    serialize_key,
)


async def get(db: Statements, key_id: UUID) -> ApiKey:
    """Return a key, active or revoked. Raise `NotFound`."""
    if key := await repository.find(db, key_id):
        return key
    raise errors.NotFound


async def list_keys(db: Statements, clinic_id: int, *, active: bool, after: UUID | None, limit: int) -> list[ApiKey]:
    """Return up to `limit` of a clinic's keys, oldest first, plus one if there are more."""
    return await repository.list_for_clinic(db, clinic_id, active=active, after=after and (after,), limit=limit)


async def get_without_secret(db: Statements, key_id: UUID) -> ApiKeyWithSecret:
    """Return a key, without its secret, for the response to a repeated request. Raise `NotFound`."""
    return _with_secret(await get(db, key_id), None)


def _with_secret(key: ApiKey, secret: str | None) -> ApiKeyWithSecret:
    return ApiKeyWithSecret(**msgspec.structs.asdict(key), key=serialize_key(key.id, secret) if secret else None)


async def add(
    tx: Transaction, actor: Actor, *, clinic_id: int, content: ApiKeyContent, now: datetime
) -> ApiKeyWithSecret:
    """Create a key for a partner system. Raise `NotFound` for the clinic, `Invalid` for an expiry in the past, or
    `Conflict`: `clinic-inactive`, `too-many-api-keys`."""
    await clinics.lock_active(tx, clinic_id)  # serialises concurrent additions, so that the limit holds
    if await repository.count(tx, clinic_id) >= MAX_KEYS:
        raise errors.Conflict("too-many-api-keys", most=MAX_KEYS)
    secret = new_secret()
    key = await repository.add(tx, clinic_id, _validate(content, now=now), secret_hash=hash_secret(secret))
    await _notify_creator(tx, actor, clinic_id, now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[key.id])
    return _with_secret(key, secret)


def _validate(content: ApiKeyContent, *, current: ApiKey | None = None, now: datetime) -> ApiKeyContent:
    if content.expires_at and content.expires_at <= now and not (current and current.expires_at == content.expires_at):
        raise errors.Invalid(errors.Fault("#/expiresAt", "must be in the future"))
    return msgspec.structs.replace(content, scopes=sorted(set(content.scopes)), networks=normalized(content.networks))


async def change(
    tx: Transaction, actor: Actor, *, key_id: UUID, change: ApiKeyPatch, if_match: str | None, now: datetime
) -> ApiKey:
    """Change some of a key's details. Raise `NotFound`, even for a revoked key, or `Invalid` for an expiry in the
    past."""
    current = await _lock(tx, key_id, if_match)
    if not current.active:
        raise errors.NotFound
    content = content_after(change, current, ApiKeyContent)
    changed = await repository.change(tx, key_id, _validate(content, current=current, now=now))
    await audit.record(tx, actor, clinic_id=clinic_of(key_id), subjects=[key_id])
    return changed


async def remove(tx: Transaction, actor: Actor, *, key_id: UUID, if_match: str | None, now: datetime) -> None:
    """Revoke a key. Takes effect immediately. Raise `NotFound`."""
    await _lock(tx, key_id, if_match)
    await repository.remove(tx, key_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(key_id), subjects=[key_id])


async def _lock(tx: Transaction, key_id: UUID, if_match: str | None) -> ApiKey:
    key = await repository.lock(tx, key_id)
    if key is None:
        raise errors.NotFound
    await clinics.check_version(tx, clinic_of(key_id), if_match=if_match, version=key.version)
    return key


async def _notify_creator(tx: Transaction, actor: Actor, clinic_id: int, now: datetime) -> None:
    """Email the user about the new key or secret, in case someone else is using their session."""
    if actor.user_id:
        await notify_user(tx, kind="api-key-created", user_id=actor.user_id, clinic_id=clinic_id, now=now)


async def rotate(tx: Transaction, actor: Actor, *, key_id: UUID, overlap: timedelta, now: datetime) -> ApiKeyWithSecret:
    """Replace the key's secret. The previous secret works during the overlap; older ones stop working. Raise
    `NotFound`, even for a revoked key."""
    secret = new_secret()
    key = await repository.rotate(
        tx, key_id, secret_hash=hash_secret(secret), old_secret_until=now + overlap if overlap else None
    )
    if key is None:
        raise errors.NotFound
    await _notify_creator(tx, actor, clinic_of(key_id), now)
    await audit.record(tx, actor, clinic_id=clinic_of(key_id), subjects=[key_id])
    return _with_secret(key, secret)


async def identify(db: Database, token: str, *, now: datetime) -> Actor | None:
    """Return the caller with this key; None if the key is malformed, wrong, expired or revoked, or if its clinic is
    inactive."""
    key = parse_key(token)
    if key is None:
        return None
    stored = await repository.find_presented(db, key.id)
    if not is_valid(stored, key.secret_hash, now=now):
        return None
    assert stored
    if stored.last_used_at is None or stored.last_used_at <= now - USE_UPDATE_INTERVAL:
        await repository.record_use(db.within(stored.clinic_id), key.id, before=now - USE_UPDATE_INTERVAL, now=now)
    return Actor(
        f"key:{key.id}",
        memberships=(Membership(stored.clinic_id, Role.PARTNER, networks=tuple(stored.networks)),),
        scopes=frozenset(stored.scopes),
        requests_per_minute=stored.requests_per_minute,
    )


async def record_refusal(
    db: Database, token: str, refusals: audit.Refusals, *, address: str | None, now: datetime
) -> None:
    """Record that a clinic's key was refused because it has expired or its secret is wrong. Don't record keys that do
    not exist or have been revoked.
    """
    key = parse_key(token)
    stored = await repository.find_presented(db, key.id) if key else None
    if key is None or stored is None:
        return
    await refusals.record(
        db,
        Actor(f"key:{key.id}", address=address),
        "credentialRefused",
        outcome="expired" if stored.expires_at and stored.expires_at <= now else "wrong-secret",
        clinic_ids=[stored.clinic_id],
        subjects=[key.id],
    )
