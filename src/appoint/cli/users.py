"""`appoint user …`: accounts for staff and administrators. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from cyclopts import App, Parameter

from ..settings import Settings
from .output import echo, table
from .parameters import AsJson, ClinicNumber, MaxRows
from .session import session

user = App(name="user", help="Users: clinic staff and the platform's administrators.")
StaffRole = Literal["manager", "receptionist", "doctor"]
GROUPS: Final = (user,)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user's account and their role at a clinic.

    Parameters
    ----------
    email
        The address that they sign in with.
    name
        Their name.
    clinic
        The number of the clinic where they work.
    role
        Their role there.
    doctor
        The doctor's id, for the doctor role.
    administrator
        Make them a platform administrator.
    """

    email: str
    name: str
    clinic: ClinicNumber | None = None
    role: StaffRole = "manager"
    doctor: UUID | None = None
    administrator: bool = False


@user.command
def add(new: NewUser, *, password_stdin: bool = False) -> None:
    """Add a user. The command prompts for a password.

    Parameters
    ----------
    password_stdin
        Read the password from the first line of standard input.
    """
    from ..identity import passwords
    from ..identity.accounts import repository
    from ..kit.errors import StartupError

    new = _checked(new)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_for_password()
    if faults := passwords.find_faults(password, "", about=(new.email, new.name)):
        raise StartupError(f"The password {faults[0].text.format_map(faults[0].values)}.")

    async def work(tx: Any) -> UUID:
        if await repository.find_id(tx, new.email):
            raise StartupError(f"There is already a user with the email address {new.email}.")
        user_id = await _add(tx, new)
        row = await repository.find_user(tx, user_id)
        assert row
        await repository.set_password(
            tx, user_id, password_hash=await passwords.hash_password(password), credentials=row.credentials
        )
        return user_id

    with session() as run:
        run(lambda db: _recorded(db, "addUser", new.clinic, work))
    echo(f"{new.email} can now sign in.")


@user.command
def invite(new: NewUser) -> None:
    """Add a user and email them a link to choose a password, or give an existing user an additional role."""
    from ..kit import clock
    from ..kit.ids import PLATFORM
    from ..messaging.notifications.service import mail_user

    new = _checked(new)

    async def work(tx: Any) -> UUID:
        user_id = await _add(tx, new)
        await mail_user(tx, kind="invitation", user_id=user_id, clinic_id=new.clinic or PLATFORM, now=clock.now())
        return user_id

    with session() as run:
        run(lambda db: _recorded(db, "inviteUser", new.clinic, work))
    echo(f"The worker will email {new.email} an invitation.")


@user.command
def reset(
    email: str, /, *, print_: Annotated[bool, Parameter(name="--print")] = False, without_totp: bool = False
) -> None:
    """Email a user a link to choose a new password. The link works for one hour.

    Parameters
    ----------
    email
        The address that they sign in with.
    print_
        Print the link instead.
    without_totp
        Also turn off two-step sign-in, for a user who has lost their second factor. This removes their authenticator,
        passkeys and recovery codes.
    """
    from ..identity.accounts import credentials, repository
    from ..identity.second_factors import service as second_factors
    from ..kit import clock
    from ..kit.errors import StartupError
    from ..kit.ids import PLATFORM
    from ..messaging.notifications.service import mail_user
    from ..server import startup

    settings = startup.with_secret_key(Settings()) if print_ else Settings()
    links: list[str] = []

    async def work(tx: Any) -> UUID:
        user_id = await repository.find_id(tx, email)
        row = await repository.find_user(tx, user_id) if user_id else None
        if row is None:
            raise StartupError(f"There is no user with the email address {email}.")
        if without_totp:
            await second_factors.remove_all(tx, user_id=row.id, now=clock.now())
        if settings.secret_key and print_:
            secret = settings.secret_key.get_secret_value()
            token = credentials.link_token(secret, "password-reset", row, clock.now())
            links.append(f"{settings.links_url}/credentials/{token}")
        else:
            await mail_user(tx, kind="password-reset", user_id=row.id, clinic_id=PLATFORM, now=clock.now())
        return row.id

    with session() as run:
        run(lambda db: _recorded(db, "resetPassword", None, work))
    print(links[-1]) if links else echo(f"The worker will email {email} a link.")


