"""Rules for statements that Citus can plan, beyond those that all statements follow: each stays within one clinic (see
`test_clinic_isolation.py`), with listed exceptions."""

import re

import pytest

from support.source import statements
from system.test_clinic_isolation import ACROSS_CLINICS

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source

LOCKS = re.compile(r"\bfor (?:update|no key update|share|key share)\b")
REPLACEMENT = re.compile(r"\bdo update\s+set(.*?)(?=\breturning\b|\bwhere\b|^\)|\Z)", re.DOTALL | re.MULTILINE)
CALL = re.compile(r"\b(?!values\b|coalesce\b|greatest\b|least\b|nullif\b|and\b|or\b|in\b|any\b)[a-z_]+\(")
LOCK_ACROSS_CLINICS = {
    "booking.expire_holds",
    "booking.lock_appointments",
    "events.take_batch",
    "notifications.lease_due",
    "privacy.lock_unconfirmed",
    "recordings.lease_due",
    "rooms.lease_due",
    "webhooks.claim",
}
"""Work that workers take for all clinics at once. Citus locks rows only of a clinic that the statement names."""
RECURSIVE = {
    "audit.chains": "follows the chain of each clinic's entries",
    "audit.waiting": "the same, for entries that have not been sealed",
    "booking.insert_appointments": "assigns doctors one appointment after another",
    "distribution.dependents": "reads definitions, not clinics' rows",
}
"""Statements with a recursive part, which Citus plans only if it does not read clinics' tables."""


def test_replacements_call_no_functions():
    """In `do update`, Citus accepts only immutable functions. `excluded` has the values that defaults would set."""
    calls = {
        name: found
        for name, text in statements()
        for part in REPLACEMENT.findall(text.lower())
        if (found := CALL.findall(part))
    }
    assert calls == {}


def test_statements_that_lock_rows_name_a_clinic_unless_listed():
    across = {name for name, _ in ACROSS_CLINICS}
    locking = {name for name, text in statements() if LOCKS.search(text.lower()) and name in across}
    assert locking == LOCK_ACROSS_CLINICS


def test_no_other_statement_is_recursive():
    assert {name for name, text in statements() if "with recursive" in text.lower()} == set(RECURSIVE)
