"""`appoint encryption …` creates keys, changes them, and refuses to retire one that is still needed."""

import json
import stat
from functools import partial

import pytest

from appoint.kit.key_ring import KeyRing
from support.encryption import ENCRYPTED_VALUES, PLAINTEXT, VALUES, add_plaintext
from support.keys import KEY, NEWER_KEY


@pytest.fixture
async def encryption(db, run_command):
    """Run `appoint encryption …` on a database in which nothing is encrypted yet."""
    await add_plaintext(db)
    return partial(run_command, "encryption")


async def counts(encryption, **settings) -> dict[str | None, int]:
    """Return the number of values for each key."""
    code, output, _ = await encryption("status", "--json", **settings)
    assert code == 0
    totals: dict[str | None, int] = {}
    for use in json.loads(output)["values"]:
        totals[use["key"]] = totals.get(use["key"], 0) + use["values"]
    return totals


async def test_a_new_key_is_printed_for_the_setting(encryption):
    code, output, _ = await encryption("new-key")
    assert code == 0
    assert KeyRing.parse(f"{output},{KEY}").names == [output.partition(":")[0], "tests"]


async def test_a_new_key_can_be_saved_at_the_front_of_a_file_that_only_its_owner_can_read(encryption, tmp_path):
    for _ in range(2):
        code, output, errors = await encryption("new-key", "--save", encryption_keys=None)
        assert (code, output, "Restart all servers and workers" in errors) == (0, "", True)
    path = tmp_path / "encryption-keys"
    newest, oldest = KeyRing.parse(path.read_text()).names
    assert newest == f"{oldest}.2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    refused = await encryption("new-key", "--save")
    assert (refused.code, "APPOINT_ENCRYPTION_KEYS is set" in refused.errors) == (1, True)


async def test_a_dry_run_counts_and_changes_nothing(encryption):
    code, _, errors = await encryption("rotate", "--dry-run")
    assert (code, f"{len(PLAINTEXT)} values would be encrypted with key tests." in errors) == (0, True)
    assert await counts(encryption) == {None: len(PLAINTEXT), "tests": len(ENCRYPTED_VALUES)}


async def test_keys_are_rotated_and_the_old_one_is_retired_only_once_nothing_needs_it(encryption):
    code, _, errors = await encryption("rotate")
    assert (code, f"{len(PLAINTEXT)} values are now encrypted with key tests." in errors) == (0, True), errors
    both = {"encryption_keys": f"{NEWER_KEY},{KEY}"}
    refused = await encryption("retire", "tests", **both)
    assert (refused.code, f"{len(VALUES)} values still need key tests" in refused.errors) == (1, True)
    assert (await encryption("rotate", **both)).code == 0
    assert await counts(encryption, **both) == {"newer": len(VALUES)}
    retired = await encryption("retire", "tests", **both)
    assert (retired.code, "You can remove it from APPOINT_ENCRYPTION_KEYS" in retired.errors) == (0, True)


async def test_a_retired_key_is_removed_from_the_file(encryption, tmp_path):
    path = tmp_path / "encryption-keys"
    path.write_text(f"{NEWER_KEY}\n{KEY}\n")
    assert (await encryption("rotate", encryption_keys=None)).code == 0
    assert (await encryption("retire", "tests", encryption_keys=None)).code == 0
    assert path.read_text() == f"{NEWER_KEY}\n"
    retired = tmp_path / "encryption-keys.retired"
    assert (retired.read_text(), stat.S_IMODE(retired.stat().st_mode)) == (f"{KEY}\n", 0o600)


@pytest.mark.parametrize(("name", "why"), [("tests", "is the newest one"), ("missing", "There is no key missing")])
async def test_the_newest_key_and_unknown_keys_cannot_be_retired(encryption, name, why):
    refused = await encryption("retire", name)
    assert (refused.code, why in refused.errors) == (1, True)


async def test_values_with_a_lost_key_are_reported_with_its_name(encryption):
    await encryption("rotate")
    without = {"encryption_keys": NEWER_KEY}
    code, output, _ = await encryption("status", **without)
    assert (code, "tests (missing from the ring)" in output) == (0, True)
    code, _, errors = await encryption("rotate", **without)
    assert (code, "encryption key tests is missing from APPOINT_ENCRYPTION_KEYS" in errors) == (1, True)
    assert await counts(encryption) == {"tests": len(VALUES)}


async def test_malformed_keys_are_refused_by_name_without_printing_them(encryption):
    refused = await encryption("status", encryption_keys=f"{KEY},{KEY}")
    assert (refused.code, "APPOINT_ENCRYPTION_KEYS is invalid: key tests is listed twice" in refused.errors) == (
        1,
        True,
    )
    assert KEY.partition(":")[2] not in refused.text


async def test_without_keys_nothing_is_encrypted_and_the_message_says_how_to_make_one(encryption):
    refused = await encryption("rotate", encryption_keys=None)
    assert (refused.code, "`appoint encryption new-key` creates one" in refused.errors) == (1, True)


async def test_in_development_a_key_is_created_and_kept_in_the_data_folder(tmp_path):
    from appoint.server import startup
    from appoint.settings import Settings

    settings = Settings(data_dir=tmp_path, mode="development", encryption_keys=None, secret_key=None)
    first, second = [startup.read_keys(startup.with_secrets(settings)).names for _ in range(2)]
    assert (first, len(first)) == (second, 1)
    assert stat.S_IMODE((tmp_path / "encryption-keys").stat().st_mode) == 0o600
    production = settings.model_copy(update={"mode": "production", "data_dir": tmp_path / "other"})
    assert startup.with_secrets(production).encryption_keys is None
