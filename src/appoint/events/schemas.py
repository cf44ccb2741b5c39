"""JSON Schemas for events, for use in the documentation and by consumers."""

from typing import Any

import msgspec

from .facts import CATALOGUE


def _unwrap(text: str) -> str:
    return " ".join(text.split())


def schema(type: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) for an event on the wire."""
    struct = CATALOGUE[type]
    definitions = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    (_,), components = definitions
    for component in components.values():  # docstrings are wrapped to the code's line width
        if "description" in component:
            component["description"] = _unwrap(component["description"])
    text = {"type": "string", "minLength": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": type,
        "description": _unwrap(struct.__doc__ or ""),
        "type": "object",
        "required": [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "subjectversion",
            "data",
        ],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": {"type": "string", "pattern": "^/clinics/[0-9]+$"},
            "type": {"const": type},
            "subject": text,
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "traceparent": text,
            "subjectversion": {"type": "integer", "minimum": 0},
            "data": {"$ref": f"#/$defs/{struct.__name__}"},
        },
        "$defs": components,
    }
