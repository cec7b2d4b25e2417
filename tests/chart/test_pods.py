"""Pods: restricted, without scripts, and everything that they refer to is there."""

import pytest
from harness.chart import CASES
from harness.objects import containers, of_kind, ours, pod_templates, selects

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SHELLS = ("sh", "bash", "ash", "dash", "busybox", "env", "python", "python3", "perl")


@pytest.fixture
def templates(helm, case):
    return pod_templates(helm.objects(case, "1.29"))


def test_restricted_pod_security(templates):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards, and a read-only root besides."""
    for template in templates.values():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec.get("volumes", []):
            assert volume.keys() - {"name"} <= VOLUMES
        for container in ours(spec):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert own["readOnlyRootFilesystem"] is True
            assert all("hostPort" not in port for port in container.get("ports", []))


def test_no_shell_scripts(helm, case, templates):
    words = [word for template in templates.values() for own in ours(template["spec"])
             for word in own.get("command", []) + own.get("args", [])]
    assert words and not [word for word in words if word.rpartition("/")[2] in SHELLS or "\n" in word]
    for config in of_kind(helm.objects(case, "1.29"), "ConfigMap").values():
        assert not [text for text in config["data"].values() if text.startswith("#!")]


def test_mounts_have_volumes(helm, case, templates):
    claims = {name: [claim["metadata"]["name"] for claim in thing["spec"].get("volumeClaimTemplates", [])]
              for name, thing in of_kind(helm.objects(case, "1.29"), "StatefulSet").items()}
    for name, template in templates.items():
        volumes = [volume["name"] for volume in template["spec"].get("volumes", [])] + claims.get(name, [])
        assert len(volumes) == len(set(volumes)), f"{name}: {volumes}"
        mounted = {mount["name"] for container in containers(template["spec"]) for mount in container.get("volumeMounts", [])}
        assert mounted == set(volumes), name


# What a case says that somebody else has made.
GIVEN = {
    "auth-existing": {"my-redis", "my-users"},
    "configured": {"my-cluster"},
    "tls-secret": {"my-certificate"},
    "quorum-tls": {"my-certificate"},
    "tls-cert-manager": {"my-release-redis-cluster-tls"},
    "guarded": {"made-elsewhere", "default"},
}


def test_everything_referred_to_is_there(helm, case, templates):
    objects = helm.objects(case, "1.29")
    given = GIVEN.get(case, set())
    made = {kind: of_kind(objects, kind).keys() | given for kind in ("Secret", "ConfigMap", "ServiceAccount")}
    for template in templates.values():
        assert template["spec"].get("serviceAccountName", "default") in made["ServiceAccount"] | {"default"}
        for volume in template["spec"].get("volumes", []):
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                if "secret" in source:
                    assert source["secret"].get("secretName", source["secret"].get("name")) in made["Secret"]
                if "configMap" in source:
                    config = of_kind(objects, "ConfigMap")[source["configMap"]["name"]]
                    assert {item["key"] for item in source["configMap"]["items"]} <= config["data"].keys()


def test_services_find_their_pods(helm, case, templates):
    """Selectors match a pod, ports have a name that the pod has; the agent adds the label of the role."""
    labels = [dict(template["metadata"]["labels"], **{"holdfast.dev/role": "replica"}) for template in templates.values()]
    objects = helm.objects(case, "1.29")
    ports = {port["name"] for template in templates.values() for container in ours(template["spec"]) for port in container.get("ports", [])}
    for name, service in of_kind(objects, "Service").items():
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        selector = service["spec"].get("selector")
        assert selector is None and name.endswith("-primary") or any(selects(selector, own) for own in labels), name
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        for name, thing in of_kind(objects, kind).items():
            chosen = thing["spec"].get("selector") or thing["spec"]["podSelector"]
            assert sum(selects(chosen["matchLabels"], own) for own in labels) == 1, name
    for thing in of_kind(objects, "StatefulSet").values():
        assert thing["spec"]["serviceName"] in of_kind(objects, "Service")
        assert selects(thing["spec"]["selector"]["matchLabels"], thing["spec"]["template"]["metadata"]["labels"])


def test_given_names_belong_to_cases():
    assert GIVEN.keys() <= set(CASES)
