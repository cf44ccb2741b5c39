"""Complete msgspec's JSON schemas with members' descriptions, tidy names, and an example for everything.

A string literal below a struct's field is that member's description. Examples come from the fields' types; where those
do not make sense together, the struct has its own `EXAMPLE`.
"""

import ast
import hashlib
import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from itertools import pairwise, takewhile
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from msgspec import inspect as shape

from ..kit.ids import MAX_CLINIC_ID

Schema = dict[str, Any]
PDF_CONTENT: Final = {"schema": {"type": "string", "contentMediaType": "application/pdf"}, "example": "%PDF-1.7"}
PREFIX: Final = "#/components/schemas/"
PATH: Final[dict[type, Schema]] = {
    int: {"type": "integer", "minimum": 1, "maximum": MAX_CLINIC_ID, "examples": [1]},
    UUID: {"type": "string", "format": "uuid"},
    date: {"type": "string", "format": "date"},
}
BY_NAME: Final[dict[tuple[Any, ...], Any]] = {
    ("endTime", "string", "date-time"): "2027-03-01T09:00:00Z",
    ("to", "string", "date"): "2027-03-07",
    ("status", None, None): "booked",
    ("needsRebooking", "boolean", None): False,
    ("clinicName", "string", None): "Lakeside Clinic",
    ("doctorName", "string", None): "Dr. Amara Shah",
    ("description", "string", None): "With a first examination",
    ("validUntil", "string", "date"): "2027-12-31",
    ("address", "string", None): "Seestraße 12, 13353 Berlin",
    ("specialty", "string", None): "Dermatology",
    ("notes", "string", None): "Allergic to penicillin",
    ("reason", "string", None): "Holiday",
    ("birthDate", "string", "date"): "1988-05-17",
    ("amount", "integer", None): 4500,
    ("kind", "string", None): "confirmation",
    ("channel", "string", None): "email",
    ("locale", "string", None): "en",
}
"""These take precedence over the examples from the fields' types."""
BY_FORMAT: Final = {"date-time": "2027-02-01T10:15:00Z", "date": "2027-03-01"}
BY_TYPE: Final[Schema] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True}


class Schemas:
    """The components that the types need, with schemas and examples that refer to them."""

    def __init__(self, types: Iterable[Any]) -> None:
        types_by_class = {info.cls: info for top in shape.multi_type_info(types) for info in _nested_types(top)}
        refs, components = _plain_schemas(types_by_class)
        self.components: Final[dict[str, Schema]] = {}
        self.explicit: Final[dict[str, dict[str, Any]]] = {}
        self.examples: Final[dict[tuple[Any, ...], list[tuple[str, Any]]]] = defaultdict(list)
        for info, ref in zip(types_by_class.values(), refs, strict=True):
            name = ref["$ref"].removeprefix(PREFIX)
            self.components[name] = _with_descriptions(info, components[name])
            explicit = self.explicit[name] = getattr(info.cls, "EXAMPLE", {})
            for member, schema in self.components[name].get("properties", {}).items():
                option = _non_null(schema)
                example = explicit.get(member, option.get("examples", [schema.get("default")])[0])
                if example is not None and not isinstance(example, (list, dict)):
                    self.examples[_kind(member, option)].append((name, example))

    def of(self, type: Any) -> Schema:
        (schema,), _ = _plain_schemas([type])
        return schema

    def with_example(self, type: Any) -> Schema:
        """Return the schema with an example."""
        return {"schema": (schema := self.of(type)), "example": self.example(schema)}

    def query_parameters(self, query: type[msgspec.Struct]) -> Iterator[Schema]:
        (ref,), components = _plain_schemas([query])
        component = _with_descriptions(
            next(_nested_types(shape.type_info(query))), components[ref["$ref"].removeprefix(PREFIX)]
        )
        examples = getattr(query, "EXAMPLE", {})
        for name, schema in component["properties"].items():
            inner = {key: value for key, value in _non_null(schema).items() if key != "description"}
            if schema.get("default") is not None:
                inner["default"] = schema["default"]
            parameter: Schema = {
                "name": name,
                "in": "query",
                "required": name in component["required"],
                "schema": inner,
            }
            if "description" in schema:
                parameter["description"] = schema["description"]
            if name in examples:
                parameter["example"] = examples[name]
            yield parameter

    def path_parameter(self, path: str, name: str, type: type) -> Schema:
        # the handler parses days itself, to report a better error
        schema = PATH.get(date if name == "day" else type, {"type": "string"})
        before = path[: path.index(f"/{{{name}}}")].rsplit("/", 1)[-1]
        return {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schema,
            "example": self.example(schema, name, before.removesuffix("s")),
        }

    def example(self, schema: Schema, name: str = "", within: str = "") -> Any:
        """Return an example for a schema, which may belong to the member `name` of the component `within`."""
        option = _non_null(schema)
        if "$ref" in option and (name, None, None) not in BY_NAME:
            component = option["$ref"].removeprefix(PREFIX)
            return self.explicit[component] or self._construct(self.components[component], "", component)
        declared = next((value for value in self._declared(schema, option, name, within) if value is not None), None)
        return self._construct(option, name, within) if declared is None and option is schema else declared

    def _declared(self, schema: Schema, option: Schema, name: str, within: str) -> Iterator[Any]:
        """Return the most specific declared example, or null if there is none."""
        kind = _kind(name, option)
        by_name = BY_NAME.get(kind)
        yield by_name if by_name in option.get("enum", [by_name]) else None
        yield from option.get("examples", ())
        yield schema.get("default")
        yield max(self.examples.get(kind, [("", None)]), key=lambda example: _alike(example[0], within))[1]
        yield _id(name if name not in ("", "id") else f"{within}Id") if option.get("format") == "uuid" else None

    def _construct(self, schema: Schema, name: str, within: str) -> Any:
        match schema:
            case {"enum": [first, *_]}:
                return first
            case {"type": "array", "items": items}:
                return [self.example(items, name.removesuffix("s"), within)]
            case {"properties": properties, "required": required}:
                always = [member for member, inner in properties.items() if member in required or "default" in inner]
                values = {
                    member: self.example(properties[member], member, within)
                    for member in always or list(properties)[:1]
                }
                return {member: value for member, value in values.items() if value is not None or member in required}
            case {"additionalProperties": dict()}:
                key = schema.get("propertyNames", {}).get("enum", ["key"])[0]
                return {key: self.example(schema["additionalProperties"], name, within)}
            case {"format": str() as format} if format in BY_FORMAT:
                return BY_FORMAT[format]
            case _:
                return schema.get("minimum") or BY_TYPE.get(schema.get("type", ""), {})


