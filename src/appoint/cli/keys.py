"""`appoint key …`: API keys of partner systems, by hand. What a command needs is imported when it runs."""
# ruff: noqa: PLC0415

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import App, Parameter, validators

from .maintenance import ClinicNumber, echo, session, table

key = App(name="key", help="API keys of partner systems.")
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
    """Give a partner system a key of a clinic. The key is printed, this once: what is kept is a digest.

    Parameters
    ----------
    clinic
        The clinic's number.
    name
        What the system is called.
    scope
        A permission that the key has; say it once for each. docs/access.md lists them.
    expires_at
        The key works until then, such as 2028-01-01T00:00:00Z; without it, until it is revoked.
    requests_per_minute
        A limit of the key's own, instead of the usual ones.
    """

    from ..http import decoding
    from ..identity.api_keys import service
    from ..identity.api_keys.model import ApiKeyContent
    from ..kit import clock, errors
    from ..kit.errors import StartupError
    from ..kit.permissions import SCOPES

    said = {"name": name, "scopes": scope, "expiresAt": expires_at, "requestsPerMinute": requests_per_minute}
    try:
        content = decoding.convert(ApiKeyContent, said)
        added = _run("createApiKey", service.add, clinic_id=clinic, content=content, now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no clinic {clinic}.") from None
    except errors.Conflict as error:
        closed = error.type == "clinic-inactive"
        raise StartupError(
            f"Clinic {clinic} is not active." if closed else f"Clinic {clinic} has as many keys as it can have."
        ) from None
    except errors.Invalid as error:
        faults = " ".join(
            f"{fault.pointer.removeprefix('#/')} {fault.text.format_map(fault.values)}." for fault in error.faults
        )
        raise StartupError(
            f"{faults} A key can have the scopes {', '.join(sorted(SCOPES))}." if "scopes" in faults else faults
        ) from None
    echo(f"The key {added.id} of clinic {clinic}. It is shown this once:")
    print(added.key)


def _run(action: str, use_case: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
    """Run a use case in a transaction, as the command line; its audit entry has the action. Return its result."""
    import msgspec

    from ..kit.actors import COMMAND_LINE

    actor = msgspec.structs.replace(COMMAND_LINE, doing=action)
    with session() as run:
        return run(lambda db: db.atomic(use_case, actor, **arguments))


@key.command(name="list")
def list_keys(
    *, clinic: ClinicNumber, removed: bool = False, as_json: Annotated[bool, Parameter(name="--json")] = False
) -> None:
    """List a clinic's keys, oldest first, without their secrets.

    Parameters
    ----------
    clinic
        The clinic's number.
    removed
        Those that were revoked, instead of those that work.
    as_json
        As JSON.
    """
    import msgspec

    from ..identity.api_keys import repository
    from ..identity.api_keys.model import MOST_KEYS

    with session() as run:
        found = run(lambda db: repository.of_clinic(db, clinic, active=not removed, after=None, limit=10 * MOST_KEYS))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), indent=2))
    elif found:
        rows: list[tuple[object, ...]] = [
            (each.id, each.name, " ".join(each.scopes), _minute(each.expires_at), _minute(each.last_used_at))
            for each in found
        ]
        table(["id", "name", "scopes", "expires", "last used"], rows)
    else:
        echo(f"Clinic {clinic} has no such keys.")


def _minute(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "never"


@key.command
def revoke(key_id: UUID, /) -> None:
    """Take a key away: nobody gets in with it any more, from now on and for good.

    Parameters
    ----------
    key_id
        Of the key, as `key list` shows it.
    """
    from ..identity.api_keys import service
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    try:
        _run("removeApiKey", service.remove, key_id=key_id, if_match="*", now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no key {key_id}.") from None
    echo(f"The key {key_id} is revoked.")


@key.command
def rotate(
    key_id: UUID,
    /,
    *,
    overlap_minutes: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=10_080))] = 1440,
) -> None:
    """Give a key another secret. The new key is printed, this once; the old one goes on working for a day.

    Parameters
    ----------
    key_id
        Of the key, as `key list` shows it.
    overlap_minutes
        How long the old one works; 0: not at all.
    """
    from ..identity.api_keys import service
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    overlap = timedelta(minutes=overlap_minutes)
    try:
        rotated = _run("rotateApiKey", service.rotate, key_id=key_id, overlap=overlap, now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no key {key_id}, or it is revoked.") from None
    echo(f"The key {key_id} has another secret. It is shown this once:")
    print(rotated.key)
