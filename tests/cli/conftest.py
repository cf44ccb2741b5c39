"""Fixtures for failing commands, command help and a database without a schema."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from appoint.cli import main
from support.commands import CommandLine
from support.database import temporary


@pytest.fixture
def error(run_command: CommandLine) -> Callable[..., Awaitable[str]]:
    """Run a command that fails, and return its one-sentence error."""

    async def run(*arguments: str, **settings: object) -> str:
        outcome = await run_command(*arguments, **settings)
        assert (outcome.code, outcome.errors.count("\n")) == (1, 0), outcome
        return outcome.errors

    return run


@pytest.fixture
def help_of(capsys) -> Callable[..., str]:
    """Return a command's help."""

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
