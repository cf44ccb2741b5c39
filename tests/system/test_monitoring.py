"""The alert rules and the dashboard name only metrics that exist, and say what to do."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from appoint.kit import metrics  # noqa: F401  registers them
from support.described import OPERATIONS

ROOT = Path(__file__).parents[2]
RULES_FILE = ROOT / "deploy" / "prometheus" / "appoint.rules.yaml"
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES_FILE.read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "appoint.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
METRIC = re.compile(r"\bappoint[_:][a-z0-9_:]+")


def names() -> set[str]:
    """Return the metrics, as Prometheus names them."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {metric.name + suffix for metric in REGISTRY.collect() for suffix in suffixes.get(metric.type, ("",))}


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_expressions_name_only_metrics_that_exist():
    assert {name for text in EXPRESSIONS for name in METRIC.findall(text)} <= names() | RECORDED


def test_expressions_name_only_operations_that_exist():
    known = {operation.handler.operation_id for operation in OPERATIONS} | {"bookByForm"}
    quoted = {
        name for text in EXPRESSIONS for each in re.findall(r'operation=~"([^"]+)"', text) for name in each.split("|")
    }
    assert quoted
    assert quoted <= known


def test_every_metric_is_on_the_dashboard_or_in_an_alert():
    used = {name for text in EXPRESSIONS for name in METRIC.findall(text)}
    stems = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    exposed = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names() if name.startswith("appoint_")}
    assert exposed - stems == {"appoint_audit_unsealed", "appoint_pool_wait_seconds"}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_is_wrong_and_where_to_read_on(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / "docs" / file).read_text()
    assert not anchor or anchor in anchors(text)


def test_the_documentation_lists_every_alert():
    text = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in ALERTS if f"`{name}`" not in text] == []


def test_prometheus_accepts_the_rules():
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("CI") != "true", "CI must have promtool"
        pytest.skip("promtool is not installed, so Prometheus has not read the rules")
    subprocess.run([promtool, "check", "rules", RULES_FILE], check=True, capture_output=True)
