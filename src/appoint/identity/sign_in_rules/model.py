"""How a clinic's staff must sign in."""

from typing import Any, ClassVar

from ...kit.structs import RequestBody


class SignInRules(RequestBody):
    """How a clinic's staff must sign in."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"secondFactor": True}

    second_factor: bool
    """Whether staff need a second factor: a passkey or an authenticator. Those who have none must set one up before
    they can do anything else at the clinic. API keys are not affected."""
