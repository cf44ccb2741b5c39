"""`appoint key …` creates, lists, rotates and revokes API keys."""

import json
from functools import partial

import pytest

from appoint.identity.api_keys import model

MISSING_ID = "00000001-0197-8f1b-8c55-02a1bf0e1d37"


@pytest.fixture
async def key_command(db, run_command):
    """Run `appoint key …` on a database with one clinic."""
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    return partial(run_command, "key")


async def add_key(key_command, *options: str) -> str:
    scopes = ["--scope", "see-appointments", "--scope", "list-appointments"]
    code, key, message = await key_command("add", "--clinic", "1", "--name", "Portal", *scopes, *options)
    assert (code, key.count("\n"), "It is shown only once" in message) == (0, 0, True), message
    return key


def id_in(key: str) -> str:
    presented = model.parse_key(key)
    assert presented
    return str(presented.id)


async def test_a_key_is_printed_once_and_listed_without_its_secret(key_command):
    key = await add_key(key_command, "--expires-at", "2999-01-01T00:00:00Z", "--requests-per-minute", "60")
    code, output, _ = await key_command("list", "--clinic", "1", "--json")
    (only,) = json.loads(output)
    assert (code, only["id"], only["scopes"], only["requestsPerMinute"]) == (
        0,
        id_in(key),
        ["list-appointments", "see-appointments"],
        60,
    )
    table = (await key_command("list", "--clinic", "1")).output
    assert (id_in(key) in table, "2999-01-01 00:00Z" in table) == (True, True)
    assert key.split("_", 2)[2] not in output + table


async def test_rotating_prints_a_new_key_and_the_old_one_expires_after_a_day(key_command):
    key = await add_key(key_command)
    code, rotated, message = await key_command("rotate", id_in(key))
    assert (code, id_in(rotated), rotated == key, "It is shown only once" in message) == (
        0,
        id_in(key),
        False,
        True,
    )
    output = (await key_command("list", "--clinic", "1", "--json")).output
    assert json.loads(output)[0]["oldSecretUntil"]
    await key_command("rotate", id_in(key), "--overlap-minutes", "0")
    output = (await key_command("list", "--clinic", "1", "--json")).output
    assert json.loads(output)[0]["oldSecretUntil"] is None


async def test_a_revoked_key_is_listed_only_with_removed_keys(key_command):
    key = await add_key(key_command)
    assert (await key_command("revoke", id_in(key))).code == 0
    assert "Clinic 1 has no such keys." in (await key_command("list", "--clinic", "1")).errors
    assert id_in(key) in (await key_command("list", "--clinic", "1", "--removed")).output
    assert "or it has been revoked" in (await key_command("rotate", id_in(key))).errors


async def test_an_error_is_reported_as_one_sentence(key_command, db):
    options = ("--name", "Portal", "--scope", "see-appointments")
    at_lakeside = ("add", "--clinic", "1")
    no_such_scope = "scopes/0 cannot be granted to an API key. The available scopes are"
    for arguments, sentence in [
        (("add", "--clinic", "2", *options), "There is no clinic 2."),
        ((*at_lakeside, "--name", " ", "--scope", "see-appointments"), "name must not be empty."),
        ((*at_lakeside, "--name", "x", "--scope", "fly"), no_such_scope),
        ((*at_lakeside, *options, "--expires-at", "tomorrow"), "expiresAt must be a date and time with an offset"),
        ((*at_lakeside, *options, "--expires-at", "2020-01-01T00:00:00Z"), "expiresAt must be in the future."),
        ((*at_lakeside, *options, "--requests-per-minute", "0"), "requestsPerMinute must be at least 1."),
        (("revoke", MISSING_ID), f"There is no key {MISSING_ID}."),
        (("rotate", MISSING_ID), f"There is no key {MISSING_ID}, or it has been revoked."),
    ]:
        code, out, message = await key_command(*arguments)
        assert (code, out, message.count("\n")) == (1, "", 0), message
        assert message.startswith(f"appoint: {sentence}")
    await db.execute("update clinic set active = false, removed_at = now()")
    assert "Clinic 1 is not active." in (await key_command(*at_lakeside, *options)).errors


async def test_commands_are_recorded_in_the_audit_log(key_command, db):
    key = await add_key(key_command)
    await key_command("rotate", id_in(key))
    await key_command("revoke", id_in(key))
    actions = await db.fetchval("select string_agg(action || ' ' || subjects[1], ', ' order by id) from audit_unsealed")
    assert actions == ", ".join(f"{action} {id_in(key)}" for action in ("createApiKey", "rotateApiKey", "removeApiKey"))


@pytest.mark.parametrize("command", ["add", "list", "revoke", "rotate"])
def test_each_key_command_has_help(command, help_of):
    text = help_of("key", command)
    assert text.startswith(f"Usage: appoint key {command}")
    assert len(text.split("\n\n")[1]) > 20
