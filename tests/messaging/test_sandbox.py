"""Custom templates can use placeholders, conditions and a few filters. Anything else is reported by line number."""

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from appoint.kit.i18n import translate
from appoint.messaging.templates.sandbox import InvalidTemplate, fill, find_faults
from support.scale import scaled

VALUES = {"customer": "Ana", "doctor": "Dr. Shah", "type": "", "mode": "online"}


def faults_of(source):
    """Return a template's faults in English."""
    return [translate("en", fault.text, **fault.values) for fault in find_faults(source, "#/text", tuple(VALUES))]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ customer }}!", "Hello Ana!"),
        ("{{customer|upper}} {{ customer | lower }} {{ customer|upper|lower|capitalize }}", "ANA ana Ana"),
        ("{% if type %}for {{ type }}{% else %}for a visit{% endif %}", "for a visit"),
        ("{% if mode == 'online' %}by video{% elif type %}{{ type }}{% endif %}", "by video"),
        ("{% if mode != 'online' and type %}a{% elif not type or doctor %}b{% endif %}", "b"),
        ("{% if 'online' == mode|lower %}a{% endif %}", "a"),
        ("a\n{% if customer %}\nb\n{% endif %}\nc", "a\nb\nc"),
        ("{# for ourselves #}a {%- if customer %} b {%- endif %}", "a b"),
        ("{% raw %}{{ customer }}{% endraw %}", "{{ customer }}"),
        ("} }} %} #} { customer }", "} }} %} #} { customer }"),
        ("{{ customer }}, <b>100 %</b> & more", "Ana, <b>100 %</b> & more"),
    ],
)
def test_placeholders_filters_and_conditions_can_be_used(source, text):
    assert (faults_of(source), fill(source, "#/text", VALUES)) == ([], text)


def test_a_value_is_never_read_as_a_template():
    assert fill("{{ customer }}", "#/text", {"customer": "{{ doctor }}{% if"}) == "{{ doctor }}{% if"


ONLY = "only placeholders, filters without arguments and “if” are allowed"
KNOWN = "use one of: customer, doctor, type, mode"
FILTERS = "use one of these without arguments: capitalize, lower, upper"
COMPARED = "only a placeholder can be compared, with == or !=, to text in quotes"
UNREADABLE = "cannot be read; check that every “{{” and “{%” is closed"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("a\nb {{ name }}", f"line 2: “name” is not a known placeholder; {KNOWN}"),
        ("{{ customer|nope }}", f"line 1: “nope” is not a known filter; {FILTERS}"),
        ("{{ customer|default('x') }}", f"line 1: “default” is not a known filter; {FILTERS}"),
        ("{{ customer|upper('x') }}", f"line 1: “upper” is not a known filter; {FILTERS}"),
        ("a\n\n{{ customer }", f"line 3: {UNREADABLE}"),
        ("{{ }}", f"line 1: {UNREADABLE}"),
        ("{{ customer doctor }}", f"line 1: {UNREADABLE}"),
        ("{% if type %}\n{{ type }}", "line 2: “if” without “endif”"),
        ("a\n{% endif %}", "line 2: “endif” is not allowed here"),
        ("{% if type %}\n{% else %}\n{% else %}\n{% endif %}", "line 3: “else” is not allowed here"),
        ("{% unless type %}", "line 1: “unless” is not allowed here"),
        ("{% if type == 3 %}{% endif %}", f"line 1: {COMPARED}"),
        ("{% if type == mode %}{% endif %}", f"line 1: {COMPARED}"),
        ("{% if type < 'b' %}{% endif %}", f"line 1: {COMPARED}"),
        ("{% if 'a' == 'b' %}{% endif %}", f"line 1: {COMPARED}"),
        ("{% if type == 'a' == 'b' %}{% endif %}", f"line 1: {COMPARED}"),
        ("{% if 'a' in type %}{% endif %}", f"line 1: {COMPARED}"),
    ],
)
def test_a_fault_is_reported_with_its_line_number(source, fault):
    assert faults_of(source) == [fault]


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ customer.__class__.__mro__[1].__subclasses__() }}",
        "{{ customer['__class__'] }}",
        "{{ customer.format }}",
        "{{ customer|upper()|attr('x') if 1 else 2 }}",
        "{{ customer() }}",
        "{{ range(10) }}",
        "{{ 'a' * 10**9 }}",
        "{{ 10**10**10 }}",
        "{{ customer ~ customer }}",
        "{{ customer + customer }}",
        "{{ 'text' }}",
        "{{ 1 }}",
        "{{ true }}",
        "{{ [customer] }}",
        "{{ {'a': customer} }}",
        "{{ customer, doctor }}",
        "{{ -customer }}",
        "{{ not customer }}",
        "{{ customer == 'Ana' }}",
        "{{ customer if type else doctor }}",
        "{{ customer is defined }}",
        "{% if customer is defined %}{% endif %}",
        "{% if customer.x %}{% endif %}",
        "{% if [] %}{% endif %}",
        "{% for letter in customer %}{% endfor %}",
        "{% for n in range(10**9) %}{% for m in range(10**9) %}x{% endfor %}{% endfor %}",
        "{% set customer = 'x' %}",
        "{% set x %}{% endset %}",
        "{% macro x() %}{% endmacro %}",
        "{% call customer() %}{% endcall %}",
        "{% filter upper %}{% endfilter %}",
        "{% block x %}{% endblock %}",
        "{% extends 'layout.html' %}",
        "{% include 'layout.html' %}",
        "{% import 'layout.html' as x %}",
        "{% from 'layout.html' import x %}",
        "{% with %}{% endwith %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% if type %}{% for x in type %}{% endfor %}{% endif %}",
    ],
)
def test_all_other_jinja_features_are_rejected(source):
    faults = faults_of(source)
    assert faults
    assert set(faults) == {f"line 1: {ONLY}"}
    with pytest.raises(InvalidTemplate):
        fill(source, "#/text", VALUES)


