"""Looking into rendered objects."""

OUR_CONTAINERS = {"redis", "sentinel", "holdfast", "smoke"}


def of_kind(objects, kind):
    return {thing["metadata"]["name"]: thing for thing in objects if thing["kind"] == kind}


def pod_templates(objects):
    """Name to metadata and spec of everything that becomes a pod."""
    found = {name: thing["spec"]["template"] for name, thing in of_kind(objects, "StatefulSet").items()}
    return found | of_kind(objects, "Pod")


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def ours(spec):
    """Containers of the chart, without those that the values add."""
    return [container for container in containers(spec) if container["name"] in OUR_CONTAINERS]


def selects(selector, labels):
    return selector.items() <= labels.items()
