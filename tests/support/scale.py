"""The size of large tests: reduced by default, full in `make soak`."""

import os
from typing import TypeVar

import hypothesis

SOAK = os.environ.get("APPOINT_TESTS_SOAK") == "1"
T = TypeVar("T")


def scaled(full: T, reduced: T) -> T:
    """Return the size for this run. The reduced size shows the behaviour; the full size finds rare failures."""
    return full if SOAK else reduced


def load_hypothesis_profile() -> None:
    """Set the default number of examples for property tests."""
    hypothesis.settings.register_profile("scaled", max_examples=scaled(200, 40), deadline=None)
    hypothesis.settings.load_profile("scaled")
