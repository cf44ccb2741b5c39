"""Settings for times when many people want to book."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from .setting_types import RATE


class LoadSettings(BaseSettings):
    gather_bookings: bool = Field(
        default=True,
        description="whether bookings that arrive while others are being written are written together; turn off only "
        "to compare",
    )
    queue: Literal["automatic", "manual", "never"] = Field(
        default="automatic",
        description="when visitors to booking pages wait in a queue: automatic (if the servers cannot keep up, a "
        "clinic's staff open one, or an announced opening is near), manual (only in the last two cases), or never",
    )
    queue_admissions: float = Field(
        default=100,
        gt=0,
        le=10_000,
        description="the most visitors per second that each process lets in from queues; it lets fewer in if it "
        "cannot keep up",
    )
    tickets_rate: str = Field(
        default="600/hour", pattern=RATE, description="tickets for queues, per address; only new visitors need one"
    )