@pytest.mark.parametrize(
    "name", ["self", "loop", "caller", "varargs", "cycler", "namespace", "__import__", "_", "__builtins__", "request"]
)
def test_only_the_placeholders_are_available_as_names(name):
    assert faults_of("{{ " + name + " }}") == [f"line 1: “{name}” is not a known placeholder; {KNOWN}"]


DEEP = {
    "parentheses": "{{ " + "(" * 3000 + "customer" + ")" * 3000 + " }}",
    "ifs": "{% if type %}" * 600 + "{% endif %}" * 600,
    "nots": "{% if " + "not " * 2000 + "type %}{% endif %}",
    "ands": "{% if " + "type and " * 1000 + "type %}{% endif %}",
    "filters": "{{ customer" + "|upper" * 1500 + " }}",
    "attributes": "{{ customer" + ".x" * 3000 + " }}",
    "lists": "{{ " + "[" * 4000 + " }}",
    "a number": "{{ " + "9" * 9000 + " }}",
    "25 ifs": "{% if type %}" * 25 + "{% endif %}" * 25,
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_a_deeply_nested_template_is_rejected(source):
    assert len(faults_of(source)) == 1
    with pytest.raises(InvalidTemplate):
        fill(source, "#/text", VALUES)


def test_a_long_flat_template_is_filled_in():
    many = "{% if type %}a" + "{% elif type %}b" * 600 + "{% else %}{{ customer }}{% endif %}"
    assert (faults_of(many), fill(many, "#/text", VALUES)) == ([], "Ana")


def test_faults_are_listed_in_line_order_up_to_a_maximum():
    assert [
        fault.values["line"] for fault in find_faults("{{ a }}\n{% if b %}{{ c }}{% endif %}\n{{ d }}", "#/text", ())
    ] == [1, 2, 2, 3]
    assert len(find_faults("{{ a }}\n" * 1000, "#/text", ())) == 20


PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        " ",
        "\n",
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "in",
        "not",
        "and",
        "or",
        "==",
        "!=",
        "customer",
        "type",
        "mode",
        "nothing",
        "|",
        "upper",
        "lower",
        "'",
        '"',
        "online",
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        "*",
        "1",
        "{% if type %}",
        "{% endif %}",
        "{{ customer }}",
        "é",
        "\\",
    ]
)


@bounds(max_examples=scaled(500, 100), deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_a_template_either_has_faults_or_can_be_filled_in(source):
    if faults_of(source):
        with pytest.raises(InvalidTemplate):
            fill(source, "#/text", VALUES)
    else:
        assert len(fill(source, "#/text", VALUES)) <= len(source) * 8
