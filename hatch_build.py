"""Build hook that makes sure every wheel and source distribution contains the built files."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesBuildHook(BuildHookInterface[Any]):
    """Build `frontend/` with Node if the built files are missing.

    Source distributions contain the built files, so building a wheel from one does not need Node.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  the hook interface
        """Build the pages. Raise `RuntimeError`, which fails the build, if they cannot be built, or if the list of
        places is missing.
        """
        root = Path(self.root)
        if version != "editable" and not (root / "src/appoint/kit/places.tsv").exists():
            raise RuntimeError("The list of places is missing. Run `make setup`, then build again.")
        built = ("src/appoint/site/static/*.js", "src/appoint/payments/documents/fonts/*.ttf")
        if version == "editable" or all(any(root.glob(pattern)) for pattern in built):
            return
        npm = shutil.which("npm")
        if not npm:
            raise RuntimeError(
                "The pages' scripts, styles and fonts are not built, and npm is not on the PATH. "
                "Install Node 20 or newer, or run `make setup`, then build again."
            )
        for command in (["ci", "--no-fund", "--no-audit", "--omit=dev"], ["run", "build"]):
            subprocess.run([npm, "--silent", *command], cwd=root / "frontend", check=True)  # noqa: S603  fixed commands
