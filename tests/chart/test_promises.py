"""What the chart promises, beyond being well formed."""

import base64
import hashlib
import re
import shutil
from pathlib import Path

import pytest
import yaml
from harness.chart import CHART, ROOT
from harness.helm3 import parse
from harness.objects import of_kind, pod_templates

NODE, SENTINEL = "my-release-redis-cluster-node", "my-release-redis-cluster-sentinel"


def test_parameters_of_the_seed():
    """Each under its name, with its default."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["imagePullPolicy"] == "IfNotPresent"
    assert (values["slaveReplicaCount"], values["sentinelReplicaCount"]) == (3, 2)
    seed = {"enabled": True, "size": "1Gi", "storageClass": "default", "accessMode": "ReadWriteOnce"}
    assert seed.items() <= values["persistence"].items()
    assert values["resources"] == {"requests": {"cpu": "100m", "memory": "100Mi"}}
    assert re.fullmatch(r"docker\.io/valkey/valkey:\d+\.\d+\.\d+", values["image"]), "an official image, pinned"


def test_the_default_release(helm):
    objects = helm.objects("default", "1.20")
    sets = of_kind(objects, "StatefulSet")
    assert {name: thing["spec"]["replicas"] for name, thing in sets.items()} == {NODE: 4, SENTINEL: 3}
    (redis,) = sets[NODE]["spec"]["template"]["spec"]["containers"]
    assert {"name": "redis-data", "mountPath": "/redis-master-data"} in redis["volumeMounts"]
    (claim,) = sets[NODE]["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def test_nothing_outside_the_namespace(helm, case, version):
    kinds = {thing["kind"] for thing in helm.objects(case, version)}
    assert not kinds & {"CustomResourceDefinition", "Namespace", "PersistentVolume", "StorageClass", "PriorityClass"}
    assert not [kind for kind in kinds if kind.startswith("Cluster")]


def test_rights(helm):
    """A pod's word about itself, and nothing else."""
    roles = of_kind(helm.objects("default", "1.29"), "Role")
    rights = {
        (name, resource, verb, tuple(rule.get("resourceNames", ())))
        for name, role in roles.items() for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    pods = tuple(f"{NODE}-{number}" for number in range(4))
    slices = ("my-release-redis-cluster-primary-holdfast",)
    assert rights == {
        *((NODE, "pods", verb, pods) for verb in ("get", "patch")),
        *((NODE, "endpointslices", verb, slices) for verb in ("get", "update", "patch")),
        (NODE, "endpointslices", "create", ()),
        (NODE, "events", "create", ()),
        (SENTINEL, "events", "create", ()),
    }


BASE = {"auth__enabled": "true", "auth__password": "old", "auth__acl__users[0]__username": "app", "commonConfiguration": "maxmemory 1gb"}
# What changes, and which pods may be replaced for it.
CHANGES = [
    ("slaveReplicaCount", "5", []),
    ("sentinelReplicaCount", "4", []),
    ("auth__password", "new", []),
    ("auth__acl__users[0]__password", "new", []),
    ("commonConfiguration", "maxmemory 2gb", []),
    ("commonConfiguration", "maxmemory-policy allkeys-lru", []),
    ("commonAnnotations__owner", "me", []),
    ("commonLabels__team", "x", [NODE, SENTINEL]),
    ("pdb__maxUnavailable", "2", []),
    ("master__service__type", "NodePort", []),
    ("commonConfiguration", "databases 4", [NODE]),
    ("commonConfiguration", "  IO-Threads 4", [NODE]),
    ("commonConfiguration", "user x on", [NODE]),
    ("terminationGracePeriodSeconds", "60", [NODE]),
    ("resources__limits__memory", "1Gi", [NODE]),
    ("sentinel__resources__limits__memory", "1Gi", [SENTINEL]),
    ("image", "docker.io/library/redis:7.4.1", [NODE, SENTINEL]),
    ("holdfast__logLevel", "debug", [NODE, SENTINEL]),
    ("useHostnames", "true", [NODE, SENTINEL]),
    ("auth__sentinel", "true", [SENTINEL]),
    ("gate", "true", [NODE]),
    ("syncToDisk", "true", [NODE]),
]


@pytest.mark.parametrize("key,value,expected", CHANGES)
def test_restarts(helm, key, value, expected):
    """A change of numbers, passwords, users and most of redis.conf restarts nothing."""
    before, after = (pod_templates(helm.rendered(**settings)) for settings in (BASE, {**BASE, key: value}))
    assert [name for name in (NODE, SENTINEL) if before[name] != after[name]] == expected


def test_durability_changes_while_all_run(helm):
    """With the gate in place, which comes before and goes after."""
    steps = ({"gate": "true"}, {"gate": "true", "durability": "quorum"}, {"durability": "quorum"}, {"durability": "quorum", "syncReplicas": "2"},
             {"durability": "quorum", "onLossOfQuorum": "degrade"})
    first, *others = (pod_templates(helm.rendered(**step)) for step in steps)
    assert all(other == first for other in others)


def test_durability_changes_to_disks_while_all_run(helm):
    """With pods that sync to disk already, which keep what the others promise as well."""
    steps = ({"syncToDisk": "true"}, {"syncToDisk": "true", "durability": "quorum"}, {"durability": "fsync"}, {"durability": "fsync", "syncReplicas": "2"})
    first, *others = (pod_templates(helm.rendered(**step)) for step in steps)
    assert all(other == first for other in others)


def test_a_new_version_of_the_chart_restarts_nothing(helm, tmp_path):
    """And keeps what Kubernetes does not allow to change."""
    copy = shutil.copytree(CHART, tmp_path / "chart")
    file = copy / "Chart.yaml"
    file.write_text(file.read_text().replace("\nversion: 0.1.0", "\nversion: 9.9.9"))
    before, after = (of_kind(parse(helm.template("1.29", chart=chart)), "StatefulSet") for chart in (CHART, copy))
    assert before[NODE]["metadata"] != after[NODE]["metadata"]
    assert before[NODE]["spec"] == after[NODE]["spec"]
    assert before[SENTINEL]["spec"] == after[SENTINEL]["spec"]


def identity(objects):
    (config,) = of_kind(objects, "ConfigMap").values()
    return yaml.safe_load(config["data"]["agent.yaml"])["cluster"]


def test_releases_do_not_meet(helm):
    """Names, identities and selectors differ, also where names are too long to be kept."""
    long = "a-name-of-53-characters-which-is-the-longest-helm-ta"
    releases = {release: helm.rendered(release=release) for release in ("a", "b", f"{long}1", f"{long}2")}
    names = [thing["metadata"]["name"] for objects in releases.values() for thing in objects]
    pairs = [(thing["kind"], thing["metadata"]["name"]) for objects in releases.values() for thing in objects]
    assert len(pairs) == len(set(pairs))
    assert max(map(len, names)) <= 63
    assert max(len(name) for objects in releases.values() for name in of_kind(objects, "StatefulSet")) <= 52
    assert len({identity(objects) for objects in releases.values()}) == len(releases)
    assert identity(helm.rendered(release="a")) == identity(releases["a"]), "a new installation takes its volumes over"


def test_names_are_shared_with_the_release(helm):
    assert "redis-cluster-node" in of_kind(helm.rendered(release="redis-cluster"), "StatefulSet")
    assert "x-cache-node" in of_kind(helm.rendered(release="x", nameOverride="cache"), "StatefulSet")
    assert "redis-node" in of_kind(helm.rendered(release="x", fullnameOverride="redis"), "StatefulSet")


def test_the_service_of_the_seed(helm):
    """REDIS_SENTINEL_SERVICE_HOST and _PORT come from a Service of that name and its first port."""
    service = of_kind(helm.objects("exposed", "1.29"), "Service")["redis-sentinel"]
    assert service["spec"]["ports"][0]["port"] == 26379
    assert "${REDIS_SENTINEL_SERVICE_HOST} -p ${REDIS_SENTINEL_SERVICE_PORT} --csv SENTINEL get-master-addr-by-name mymaster" in helm.notes("exposed")


def test_the_primary_has_no_selector(helm, case):
    """Its one endpoint is written by the agent of a new primary: never two."""
    assert "selector" not in of_kind(helm.objects(case, "1.29"), "Service")["my-release-redis-cluster-primary"]["spec"]


def test_passwords_of_users_are_hashed(helm):
    secret = of_kind(helm.objects("acl-users", "1.29"), "Secret")["my-release-redis-cluster-acl"]
    digest = hashlib.sha256(b"secret-of-app").hexdigest()
    assert base64.b64decode(secret["data"]["users.acl"]).decode().splitlines() == [
        f"user app on #{digest} ~* &* +@all -@admin -@dangerous",
        f"user reader on #{hashlib.sha256(b'0123').hexdigest()} ~cache:* resetchannels +@read",
        "user gone off nopass ~* &* +@all -@admin -@dangerous",
    ]


def test_sentinels_see_no_more_secrets_than_they_use(helm):
    template = pod_templates(helm.objects("auth-generated", "1.29"))[SENTINEL]
    assert "auth" not in [volume["name"] for volume in template["spec"]["volumes"]]


def test_spread_is_about_the_pods_themselves(helm):
    own = pod_templates(helm.objects("placed", "1.29"))
    (constraint,) = own[NODE]["spec"]["topologySpreadConstraints"]
    assert constraint["labelSelector"]["matchLabels"].items() <= own[NODE]["metadata"]["labels"].items()
    (given,) = own[SENTINEL]["spec"]["topologySpreadConstraints"]
    assert given["labelSelector"] == {"matchLabels": {"app": "other"}}


def test_sentinels_inherit_where_they_have_no_word(helm):
    spec = pod_templates(helm.objects("placed", "1.29"))[SENTINEL]["spec"]
    assert spec["tolerations"][0]["key"] == "dedicated" and spec["schedulerName"] == "own-scheduler"
    assert spec["nodeSelector"] == {"pool": "small"} and spec["priorityClassName"] == "most-important"


def test_openshift_chooses_the_user(helm):
    """A default that is taken away with null is gone, as the guide says."""
    away = {f"podSecurityContext__{name}": "null" for name in ("runAsUser", "runAsGroup", "fsGroup")}
    for template in pod_templates(helm.rendered(**away)).values():
        assert template["spec"]["securityContext"].keys() == {"runAsNonRoot", "fsGroupChangePolicy", "seccompProfile"}


def test_alerts_ask_for_metrics_that_exist():
    asked = set(re.findall(r"holdfast_(\w+?)(?:_total)?\{", (CHART / "alerts.yaml").read_text()))
    source = "".join(file.read_text() for file in Path(ROOT / "crates").glob("*/src/facts*/**/*.rs"))
    source += "".join(file.read_text() for file in Path(ROOT / "crates").glob("*/src/facts.rs"))
    assert asked and not [name for name in asked if f'"{name}"' not in source]


def test_notes_name_what_is_there(helm, case):
    notes, objects = helm.notes(case), helm.objects(case, "1.29")
    sets = of_kind(objects, "StatefulSet")
    assert set(re.findall(r"statefulset/(\S+)", notes)) == sets.keys()
    assert set(re.findall(r"exec (\S+)-0 ", notes)) == {NODE}
    assert set(re.findall(r"redis-cli -h ([a-z]\S*)", notes)) <= of_kind(objects, "Service").keys()
