"""`appoint user disable`, `enable`, `sign-out` and `revoke-administrator`: control a user's access."""
# ruff: noqa: PLC0415

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from .output import echo
from .session import session


def disable(email: str, /) -> None:
    """Disable a user's account at all clinics and end their sessions.

    Parameters
    ----------
    email
        The address that they sign in with.
    """
    from ..identity.revocation import service
    from ..kit import clock

    _change(
        email,
        "disableAccount",
        lambda tx, actor, user_id: service.disable_account(tx, actor, user_id=user_id, now=clock.now()),
    )
    echo(f"{email} can no longer sign in.")


def enable(email: str, /) -> None:
    """Enable a disabled account. Its password is still valid.

    Parameters
    ----------
    email
        The address that they sign in with.
    """
    from ..identity.revocation import service

    _change(email, "enableAccount", lambda tx, actor, user_id: service.enable_account(tx, actor, user_id=user_id))
    echo(f"{email} can sign in again.")


def revoke_administrator(email: str, /) -> None:
    """Revoke a user's administrator rights and end their sessions. Their roles at clinics remain.

    Parameters
    ----------
    email
        The address that they sign in with.
    """
    from ..identity.revocation import service

    _change(
        email,
        "revokeAdministrator",
        lambda tx, actor, user_id: service.revoke_administrator(tx, actor, user_id=user_id),
    )
    echo(f"{email} is not an administrator.")


def sign_out(email: str, /) -> None:
    """End all of a user's sessions.

    Parameters
    ----------
    email
        The address that they sign in with.
    """
    from ..identity.revocation import service

    _change(email, "signOutAccount", lambda tx, actor, user_id: service.sign_out_account(tx, actor, user_id=user_id))
    echo(f"{email} is signed out everywhere.")


def _change(email: str, operation: str, change: Callable[[Any, Any, UUID], Awaitable[object]]) -> None:
    """Run a change to a user's access in a transaction, with the command line as the actor."""
    import msgspec

    from ..identity.accounts import repository
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError

    async def work(tx: Any) -> None:
        user_id = await repository.find_id(tx, email)
        if user_id is None:
            raise StartupError(f"There is no user with the email address {email}.")
        await change(tx, msgspec.structs.replace(COMMAND_LINE, operation=operation), user_id)

    with session() as run:
        run(lambda db: db.atomic(work))


COMMANDS: Final = (disable, enable, revoke_administrator, sign_out)
