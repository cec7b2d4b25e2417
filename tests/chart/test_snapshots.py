"""What is rendered is what was looked at when it was committed."""

import pytest
from harness import snapshot
from harness.chart import CASES, VERSIONS, values
from harness.helm4 import Helm4

BASE = "1.29"


def test_default(helm, version, update):
    if version == BASE:
        snapshot.compare(f"default-{BASE}.yaml", snapshot.in_full(helm.objects("default", BASE)), update)
    else:
        change = snapshot.difference(helm.objects("default", BASE), helm.objects("default", version))
        snapshot.compare(f"default-{version}.diff", change, update)


@pytest.mark.parametrize("case", [case for case in CASES if case != "default"])
def test_case(helm, case, update):
    """What the values change; in a file of its own for a version in which they change something else."""
    changes = {version: snapshot.difference(helm.objects("default", version), helm.objects(case, version)) for version in VERSIONS}
    snapshot.compare(f"{case}.diff", changes[BASE], update)
    for version in VERSIONS:
        name = f"{case}-{version}.diff"
        if changes[version] != changes[BASE]:
            snapshot.compare(name, changes[version], update)
        else:
            snapshot.absent(name, update)


@pytest.mark.parametrize("name", ["default", "quorum", "auth-existing", "exposed", "ephemeral", "guarded", "tls-secret"])
def test_notes(helm, name, update):
    snapshot.compare(f"notes-{name}.txt", helm.notes(name), update)


def test_nothing_is_left_over():
    cases = {file.name.removesuffix(".diff").rpartition("-")[0] or file.name for file in snapshot.FOLDER.glob("*-1.*.diff")}
    cases |= {file.stem for file in snapshot.FOLDER.glob("*.diff") if "-1." not in file.name}
    assert cases == set(CASES)


@pytest.fixture(scope="module")
def helm4():
    return Helm4()


def test_helm_4_renders_the_same(helm, helm4, case):
    assert snapshot.difference(helm.objects(case, "1.36"), helm4.objects(values(case))) == "\n"
