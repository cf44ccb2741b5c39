"""Parameter types that several commands share."""

from typing import Annotated

from cyclopts import Parameter, validators

from ..kit.ids import MAX_CLINIC_ID

ClinicNumber = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=MAX_CLINIC_ID))]
MaxRows = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=100_000))]
AsJson = Annotated[bool, Parameter(name="--json")]
