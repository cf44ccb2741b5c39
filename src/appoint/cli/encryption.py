"""`appoint encryption …`: keys that encrypt values in the database. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter
from rich.console import Console

from ..settings import Settings
from .output import echo, table
from .parameters import AsJson
from .session import session

if TYPE_CHECKING:
    from ..database.encryption.model import KeyUse

encryption = App(
    name="encryption",
    help="The keys that encrypt notes, free text and secrets in the database: create, use and retire them.",
)
GROUPS: Final = (encryption,)


@encryption.command
def new_key(*, save: bool = False) -> None:
    """Create a key and print it as NAME:KEY, for APPOINT_ENCRYPTION_KEYS. Back it up: without it, the values that it
    has encrypted are lost.

    Parameters
    ----------
    save
        Instead of printing the key, add it at the top of the file `encryption-keys` in the data directory.
    """
    from ..kit.errors import StartupError
    from ..server import startup

    settings = Settings()
    ring = startup.read_keys(settings)
    key = startup.create_key(ring)
    if not save:
        print(key)
        return
    if settings.encryption_keys:
        raise StartupError("APPOINT_ENCRYPTION_KEYS is set, so the file would not be read. Add the key there instead.")
    path = settings.keys_file
    lines = path.read_text().split() if path.exists() else []
    _write_keys(path, [key, *lines])
    echo(f"Key {key.partition(':')[0]} is now the first in {path}. Restart all servers and workers before you rotate.")


@encryption.command
def status(*, as_json: AsJson = False) -> None:
    """Show how many values each key encrypts, and how many are not encrypted yet. Reads all encrypted columns.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    from ..database.encryption import service

    with session() as run:
        uses: list[KeyUse] = run(service.count_by_key)
    names = _ring().names
    if as_json:
        print(json.dumps({"keys": names, "values": [use._asdict() for use in uses]}, indent=2))
        return
    echo(f"Keys, newest first: {', '.join(names) or 'none'}")
    if uses:
        cells: list[tuple[object, ...]] = [
            (use.column, _described(use.key, names), use.values) for use in sorted(uses, key=lambda use: use.column)
        ]
        table(["column", "key", "values"], cells)
    else:
        echo("No values are stored yet.")


@encryption.command
def rotate(*, dry_run: bool = False) -> None:
    """Encrypt everything that is not encrypted with the newest key: plaintext from earlier releases, and values that an
    older key has encrypted. You can run this while Appoint is in use, and again if it was interrupted. First restart
    all servers and workers, so that each has the newest key.

    Parameters
    ----------
    dry_run
        Don't change anything; only print how many values there are.
    """
    from ..database.encryption import service

    name = _first_key()
    if dry_run:
        with session() as run:
            counts: Counter[str] = run(service.count_outdated)
        for column, count in sorted(counts.items()):
            echo(f"{column}: {count}")
        echo(f"{counts.total()} values would be encrypted with key {name}.")
        return
    done = _rotate()
    echo(f"{done.encrypted} values are now encrypted with key {name}.")
    for reason, count in sorted(done.unreadable.items()):
        echo(f"{count} values could not be decrypted and were left as they are: {reason}.")
    if done.unreadable:
        sys.exit(1)


def _rotate() -> Any:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from ..database.encryption import service
    from ..identity.encryption import decrypt_legacy_totp
    from ..server import startup

    secret = startup.with_secret_key(Settings()).secret_key
    assert secret, "created by with_secret_key"
    decrypt = decrypt_legacy_totp(secret.get_secret_value())
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with session() as run, Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Reading")

        def show(column: str, encrypted: int) -> None:
            progress.update(task, description=f"{column}: {encrypted} values encrypted so far")

        return run(lambda db: service.encrypt_all(db, decrypt=decrypt, progress=show))


@encryption.command
def retire(name: Annotated[str, Parameter()], /) -> None:
    """Check that no stored value needs a key. If the keys are in the data directory, move the key from the ring to the
    file `encryption-keys.retired`.

    First put a newer key at the front, restart all servers and workers, and run `appoint encryption rotate`.

    Parameters
    ----------
    name
        The key's name.
    """
    from ..database.encryption import service
    from ..kit.errors import StartupError

    settings = Settings()
    if name not in _ring().names:
        raise StartupError(f"There is no key {name} in the ring.")
    if name == _first_key():
        raise StartupError(f"Key {name} is the newest one and encrypts new values. Put another key before it first.")
    with session() as run:
        uses: list[KeyUse] = run(service.count_by_key)
    values = sum(use.values for use in uses if use.key == name)
    if values:
        raise StartupError(f"{values} values still need key {name}. Run `appoint encryption rotate` first.")
    if settings.encryption_keys:
        echo(f"No value needs key {name}. You can remove it from APPOINT_ENCRYPTION_KEYS.")
        return
    path = settings.keys_file
    retired_path = path.with_name(f"{path.name}.retired")
    lines = path.read_text().split()
    retired = [line for line in lines if line.partition(":")[0] == name]
    _write_keys(retired_path, [*retired, *(retired_path.read_text().split() if retired_path.exists() else [])])
    _write_keys(path, [line for line in lines if line not in retired])
    echo(f"Key {name} has been moved to {retired_path}. Keep it for as long as backups that need it.")


def _ring() -> Any:
    from ..server import startup

    return startup.read_keys(Settings())


def _first_key() -> str:
    """Return the newest key's name. Raise `StartupError` if there are no keys."""
    from ..kit.errors import StartupError

    names: list[str] = _ring().names
    if not names:
        raise StartupError("There are no encryption keys. `appoint encryption new-key` creates one.")
    return names[0]


def _described(key: str | None, names: list[str]) -> str:
    if key is None:
        return "(not encrypted yet)"
    return key if key in names else f"{key} (missing from the ring)"


def _write_keys(path: Path, lines: list[str]) -> None:
    """Atomically replace the file that contains the keys. Only this account can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
    new.replace(path)