def setup_link() -> None:
    """Print a link for setting up a new installation in the browser: its first administrator and clinic.

    The link works for a day, and only until there is an administrator.
    """
    from ..identity.setup import service
    from ..kit.errors import StartupError
    from ..server import startup

    settings = startup.with_secret_key(Settings())
    with session() as run:
        if not run(service.is_open):
            raise StartupError("There is already an administrator. To add another: `appoint user add --administrator`.")
    print(startup.setup_link(settings, settings.links_url))


@user.command(name="list")
def list_users(*, clinic: ClinicNumber | None = None, most: MaxRows = 1000, as_json: AsJson = False) -> None:
    """List users with their clinics and roles.

    Parameters
    ----------
    clinic
        Only users of this clinic.
    most
        The maximum number of users.
    as_json
        Print JSON.
    """
    from ..identity.accounts import repository

    with session() as run:
        rows = run(lambda db: repository.list_users(db, clinic_id=clinic, limit=most))
    if as_json:
        print(json.dumps([row._asdict() for row in rows], indent=2, default=str))
    elif rows:
        table(
            ["email", "name", "clinics", "administrator", "password", "codes", "disabled"],
            [
                (
                    row.email,
                    row.name,
                    ", ".join(row.memberships or []),
                    *(("no", "yes")[flag] for flag in (row.administrator, row.has_password, row.totp, row.disabled)),
                )
                for row in rows
            ],
        )
    else:
        echo("There are no users.")


def _checked(new: NewUser) -> NewUser:
    """Return the arguments with a clean email address. Raise `StartupError` for invalid ones."""
    import msgspec

    from ..identity.accounts.model import UserName
    from ..kit import email_addresses
    from ..kit.errors import StartupError

    if new.clinic is None and not new.administrator:
        raise StartupError("Specify the clinic with --clinic, or use --administrator.")
    if email_addresses.check(new.email):
        raise StartupError(f"“{new.email}” cannot be an email address.")
    try:
        msgspec.convert(new.name, UserName)
    except msgspec.ValidationError:
        raise StartupError(f"“{new.name}” cannot be a name.") from None
    if not new.name.strip():
        raise StartupError("The name is empty.")
    return replace(new, email=email_addresses.clean(new.email))


def _ask_for_password() -> str:
    from ..kit.errors import StartupError

    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat the password: ") != password:
        raise StartupError("The passwords do not match.")
    return password


async def _add(tx: Any, new: NewUser) -> UUID:
    from ..clinics.clinics import service as clinics
    from ..identity.accounts import repository, staff
    from ..kit import errors
    from ..kit.errors import StartupError

    try:
        if new.clinic:
            await clinics.get_active(tx, new.clinic)
    except errors.AppointError:
        raise StartupError(f"There is no active clinic {new.clinic}.") from None
    user_id = await staff.find_or_add_user(tx, email=new.email, name=new.name)
    if new.administrator:
        await repository.make_administrator(tx, user_id)
    if new.clinic:
        try:
            await staff.join(
                tx, clinic_id=new.clinic, user_id=user_id, name=new.name, role=new.role, doctor_id=new.doctor
            )
        except errors.NotFound:
            raise StartupError(f"Clinic {new.clinic} has no doctor {new.doctor}.") from None
        except errors.Invalid:
            raise StartupError("Specify one of the clinic's doctors with --doctor.") from None
        except errors.Conflict:
            raise StartupError(f"{new.email} already works at clinic {new.clinic}.") from None
    return user_id


async def _recorded(db: Any, operation: str, clinic: int | None, work: Callable[[Any], Awaitable[UUID]]) -> None:
    """Run the work in a transaction, and record the user that it returns in the audit log."""
    import msgspec

    from .. import audit
    from ..kit.actors import COMMAND_LINE
    from ..kit.ids import PLATFORM

    async def recorded(tx: Any) -> None:
        user_id = await work(tx)
        actor = msgspec.structs.replace(COMMAND_LINE, operation=operation)
        await audit.record(tx, actor, clinic_id=clinic or PLATFORM, subjects=[user_id])

    await db.atomic(recorded)
