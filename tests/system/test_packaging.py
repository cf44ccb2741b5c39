"""What is published: a wheel, built from the source distribution, that works where there is no Node and no checkout."""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from support.processes import Process, eventually

ROOT = Path(__file__).parents[2]
HIDDEN = {"node", "npm", "npx"}


def run(*command: str | Path, cwd: Path, **environment: str) -> None:
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="appoint package ") as name:
        Path(name).chmod(0o755)  # for root the embedded server runs as another user
        yield Path(name)


@pytest.fixture(scope="module")
def sdist(folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    (made,) = folder.glob("*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(folder: Path, sdist: Path) -> Path:
    """Built from the unpacked source distribution, with a PATH on which there is no npm."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    build = ("-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    run(sys.executable, *build, cwd=source, PATH="/nowhere")
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment with the wheel, what it depends on, and nothing else."""
    place = folder / "environment"
    uv = next((str(each) for each in (ROOT / ".venv/bin/uv",) if each.exists()), "uv")
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=folder)
    python = place / "bin" / "python"
    quiet = ("pip", "install", "--quiet", "--python", python)
    run(uv, *quiet, "--require-hashes", "--requirements", ROOT / "requirements.txt", cwd=folder)
    run(uv, *quiet, "--no-deps", wheel, cwd=folder)
    return place


def test_wheel_and_sdist_contain_everything_that_is_served(sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2].removeprefix("src/") for name in archive.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "appoint"
    wanted = {
        f"appoint/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.startswith("appoint/site/static/patient-") for name in wanted)
    assert (wanted - in_sdist, wanted - in_wheel) == (set(), set())


def test_the_version_is_the_one_of_the_package(environment: Path, wheel: Path) -> None:
    shown = subprocess.run([environment / "bin/appoint", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == wheel.name.split("-")[1]


def test_an_appointment_is_booked_on_the_pages_of_an_installed_wheel(environment: Path, folder: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}
    path = [
        place
        for place in inherited["PATH"].split(os.pathsep)
        if not any((Path(place) / each).exists() for each in HIDDEN)
    ]
    settings = {"APPOINT_PORT": "0", "APPOINT_DATA_DIR": str(folder / "data"), "PATH": os.pathsep.join(path)}
    process = Process(("run",), inherited | settings, program=environment / "bin" / "python", cwd=folder)
    try:
        with httpx2.Client(base_url=process.url, timeout=30, follow_redirects=True) as client:
            booked = eventually(lambda: book(client))
        assert 'href="/appointments/' in booked or "calendar.ics" in booked
    finally:
        process.stop()


def book(client: httpx2.Client) -> str | None:
    """Follow the first link each time, from the start page to a form, and send it. None until the demo has free times."""

    def follow(page: httpx2.Response, pattern: str) -> httpx2.Response | None:
        found = re.search(pattern, page.text)
        return client.get(urljoin(str(page.url), unescape(found[1]))) if found else None

    page: httpx2.Response | None = client.get("/")
    for pattern in (r'<h2><a[^>]+href="(/c/[^"]+)"', r'href="([^"]+/times\?[^"]+)"', r'href="([^"]+/details\?[^"]+)"'):
        page = page and follow(page, pattern)
    if page is None:
        return None
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    typed = {"name": "Ana Ibarra", "email": "ana@example.org", "phone": "+49 30 12345678"}
    answer = client.post(str(page.url), data={name: unescape(value) for name, value in fields.items()} | typed)
    assert answer.status_code == 200, answer.text
    return answer.text
