"""`appoint networks …`: the networks from which a clinic's staff have access. Commands import what they need when they
run.
"""
# ruff: noqa: PLC0415

from typing import Final

from cyclopts import App

from .output import echo
from .parameters import ClinicNumber
from .session import run_use_case, session

networks = App(name="networks", help="The networks from which a clinic's staff have access.")
GROUPS: Final = (networks,)


@networks.command
def show(*, clinic: ClinicNumber) -> None:
    """List the networks from which a clinic's staff have access.

    Parameters
    ----------
    clinic
        The clinic's number.
    """
    from ..identity.networks import service
    from ..kit import errors
    from ..kit.errors import StartupError

    try:
        with session() as run:
            allowed = run(lambda db: service.get(db, clinic)).networks
    except errors.NotFound:
        raise StartupError(f"There is no clinic {clinic}.") from None
    if allowed:
        print("\n".join(allowed))
    else:
        echo(f"The staff of clinic {clinic} have access from anywhere.")


@networks.command(name="set")
def replace(*allowed: str, clinic: ClinicNumber) -> None:
    """Replace the networks from which a clinic's staff have access. If none are given, they have access from anywhere.

    Parameters
    ----------
    allowed
        Networks such as 203.0.113.0/24, or addresses.
    clinic
        The clinic's number.
    """
    from ..http import decoding
    from ..identity.networks import service
    from ..identity.networks.model import StaffNetworks
    from ..kit import errors
    from ..kit.errors import StartupError

    try:
        content = decoding.convert(StaffNetworks, {"networks": list(allowed)})
        run_use_case("replaceStaffNetworks", service.replace, clinic_id=clinic, content=content)
    except errors.Invalid as error:
        raise StartupError(
            f"{allowed[int(error.faults[0].pointer.rpartition('/')[2])]} {error.faults[0].text}."
        ) from None
    except errors.NotFound:
        raise StartupError(f"There is no clinic {clinic}.") from None
    echo(f"The staff of clinic {clinic} have access from {', '.join(allowed) or 'anywhere'}.")
