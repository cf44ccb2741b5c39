"""Build a release in `dist/`: the source distribution and the wheel, their bills of materials, and checksums.

The bills of materials are CycloneDX documents. The first lists the Python packages that the wheel needs, including all
extras, at their locked versions; the second lists the npm packages bundled into the pages.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
DIST: Final = ROOT / "dist"
SPEC: Final = "1.6"


def main() -> int:
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--target", "wheel", "--directory", DIST)
    (wheel,) = DIST.glob("*.whl")
    name = "-".join(wheel.name.split("-")[:2])
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), ROOT / "requirements-extras.txt", wheel)
        write(DIST / f"{name}.cdx.json", python_materials(python))
    write(DIST / f"{name}.pages.cdx.json", page_materials(name.partition("-")[2]))
    (DIST / "SHA256SUMS").write_text(checksums(DIST))
    print(*sorted(path.name for path in DIST.iterdir()), sep="\n")
    return 0


def environment(folder: Path, requirements: Path, wheel: Path) -> Path:
    """Install the wheel and its locked requirements into a new environment. Return its Python."""
    uv = next((str(path) for path in (ROOT / ".venv/bin/uv",) if path.exists()), "uv")
    python = folder / "environment" / "bin" / "python"
    run(sys.executable, "-m", "venv", "--without-pip", folder / "environment")
    install = (uv, "pip", "install", "--quiet", "--python", python)
    run(*install, "--no-deps", "--require-hashes", "--requirements", requirements)
    run(*install, "--no-deps", wheel)
    return python


def python_materials(python: Path, *, validate: bool = True) -> dict[str, Any]:
    """Return the bill of materials for the packages in an environment, with their licences and dependencies. Checking
    it against CycloneDX's schema takes ten times as long as writing it.
    """
    check = "--validate" if validate else "--no-validate"
    options = ("--spec-version", SPEC, "--output-reproducible", "--mc-type", "application", check)
    command = (sys.executable, "-m", "cyclonedx_py", "environment", *options, "--pyproject", ROOT / "pyproject.toml")
    return json.loads(run(*command, python))


def page_materials(version: str) -> dict[str, Any]:
    """Return the bill of materials for the pages' npm packages, without values that differ between runs."""
    options = ("--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only")
    materials = json.loads(run("npm", "sbom", *options, cwd=ROOT / "frontend"))
    del materials["serialNumber"], materials["metadata"]["timestamp"]
    materials["metadata"]["component"]["version"] = version
    return materials


def write(path: Path, materials: dict[str, Any]) -> None:
    path.write_text(json.dumps(materials, indent=2) + "\n")


def checksums(folder: Path) -> str:
    """Return a checksum line for each file in the folder, in the format that `sha256sum --check` reads."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return its output. Stop with the command's own message if it fails."""
    result = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 -- our own
    if result.returncode:
        sys.exit(f"{command[0]} failed")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
