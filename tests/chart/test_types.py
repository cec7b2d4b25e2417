"""Every object that is rendered has the fields and types of its API, in each version of Kubernetes: none unknown, none missing."""

import copy

import pytest
from harness import custom_types
from harness.api_types import CLIENTS, ApiTypes
from harness.chart import CASES

OURS = set(custom_types.TYPES)


@pytest.fixture(scope="session")
def apis(tools):
    return {version: ApiTypes(tools, version) for version in CLIENTS}


def test_kubernetes(apis, objects, version):
    own = [thing for thing in objects if thing["kind"] not in OURS]
    found = [line for thing in own for line in apis[version].complaints(thing)]
    assert own and not found, "\n".join(found)


def test_custom_resources(helm, tools, tmp_path):
    custom = [thing for case in CASES for thing in helm.objects(case, "1.29") if thing["kind"] in OURS]
    assert {thing["kind"] for thing in custom} == OURS
    wrong = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "spec": {"issuerRef": {"name": "x"}, "dnsName": []}}
    *said, said_of_wrong = custom_types.complaints(tools, [*custom, wrong], tmp_path)
    assert not any(said), said
    assert "'\"dnsName\"' does not exist" in said_of_wrong[0], "the check itself can fail"


def stateful_set(helm):
    return copy.deepcopy(next(thing for thing in helm.objects("default", "1.29") if thing["kind"] == "StatefulSet"))


def test_a_wrong_object_is_found(apis, helm):
    """The check itself can fail: unknown, missing and wrong fields, and an API that a version does not have."""
    thing = stateful_set(helm)
    spec = thing["spec"]["template"]["spec"]
    spec["enableServiceLink"] = False
    spec["terminationGracePeriodSeconds"] = "40"
    del spec["containers"][0]["name"]
    spec["containers"][0]["ports"][0]["containerPort"] = True
    found = "\n".join(apis["1.29"].complaints(thing))
    for part in ("enableServiceLink: unknown", "'40' is no int", ".name: required", "True is no int"):
        assert part in found, found
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}}
    assert "has no PodDisruptionBudget" in apis["1.20"].complaints(budget)[0]
    assert "persistentVolumeClaimRetentionPolicy: unknown" in "".join(apis["1.20"].complaints(stateful_set(helm)))
