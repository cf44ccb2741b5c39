"""Problem documents on the wire, and the catalogue's entry for each type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...kit import fields


class Problem(NamedTuple):
    """`happened` and `remedy` together form the document's `detail`. Their `{names}` are placeholders for the error's
    facts; `facts` is an example of these.
    """

    status: int
    title: str
    happened: str
    remedy: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})
    at_desk: str = ""
    """The detail for users who are signed in, if `happened` and `remedy` are meant for programs."""
    wordings: Mapping[str, tuple[str, str]] = MappingProxyType({})
    """What to say instead of `happened` and `remedy` to a certain kind of caller (`patient`, `link`, `key`,
    `stranger`), or about a certain kind of limit (the fact `limit`)."""

    def texts(self, audience: str = "", facts: Mapping[str, Any] = MappingProxyType({})) -> tuple[str, ...]:
        """Return the sentences of the detail for a kind of caller."""
        for name in (facts.get("limit"), audience):
            if texts := self.wordings.get(str(name)):
                return texts
        return (self.at_desk,) if audience == "user" and self.at_desk else (self.happened, self.remedy)


class Alternative(msgspec.Struct, frozen=True, rename="camel"):
    """A time that can be booked instead."""

    start_time: fields.Instant
    end_time: fields.Instant
    doctor_id: UUID


class FaultDocument(msgspec.Struct, frozen=True):
    """One fault in a request: where it is and what is wrong."""

    pointer: Annotated[str, msgspec.Meta(examples=["#/name"])]
    """`#/name` in the body (a JSON pointer), `?limit` in the query, or a header's name."""
    detail: Annotated[str, msgspec.Meta(examples=["is missing"])]


class ProblemDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A problem (RFC 9457). Facts about the problem are additional members."""

    type: Annotated[str, msgspec.Meta(examples=["/problems/not-found"])]
    """The problem type, which is the path of its page. It is stable, whereas the title and detail follow
    `Accept-Language`.
    """
    title: str
    status: int
    detail: str
    """What happened and what to do about it."""
    instance: str
    """The requested path."""
    request_id: str
    """Identifies the request in our logs."""
    reason: str | UnsetType = UNSET
    """For 409: the machine-readable reason (the last segment of `type`)."""
    errors: list[FaultDocument] | UnsetType = UNSET
    """For 400: everything that is wrong with the request."""
    alternatives: list[Alternative] | UnsetType = UNSET
    """If a time cannot be booked: up to five times that can be, nearest first."""
    index: int | UnsetType = UNSET
    """If several appointments were requested: the index of the refused one, from 0."""
