"""A browser that signs in through the OpenID provider."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from appoint.kit import clock
from support.provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider

CALLBACK = "/staff/sign-in/openid/callback"
SESSION = "__Host-appoint"
ATTEMPT = "__Host-appoint-openid"
FOLLOWED = ("/staff/openid/return", "/staff/sign-in?", "/staff/sign-in/openid/code", "/staff/account/openid?")


def page_settings(idp: OpenIdProvider, **more: Any) -> dict[str, Any]:
    """Return settings for an application whose pages offer the provider."""
    return {
        "oidc_issuer": idp.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Riverside",
        "public_url": "https://appoint.example",
        **more,
    }


class Browser:
    """Keeps cookies as a browser does. Redirects are not followed."""

    def __init__(self, client: Any, idp: OpenIdProvider) -> None:
        self.client = client
        self.idp = idp
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Any:
        return await self._send("GET", path, headers=headers)

    async def post(self, path: str, **fields: str) -> Any:
        return await self._send("POST", path, headers={"Sec-Fetch-Site": "same-origin"}, data=fields)

    async def _send(self, method: str, path: str, *, headers: dict[str, str], **options: Any) -> Any:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(method, path, headers={"Cookie": cookie} | headers, **options)
        self.client.cookies.clear()
        for header in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    async def depart(self, path: str = "/staff/sign-in/openid") -> str:
        """Start an attempt. Return the address of the provider's page."""
        response = await self.get(path)
        assert response.status_code == 303, response.text
        return response.headers["Location"]

    async def come_back(self, answer: dict[str, str]) -> Any:
        """Return from the provider. No page shown afterwards contains its code."""
        return await self.visit(f"{CALLBACK}?{urlencode(answer)}", **{"Sec-Fetch-Site": "cross-site"})

    async def visit(self, path: str, **headers: str) -> Any:
        """Open a page, following redirects to pages about signing in."""
        response = await self.get(path, **headers)
        location = response.headers.get("Location", "")
        return await self.visit(location) if location.startswith(FOLLOWED) else response

    async def sign_in(self, path: str = "/staff/sign-in/openid", **claims: Any) -> Any:
        return await self.come_back(self.idp.authorize(await self.depart(path), clock.now(), **claims))

    @property
    def is_signed_in(self) -> bool:
        return SESSION in self.cookies
