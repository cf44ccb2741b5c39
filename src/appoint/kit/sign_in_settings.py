"""Settings for sessions and for the OpenID provider."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from .setting_types import CommaSeparated


class SignInSettings(BaseSettings):
    session_idle_minutes: int = Field(
        default=60, ge=1, le=1440, description="how long a session lasts without activity"
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="maximum length of a session")
    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID provider that staff can sign in with, written exactly as in its tokens' issuer claim "
        "(iss), such as https://login.example.org/realms/clinics; if unset, there is no provider",
    )
    oidc_client_id: str | None = Field(
        default=None,
        description="Appoint's client id at the provider, for signing in on the pages; if unset, the pages do not "
        "offer it",
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Appoint's client secret at the provider; if unset, Appoint is a public client"
    )
    oidc_name: str = Field(
        default="",
        max_length=60,
        description="the provider's name on the sign-in page, as in “Sign in with Riverside”; if unset, its host name",
    )
    oidc_link_by_email: bool = Field(
        default=False,
        description="whether someone's first sign-in through the provider links it to the account with the same email "
        "address, provided that the provider has verified the address; if not, users link it on their account page",
    )
    oidc_second_factor: bool = Field(
        default=False,
        description="whether the provider itself requires a second factor; if not, users with two-step sign-in also "
        "enter a code from their authenticator",
    )
    oidc_audience: str | None = Field(
        default=None,
        description="audience (aud) in the provider's access tokens for Appoint's API; if unset, the API does not "
        "accept any",
    )
    oidc_algorithms: CommaSeparated = Field(
        default=["RS256", "ES256", "EdDSA"],
        description="comma-separated algorithms that the provider may sign tokens with",
    )
    oidc_roles_claim: str = Field(
        default="roles",
        description="claim that contains the provider's roles, or the dotted path to it, such as realm_access.roles",
    )
    oidc_roles: CommaSeparated = Field(
        default=[],
        description="comma-separated mapping from claim values to roles in Appoint: claim-value=role:clinic, "
        "claim-value=doctor:clinic:doctorId or claim-value=administrator",
    )
    oidc_token_hours: int = Field(
        default=24,
        ge=1,
        le=720,
        description="how long one of the provider's tokens can grant its roles, counted from its time of issue (iat), "
        "even if it expires later",
    )
