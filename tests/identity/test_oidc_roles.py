"""Which user a token from an external OpenID provider identifies, and which roles it grants."""

import pytest

from appoint.identity.oidc import model, service
from appoint.kit.actors import Membership, Role
from support.oidc import NOW, SHAH, identify, oidc_settings


async def test_a_receptionist_at_the_provider_is_a_receptionist_at_the_clinic(idp, provider):
    caller = await identify(provider, idp.token(NOW))
    assert caller
    assert (caller.memberships, caller.administrator, caller.is_staff(1), caller.is_anyone) == (
        (Membership(1, Role.RECEPTIONIST),),
        False,
        True,
        False,
    )
    assert caller.key.startswith("oidc:")
    assert len(caller.key) == len("oidc:") + 32
    assert "ann" not in caller.key


@pytest.mark.parametrize(
    ("roles", "memberships", "administrator"),
    [
        (["shah"], [Membership(1, Role.DOCTOR, SHAH)], False),
        (["lead"], [Membership(1, Role.MANAGER), Membership(2, Role.MANAGER)], False),
        (
            ["front-desk", "lead", "front-desk"],
            [Membership(1, Role.RECEPTIONIST), Membership(1, Role.MANAGER), Membership(2, Role.MANAGER)],
            False,
        ),
        (["root"], [], True),
        ("front-desk", [Membership(1, Role.RECEPTIONIST)], False),
        ("a=b", [Membership(3, Role.MANAGER)], False),
        (["front-desk "], [], False),
        ([["front-desk"], {"front-desk": 1}, None, 7, True], [], False),
        ({"front-desk": True}, [], False),
        ("front-desk root", [], False),
        (7, [], False),
        ([], [], False),
        (None, [], False),
    ],
)
async def test_roles_are_mapped_as_configured(idp, provider, roles, memberships, administrator):
    caller = await identify(provider, idp.token(NOW, roles=roles))
    assert caller
    assert (list(caller.memberships), caller.administrator) == (memberships, administrator)
    assert not caller.is_anyone


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["front-desk"]}}),
        ("https://appoint.example/roles", {"https://appoint.example/roles": ["front-desk"]}),
        ("a.b.c", {"a": {"b": {"c": "front-desk"}}}),
        ("a.b", {"a.b": "front-desk", "a": {"b": "root"}}),
    ],
)
def test_the_roles_claim_can_be_a_name_or_a_dotted_path(idp, claim, claims):
    trust = service.read_trust(oidc_settings(idp, oidc_roles_claim=claim))
    assert trust
    caller = model.actor_of({"sub": "ann", **claims}, trust)
    assert (caller.memberships, caller.administrator) == ((Membership(1, Role.RECEPTIONIST),), False)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"realm_access": None},
        {"realm_access": "front-desk"},
        {"realm_access": ["roles"]},
        {"realm_access": {"roles": None}},
    ],
)
def test_a_missing_roles_claim_does_not_grant_any_roles(idp, claims):
    trust = service.read_trust(oidc_settings(idp, oidc_roles_claim="realm_access.roles"))
    assert trust
    assert model.actor_of({"sub": "ann", **claims}, trust).memberships == ()


async def test_callers_are_identified_by_subject(idp, provider):
    first, again, other = [await identify(provider, idp.token(NOW, sub=sub)) for sub in ("ann", "ann", "ben")]
    assert first
    assert again
    assert other
    assert (first.key == again.key, first.key == other.key) == (True, False)
