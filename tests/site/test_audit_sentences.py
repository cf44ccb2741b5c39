"""Every kind of audit entry reads as a sentence, in every language."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from uuid import UUID

import pytest
from litestar.routes import HTTPRoute

from appoint.audit.model import AuditActor, AuditEntry
from appoint.audit.refusals import OMISSION_ACTION, REFUSED_ACTIONS
from appoint.booking.model import Appointment
from appoint.kit import clock
from appoint.kit.i18n import LANGUAGES, translate
from appoint.oversight.audit_trail.service import Subjects
from appoint.scheduling.absences.model import Absence
from appoint.site.staff import audit_actions, audit_areas
from appoint.site.staff.audit_areas import list_areas
from appoint.site.staff.audit_sentences import ACTORS, Reader, sentence
from support.described import APP
from support.source import modules

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source

UNRECORDED = {"beginPasskey", "beginPasskeyProof"}
"""Requests that are not views but never add an entry."""
METHODS = {
    str(handler.operation_id): handler.http_methods
    for route in APP.routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    if handler.operation_id
}
VIEWS = {name for name, methods in METHODS.items() if "GET" in methods} - set(audit_actions.SENTENCES)
MANAGER = UUID("01978a5c-7d3e-7a63-84f7-074d226b3d5d")


def _constants(call: ast.Call, *, positional: bool):
    keywords = [keyword.value for keyword in call.keywords if keyword.arg == "operation"]
    for node in [*keywords, *(call.args if positional else ())]:
        match node:
            case ast.Constant(value=str(text)) if re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", text):
                yield text
            case _:
                pass


def named_actions() -> set[str]:
    """Return the actions that jobs and commands choose themselves, as found in the source."""
    return {
        text
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for text in _constants(node, positional=path.parts[0] == "cli")
    }


@cache
def all_actions() -> list[str]:
    return sorted(({*METHODS} - UNRECORDED) | named_actions() | {*REFUSED_ACTIONS, OMISSION_ACTION, "expireHold"})


@cache
def operation_areas() -> Mapping[str, str]:
    return list_areas(APP)


def entry(action: str, *, reason: str | None = None, kind: str = "user", id: str | None = str(MANAGER)) -> AuditEntry:
    return AuditEntry(
        id=MANAGER,
        at=clock.now(),
        actor=AuditActor(kind, id),
        action=action,
        subjects=[str(MANAGER)],
        address=None,
        request_id=None,
        reason=reason,
        position=None,
        hash=None,
    )


def read(shown: AuditEntry, language: str = "en") -> str:
    appointments: dict[str, Appointment] = {}
    absences: dict[str, Absence] = {}
    names = {("user", str(MANAGER)): "Mona Varga"}
    reader = Reader(language, "Europe/Berlin", names, operation_areas())
    return sentence(shown, subjects=Subjects(appointments, {}, {}, absences), reader=reader)


def test_the_actions_of_jobs_and_commands_are_found():
    assert {"forgetPatients", "exportAuditHeads", "signAuditAnew", "addUser", "disableAccount"} <= named_actions()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_has_a_sentence(language):
    missing = [action for action in all_actions() if not read(entry(action), language)]
    names = [action for action in all_actions() if action != action.lower()]
    raw = [action for action in names if action in read(entry(action, reason=action), language)]
    assert (missing, raw) == ([], [])


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_is_translated(language):
    texts = {
        *audit_actions.SENTENCES.values(),
        *(area for _, area in audit_areas.AREAS),
        *(text for kind, text in ACTORS.items() if kind != "system"),
    }
    same = [text for text in texts if translate(language, text, who="", what="", area="") == text]
    assert [text for text in same if text not in ("webhooks", "messages")] == []


def test_every_operation_belongs_to_an_area():
    assert sorted(METHODS.keys() - operation_areas().keys()) == []


def test_sentences_and_areas_name_only_what_exists():
    assert sorted(audit_actions.SENTENCES.keys() - set(all_actions())) == []
    areas = set(operation_areas().values())
    assert [area for _, area in audit_areas.AREAS if area not in areas] == []


def test_views_and_refused_access_name_the_area():
    assert read(entry("listPatients")) == "Mona Varga viewed patients’ records: Mona Varga"
    refused = entry("accessRefused", reason="showOwnAppointments")
    assert read(refused) == "Mona Varga was refused access to patients’ own pages"
    assert read(entry("previewMessageTemplate")) == "Mona Varga previewed a message template"


def test_actors_without_a_name_are_described():
    failed = entry("signInFailed", reason="wrong-credentials", kind="open", id=None)
    assert read(failed) == "Failed sign-in: Mona Varga (wrong password or code)"
    assert read(entry("signOut", kind="administrator", id=None)) == "A platform administrator signed out"
