"""Commands that run in this process."""

import signal
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from appoint.cli import main
from appoint.server import logs
from support.database import temporary
from support.embedded_servers import query


class Outcome(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_command(monkeypatch, capsys) -> Callable[..., Outcome]:
    """Run `appoint` with these arguments and settings."""
    monkeypatch.setattr(logs, "configure", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: str, **settings: object) -> Outcome:
        for name, value in settings.items():
            monkeypatch.setenv(f"APPOINT_{name.upper()}", str(value))
        monkeypatch.setattr(sys, "argv", ["appoint", *arguments])
        code = 0
        try:
            main.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def error(run_command) -> Callable[..., str]:
    """Run a command that fails, and return its error, which is one sentence."""

    def run(*arguments: str, **settings: object) -> str:
        outcome = run_command(*arguments, **settings)
        assert (outcome.code, outcome.err.count("\n")) == (1, 1), outcome
        return outcome.err

    return run


@pytest.fixture
def help_of(capsys) -> Callable[..., str]:
    """Return the help of a command."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main.app([*arguments, "--help"])
        assert end.value.code == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def empty_database(server_url, worker_id) -> Iterator[str]:
    """A database without a schema."""
    with temporary(server_url, f"empty_{worker_id}", migrated=False) as url:
        yield url


@pytest.fixture
def emptied_database(database_url) -> str:
    """The database of this worker, without rows. Unlike `db`, tests that are not asynchronous can use it."""
    query(database_url, "select testing.reset()")
    return database_url
