"""The appointment's encrypted columns."""

from typing import Final

from ...database.pool import Row
from ...kit.key_ring import EncryptedField, KeyRing

ENCRYPTED_COLUMNS: Final = {
    "notes": EncryptedField.APPOINTMENT_NOTES,
    "staff_notes": EncryptedField.STAFF_NOTES,
    "cancel_reason": EncryptedField.CANCEL_REASON,
    "override_reason": EncryptedField.OVERRIDE_REASON,
}


def decrypted(row: Row, keys: KeyRing, *names: str) -> dict[str, str | None]:
    """Return the decrypted values of an appointment's columns, by name."""
    return {name: keys.decrypt(row[name], ENCRYPTED_COLUMNS[name], row["id"]) for name in names}
