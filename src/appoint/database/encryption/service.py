"""Encrypt stored plaintext and re-encrypt values with the newest key, in batches, while Appoint is in use."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ...kit.key_ring import EncryptedField, KeyRing, UnreadableError
from ..pool import Statements
from . import repository
from .model import EncryptedColumn, EncryptionProgress, KeyUse, StoredValue

BATCH_SIZE: Final = 500
MAX_WALKS: Final = 3
"""How many times a pass can go through a column. It does so more than once only if someone changed values in the
meantime.
"""
START: Final = StoredValue(-1, UUID(int=0), "")

Decrypt = Callable[[EncryptedField, UUID, bytes], bytes | None]
"""Decrypts the binary values that earlier releases encrypted in a different way. Returns None for all others."""
Progress = Callable[[str, int], None]
"""Receives the column's name and the number of values encrypted so far in all columns."""


class _Walk(NamedTuple):
    db: Statements
    column: EncryptedColumn
    decrypt: Decrypt
    unreadable: Counter[str]


async def encrypt_all(
    db: Statements, *, decrypt: Decrypt, progress: Progress = lambda _column, _encrypted: None
) -> EncryptionProgress:
    """Encrypt all values that are not encrypted with the newest key.

    Each batch is one statement, which skips values that have changed since they were read, so that concurrent changes
    are not lost. If a pass is interrupted, start it again. Values that cannot be decrypted stay as they are.
    """
    done = EncryptionProgress()
    for column in repository.COLUMNS:
        walk = _Walk(db, column, decrypt, Counter())
        for _ in range(MAX_WALKS):
            if not await _go_through(walk, done, progress):
                break
        done.unreadable += walk.unreadable
    return done


async def _go_through(walk: _Walk, done: EncryptionProgress, progress: Progress) -> int:
    """Go through the column once. Return how many values others changed in the meantime."""
    db, column = walk.db, walk.column
    current, missed, after = _pattern(db.keys), 0, START
    walk.unreadable.clear()
    while batch := await repository.find_outdated(db, column, after=after, current=current, limit=BATCH_SIZE):
        after = batch[-1]
        pairs = _reencrypt(walk, batch)
        replaced = await repository.replace(db, column, list(pairs), list(pairs.values())) if pairs else 0
        done.encrypted += replaced
        missed += len(pairs) - replaced
        progress(column.name, done.encrypted)
    return missed


def _reencrypt(walk: _Walk, batch: Sequence[StoredValue]) -> dict[StoredValue, str]:
    """Return the new ciphertexts for the values that can be decrypted, and count the others by reason."""
    pairs: dict[StoredValue, str] = {}
    for stored in batch:
        try:
            pairs[stored] = _reencrypt_value(walk, stored)
        except UnreadableError as error:
            walk.unreadable[str(error)] += 1
    return pairs


def _reencrypt_value(walk: _Walk, stored: StoredValue) -> str:
    keys, column = walk.db.keys, walk.column
    row = f"{stored.clinic_id}/{stored.id}" if column.name.startswith("patient.") else str(stored.id)
    if not column.is_binary:
        return keys.reencrypt(stored.value, column.place, row)
    ciphertext = bytes.fromhex(stored.value)
    value = walk.decrypt(column.place, stored.id, ciphertext)
    if value is None:
        value = keys.decrypt_bytes(ciphertext, column.place, row)
    return keys.encrypt_bytes(value, column.place, row).hex()


async def count_outdated(db: Statements) -> Counter[str]:
    """Return how many values are not encrypted with the newest key, by column."""
    counts: Counter[str] = Counter()
    for use in await count_by_key(db):
        if use.key != db.keys.current:
            counts[use.column] += use.values
    return counts


async def count_by_key(db: Statements) -> list[KeyUse]:
    """Return how many values are encrypted with each key, by column."""
    return await repository.count_by_key(db)


def _pattern(keys: KeyRing) -> str:
    """Return a regular expression for a single ciphertext with the newest key."""
    return f"^enc1:{re.escape(keys.current)}:[A-Za-z0-9_-]+$"
