"""Build hook: the pages' scripts and styles are part of every wheel and source distribution."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesBuildHook(BuildHookInterface[Any]):
    """Build `frontend/` with Node where the built files are missing.

    A source distribution contains the built files, so building a wheel from it needs no Node.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  the interface of hooks
        """Build the pages. Raise `RuntimeError`, which fails the build, where they cannot be built."""
        root = Path(self.root)
        if version == "editable" or any((root / "src/appoint/site/static").glob("*.js")):
            return
        npm = shutil.which("npm")
        if not npm:
            raise RuntimeError(
                "The scripts and styles of the pages are not built, and npm is not on the PATH. "
                "Install Node 20 or newer, or run `make setup`, and build again."
            )
        for command in (["ci", "--no-fund", "--no-audit", "--omit=dev"], ["run", "build"]):
            subprocess.run([npm, "--silent", *command], cwd=root / "frontend", check=True)  # noqa: S603  our own commands
