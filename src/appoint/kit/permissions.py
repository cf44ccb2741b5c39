"""The permissions table. Guards read it, `appoint access` documents it, and a test checks every operation in every
role."""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from .actors import Actor, Membership, Role


class Relation(IntEnum):
    """The scope of a permission."""

    OWN = 1
    """The caller's own data: a patient's appointments, a doctor's days and patients."""
    CLINIC = 2
    """All data at the caller's clinic."""
    ANY = 3
    """All data."""


class Permission(NamedTuple):
    meaning: str
    reach: Mapping[Role, Relation]


def _reach(
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
    relations = {
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
    return {role: relation for role, relation in relations.items() if relation}


OWN, CLINIC, ANY = Relation
PERMISSIONS: Final[Mapping[str, Permission]] = {
    "public": Permission("Read what a clinic publishes.", _reach(anyone=True)),
    "register": Permission("Register as a customer.", _reach(anyone=True, partner=CLINIC)),
    "book": Permission("Book an appointment.", _reach(anyone=True, partner=CLINIC)),
    "sign-in": Permission("Sign in, or request a link or a code to do so.", _reach(anyone=True)),
    "account": Permission(
        "See one's own account and sessions, and sign out.", _reach(patient=OWN, user=OWN, manager=None)
    ),
    "credentials": Permission(
        "Change one's own name, password, passkeys and authenticator.",
        _reach(user=OWN, manager=None, administrator=None),
    ),
    "see-appointments": Permission(
        "See appointments.", _reach(holder=OWN, patient=OWN, doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "list-appointments": Permission(
        "List a clinic's appointments and bookings.", _reach(doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "move-appointments": Permission(
        "Confirm, move and cancel appointments.",
        _reach(holder=OWN, patient=OWN, doctor=OWN, receptionist=CLINIC, partner=CLINIC),
    ),
    "run-appointments": Permission(
        "Record the progress of appointments during the day, and take notes about them.",
        _reach(doctor=OWN, receptionist=CLINIC),
    ),
    "attend-visits": Permission(
        "See when and where people join a video visit, and invite guests.",
        _reach(holder=OWN, patient=OWN, doctor=OWN, receptionist=CLINIC),
    ),
    "override": Permission(
        "Override a rule when booking, moving or cancelling, and give a reason.",
        _reach(doctor=OWN, receptionist=CLINIC),
    ),
    "review-bookings": Permission(
        "See what strangers booked and from which network, and cancel it in bulk.", _reach(receptionist=CLINIC)
    ),
    "see-patients": Permission(
        "See patients and the clinic's notes about them.", _reach(doctor=OWN, receptionist=CLINIC, partner=CLINIC)
    ),
    "note-patients": Permission(
        "Correct a patient's details, and take notes about them.", _reach(doctor=OWN, receptionist=CLINIC)
    ),
    "manage-patients": Permission(
        "Register patients, and join or separate a person's records.", _reach(receptionist=CLINIC)
    ),
    "emergency-access": Permission(
        "Open a colleague’s patient in an emergency, and give a reason.",
        _reach(doctor=CLINIC, manager=None, administrator=None),
    ),
    "find-customers": Permission(
        "Find a customer of another clinic by their exact email address or phone number.",
        _reach(receptionist=CLINIC, partner=CLINIC),
    ),
    "see-customers": Permission(
        "See a customer's data, and their appointments at all clinics.", _reach(patient=OWN, manager=None)
    ),
    "change-customers": Permission("Change, export and erase a customer.", _reach(patient=OWN, manager=None)),
    "search-customers": Permission("Search all the platform's customers.", _reach(manager=None)),
    "run-queue": Permission(
        "See, open and end the queue in front of a clinic's booking pages.", _reach(receptionist=CLINIC)
    ),
    "see-absences": Permission("See absences.", _reach(doctor=CLINIC, receptionist=CLINIC, partner=CLINIC)),
    "schedule": Permission(
        "Publish when doctors work: schedules, slots and absences.", _reach(doctor=OWN, receptionist=CLINIC)
    ),
    "see-messages": Permission(
        "See sent messages and message templates, and send messages again.", _reach(receptionist=CLINIC)
    ),
    "bill": Permission("Bill patients, record payments, and see both.", _reach(receptionist=CLINIC)),
    "see-invoices": Permission("See issued invoices as documents.", _reach(patient=OWN, receptionist=CLINIC)),
    "refund": Permission("Refund and cancel payments, correct invoices, and read the ledger.", _reach()),
    "manage": Permission("Set up a clinic: its doctors, appointment types, hours, messages and webhooks.", _reach()),
    "manage-access": Permission("Manage a clinic's users and API keys, and read its audit log.", _reach()),
    "administer": Permission("Add and close clinics, and check the stored data.", _reach(manager=None)),
}
"""Permissions by name. A role without a relation does not have the permission."""
SCOPES: Final = frozenset(name for name, permission in PERMISSIONS.items() if Role.PARTNER in permission.reach)
"""Permissions that can be granted to an API key."""
PUBLIC_PERMISSIONS: Final = frozenset(
    name for name, permission in PERMISSIONS.items() if Role.ANYONE in permission.reach
)
"""Permissions that every caller has, signed in or not."""


class Grant(NamedTuple):
    """A caller's permission and its scope."""

    relation: Relation
    membership: Membership | None = None
    """The membership that grants the permission, if one does."""

    @property
    def doctor_id(self) -> UUID | None:
        """The only doctor whose data the grant covers; None if it is not limited to one doctor."""
        return self.membership.doctor_id if self.membership and self.relation is Relation.OWN else None


def grants(caller: Actor, permission: str, clinic_id: int | None) -> Iterator[Grant]:
    """Yield the caller's grants of the permission at the clinic, or at any clinic if `clinic_id` is None."""
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


def widest_grant(caller: Actor, permission: str, clinic_id: int | None) -> Grant | None:
    """Return the caller's widest grant of the permission at the clinic, or None if there is none."""
    return max(grants(caller, permission, clinic_id), key=lambda grant: grant.relation, default=None)


def document(operations: Iterable[tuple[str, str, str, str]]) -> str:
    """Return docs/access.md: the table as Markdown. Operations are tuples of id, method, path and permission."""
    by_permission: dict[str, list[str]] = {name: [] for name in PERMISSIONS}
    for id, method, path, permission in operations:
        by_permission[permission].append(f"- `{method.upper()} {path}` ({id})")
    lines = [
        "# Who may do what",
        "",
        "Generated by `appoint access` from `appoint/kit/permissions.py`, which the guards read. A test calls every",
        "operation in every role.",
        "",
        "*own*: the caller's own data (a patient's appointments, a doctor's days and patients, a manage link's",
        "appointment); *clinic*: all data at the clinic where the caller has the role; *any*: all data. Other",
        "clinics' data is not found (404); an operation outside the caller's roles is refused (403). An API key has",
        "the permissions of its scopes, which are limited to the *partner* column. It needs a scope even to register",
        "customers and to book, which everyone else can do.",
        "",
        f"| permission | {' | '.join(Role)} |",
        f"| --- |{' --- |' * len(Role)}",
        *(
            f"| [{name}](#{name}) | {' | '.join(_cell(permission, role) for role in Role)} |"
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


def _cell(permission: Permission, role: Role) -> str:
    if Role.ANYONE in permission.reach:
        return "scope" if role is Role.PARTNER and role in permission.reach else "any"
    return permission.reach[role].name.lower() if role in permission.reach else ""
