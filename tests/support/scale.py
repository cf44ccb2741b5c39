"""How large the large tests are: reduced by default, whole in `make soak`."""

import os
from typing import TypeVar

import hypothesis

SOAK = os.environ.get("APPOINT_TESTS_SOAK") == "1"
T = TypeVar("T")


def scaled(whole: T, reduced: T) -> T:
    """Return the size for this run. The reduced one still shows the behaviour; the whole one looks for rare failures."""
    return whole if SOAK else reduced


def load_hypothesis_profile() -> None:
    """Set how many examples a property test tries where it does not say."""
    hypothesis.settings.register_profile("scaled", max_examples=scaled(200, 40), deadline=None)
    hypothesis.settings.load_profile("scaled")
