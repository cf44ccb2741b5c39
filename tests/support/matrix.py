"""One test for many cheap cases."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest

FAILURES = (Exception, pytest.fail.Exception)


def for_each(
    names: str, cases: Sequence[Any] | Callable[[], Sequence[Any]]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call the test once for each case, like `pytest.mark.parametrize`, but as one test that reports every failure.
    Cases that are expensive can be a function, which is called when the test runs."""
    arguments = [name.strip() for name in names.split(",")]

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def all_cases(**fixtures: Any) -> None:
            all_values = cases() if callable(cases) else cases
            assert all_values, "there are no cases"
            failures = []
            for case in all_values:
                values = dict(zip(arguments, case if len(arguments) > 1 else [case], strict=True))
                try:
                    test(**fixtures, **values)
                except FAILURES as failure:
                    failure.add_note(f"Case: {str(case)[:300]}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(all_values)} cases failed", failures)

        signature = inspect.signature(test)
        fixtures = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        all_cases.__signature__ = signature.replace(parameters=fixtures)
        return all_cases

    return decorate
