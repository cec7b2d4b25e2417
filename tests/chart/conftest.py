"""What the tests share: the tools, the chart, and every case of values rendered for every version of Kubernetes."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness.chart import CASES, VERSIONS  # noqa: E402
from harness.helm3 import Helm3  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--tools", required=True, type=Path, help="what scripts/chart-tools printed")
    parser.addoption("--update", action="store_true", help="write the snapshots and the reference anew")


@pytest.fixture(scope="session")
def tools(request):
    return request.config.getoption("--tools")


@pytest.fixture(scope="session")
def update(request):
    return request.config.getoption("--update")


@pytest.fixture(scope="session")
def helm(tools):
    return Helm3(tools)


def pytest_generate_tests(metafunc):
    marked = {name for mark in metafunc.definition.iter_markers("parametrize") for name in mark.args[0].split(",")}
    for name, all_of_them in (("case", CASES), ("version", VERSIONS)):
        if name in metafunc.fixturenames and name not in marked:
            metafunc.parametrize(name, all_of_them)


@pytest.fixture
def objects(helm, case, version):
    """The objects of one case, as one version of Kubernetes gets them."""
    return helm.objects(case, version)