def members(struct: Any) -> tuple[str, ...]:
    """Return the wire names of a struct's members."""
    return tuple(field.encode_name for field in msgspec.structs.fields(struct))


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def prose(docstring: str) -> str:
    """Return a docstring on one line, with member names as they appear on the wire."""
    return re.sub(r"`[a-z_]+`", lambda match: camel(match[0]), " ".join(inspect.cleandoc(docstring).split()))


def _plain_schemas(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return msgspec's schemas with tidy names: ClinicPage instead of Page_Clinic_."""
    schemas, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    plain = msgspec.json.encode([schemas, components]).decode()
    return cast(
        "tuple[list[Schema], dict[str, Schema]]", json.loads(re.sub(r'\b([A-Za-z]+)_([A-Za-z]+)_(?=")', r"\2\1", plain))
    )


def _nested_types(info: Any) -> Iterator[shape.StructType | shape.EnumType]:
    """Yield all structs and enumerations that make up a type, starting with the type itself."""
    match info:
        case shape.EnumType():
            yield info
        case shape.StructType():
            yield info
            for field in info.fields:
                yield from _nested_types(field.type)
        case shape.Metadata(type=inner) | shape.CollectionType(item_type=inner) | shape.DictType(value_type=inner):
            yield from _nested_types(inner)
        case shape.UnionType(types=types):
            for option in types:
                yield from _nested_types(option)
        case _:
            pass


def _with_descriptions(info: shape.StructType | shape.EnumType, component: Schema) -> Schema:
    """Return the component with descriptions of its members, all defaults, and the format of timestamps."""
    component.pop("title", None)
    if "description" in component:
        component["description"] = prose(component["description"])
    if isinstance(info, shape.EnumType):
        return {"type": "string", **component}
    docs = _docs(getattr(info.cls, "__origin__", info.cls))
    for field in info.fields:
        schema = component["properties"][field.encode_name]
        if field.default_factory is not msgspec.NODEFAULT:
            schema["default"] = msgspec.to_builtins(field.default_factory())
        _mark_instants(field.type, schema)
        if field.name in docs:
            schema["description"] = docs[field.name]
        elif described := [option.pop("description") for option in schema.get("anyOf", ()) if "description" in option]:
            schema["description"] = described[0]
    return component


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """Return the classes at the top level of a module. Parsing it for each class would take most of the time that the
    document takes."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {statement.name: statement for statement in tree.body if isinstance(statement, ast.ClassDef)}


@cache
def _docs(struct: type) -> Mapping[str, str]:
    """Return the string literals below a struct's fields, by field."""
    docs: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            for statement, following in pairwise(_classes(base.__module__)[base.__qualname__].body):
                match statement, following:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                        docs[name] = prose(text)
                    case _:
                        pass
    return docs


def _mark_instants(info: Any, schema: Schema) -> None:
    """Add the date-time format to all timestamps. msgspec adds it only to types that require an offset, as all of ours
    do.
    """
    match info:
        case shape.DateTimeType():
            schema["format"] = "date-time"
        case shape.Metadata(type=inner):
            _mark_instants(inner, schema)
        case shape.ListType(item_type=inner):
            _mark_instants(inner, schema["items"])
        case shape.UnionType(types=types) if any(isinstance(option, shape.DateTimeType) for option in types):
            _mark_instants(shape.DateTimeType(), schema["anyOf"][0])
        case _:
            pass


def _non_null(schema: Schema) -> Schema:
    """Return the non-null alternative of a nullable schema."""
    return next((option for option in schema.get("anyOf", ()) if option.get("type") != "null"), schema)


def _alike(one: str, other: str) -> int:
    """Return the length of the two names' common prefix."""
    return len(list(takewhile(lambda letters: letters[0] == letters[1], zip(one, other, strict=False))))


def _kind(name: str, schema: Schema) -> tuple[Any, ...]:
    format = schema.get("format")
    return name, schema.get("type"), format if format in ("uuid", *BY_FORMAT) else None


def _id(name: str) -> str:
    """Return an example id, always the same for the same name. It belongs to the demo clinic, except for customers, who
    do not belong to a clinic.
    """
    digest = hashlib.blake2b(name.lower().encode(), digest_size=8).hexdigest()
    head = "01978a5c-7d3e-7" if name.lower() == "customerid" else "00000001-0197-8"
    return f"{head}{digest[:3]}-8{digest[3:6]}-0{digest[5:16]}"
