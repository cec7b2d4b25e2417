"""Helm 4, as a library."""

import helm_python
import yaml

from .chart import CHART, NAMESPACE, RELEASE, values
from .helm3 import Refused, parse


class Helm4:
    def __init__(self):
        self.chart = helm_python.Chart.load(CHART)

    def files(self, case):
        own = yaml.safe_load(values(case).read_text()) or {}
        return self.chart.render(own, name=RELEASE, namespace=NAMESPACE)

    def objects(self, case):
        files = self.files(case)
        return [found for name in sorted(files) if name.endswith(".yaml") for found in parse(files[name])]

    def validate(self, path):
        try:
            self.chart.validate_schema(self.chart.merge_values(yaml.safe_load(path.read_text())))
        except helm_python.HelmError as error:
            raise Refused(str(error)) from error
