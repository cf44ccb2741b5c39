"""The columns with encrypted values, and the results of a pass over them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from ...kit.key_ring import EncryptedField


class EncryptedColumn(NamedTuple):
    """A column with encrypted values, and the two statements that a pass over it needs. Statements treat binary values
    as hexadecimal text."""

    name: str
    place: EncryptedField
    find: str
    """Returns the next rows, after `$1` and `$2`, whose value does not match `$3`, the pattern for the newest key."""
    replace: str
    """Replaces each value `$3` with `$4` in the rows `$1` and `$2`, unless it has changed in the meantime."""
    is_binary: bool = False


class StoredValue(NamedTuple):
    clinic_id: int
    """0 for rows that don't belong to a clinic."""
    id: UUID
    value: str


class KeyUse(NamedTuple):
    """How many values in a column are encrypted with a key."""

    column: str
    key: str | None
    """None for values that are not encrypted yet."""
    values: int


@dataclass
class EncryptionProgress:
    """What a pass over all columns has done so far."""

    encrypted: int = 0
    """Values that are now encrypted with the newest key."""
    unreadable: Counter[str] = field(default_factory=Counter[str])
    """How many values could not be decrypted, by reason."""
