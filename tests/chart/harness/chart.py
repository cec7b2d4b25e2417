"""Where the chart and its cases are."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent.parent
CHART = ROOT / "charts" / "redis-cluster"
VERSIONS = ["1.20", "1.29", "1.36"]
CASES = sorted(file.stem for file in (TESTS / "values").glob("*.yaml"))
BAD = sorted(file.stem for file in (TESTS / "bad").glob("*.yaml"))

RELEASE = "my-release"
NAMESPACE = "shop"


def values(case):
    """The file of a case."""
    return TESTS / "values" / f"{case}.yaml"


def bad(name):
    """A file that must be refused."""
    return TESTS / "bad" / f"{name}.yaml"
