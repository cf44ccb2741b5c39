"""Templates from untrusted users: text with placeholders, filters and conditions.

Jinja parses each template. It is compiled, in Jinja's sandbox, only if its syntax tree consists of the few kinds of
nodes allowed here.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ...kit.errors import Fault
from ...kit.i18n import translatable

FILTERS: Final = ("capitalize", "lower", "upper")
MAX_DEPTH: Final = 20
MAX_FAULTS: Final = 20
"""The maximum number of faults to report."""

TOO_MUCH: Final = translatable("is nested too deeply or contains a number that is too long")

STATEMENTS: Final = (nodes.Output, nodes.If)
VALUES: Final = (nodes.Name, nodes.Filter)
OUTPUTS: Final = (nodes.TemplateData, *VALUES)
CONDITIONS: Final = (nodes.Not, nodes.And, nodes.Or, nodes.Compare, *VALUES)
Allowed = tuple[type[nodes.Node], ...]

sandbox: Final = ImmutableSandboxedEnvironment(
    autoescape=False,  # the result is plain text; code that turns it into HTML escapes it
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
sandbox.globals.clear()
sandbox.tests.clear()
sandbox.filters = {name: sandbox.filters[name] for name in FILTERS}


class InvalidTemplate(Exception):
    """The template cannot be rendered."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults: Final = faults


def find_faults(source: str, pointer: str, placeholders: Collection[str]) -> list[Fault]:
    """Return the faults in a template, with line numbers. The list is empty if the template can be rendered."""
    try:
        tree = sandbox.parse(source)
    except TemplateSyntaxError as error:
        return [_explain(error, pointer)]
    except (RecursionError, ValueError):  # ValueError for a number with thousands of digits
        return [Fault(pointer, TOO_MUCH)]
    return sorted(_violations(tree, pointer, placeholders), key=lambda fault: fault.values["line"])[:MAX_FAULTS]


def fill(source: str, pointer: str, values: Mapping[str, str]) -> str:
    """Return the template with its placeholders filled in. Raise `InvalidTemplate`."""
    try:
        return _compiled(source, pointer, tuple(values)).render(values)
    except (TemplateError, RecursionError) as error:
        raise InvalidTemplate(Fault(pointer, TOO_MUCH)) from error


@lru_cache(200)
def _compiled(source: str, pointer: str, placeholders: tuple[str, ...]) -> Template:
    if invalid := find_faults(source, pointer, placeholders):
        raise InvalidTemplate(*invalid)
    return sandbox.from_string(source)


def _explain(error: TemplateSyntaxError, pointer: str) -> Fault:
    message = str(error.message)
    if message.startswith("Unexpected end of template"):
        return Fault(pointer, "line {line}: “if” without “endif”", line=error.lineno)
    if message.startswith("Encountered unknown tag '"):
        return Fault(
            pointer, "line {line}: “{name}” is not allowed here", line=error.lineno, name=message.split("'")[1][:50]
        )
    return Fault(pointer, "line {line}: cannot be read; check that every “{{{{” and “{{%” is closed", line=error.lineno)


def _violations(tree: nodes.Template, pointer: str, placeholders: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each node that is not allowed where it is. Not recursive, because untrusted users decide how
    deep the tree is."""
    pending: list[tuple[nodes.Node | None, Allowed, int, int]] = [(node, STATEMENTS, 0, 1) for node in tree.body]
    while pending:
        node, allowed, depth, line = pending.pop()
        line = (node and node.lineno) or line  # some nodes have no line number of their own
        if depth > MAX_DEPTH:
            yield Fault(pointer, "line {line}: is nested too deeply", line=line)
            return
        elif not isinstance(node, allowed):
            yield Fault(
                pointer, "line {line}: only placeholders, filters without arguments and “if” are allowed", line=line
            )
        elif isinstance(node, nodes.Name) and node.name not in placeholders:
            names = ", ".join(placeholders)
            yield Fault(
                pointer,
                "line {line}: “{name}” is not a known placeholder; use one of: {known}",
                line=line,
                name=node.name[:50],
                known=names,
            )
        elif isinstance(node, nodes.Filter) and not _is_allowed_filter(node):
            names = ", ".join(FILTERS)
            yield Fault(
                pointer,
                "line {line}: “{name}” is not a known filter; use one of these without arguments: {known}",
                line=line,
                name=node.name[:50],
                known=names,
            )
        elif isinstance(node, nodes.Compare) and _compared_value(node) is None:
            yield Fault(
                pointer, "line {line}: only a placeholder can be compared, with == or !=, to text in quotes", line=line
            )
        else:
            pending += [(child, kinds, depth + 1, line) for child, kinds in _children(node)]


def _children(node: nodes.Node) -> Iterator[tuple[nodes.Node | None, Allowed]]:
    """Yield a node's children, each with the kinds of nodes that are allowed in its place."""
    match node:
        case nodes.Output():
            yield from ((child, OUTPUTS) for child in node.nodes)
        case nodes.If():
            yield node.test, CONDITIONS
            yield from ((child, STATEMENTS) for child in (*node.body, *node.elif_, *node.else_))
        case nodes.Not():
            yield node.node, CONDITIONS
        case nodes.And() | nodes.Or():
            yield from ((node.left, CONDITIONS), (node.right, CONDITIONS))
        case nodes.Compare():
            yield _compared_value(node), VALUES
        case nodes.Filter():
            yield node.node, VALUES
        case _:
            pass


def _is_allowed_filter(filter: nodes.Filter) -> bool:
    return filter.name in FILTERS and not (filter.args or filter.kwargs or filter.dyn_args or filter.dyn_kwargs)


def _compared_value(node: nodes.Compare) -> nodes.Node | None:
    """Return the value that is compared with a string, or None for any other comparison."""
    sides = [node.expr, *(operand.expr for operand in node.ops)]
    texts = [side for side in sides if isinstance(side, nodes.Const) and isinstance(side.value, str)]
    if len(sides) != 2 or len(texts) != 1 or node.ops[0].op not in ("eq", "ne"):
        return None
    return sides[0] if sides[1] is texts[0] else sides[1]
