"""The Kubernetes manifests: valid without a cluster, and hardened, spread and bounded as docs/scale.md says."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from appoint.settings import Settings
from support.operator_schemas import CUSTOM, CUSTOM_SPECS

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("small", "ha")
VERSIONS = ("1.32", "1.37")
"""The oldest and the newest version of Kubernetes that the manifests support."""
FILES = sorted(path for path in DEPLOY.rglob("*.yaml") if path.name != "kustomization.yaml")
GRACE_SECONDS = 5


def resources(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text) if each]


@cache
def overlay(name: str) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed, so overlays cannot be built")
    built = subprocess.run([kubectl, "kustomize", DEPLOY / "overlays" / name], check=True, capture_output=True)
    return resources(built.stdout.decode())


def base() -> list[dict[str, Any]]:
    return [each for path in FILES if path.parent.name == "base" for each in resources(path.read_text())]


def of_kind(kind: str, among: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in among if each["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for each in base():
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


PODS = dict(pods())
CONTAINERS = {name: pod["containers"][0] for name, pod in PODS.items()}
SERVER = CONTAINERS["appoint-server"]


def check_schema(resource: dict[str, Any]) -> None:
    import kubernetes_validate  # compiles dozens of grammars, which every worker would do when it collects the tests

    if resource["apiVersion"] in CUSTOM:
        jsonschema_rs.validate(CUSTOM_SPECS[resource["kind"]], resource["spec"])
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_file_is_valid(path):
    assert resources(path.read_text())
    for resource in resources(path.read_text()):
        check_schema(resource)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_is_valid(name):
    for resource in overlay(name):
        check_schema(resource)
        if resource["kind"] != "Namespace":
            assert resource["metadata"]["namespace"] == "appoint"


def test_the_base_lists_every_file():
    listed = yaml.safe_load((DEPLOY / "base" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in FILES if path.parent.name == "base"]


@pytest.mark.parametrize("name", PODS)
def test_pods_run_without_root_and_without_a_token(name):
    pod, container = PODS[name], CONTAINERS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert len(pod["containers"]) == 1


@pytest.mark.parametrize("name", PODS)
def test_pods_have_requests_a_memory_limit_and_little_room_for_temporary_files(name):
    quantities = CONTAINERS[name]["resources"]
    assert {"cpu", "memory"} == set(quantities["requests"])
    assert "memory" in quantities["limits"]
    assert {"name": "temporary", "emptyDir": {"sizeLimit": "256Mi"}} in PODS[name]["volumes"]


@pytest.mark.parametrize("name", PODS)
def test_secrets_are_read_only_files_that_only_appoint_can_read(name):
    secret = next(volume["secret"] for volume in PODS[name]["volumes"] if volume["name"] == "secrets")
    assert secret == {"secretName": "appoint-secrets", "defaultMode": 0o440}
    mount = next(mount for mount in CONTAINERS[name]["volumeMounts"] if mount["name"] == "secrets")
    assert mount == {"name": "secrets", "mountPath": "/run/secrets/appoint", "readOnly": True}
    assert CONTAINERS[name]["envFrom"] == [{"configMapRef": {"name": "appoint-settings"}}]


def test_the_image_runs_as_the_account_that_pods_name():
    dockerfile = (DEPLOY.parents[1] / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["10001"]
    assert "--uid 10001" in dockerfile
    assert {pod["securityContext"]["runAsUser"] for pod in PODS.values()} == {10001}


def test_only_the_migration_has_the_owners_url():
    owners = {name for name in PODS if "APPOINT_OWNER_DATABASE_URL" in str(CONTAINERS[name])}
    assert owners == {"appoint-migrate"}


def test_no_manifest_contains_a_secret():
    assert [path for path in FILES if "kind: Secret" in path.read_text()] == []


def test_settings_exist_and_none_chooses_development_mode():
    settings = of_kind("ConfigMap", base())["appoint-settings"]["data"]
    patches = yaml.safe_load((DEPLOY / "overlays" / "ha" / "kustomization.yaml").read_text())["patches"]
    names = {*settings, *(name for patch in patches for name in yaml.safe_load(patch["patch"]).get("data", {}))}
    known = {f"APPOINT_{name.upper()}" for name in Settings.model_fields} | {"APPOINT_SECRETS_DIR"}
    assert names <= known
    assert "APPOINT_MODE" not in names


def test_servers_report_whether_they_have_started_are_live_and_are_ready():
    assert (
        SERVER["startupProbe"]["httpGet"] == SERVER["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    )
    assert SERVER["readinessProbe"]["httpGet"] == {"path": "/readyz?exclude=worker", "port": "http"}
    assert SERVER["startupProbe"]["periodSeconds"] * SERVER["startupProbe"]["failureThreshold"] >= 60


@pytest.mark.parametrize("name", ["appoint-server", "appoint-worker"])
def test_pods_have_time_to_finish_what_they_are_doing(name):
    shutdown = int(of_kind("ConfigMap", base())["appoint-settings"]["data"]["APPOINT_SHUTDOWN_SECONDS"])
    assert PODS[name]["terminationGracePeriodSeconds"] > shutdown + GRACE_SECONDS


def test_servers_wait_before_they_stop_until_no_proxy_sends_requests():
    assert SERVER["lifecycle"]["preStop"] == {"sleep": {"seconds": GRACE_SECONDS}}


def test_the_autoscaler_alone_decides_how_many_servers_there_are():
    autoscaler = of_kind("HorizontalPodAutoscaler", base())["appoint-server"]["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 20)
    assert autoscaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert "replicas" not in of_kind("Deployment", base())["appoint-server"]["spec"]


def test_two_workers_share_the_jobs():
    assert of_kind("Deployment", base())["appoint-worker"]["spec"]["replicas"] == 2


@pytest.mark.parametrize("name", ["appoint-server", "appoint-worker"])
def test_one_pod_stays_while_nodes_are_drained_and_pods_are_spread(name):
    deployment = of_kind("Deployment", base())[name]["spec"]
    budget = of_kind("PodDisruptionBudget", base())[name]["spec"]
    assert budget == {"minAvailable": 1, "selector": deployment["selector"]}
    keys = [each["topologyKey"] for each in PODS[name]["topologySpreadConstraints"]]
    assert "kubernetes.io/hostname" in keys
    assert all(each["labelSelector"] == deployment["selector"] for each in PODS[name]["topologySpreadConstraints"])


def test_a_rollout_never_has_fewer_servers_than_before():
    strategy = of_kind("Deployment", base())["appoint-server"]["spec"]["strategy"]
    assert strategy == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_only_servers_accept_connections_and_only_from_labelled_namespaces():
    policies = of_kind("NetworkPolicy", base())
    everything, servers = policies["appoint"]["spec"], policies["appoint-server"]["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in everything
    assert [rule["ports"] for rule in servers["ingress"]] == [[{"protocol": "TCP", "port": "http"}]]
    assert all("namespaceSelector" in source for rule in servers["ingress"] for source in rule["from"])


def test_pods_cannot_reach_private_networks_beyond_their_namespace():
    egress = of_kind("NetworkPolicy", base())["appoint"]["spec"]["egress"]
    blocks = [target["ipBlock"] for rule in egress for target in rule["to"] if "ipBlock" in target]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(blocks[0]["except"])
    assert len(blocks) == 1


def test_the_namespace_enforces_the_restricted_standard():
    labels = of_kind("Namespace", base())["appoint"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_small_overlay_has_one_pod_of_each_and_no_autoscaler():
    small = overlay("small")
    assert {name: each["spec"]["replicas"] for name, each in of_kind("Deployment", small).items()} == {
        "appoint-server": 1,
        "appoint-worker": 1,
    }
    assert {each["kind"] for each in small} & {"HorizontalPodAutoscaler", "PodDisruptionBudget"} == set()


def test_the_ha_overlay_acknowledges_bookings_only_once_a_standby_has_them():
    cluster = of_kind("Cluster", overlay("ha"))["appoint-database"]["spec"]
    assert cluster["instances"] == 3
    assert cluster["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    assert cluster["enableSuperuserAccess"] is False


def test_the_ha_overlay_pools_transactions_and_tracks_prepared_statements():
    ha = overlay("ha")
    pooler = of_kind("Pooler", ha)["appoint-pooler"]["spec"]
    assert (pooler["type"], pooler["pgbouncer"]["poolMode"]) == ("rw", "transaction")
    assert int(pooler["pgbouncer"]["parameters"]["max_prepared_statements"]) > 0
    assert of_kind("ConfigMap", ha)["appoint-settings"]["data"]["APPOINT_PREPARED"] == "on"


def test_the_ha_overlay_archives_every_change_and_backs_up_every_night():
    ha = overlay("ha")
    cluster, backup = of_kind("Cluster", ha)["appoint-database"], of_kind("ScheduledBackup", ha)["appoint-nightly"]
    (plugin,) = cluster["spec"]["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"]["barmanObjectName"] in of_kind("ObjectStore", ha)
    assert backup["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
    assert backup["spec"]["pluginConfiguration"]["name"] == plugin["name"]


def test_images_have_exact_versions():
    images = [container["image"] for container in CONTAINERS.values()]
    assert set(images) == {"appoint"}
    (image,) = yaml.safe_load((DEPLOY / "base" / "kustomization.yaml").read_text())["images"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", image["newTag"])
