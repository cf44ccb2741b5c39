"""Run many cases, which are cheap or share a setup, as one test."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

FAILURES = (Exception, pytest.fail.Exception)


def for_each(
    names: str, cases: Sequence[Any] | Callable[[], Sequence[Any]]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call the test once for each case, like `pytest.mark.parametrize`, but as one test that reports every failure. All
    cases share the same fixtures. Expensive cases can be passed as a function, which is called when the test runs.
    """
    arguments = [name.strip() for name in names.split(",")]

    def values_of(case: Any) -> dict[str, Any]:
        return dict(zip(arguments, case if len(arguments) > 1 else [case], strict=True))

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(test):

            @functools.wraps(test)
            async def all_cases(**fixtures: Any) -> None:
                with _attempts(cases) as attempts:
                    for case, attempt in attempts:
                        with attempt:
                            await test(**fixtures, **values_of(case))

        else:

            @functools.wraps(test)
            def all_cases(**fixtures: Any) -> None:
                with _attempts(cases) as attempts:
                    for case, attempt in attempts:
                        with attempt:
                            test(**fixtures, **values_of(case))

        signature = inspect.signature(test)
        fixtures = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        all_cases.__signature__ = signature.replace(parameters=fixtures)
        return all_cases

    return decorate


@contextmanager
def _attempts(
    cases: Sequence[Any] | Callable[[], Sequence[Any]],
) -> Iterator[list[tuple[Any, AbstractContextManager[None]]]]:
    """Yield each case with a context that collects its failure. Raise all failures at the end."""
    all_cases = cases() if callable(cases) else cases
    assert all_cases, "there are no cases"
    failures: list[BaseException] = []

    @contextmanager
    def attempt(case: Any) -> Iterator[None]:
        try:
            yield
        except FAILURES as failure:
            failure.add_note(f"Case: {str(case)[:300]}")
            failures.append(failure)

    yield [(case, attempt(case)) for case in all_cases]
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(all_cases)} cases failed", failures)
