"""The security page names a test for every threat, and all of these tests exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/security.md").read_text()
THREATS = re.findall(r"^\| (.+) \| .+ \| (.+) \|$", PAGE.partition("\n## What strangers can take")[0], re.MULTILINE)[2:]
FILES = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}


def is_a_test(name: str) -> bool:
    """Return whether a file of tests has this name or path, such as `test_x.py` or `cli/test_x.py`."""
    return any(f"/tests/{file}".endswith(f"/{name}") for file in FILES)


def test_every_threat_has_a_test():
    assert len(THREATS) > 90
    assert [threat for threat, tests in THREATS if not re.search(r"`[\w/]*test_\w+\.py`", tests)] == []


def test_all_named_tests_exist():
    assert [name for name in re.findall(r"[\w/]*\btest_\w+\.py", PAGE) if not is_a_test(name)] == []
