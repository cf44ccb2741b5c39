"""`appoint admin-token …`: named, expiring tokens for administrators. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import json
from typing import Annotated, Final
from uuid import UUID

from cyclopts import App, Parameter, validators

from .output import echo, minute, table
from .parameters import AsJson
from .session import run_use_case, session

admin_token = App(name="admin-token", help="Tokens that administer the platform.")
GROUPS: Final = (admin_token,)


@admin_token.command
def create(*, name: str, days: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=366))] = 90) -> None:
    """Create a token. It is printed once; only a digest of it is stored.

    Parameters
    ----------
    name
        The person or program that uses the token.
    days
        The number of days after which it stops working.
    """
    from ..http import decoding
    from ..identity.admin_tokens import service
    from ..identity.admin_tokens.model import NewAdminToken
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    try:
        content = decoding.convert(NewAdminToken, {"name": name, "days": days})
        created = run_use_case("createAdminToken", service.add, content=content, now=clock.now())
    except errors.Invalid:
        raise StartupError(f"“{name}” cannot be a token's name.") from None
    except errors.Conflict:
        raise StartupError("There are too many tokens. Revoke one that is no longer needed.") from None
    echo(f"Token {created.id} works until {created.expires_at:%Y-%m-%d %H:%M}Z. It is shown only once:")
    print(created.token)


@admin_token.command(name="list")
def list_tokens(*, inactive: bool = False, as_json: AsJson = False) -> None:
    """List the tokens, oldest first, without their secrets.

    Parameters
    ----------
    inactive
        List expired and revoked tokens instead of active ones.
    as_json
        Print JSON.
    """
    import msgspec

    from ..identity.admin_tokens import service
    from ..kit import clock

    with session() as run:
        tokens = run(lambda db: service.list_tokens(db, active=not inactive, limit=1000, now=clock.now()))
    if as_json:
        print(json.dumps(msgspec.to_builtins(tokens), indent=2))
    elif tokens:
        cells: list[tuple[object, ...]] = [
            (each.id, each.name, minute(each.expires_at), minute(each.last_used_at)) for each in tokens
        ]
        table(["id", "name", "expires", "last used"], cells)
    else:
        echo("No matching tokens.")


@admin_token.command
def revoke(token_id: UUID, /) -> None:
    """Revoke a token, immediately and permanently.

    Parameters
    ----------
    token_id
        The token's id, as shown by `admin-token list`.
    """
    from ..identity.admin_tokens import service
    from ..kit import clock, errors
    from ..kit.errors import StartupError

    try:
        run_use_case("revokeAdminToken", service.revoke, token_id=token_id, now=clock.now())
    except errors.NotFound:
        raise StartupError(f"There is no token {token_id}.") from None
    echo(f"Token {token_id} has been revoked.")
