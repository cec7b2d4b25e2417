"""Wrong values are refused before anything is made, in words that name them."""

import pytest
from harness.chart import BAD, CHART, bad
from harness.helm3 import Refused
from harness.helm4 import Helm4


@pytest.fixture(scope="module")
def helm4():
    return Helm4()


def field(name):
    """The field that the message must name: the first line of the file says it."""
    first = bad(name).read_text().splitlines()[0]
    assert first.startswith("# names: "), f"{name}: say `# names: FIELD` first"
    return first.removeprefix("# names: ")


def test_lint(helm):
    said = helm.run("lint", "--strict", CHART)
    assert "[WARNING]" not in said and "[ERROR]" not in said, said


def test_there_are_thirty_bad_files():
    assert len(BAD) >= 30


@pytest.mark.parametrize("name", BAD)
def test_helm_3_refuses(helm, name):
    with pytest.raises(Refused) as refused:
        helm.template("1.29", "--values", bad(name))
    said = str(refused.value)
    assert "values don't meet the specifications of the schema" in said, said
    assert field(name) in said, said


@pytest.mark.parametrize("name", BAD)
def test_helm_4_refuses(helm4, name):
    with pytest.raises(Refused) as refused:
        helm4.objects(bad(name))
    said = str(refused.value)
    for part in field(name).split("."):
        assert part in said, said


CONTRADICTIONS = {
    "auth.sentinel": {"auth__sentinel": "true"},
    "auth.password": {"auth__enabled": "true", "auth__password": "x", "auth__existingSecret": "y"},
    "auth.acl.users": {"auth__acl__users[0]__username": "holdfast"},
    "tls.enabled": {"tls__enabled": "true"},
    "tls.existingSecret": {"tls__enabled": "true", "tls__existingSecret": "x", "tls__certManager__enabled": "true"},
    "tls.certManager.issuerRef.name": {"tls__enabled": "true", "tls__certManager__enabled": "true"},
    "sentinel.persistence.enabled": {"sentinel__persistence__enabled": "false"},
    "sentinel.service.name": {"sentinel__service__name": "my-release-redis-cluster-primary"},
    "fullnameOverride": {"release": "1st"},
    "syncReplicas": {"durability": "quorum", "syncReplicas": "4"},
    "gate": {"durability": "quorum", "gate": "false"},
    "syncToDisk": {"durability": "fsync", "syncToDisk": "false"},
    "gate: syncToDisk": {"syncToDisk": "true", "gate": "false"},
    "persistence.enabled": {"durability": "fsync", "persistence__enabled": "false"},
}


@pytest.mark.parametrize("named", CONTRADICTIONS)
def test_contradictions_are_refused(helm, named):
    with pytest.raises(Refused) as refused:
        helm.rendered(**CONTRADICTIONS[named])
    assert named in str(refused.value)


def test_deletion_of_claims_is_refused_where_kubernetes_cannot_do_it(helm):
    asked = {"persistentVolumeClaimRetentionPolicy__whenDeleted": "Delete"}
    with pytest.raises(Refused, match="1.27"):
        helm.rendered(version="1.20", **asked)
    assert helm.rendered(version="1.29", **asked)


def test_values_of_a_parent_chart_are_taken(helm):
    assert helm.rendered(enabled="true", global__imageRegistry="example.org")
