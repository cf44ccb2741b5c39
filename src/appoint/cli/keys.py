"""`appoint key …`: API keys for partner systems. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import json
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from cyclopts import App, Parameter, validators

from .output import echo, minute, table
from .parameters import AsJson, ClinicNumber
from .session import run_use_case, session

key = App(name="key", help="API keys for partner systems.")
GROUPS: Final = (key,)


@key.command
def add(
    *,
    clinic: ClinicNumber,
    name: str,
    scope: list[str],
    expires_at: str | None = None,
    requests_per_minute: int | None = None,
) -> None:
    """Create an API key for a partner system. The key is printed once; only a digest of it is stored.

    Parameters
    ----------
    clinic
        The clinic's number.
    name
        The system's name.
    scope
        A permission for the key. Repeatable; docs/access.md lists the permissions.
    expires_at
        When the key expires, such as 2028-01-01T00:00:00Z. If omitted, the key works until it is revoked.
    requests_per_minute
        A separate rate limit for this key.
    """

    from ..http import decoding
    from ..identity.api_keys import service
    from ..identity.api_keys.model import ApiKeyContent
    from ..kit import clock, errors
    from ..kit.errors import StartupError
    from ..kit.permissions import SCOPES

    values = {"name": name, "scopes": scope, "expiresAt": expires_at, "requestsPerMinute": requests_per_minute}
    try:
        content = decoding.convert(ApiKeyContent, values)
        added = run_use_case("createApiKey", service.add, clinic_id=clinic, content=content, now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no clinic {clinic}.") from None
    except errors.Conflict as error:
        closed = error.type == "clinic-inactive"
        raise StartupError(
            f"Clinic {clinic} is not active." if closed else f"Clinic {clinic} has the maximum number of keys."
        ) from None
    except errors.Invalid as error:
        faults = " ".join(
            f"{fault.pointer.removeprefix('#/')} {fault.text.format_map(fault.values)}." for fault in error.faults
        )
        raise StartupError(
            f"{faults} The available scopes are {', '.join(sorted(SCOPES))}." if "scopes" in faults else faults
        ) from None
    echo(f"Key {added.id} for clinic {clinic}. It is shown only once:")
    print(added.key)


@key.command(name="list")
def list_keys(*, clinic: ClinicNumber, removed: bool = False, as_json: AsJson = False) -> None:
    """List a clinic's keys, oldest first, without their secrets.

    Parameters
    ----------
    clinic
        The clinic's number.
    removed
        List revoked keys instead of active ones.
    as_json
        Print JSON.
    """
    import msgspec

    from ..identity.api_keys import repository
    from ..identity.api_keys.model import MAX_KEYS

    with session() as run:
        rows = run(
            lambda db: repository.list_for_clinic(db, clinic, active=not removed, after=None, limit=10 * MAX_KEYS)
        )
    if as_json:
        print(json.dumps(msgspec.to_builtins(rows), indent=2))
    elif rows:
        cells: list[tuple[object, ...]] = [
            (each.id, each.name, " ".join(each.scopes), minute(each.expires_at), minute(each.last_used_at))
            for each in rows
        ]
        table(["id", "name", "scopes", "expires", "last used"], cells)
    else:
        echo(f"Clinic {clinic} has no such keys.")


@key.command
def revoke(key_id: UUID, /) -> None:
    """Revoke a key, immediately and permanently.

    Parameters
    ----------
    key_id
        The key's id, as shown by `key list`.
    """
    from ..identity.api_keys import service
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    try:
        run_use_case("removeApiKey", service.remove, key_id=key_id, if_match="*", now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no key {key_id}.") from None
    echo(f"Key {key_id} has been revoked.")


@key.command
def rotate(
    key_id: UUID,
    /,
    *,
    overlap_minutes: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=10_080))] = 1440,
) -> None:
    """Replace a key's secret. The new key is printed once; by default, the old one keeps working for another day.

    Parameters
    ----------
    key_id
        The key's id, as shown by `key list`.
    overlap_minutes
        How long the old key keeps working; 0 disables it immediately.
    """
    from ..identity.api_keys import service
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    overlap = timedelta(minutes=overlap_minutes)
    try:
        rotated = run_use_case("rotateApiKey", service.rotate, key_id=key_id, overlap=overlap, now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no key {key_id}, or it has been revoked.") from None
    echo(f"Key {key_id} has a new secret. It is shown only once:")
    print(rotated.key)
