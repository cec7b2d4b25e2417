"""Helm 4, as a library."""

import helm_python
import yaml

from .chart import CHART, NAMESPACE, RELEASE
from .helm3 import Refused, parse


class Helm4:
    def __init__(self):
        self.chart = helm_python.Chart.load(CHART)

    def objects(self, path):
        """What the values in a file render to; notes are no objects."""
        own = yaml.safe_load(path.read_text()) or {}
        try:
            files = self.chart.render(own, name=RELEASE, namespace=NAMESPACE)
        except helm_python.HelmError as error:
            raise Refused(str(error)) from error
        return [found for name in sorted(files) if name.endswith(".yaml") for found in parse(files[name])]
