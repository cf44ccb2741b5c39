"""The steps of a clinic's set-up."""

from typing import Final, Literal, NamedTuple

Step = Literal["contact", "types", "doctors", "page", "team", "site"]
Tick = Literal["page", "team", "site", "hidden"]
STEPS: Final[tuple[Step, ...]] = ("contact", "types", "doctors", "page", "team", "site")
"""All steps, in the order in which the list shows them."""
REQUIRED: Final[tuple[Step, ...]] = ("contact", "types", "doctors")
"""The steps that a clinic needs before patients can book."""
TICKS: Final[frozenset[str]] = frozenset({"page", "team", "site", "hidden"})
"""What a manager can tick off: steps that leave no trace in the clinic's data, and `hidden` for the whole list."""


class Progress(NamedTuple):
    """A clinic's set-up progress."""

    done: frozenset[str]
    """The steps that are done."""
    hidden: bool
    """Whether a manager has hidden the list."""

    @property
    def is_open(self) -> bool:
        """Whether the list is still needed: some steps are left, and no manager has hidden it."""
        return not self.hidden and not self.done.issuperset(STEPS)

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in STEPS if step not in self.done), None)

    def step_after(self, step: Step) -> Step | None:
        """Return the first required step after this one that is not done."""
        later = REQUIRED[REQUIRED.index(step) + 1 :] if step in REQUIRED else ()
        return next((each for each in later if each not in self.done), None)
