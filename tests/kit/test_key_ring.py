"""A key ring encrypts values for exactly one column of one row."""

import base64
import re

import pytest
from structlog.testing import capture_logs

from appoint.kit import key_ring
from appoint.kit.key_ring import NO_KEYS, UNREADABLE, EncryptedField, KeyRing, UnreadableError
from support.keys import KEY, KEYS, NEWER_KEY, OLDER_KEY

ROW = "00000001-0000-8000-8000-000000000001"
OTHER_ROW = "00000001-0000-8000-8000-000000000002"
TEXT = "Afraid of needles 🪡"


def encrypt(
    text: str = TEXT, keys: KeyRing = KEYS, place: EncryptedField = EncryptedField.APPOINTMENT_NOTES, row: str = ROW
) -> str:
    return keys.encrypt(text, place, row)


def decrypt(
    value: str, keys: KeyRing = KEYS, place: EncryptedField = EncryptedField.APPOINTMENT_NOTES, row: str = ROW
) -> str:
    return keys.decrypt(value, place, row)


@pytest.mark.parametrize("text", ["", " ", TEXT, "two\nlines", "x" * 5000, "enc1:tests:not a ciphertext"])
def test_a_value_can_be_decrypted_where_it_was_encrypted(text):
    assert decrypt(encrypt(text)) == text


def test_a_ciphertext_names_its_key_and_hides_the_text():
    first, second = encrypt(), encrypt()
    assert first != second
    assert re.fullmatch(r"enc1:tests:[\w-]+", first)
    assert TEXT.encode() not in base64.urlsafe_b64decode(first.rpartition(":")[2] + "==")


def test_plaintext_from_earlier_releases_is_returned_as_it_is():
    assert decrypt("likes tea\nand biscuits") == "likes tea\nand biscuits"
    assert KEYS.decrypt(None, EncryptedField.PATIENT_NOTES, ROW) is None
    assert KEYS.encrypt(None, EncryptedField.PATIENT_NOTES, ROW) is None
    assert KEYS.decrypt_bytes(b"\x00\xff", EncryptedField.WEBHOOK_SECRET, ROW) == b"\x00\xff"


def test_a_changed_ciphertext_cannot_be_decrypted():
    start, _, data = encrypt().rpartition(":")
    for index, letter in enumerate(data[:-1]):  # the last letter contains unused bits
        changed = f"{start}:{data[:index]}{'A' if letter != 'A' else 'B'}{data[index + 1 :]}"
        assert decrypt(changed) == UNREADABLE
    for value in (f"{start}:", f"{start}:{data[:30]}", f"{start}:{data}AAAA", f"{start}:é"):
        assert decrypt(value) == UNREADABLE


def test_a_ciphertext_cannot_be_moved_to_another_row_or_column():
    assert decrypt(encrypt(), row=OTHER_ROW) == UNREADABLE
    assert decrypt(encrypt(), place=EncryptedField.CANCEL_REASON) == UNREADABLE
    assert decrypt(encrypt().replace("enc1:tests", "enc1:older"), KeyRing.parse(f"{KEY},{OLDER_KEY}")) == UNREADABLE


def test_the_newest_key_encrypts_and_older_keys_still_decrypt():
    older = KeyRing.parse(OLDER_KEY)
    both = KeyRing.parse(f"{NEWER_KEY}, {OLDER_KEY}")
    assert decrypt(encrypt(keys=older), both) == TEXT
    assert encrypt(keys=both).startswith("enc1:newer:")
    assert (
        decrypt(both.reencrypt(encrypt(keys=older), EncryptedField.APPOINTMENT_NOTES, ROW), KeyRing.parse(NEWER_KEY))
        == TEXT
    )


def test_a_missing_key_is_named_in_the_log_without_the_value():
    value = encrypt(keys=KeyRing.parse(OLDER_KEY))
    with capture_logs() as logs:
        fresh = KeyRing.parse(KEY)
        assert [decrypt(value, fresh) for _ in range(3)] == [UNREADABLE] * 3
    assert logs == [
        {
            "event": "encrypted value cannot be read",
            "log_level": "error",
            "column": "appointment.notes",
            "row": ROW,
            "reason": "encryption key older is missing from APPOINT_ENCRYPTION_KEYS",
        }
    ]


def test_a_ring_from_a_file_finds_a_key_that_another_process_has_added():
    text = KEY
    ring = KeyRing.parse(text, reload=lambda: KeyRing.parse(text))
    text = f"{NEWER_KEY},{KEY}"
    value = encrypt(keys=KeyRing.parse(NEWER_KEY))
    assert (decrypt(value, ring), ring.current) == (TEXT, "newer")
    assert decrypt(encrypt(), ring) == TEXT


def test_an_empty_ring_cannot_encrypt():
    with pytest.raises(UnreadableError, match="APPOINT_ENCRYPTION_KEYS"):
        NO_KEYS.encrypt("x", EncryptedField.PATIENT_NOTES, ROW)


def test_reasons_that_were_appended_line_by_line_can_be_read():
    value = f"in pain\n{encrypt('and tired')}\n{encrypt('and cold', KeyRing.parse(OLDER_KEY))}"
    assert decrypt(value) == f"in pain\nand tired\n{UNREADABLE}"
    assert decrypt(value, KeyRing.parse(f"{KEY},{OLDER_KEY}")) == "in pain\nand tired\nand cold"


def test_a_secret_that_cannot_be_decrypted_raises():
    secret = KEYS.encrypt_bytes(b"\x00\xff", EncryptedField.WEBHOOK_SECRET, ROW)
    assert KEYS.decrypt_bytes(secret, EncryptedField.WEBHOOK_SECRET, ROW) == b"\x00\xff"
    with pytest.raises(UnreadableError, match="moved from another row"):
        KEYS.decrypt_bytes(secret, EncryptedField.WEBHOOK_SECRET, OTHER_ROW)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "entry 1 is not NAME:KEY"),
        ("sesame", "entry 1 is not NAME:KEY"),
        (f"{KEY},second:short", "entry 2 is not NAME:KEY"),
        (f"UPPER:{KEY[6:]}", "entry 1 is not NAME:KEY"),
        (f"{KEY} {KEY}", "key tests is listed twice"),
        (f"zeros:{'A' * 43}", "key zeros is too easy to guess"),
    ],
)
def test_malformed_keys_are_refused_without_repeating_them(text, fault):
    with pytest.raises(ValueError, match=fault) as error:
        KeyRing.parse(text)
    assert KEY[6:] not in str(error.value)


def test_keys_can_be_separated_by_commas_or_lines_and_may_be_padded():
    assert KeyRing.parse(f"{NEWER_KEY}=,\n {KEY}\n{OLDER_KEY}\n").names == ["newer", "tests", "older"]
    assert KeyRing.parse(f"new:{key_ring.new_key()}").current == "new"


def test_the_text_for_unreadable_values_is_recognised_in_every_language():
    assert key_ring.is_unreadable(UNREADABLE)
    assert not key_ring.is_unreadable(None)
    assert not key_ring.is_unreadable(TEXT)
