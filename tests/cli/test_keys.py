"""`appoint key …`: keys given out, listed, rotated and revoked by hand, and what is said when that cannot be."""

import json
import signal
import sys

import pytest

from appoint.cli import main
from appoint.identity.api_keys import model
from appoint.server import logs
from support.database import temporary
from support.embedded_servers import query


@pytest.fixture
def run(server_url, worker_id, monkeypatch, capsys):
    """Run a command on a database of its own; return its exit code, standard output and standard error."""
    with temporary(server_url, f"keys_{worker_id}") as url:
        yield prepare(url, monkeypatch, capsys)


def prepare(url: str, monkeypatch, capsys):
    query(url, "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    monkeypatch.setenv("APPOINT_DATABASE_URL", url)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["appoint", "key", *arguments])
        code = 0
        try:
            main.main()
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    run.query = lambda statement: query(url, statement)
    return run


def added(run, *more: str) -> str:
    code, key, said = run(
        "add", "--clinic", "1", "--name", "Portal", "--scope", "see-appointments", "--scope", "list-appointments", *more
    )
    assert (code, key.count("\n"), "It is shown only once" in said) == (0, 1, True), said
    return key.strip()


def id_in(key: str) -> str:
    found = model.parse_key(key)
    assert found
    return str(found.id)


def test_a_key_is_printed_once_and_listed_without_its_secret(run):
    key = added(run, "--expires-at", "2999-01-01T00:00:00Z", "--requests-per-minute", "60")
    code, listed, _ = run("list", "--clinic", "1", "--json")
    (only,) = json.loads(listed)
    assert (code, only["id"], only["scopes"], only["requestsPerMinute"]) == (
        0,
        id_in(key),
        ["list-appointments", "see-appointments"],
        60,
    )
    _, table, _ = run("list", "--clinic", "1")
    assert (id_in(key) in table, "2999-01-01 00:00Z" in table) == (True, True)
    assert key.rpartition("_")[2] not in listed + table


def test_a_rotated_key_is_another_one_and_the_old_one_stays_for_a_day(run):
    key = added(run)
    code, rotated, said = run("rotate", id_in(key))
    assert (code, id_in(rotated.strip()), rotated.strip() == key, "It is shown only once" in said) == (
        0,
        id_in(key),
        False,
        True,
    )
    _, listed, _ = run("list", "--clinic", "1", "--json")
    assert json.loads(listed)[0]["oldSecretUntil"]
    run("rotate", id_in(key), "--overlap-minutes", "0")
    _, listed, _ = run("list", "--clinic", "1", "--json")
    assert json.loads(listed)[0]["oldSecretUntil"] is None


def test_a_revoked_key_is_listed_among_the_revoked(run):
    key = added(run)
    assert run("revoke", id_in(key))[0] == 0
    assert "Clinic 1 has no such keys." in run("list", "--clinic", "1")[2]
    assert id_in(key) in run("list", "--clinic", "1", "--removed")[1]
    assert "or it is revoked" in run("rotate", id_in(key))[2]


def test_what_cannot_be_is_one_sentence(run):
    nobodys = "00000001-0197-8f1b-8c55-02a1bf0e1d37"
    scoped = ("--name", "Portal", "--scope", "see-appointments")
    for arguments, sentence in {
        ("add", "--clinic", "2", *scoped): "There is no clinic 2.",
        ("add", "--clinic", "1", "--name", " ", "--scope", "see-appointments"): "name must not be empty.",
        (
            "add",
            "--clinic",
            "1",
            "--name",
            "x",
            "--scope",
            "fly",
        ): "scopes/0 cannot be granted to an API key. A key can have the scopes",
        (
            "add",
            "--clinic",
            "1",
            *scoped,
            "--expires-at",
            "tomorrow",
        ): "expiresAt must be a date and time with an offset",
        ("add", "--clinic", "1", *scoped, "--expires-at", "2020-01-01T00:00:00Z"): "expiresAt must be in the future.",
        ("add", "--clinic", "1", *scoped, "--requests-per-minute", "0"): "requestsPerMinute must be at least 1.",
        ("revoke", nobodys): f"There is no key {nobodys}.",
        ("rotate", nobodys): f"There is no key {nobodys}, or it is revoked.",
    }.items():
        code, out, said = run(*arguments)
        assert (code, out, said.count("\n"), said.startswith(f"appoint: {sentence}")) == (1, "", 1, True), said
    run.query("update clinic set active = false, removed_at = now()")
    assert "Clinic 1 is not active." in run("add", "--clinic", "1", *scoped)[2]


def test_what_is_done_by_hand_is_recorded(run):
    key = added(run)
    run("rotate", id_in(key))
    run("revoke", id_in(key))
    rows = run.query("select string_agg(action || ' ' || subjects[1], ', ' order by id) from audit_unsealed")
    assert rows == ", ".join(f"{action} {id_in(key)}" for action in ("createApiKey", "rotateApiKey", "removeApiKey"))


@pytest.mark.parametrize("command", ["add", "list", "revoke", "rotate"])
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as left:
        main.app(["key", command, "--help"])
    said = capsys.readouterr().out
    assert (left.value.code, said.startswith(f"Usage: appoint key {command}"), len(said.split("\n\n")[1]) > 20) == (
        0,
        True,
        True,
    )
