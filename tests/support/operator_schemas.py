"""Schemas for the kinds of the operators that docs/scale.md names: only what our manifests use of them."""

from typing import Any

CUSTOM = {"postgresql.cnpg.io/v1", "barmancloud.cnpg.io/v1", "monitoring.coreos.com/v1"}
"""API groups of operators, which Kubernetes' own schemas do not contain."""
NAME = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def spec(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


CUSTOM_SPECS: dict[str, dict[str, Any]] = {
    "Cluster": spec(
        ["instances", "imageName", "storage"],
        instances={"type": "integer", "minimum": 1},
        imageName={"type": "string", "pattern": r"^ghcr\.io/cloudnative-pg/postgresql:18\.\d+"},
        postgresql=spec(
            [],
            synchronous=spec(
                ["method", "number"],
                method={"enum": ["any", "first"]},
                number={"type": "integer", "minimum": 1},
                dataDurability={"enum": ["required", "preferred"]},
            ),
            parameters={"type": "object", "additionalProperties": {"type": "string"}},
        ),
        bootstrap=spec([], initdb={"type": "object", "required": ["database", "owner"]}),
        managed=spec([], roles={"type": "array", "items": NAME}),
        enableSuperuserAccess={"type": "boolean"},
        storage=spec(["size"], size={"type": "string"}),
        walStorage=spec(["size"], size={"type": "string"}),
        resources={"type": "object", "required": ["requests", "limits"]},
        affinity={"type": "object"},
        plugins={"type": "array", "items": NAME},
    ),
    "Pooler": spec(
        ["cluster", "type", "pgbouncer"],
        cluster=NAME,
        instances={"type": "integer", "minimum": 1},
        type={"enum": ["rw", "ro"]},
        pgbouncer=spec(
            ["poolMode"],
            poolMode={"enum": ["session", "transaction"]},
            parameters={"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ),
    "ScheduledBackup": spec(
        ["schedule", "cluster"],
        schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},  # with seconds
        immediate={"type": "boolean"},
        backupOwnerReference={"enum": ["none", "self", "cluster"]},
        cluster=NAME,
        method={"enum": ["barmanObjectStore", "volumeSnapshot", "plugin"]},
        pluginConfiguration=NAME,
    ),
    "ObjectStore": spec(
        ["configuration"],
        retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
        configuration={"type": "object", "required": ["destinationPath"]},
    ),
    "ServiceMonitor": spec(["selector", "endpoints"], selector={"type": "object"}, endpoints={"type": "array"}),
}
"""The parts of the operators' kinds that we use."""
