"""Shift the clock of a process that a test starts. Python imports this module before the program."""

import os
from datetime import UTC, datetime, timedelta

from appoint.kit import clock

SHIFT = timedelta(seconds=float(os.environ["APPOINT_TESTS_SHIFT"]))

clock.now = lambda: datetime.now(UTC) + SHIFT
