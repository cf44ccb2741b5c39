"""`appoint user` adds, invites, resets and lists users."""

import json

import pytest

from support.accounts import mailed_tokens, set_password
from support.staff import ANOTHER, PASSWORD, add_user, sign_in
from support.world import create_clinic


async def test_the_command_line_adds_the_first_user(db, client, run_command):
    await create_clinic(client)
    mia = ["--name", "Mia Klein", "--clinic", "1", "--password-stdin"]
    added = await run_command(
        "user", "add", "--email", "Mia@example.org", *mia, "--administrator", stdin=f"{PASSWORD}\n"
    )
    assert (added.code, added.errors) == (0, "Mia@example.org can now sign in.")
    account = (await sign_in(client)).json()["account"]
    assert (account["administrator"], account["memberships"][0]["role"]) == (True, "manager")
    assert await db.fetchval("select actor from audit_unsealed where action = 'addUser'") == "command-line"
    repeated = await run_command("user", "add", "--email", "mia@example.org", *mia, stdin=ANOTHER)
    sentence = "There is already a user with the email address mia@example.org."
    assert (repeated.code, repeated.errors) == (1, f"appoint: {sentence}")


async def test_the_set_up_link_is_printed_until_there_is_an_administrator(db, client, run_command):
    printed = await run_command("setup-link", public_url="https://appoint.example")
    base, _, path = printed.output.strip().partition(".example")
    assert (printed.code, base) == (0, "https://appoint")
    assert '<form method="post" action="/setup"' in (await client.get(path)).text
    await add_user(db, administrator=True)
    refused = await run_command("setup-link")
    sentence = "There is already an administrator. To add another: `appoint user add --administrator`."
    assert (refused.code, refused.errors) == (1, f"appoint: {sentence}")


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (
            ["--email", "mia@example.org", "--name", "Mia"],
            PASSWORD,
            "Specify the clinic with --clinic, or use --administrator.",
        ),
        (["--email", "mia", "--name", "Mia", "--administrator"], PASSWORD, "“mia” cannot be an email address."),
        (["--email", "mia@example.org", "--name", " ", "--administrator"], PASSWORD, "The name is empty."),
        (
            ["--email", "mia@example.org", "--name", "Mia", "--administrator"],
            "short",
            "The password must be 12 to 128 characters long.",
        ),
        (["--email", "mia@example.org", "--name", "Mia", "--clinic", "7"], PASSWORD, "There is no active clinic 7."),
        (
            ["--email", "mia@example.org", "--name", "Mia", "--clinic", "1", "--role", "doctor"],
            PASSWORD,
            "Specify one of the clinic's doctors with --doctor.",
        ),
    ],
)
async def test_the_command_line_rejects_an_invalid_user_with_one_sentence(  # noqa: PLR0917
    db, client, run_command, arguments, stdin, sentence
):
    await create_clinic(client)
    outcome = await run_command("user", "add", *arguments, "--password-stdin", stdin=stdin)
    assert (outcome.code, outcome.errors) == (1, f"appoint: {sentence}")
    assert await db.fetchval("select count(*) from app_user") == 0


async def test_the_command_line_sends_invitations_and_reset_links(client, mia, run_command, office):
    nora = ["--email", "new@example.org", "--name", "Nora", "--clinic", "1", "--role", "receptionist"]
    assert (await run_command("user", "invite", *nora)).errors == "The worker will email new@example.org an invitation."
    assert len(await mailed_tokens(office)) == 1
    assert (await run_command("user", "reset", "mia@example.org")).code == 0
    assert len(await mailed_tokens(office)) == 1
    link = (await run_command("user", "reset", "MIA@example.org", "--print")).output
    assert await mailed_tokens(office) == []
    assert (await set_password(client, link.rpartition("/credentials/")[2])).status_code == 200
    unknown = await run_command("user", "reset", "unknown@example.org")
    sentence = "There is no user with the email address unknown@example.org."
    assert (unknown.code, unknown.errors) == (1, f"appoint: {sentence}")


async def test_the_command_line_removes_a_lost_authenticator(db, client, mia, run_command):
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", b"sealed")
    assert (await run_command("user", "reset", "mia@example.org", "--without-totp")).code == 0
    assert (await sign_in(client)).status_code == 201


async def test_the_command_line_lists_users_with_their_memberships(mia, run_command):
    (row,) = json.loads((await run_command("user", "list", "--json")).output)
    assert row == {
        "email": "mia@example.org",
        "name": "Mia Klein",
        "administrator": False,
        "has_password": True,
        "totp": False,
        "disabled": False,
        "memberships": ["1 manager"],
    }
    assert "1 manager" in (await run_command("user", "list", "--clinic", "1")).output
    assert (await run_command("user", "list", "--clinic", "2")).errors == "There are no users."
