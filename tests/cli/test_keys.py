"""`appoint key …` creates, lists, rotates and revokes API keys."""

import json
from functools import partial

import pytest

from appoint.identity.api_keys import model
from support.embedded_servers import query

MISSING_ID = "00000001-0197-8f1b-8c55-02a1bf0e1d37"


@pytest.fixture
def key_command(emptied_database, run_command):
    """Run `appoint key …` on a database with one clinic."""
    query(emptied_database, "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    return partial(run_command, "key", database_url=emptied_database)


def add_key(key_command, *options: str) -> str:
    scopes = ["--scope", "see-appointments", "--scope", "list-appointments"]
    code, key, message = key_command("add", "--clinic", "1", "--name", "Portal", *scopes, *options)
    assert (code, key.count("\n"), "It is shown only once" in message) == (0, 1, True), message
    return key.strip()


def id_in(key: str) -> str:
    presented = model.parse_key(key)
    assert presented
    return str(presented.id)


def test_a_key_is_printed_once_and_listed_without_its_secret(key_command):
    key = add_key(key_command, "--expires-at", "2999-01-01T00:00:00Z", "--requests-per-minute", "60")
    code, output, _ = key_command("list", "--clinic", "1", "--json")
    (only,) = json.loads(output)
    assert (code, only["id"], only["scopes"], only["requestsPerMinute"]) == (
        0,
        id_in(key),
        ["list-appointments", "see-appointments"],
        60,
    )
    table = key_command("list", "--clinic", "1").out
    assert (id_in(key) in table, "2999-01-01 00:00Z" in table) == (True, True)
    assert key.rpartition("_")[2] not in output + table


def test_rotating_prints_a_new_key_and_the_old_one_expires_after_a_day(key_command):
    key = add_key(key_command)
    code, rotated, message = key_command("rotate", id_in(key))
    assert (code, id_in(rotated.strip()), rotated.strip() == key, "It is shown only once" in message) == (
        0,
        id_in(key),
        False,
        True,
    )
    output = key_command("list", "--clinic", "1", "--json").out
    assert json.loads(output)[0]["oldSecretUntil"]
    key_command("rotate", id_in(key), "--overlap-minutes", "0")
    output = key_command("list", "--clinic", "1", "--json").out
    assert json.loads(output)[0]["oldSecretUntil"] is None


def test_a_revoked_key_is_listed_only_with_removed_keys(key_command):
    key = add_key(key_command)
    assert key_command("revoke", id_in(key)).code == 0
    assert "Clinic 1 has no such keys." in key_command("list", "--clinic", "1").err
    assert id_in(key) in key_command("list", "--clinic", "1", "--removed").out
    assert "or it is revoked" in key_command("rotate", id_in(key)).err


def test_an_error_is_reported_as_one_sentence(key_command, database_url):
    options = ("--name", "Portal", "--scope", "see-appointments")
    at_lakeside = ("add", "--clinic", "1")
    no_such_scope = "scopes/0 cannot be granted to an API key. A key can have the scopes"
    for arguments, sentence in [
        (("add", "--clinic", "2", *options), "There is no clinic 2."),
        ((*at_lakeside, "--name", " ", "--scope", "see-appointments"), "name must not be empty."),
        ((*at_lakeside, "--name", "x", "--scope", "fly"), no_such_scope),
        ((*at_lakeside, *options, "--expires-at", "tomorrow"), "expiresAt must be a date and time with an offset"),
        ((*at_lakeside, *options, "--expires-at", "2020-01-01T00:00:00Z"), "expiresAt must be in the future."),
        ((*at_lakeside, *options, "--requests-per-minute", "0"), "requestsPerMinute must be at least 1."),
        (("revoke", MISSING_ID), f"There is no key {MISSING_ID}."),
        (("rotate", MISSING_ID), f"There is no key {MISSING_ID}, or it is revoked."),
    ]:
        code, out, message = key_command(*arguments)
        assert (code, out, message.count("\n")) == (1, "", 1), message
        assert message.startswith(f"appoint: {sentence}")
    query(database_url, "update clinic set active = false, removed_at = now()")
    assert "Clinic 1 is not active." in key_command(*at_lakeside, *options).err


def test_commands_are_recorded_in_the_audit(key_command, database_url):
    key = add_key(key_command)
    key_command("rotate", id_in(key))
    key_command("revoke", id_in(key))
    actions = query(
        database_url, "select string_agg(action || ' ' || subjects[1], ', ' order by id) from audit_unsealed"
    )
    assert actions == ", ".join(f"{action} {id_in(key)}" for action in ("createApiKey", "rotateApiKey", "removeApiKey"))


@pytest.mark.parametrize("command", ["add", "list", "revoke", "rotate"])
def test_each_key_command_has_help(command, help_of):
    text = help_of("key", command)
    assert text.startswith(f"Usage: appoint key {command}")
    assert len(text.split("\n\n")[1]) > 20
