"""The files that the chart writes are taken by the program that they are for."""

import os
import subprocess
from pathlib import Path

import pytest
from harness.chart import ROOT
from harness.objects import of_kind, ours, pod_templates

ROLES = ("agent", "sentinel")


@pytest.fixture(scope="session")
def holdfast():
    """The newest build; built where there is none."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    built = [target / profile / "holdfast" for profile in ("release", "debug")]
    if not any(binary.exists() for binary in built):
        subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "holdfast-cli"], cwd=ROOT, check=True, timeout=3600)
    return max((binary for binary in built if binary.exists()), key=lambda binary: binary.stat().st_mtime)


@pytest.mark.parametrize("role", ROLES)
def test_configuration(helm, holdfast, case, role, tmp_path):
    """With the variables of its container, except those that only a kubelet can fill in."""
    objects = helm.objects(case, "1.29")
    (config,) = of_kind(objects, "ConfigMap").values()
    file = tmp_path / f"{role}.yaml"
    file.write_text(config["data"][f"{role}.yaml"])
    (container,) = [own for thing in of_kind(objects, "StatefulSet").values() for own in thing["spec"]["template"]["spec"]["containers"]
                    if own.get("command", [])[1:] == [role]]
    given = {pair["name"]: pair["value"] for pair in container["env"] if "value" in pair}
    given |= {"HOLDFAST_CONFIG": str(file), "HOLDFAST_NAME": "my-release-redis-cluster-sentinel-0"}
    said = subprocess.run([holdfast, "config", "show", role], env=given, capture_output=True, text=True, timeout=20)
    assert said.returncode == 0, said.stderr


def test_commands(helm, holdfast, case):
    """Words of containers are understood as far as `--help`, which comes last."""
    commands = {(*own.get("command", [])[1:], *own.get("args", []))
                for template in pod_templates(helm.objects(case, "1.29")).values() for own in ours(template["spec"])}
    assert {words[0] for words in commands} == {"agent", "sentinel", "install", "smoke"}
    for words in commands:
        said = subprocess.run([holdfast, *words, "--help"], env={}, capture_output=True, text=True, timeout=20)
        assert said.returncode == 0, said.stderr


def test_an_unknown_option_is_refused(holdfast, tmp_path):
    file = tmp_path / "agent.yaml"
    file.write_text("lissten: 0.0.0.0:6379\n")
    said = subprocess.run([holdfast, "config", "show", "agent", "--config", file], env={}, capture_output=True, text=True, timeout=20)
    assert said.returncode == 2 and "lissten" in said.stderr
    assert subprocess.run([holdfast, "smoke", "--sentinels-are=x", "--help"], env={}, capture_output=True, timeout=20).returncode == 2
