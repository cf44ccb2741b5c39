"""The steps of a clinic's set-up."""

from typing import Final, Literal, NamedTuple

Step = Literal["contact", "types", "doctors", "page", "team", "site"]
Tick = Literal["page", "team", "site", "hidden"]
STEPS: Final[tuple[Step, ...]] = ("contact", "types", "doctors", "page", "team", "site")
"""All steps, in the order in which the list shows them."""
REQUIRED: Final[tuple[Step, ...]] = ("contact", "types", "doctors")
"""The steps that lead to the first time that patients can book."""
TICKS: Final[frozenset[str]] = frozenset({"page", "team", "site", "hidden"})
"""What a manager can tick off: steps that leave no trace in the clinic's data, and `hidden` for the whole list."""


class Progress(NamedTuple):
    """How far a clinic's set-up has come."""

    done: frozenset[str]
    """The steps that are done."""
    hidden: bool
    """Whether a manager has put the list away."""

    @property
    def is_open(self) -> bool:
        """Whether the list is still needed: some steps are left, and no one has put it away."""
        return not self.hidden and not self.done.issuperset(STEPS)

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in STEPS if step not in self.done), None)

    def step_after(self, step: Step) -> Step | None:
        """Return the first required step after this one that is not done."""
        later = REQUIRED[REQUIRED.index(step) + 1 :] if step in REQUIRED else ()
        return next((each for each in later if each not in self.done), None)
