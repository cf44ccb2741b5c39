"""Problems with accounts, sign-in and access."""

from typing import Final

from ...kit.i18n import translatable as _
from .documents import Problem

ACCOUNTS: Final[dict[str, Problem]] = {
    # users and their accounts
    "already-member": Problem(
        409,
        _("Already a team member"),
        _("A team member at this clinic already has this email address."),
        _("Change their role instead."),
    ),
    "already-joined": Problem(
        409,
        _("Already joined"),
        _("This person has already signed in."),
        _("If they have forgotten their password, they can reset it themselves."),
    ),
    "last-manager": Problem(
        409,
        _("Last manager"),
        _("The clinic would be left without a manager."),
        _("Make someone else a manager first."),
    ),
    "link-used": Problem(
        409,
        _("Link already used"),
        _("A password has been set since this link was sent."),
        _("Sign in with that password, or request a new link."),
    ),
    "link-expired": Problem(
        409,
        _("Link expired"),
        _("Invitations expire after 7 days, password reset links after 1 hour."),
        _("Request a new link."),
    ),
    "totp-on": Problem(
        409,
        _("Two-step sign-in already on"),
        _("This account already has an authenticator app."),
        _("Remove the app first."),
    ),
    "totp-not-begun": Problem(
        409,
        _("No authenticator setup in progress"),
        _("There is no authenticator key to confirm."),
        _("Start with POST /api/account/totp."),
    ),
    "no-second-factor": Problem(
        409,
        _("No second factor"),
        _("Recovery codes are for accounts with a passkey or an authenticator app, and this one has neither."),
        _("Set one up first."),
    ),
    "passkey-exists": Problem(
        409,
        _("Passkey already registered"),
        _("This passkey has already been added."),
        _("Use it to sign in, or add one on another device."),
    ),
    "too-many-passkeys": Problem(
        409,
        _("Too many passkeys"),
        _("The limit of {most} passkeys has been reached."),
        _("First, remove one that you no longer use."),
        {"most": 20},
    ),
    # administrator tokens
    "too-many-admin-tokens": Problem(
        409,
        _("Too many administrator tokens"),
        _("The limit of {most} administrator tokens has been reached."),
        _("Revoke one that you no longer need, then try again."),
        {"most": 100},
    ),
    # API keys
    "too-many-api-keys": Problem(
        409,
        _("Too many API keys"),
        _("The limit of {most} API keys has been reached."),
        _("Remove one you no longer need first."),
        {"most": 100},
    ),
}
