"""Types for settings, which environment variables provide as text."""

from ipaddress import ip_network
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

RATE: Final = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
UnencryptedService = Literal["pages", "database", "cache", "broker", "smtp"]


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_networks(networks: list[str]) -> list[str]:
    """Return networks such as 203.0.113.0/24 in their canonical form. Raise `ValueError`, naming the value, for
    anything else."""
    return [str(ip_network(network)) for network in networks]


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Networks = Annotated[CommaSeparated, AfterValidator(_check_networks)]
UnencryptedServices = Annotated[list[UnencryptedService], NoDecode, BeforeValidator(_split)]

WebPage = Annotated[str, Field(pattern=r"^(https?://[^\s<>\"]+)?$")]
"""A page's address, or nothing."""
