"""What a patient does on the public pages: view an appointment through its link, and sign in with a code."""

import re
from datetime import timedelta
from typing import Any

from appoint.http.access import COOKIE
from appoint.kit.signed_tokens import six_digit_code
from support.app import ADMIN
from support.staff import SECRET
from support.world import hours_ahead

START = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
"""When the practice's doctors start work, a week from now."""
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def at(hours: float) -> str:
    return f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


async def book(client, practice: dict[str, str], hours: float = 0, **fields: Any) -> dict[str, Any]:
    """Book an appointment, by default for Ana with Dr Shah, the given number of hours after the practice opens."""
    request = {name: practice[name] for name in ("doctorId", "customerId", "appointmentTypeId")}
    response = await client.post("/api/appointments", json={**request, "startTime": at(hours), **fields})
    assert response.status_code == 201, response.text
    return response.json()


def path_of(appointment: dict[str, Any], part: str = "") -> str:
    return f"/appointments/{appointment['manageToken']}{part}"


async def fetch(client, appointment: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()


async def require_notice(client, minutes: int = 60 * 24 * 14, *, grace: int = 0) -> None:
    policy = {"cancelNoticeMinutes": minutes, "changeGraceMinutes": grace}
    await client.patch("/api/clinics/1", json={"policy": policy}, headers=ADMIN)


async def audit_entries(db, action: str) -> list[tuple[Any, ...]]:
    """Return the actor, action and subjects of each entry whose action matches the pattern, oldest first."""
    rows = await db.fetch(
        "select actor, action, subjects from audit_unsealed where action like $1 order by at, id", action
    )
    return [tuple(row) for row in rows]


async def request_code(client, address="ana@example.org", **fields: str) -> str:
    """Request a sign-in code, and return the address of the page where it is entered."""
    response = await client.post("/sign-in", data={"address": address, **fields})
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def code_id_of(code_page: str) -> str:
    return code_page.partition("?")[0].rpartition("/")[2]


def code_for(code_page: str) -> str:
    return six_digit_code(SECRET, "sign-in", code_id_of(code_page))


async def sign_in(client, address="ana@example.org", **fields: str) -> dict[str, str]:
    """Sign in with a code, and return the session's headers."""
    code_page = await request_code(client, address)
    response = await client.post(code_page, data={"code": code_for(code_page), **fields})
    assert response.status_code == 303, response.text
    return {"Cookie": f"{COOKIE}={re.findall(f'{COOKIE}=([^;]+)', response.headers['Set-Cookie'])[0]}"}


def cookies_of(response) -> dict[str, str]:
    """Return the headers with which a browser would send a response's cookies back."""
    return {"Cookie": "; ".join(header.split(";")[0] for header in response.headers.get_list("Set-Cookie"))}


def cookie_named(name: str, headers: dict[str, str]) -> str:
    """Return one of the cookies in the headers."""
    (cookie,) = (cookie for cookie in headers["Cookie"].split("; ") if cookie.startswith(f"{name}="))
    return cookie


async def sign_in_together(client) -> dict[str, str]:
    """Sign in as everyone who has Ana's address. Return all cookies, including the one that lists the people."""
    code_page = await request_code(client)
    response = await client.post(code_page, data={"code": code_for(code_page)})
    assert (response.status_code, response.headers["Location"]) == (303, "/my")
    client.cookies.clear()
    return cookies_of(response)


async def csrf_token_of(client, path: str, headers: dict[str, str]) -> str:
    """Return the CSRF token in all of a page's forms."""
    (token,) = set(re.findall(r'name="csrf" value="(\w+)"', (await client.get(path, headers=headers)).text))
    return token
