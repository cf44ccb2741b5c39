"""compose.yaml and the Dockerfile: hardened containers, exact image versions and a trusted proxy."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
APPOINT = [name for name, service in SERVICES.items() if "build" in service]
EXACT = re.compile(r"\w+:\d+\.\d+(\.\d+)?-(slim-)?trixie(-slim)?")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["tmpfs"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)


@pytest.mark.parametrize("name", APPOINT)
def test_appoint_containers_have_no_capabilities_and_run_in_production_mode(name):
    assert "cap_add" not in SERVICES[name]
    assert "APPOINT_MODE" not in SERVICES[name]["environment"]


def test_only_a_proxy_on_the_same_machine_is_trusted():
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    setting = SERVICES["server"]["environment"]["APPOINT_TRUSTED_PROXIES"]
    assert setting == f"${{APPOINT_TRUSTED_PROXIES:-{network['gateway']}}}"
    assert ip_address(network["gateway"]) in ip_network(network["subnet"])
    assert SERVICES["server"]["ports"] == ["127.0.0.1:${APPOINT_PORT:-8000}:8000"]


def test_images_have_exact_versions_that_operators_can_replace_with_digests():
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    defaults = [re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(.+)\}", image) for image in images]
    assert all(match and EXACT.fullmatch(match[1]) for match in defaults), images
    arguments = re.findall(r"^ARG \w+_IMAGE=(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(arguments) == 2
    assert all(EXACT.fullmatch(image) for image in arguments), arguments


def test_only_services_on_the_private_network_do_not_need_tls():
    assert SERVICES["server"]["environment"]["APPOINT_WITHOUT_TLS"] == "database,cache"
    assert all("ports" not in service for name, service in SERVICES.items() if name != "server")


def test_only_the_migration_has_the_owners_password():
    owners = {name for name in APPOINT if "APPOINT_OWNER_DATABASE_URL" in SERVICES[name]["environment"]}
    assert owners == {"migrate"}
    assert "${POSTGRES_PASSWORD" not in str([SERVICES[name] for name in ("server", "worker")])


def test_the_image_contains_no_tools_for_building_or_generating_data():
    packages = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-extras.txt").read_text(), re.MULTILINE))
    assert packages & {"editables", "faker", "hatchling", "pip", "polyfactory", "setuptools", "typer", "uv"} == set()
    assert "litestar" in packages


def test_the_image_does_not_choose_development_mode():
    assert "APPOINT_MODE" not in (ROOT / "Dockerfile").read_text()
