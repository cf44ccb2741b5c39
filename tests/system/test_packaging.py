"""The wheel, built from the source distribution, works without Node and without a checkout."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from html import unescape
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from support.processes import Process, eventually
from support.scale import SOAK

pytestmark = pytest.mark.xdist_group("packaging")

ROOT = Path(__file__).parents[2]
HIDDEN = {"node", "npm", "npx"}


specification = spec_from_file_location("release", ROOT / "scripts" / "release.py")
assert specification
assert specification.loader
release: Any = module_from_spec(specification)
specification.loader.exec_module(release)


def run(*command: str | Path, cwd: Path, **environment: str) -> None:
    result = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="appoint package ") as name:
        Path(name).chmod(0o755)  # when started as root, the embedded server runs under a different account
        yield Path(name)


@pytest.fixture(scope="module")
def sdist(folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(folder: Path, sdist: Path) -> Path:
    """A wheel built from the unpacked source distribution, with no npm on the PATH."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    build = ("-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    run(sys.executable, *build, cwd=source, PATH="/nowhere")
    (archive,) = folder.glob("*.whl")
    return archive


@pytest.fixture(scope="module")
def environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment with only the wheel and its dependencies."""
    path = folder / "environment"
    uv = next((str(each) for each in (ROOT / ".venv/bin/uv",) if each.exists()), "uv")
    run(sys.executable, "-m", "venv", "--without-pip", path, cwd=folder)
    python = path / "bin" / "python"
    quiet = ("pip", "install", "--quiet", "--python", python)
    run(uv, *quiet, "--no-deps", "--require-hashes", "--requirements", ROOT / "requirements.txt", cwd=folder)
    run(uv, *quiet, "--no-deps", wheel, cwd=folder)
    copy_bytecode(path)
    return path


def copy_bytecode(environment: Path) -> None:
    """Copy this environment's bytecode, so that the first start doesn't have to compile every dependency. Python
    ignores bytecode whose source file differs.
    """
    (packages,) = environment.glob("lib/python*/site-packages")
    own_packages = Path(pytest.__file__).parents[1]
    for folder in own_packages.rglob("__pycache__"):
        target = packages / folder.relative_to(own_packages)
        if target.parent.is_dir() and not target.exists():
            shutil.copytree(folder, target)


def test_the_wheel_and_the_sdist_contain_everything_that_is_served(sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2].removeprefix("src/") for name in archive.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "appoint"
    files = {
        f"appoint/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.startswith("appoint/site/static/patient-") for name in files)
    assert (files - in_sdist, files - in_wheel) == (set(), set())


def test_the_command_prints_the_packages_version(environment: Path, wheel: Path) -> None:
    result = subprocess.run([environment / "bin/appoint", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == wheel.name.split("-")[1]


def test_a_release_lists_every_package_with_its_locked_version(environment: Path) -> None:
    materials = release.python_materials(environment / "bin" / "python", validate=SOAK)
    assert materials["metadata"]["component"]["name"] == "appoint"
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    listed = {part["name"].lower().replace("_", "-"): part for part in materials["components"]}
    assert {name: listed[name]["version"] for name in ("asyncpg", "litestar", "uvicorn")} == {
        name: locked[name] for name in ("asyncpg", "litestar", "uvicorn")
    }
    assert set(listed) <= set(locked)
    assert listed["litestar"]["licenses"]


def test_sha256sum_accepts_a_releases_checksums(tmp_path: Path) -> None:
    (tmp_path / "appoint.whl").write_bytes(b"wheel")
    (tmp_path / "SHA256SUMS").write_text(release.checksums(tmp_path))
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=tmp_path)


def test_an_installed_wheel_serves_pages_that_book_an_appointment(environment: Path, folder: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}
    path = [
        folder
        for folder in inherited["PATH"].split(os.pathsep)
        if not any((Path(folder) / program).exists() for program in HIDDEN)
    ]
    settings = {"APPOINT_PORT": "0", "APPOINT_DATA_DIR": str(folder / "data"), "PATH": os.pathsep.join(path)}
    process = Process(("run",), inherited | settings, program=environment / "bin" / "python", cwd=folder)
    try:
        with httpx2.Client(base_url=process.url, timeout=30, follow_redirects=True) as client:
            held = eventually(lambda: book(client))
            code = eventually(lambda: received_code(client))
            page = client.post(str(held.url), data=hidden_fields(held) | {"code": code}).text
        assert 'href="/appointments/' in page or "calendar.ics" in page
    finally:
        process.stop()


def received_code(client: httpx2.Client) -> str | None:
    """Return the code from the development mailbox, or None if the worker has not sent it yet."""
    for number in re.findall(r'href="/dev/mailbox/(\d+)"', client.get("/dev/mailbox").text):
        message = client.get(f"/dev/mailbox/{number}").text
        if "ana@example.org" in message and (match := re.search(r"\b\d{6}\b", re.sub(r"<[^>]+>", " ", message))):
            return match[0]
    return None


def hidden_fields(page: httpx2.Response) -> dict[str, str]:
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in fields}


def book(client: httpx2.Client) -> httpx2.Response | None:
    """Follow the first link on each page to the form and send it. Return None if the demo has no free times yet."""

    def follow(page: httpx2.Response, pattern: str) -> httpx2.Response | None:
        match = re.search(pattern, page.text)
        return client.get(urljoin(str(page.url), unescape(match[1]))) if match else None

    page: httpx2.Response | None = client.get("/")
    for pattern in (r'<h2><a[^>]+href="(/c/[^"]+)"', r'href="([^"]+/times\?[^"]+)"', r'href="([^"]+/details\?[^"]+)"'):
        page = page and follow(page, pattern)
    if page is None:
        return None
    inputs = {"name": "Ana Ibarra", "email": "ana@example.org", "phone": "+49 30 12345678"}
    response = client.post(str(page.url), data=hidden_fields(page) | inputs)
    assert response.status_code == 200, response.text
    return response
