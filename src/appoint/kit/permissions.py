"""Who may do what: the one table of it. Guards read it, docs/access.md shows it, and a test goes through all of it."""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from .actors import Actor, Membership, Role


class Relation(IntEnum):
    """How far a permission reaches."""

    OWN = 1
    """What is the caller's own: a patient's appointments, a doctor's days and patients."""
    CLINIC = 2
    """All of the caller's clinic."""
    ANY = 3
    """Everything."""


class Permission(NamedTuple):
    meaning: str
    reach: Mapping[Role, Relation]


def _given(
    *,
    anyone: bool = False,
    holder: Relation | None = None,
    patient: Relation | None = None,
    user: Relation | None = None,
    doctor: Relation | None = None,
    receptionist: Relation | None = None,
    manager: Relation | None = Relation.CLINIC,
    partner: Relation | None = None,
    administrator: Relation | None = Relation.ANY,
) -> Mapping[Role, Relation]:
    named = {
        Role.ANYONE: Relation.ANY if anyone else None,
        Role.HOLDER: holder,
        Role.PATIENT: patient,
        Role.USER: user,
        Role.DOCTOR: doctor,
        Role.RECEPTIONIST: receptionist,
        Role.MANAGER: manager,
        Role.PARTNER: partner,
        Role.ADMINISTRATOR: administrator,
    }
    return {role: relation for role, relation in named.items() if relation}


OWN, CLINIC, ANY = Relation
PERMISSIONS: Final[Mapping[str, Permission]] = {
    "public": Permission("Read what a clinic publishes.", _given(anyone=True)),
    "register": Permission("Register as a customer.", _given(anyone=True)),
    "book": Permission("Book an appointment.", _given(anyone=True)),
    "sign-in": Permission("Sign in, or ask for a link or a code to do so.", _given(anyone=True)),
    "account": Permission(
        "See who one is and where one is signed in, and sign out.", _given(patient=OWN, user=OWN, manager=None)
    ),
    "credentials": Permission(
        "Change one's own name, password and authenticator.", _given(user=OWN, manager=None, administrator=None)
    ),
    "see-appointments": Permission(
        "See appointments.", _given(holder=OWN, patient=OWN, doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "list-appointments": Permission(
        "List appointments and bookings of a clinic.", _given(doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "move-appointments": Permission(
        "Confirm, move and cancel appointments.",
        _given(holder=OWN, patient=OWN, doctor=OWN, receptionist=CLINIC, partner=CLINIC),
    ),
    "run-appointments": Permission(
        "Take appointments through their day, and note what matters about them.",
        _given(doctor=OWN, receptionist=CLINIC),
    ),
    "override": Permission(
        "Book, move and cancel where a rule says no, with a reason.", _given(doctor=OWN, receptionist=CLINIC)
    ),
    "see-patients": Permission(
        "See patients and what the clinic notes of them.", _given(doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "note-patients": Permission("Note something about a patient.", _given(doctor=OWN, receptionist=CLINIC)),
    "find-customers": Permission(
        "Find a customer of other clinics by the exact e-mail address or phone number.",
        _given(receptionist=CLINIC, partner=CLINIC),
    ),
    "see-customers": Permission(
        "See what is held of a customer, and their appointments everywhere.", _given(patient=OWN, manager=None)
    ),
    "change-customers": Permission("Change, export and erase a customer.", _given(patient=OWN, manager=None)),
    "search-customers": Permission("Search all customers of the platform.", _given(manager=None)),
    "see-absences": Permission("See absences.", _given(doctor=CLINIC, receptionist=CLINIC, partner=CLINIC)),
    "schedule": Permission(
        "Publish when doctors work: schedules, slots and absences.", _given(doctor=OWN, receptionist=CLINIC)
    ),
    "see-messages": Permission(
        "See what was sent, send it again, and see the words of messages.", _given(receptionist=CLINIC)
    ),
    "manage": Permission("Set up a clinic: its doctors, appointment types, hours, messages and webhooks.", _given()),
    "manage-access": Permission("Say who works at a clinic and which systems may ask, and read the audit.", _given()),
    "administer": Permission("Add and close clinics.", _given(manager=None)),
}
"""By name. A role that is not named may not."""
SCOPES: Final = frozenset(name for name, permission in PERMISSIONS.items() if Role.PARTNER in permission.reach)
"""What a partner's key can be given."""
OPEN: Final = frozenset(name for name, permission in PERMISSIONS.items() if Role.ANYONE in permission.reach)
"""What anyone may do."""


class Grant(NamedTuple):
    """A permission as a caller has it."""

    relation: Relation
    membership: Membership | None = None
    """By which they have it."""

    @property
    def doctor_id(self) -> UUID | None:
        """Whose things alone they may touch; None: it is not about one doctor."""
        return self.membership.doctor_id if self.membership and self.relation is Relation.OWN else None


def grants(caller: Actor, permission: str, clinic_id: int | None) -> Iterator[Grant]:
    """By what the caller has the permission at the clinic; without one, anywhere."""
    reach = PERMISSIONS[permission].reach
    if caller.administrator and (relation := reach.get(Role.ADMINISTRATOR)):
        yield Grant(relation)
    if caller.user_id and (relation := reach.get(Role.USER)):
        yield Grant(relation)
    if caller.customer_id and (relation := reach.get(Role.PATIENT)):
        yield Grant(relation)
    if caller.appointment_id and (relation := reach.get(Role.HOLDER)):
        yield Grant(relation)
    for membership in caller.memberships:
        if (relation := reach.get(membership.role)) and clinic_id in (None, membership.clinic_id):  # noqa: SIM102
            if membership.role is not Role.PARTNER or permission in caller.scopes:
                yield Grant(relation, membership)


def widest(caller: Actor, permission: str, clinic_id: int | None) -> Grant | None:
    """How far the caller's permission reaches at the clinic; None: they have none."""
    return max(grants(caller, permission, clinic_id), key=lambda grant: grant.relation, default=None)


def document(operations: Iterable[tuple[str, str, str, str]]) -> str:
    """docs/access.md: the table for people to read. Operations are given as id, method, path and permission."""
    by_permission: dict[str, list[str]] = {name: [] for name in PERMISSIONS}
    for id, method, path, permission in operations:
        by_permission[permission].append(f"- `{method.upper()} {path}` ({id})")
    lines = [
        "# Who may do what",
        "",
        "Written by `appoint access` from `appoint/permissions.py`, which the guards read; a test asks every operation in every role.",
        "",
        "*own*: what is the caller's own (a patient's appointments, a doctor's days and patients, the one appointment of a manage-link);",
        "*clinic*: all of the clinic where they have the role; *any*: everything. What is another clinic's is not found (404); what one's own role",
        "is not for is refused (403). A partner's key has the permissions that it was given as scopes, of those in its column.",
        "",
        f"| permission | {' | '.join(Role)} |",
        f"| --- |{' --- |' * len(Role)}",
        *(
            f"| [{name}](#{name}) | {' | '.join(_shown(permission, role) for role in Role)} |"
            for name, permission in PERMISSIONS.items()
        ),
    ]
    for name, permission in PERMISSIONS.items():
        lines += [
            "",
            f"## {name}",
            "",
            permission.meaning,
            *([""] if by_permission[name] else []),
            *by_permission[name],
        ]
    return "\n".join(lines) + "\n"


def _shown(permission: Permission, role: Role) -> str:
    if Role.ANYONE in permission.reach:
        return "any"
    return permission.reach[role].name.lower() if role in permission.reach else ""
