"""The previous release's source, from the history."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE_THE_FIRST_RELEASE = "501e77fd2061b94be26da8ecdf16aa916105813a"
"""The stand-in for the previous release until there is one: the last commit whose schema is at revision 0059."""
BUILT_FILES = ("src/appoint/site/static", "src/appoint/kit/places.tsv", "src/appoint/payments/documents/fonts")
"""Files that `make setup` builds, so they are not in the history."""


def git(*arguments: str) -> bytes | None:
    """Return the command's output, or None if it fails."""
    result = subprocess.run(["git", "-C", ROOT, *arguments], check=False, capture_output=True)
    return result.stdout if result.returncode == 0 else None


def name() -> str:
    """Return the newest tag before this commit, or a commit that stands for it."""
    tag = git("describe", "--tags", "--abbrev=0", "HEAD^")
    return tag.decode().strip() if tag else BEFORE_THE_FIRST_RELEASE


def extract(folder: Path) -> Path:
    """Write the previous release's source to the folder, with this checkout's built files, and return its `src`. Skip
    the test if the checkout does not have the history."""
    release = name()
    source = git("archive", release, "src/appoint")
    if source is None:
        is_shallow = (git("rev-parse", "--is-shallow-repository") or b"true").strip() == b"true"
        assert os.environ.get("CI") != "true" or is_shallow, f"{release} is not in this repository's history"
        pytest.skip(f"{release} is not in this checkout: it has no history, or only part of it")
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        archive.extractall(folder, filter="data")
    for built in BUILT_FILES:
        (folder / built).symlink_to(ROOT / built)
    return folder / "src"
