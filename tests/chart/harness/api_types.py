"""The types of the Kubernetes API, read from the Python client of that version: every field with its type, and which are required."""

import ast
import functools
import re
import zipfile

REQUIRED = re.compile(r"Invalid value for `(\w+)`, must not be `None`")
CONTAINER = re.compile(r"^(list|dict)[\[(](?:str, )?(.+)[\])]$")
SCALARS = {"str": str, "int": int, "bool": bool, "float": (int, float), "date": str, "datetime": str, "object": object}
CLIENTS = {"1.20": "20.13.0", "1.29": "29.0.0", "1.36": "36.0.3"}


class ApiTypes:
    def __init__(self, tools, version):
        self.version = version
        (wheel,) = (tools / "api").glob(f"kubernetes-{CLIENTS[version]}-*.whl")
        self.wheel = zipfile.ZipFile(wheel)
        self.names = set(self.wheel.namelist())

    def complaints(self, thing):
        """What is wrong with an object, a line each."""
        group, _, version = thing["apiVersion"].rpartition("/")
        model = f"{version.capitalize()}{thing['kind']}"
        if not self.serves(group, version, model):
            return [f"Kubernetes {self.version} has no {thing['kind']} in {thing['apiVersion']}"]
        return list(self.walk(thing, model, thing["kind"]))

    def serves(self, group, version, model):
        api = "_".join([*(group.removesuffix(".k8s.io").split(".") if group else ["core"]), version])
        return f"kubernetes/client/api/{api}_api.py" in self.names and self.path(model) in self.names

    @staticmethod
    def path(model):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", model).lower()
        return f"kubernetes/client/models/{words}.py"

    @functools.lru_cache(maxsize=None)
    def fields(self, model):
        """JSON name to (type, required)."""
        source = self.wheel.read(self.path(model)).decode()
        maps = {}
        for node in ast.parse(source).body:
            for line in getattr(node, "body", []):
                if isinstance(line, ast.Assign) and line.targets[0].id in ("openapi_types", "attribute_map"):
                    maps[line.targets[0].id] = ast.literal_eval(line.value)
        required = set(REQUIRED.findall(source))
        return {json: (maps["openapi_types"][name], name in required) for name, json in maps["attribute_map"].items()}

    def walk(self, value, kind, path):
        container = CONTAINER.match(kind)
        if container:
            yield from self.walk_container(value, *container.groups(), path)
        elif kind in SCALARS:
            wrong = isinstance(value, bool) and kind != "bool" and kind != "object"
            if wrong or not isinstance(value, SCALARS[kind]):
                yield f"{path}: {value!r} is no {kind}"
        else:
            yield from self.walk_model(value, kind, path)

    def walk_container(self, value, container, inner, path):
        if not isinstance(value, {"list": list, "dict": dict}[container]):
            yield f"{path}: {value!r} is no {container}"
            return
        for key, item in enumerate(value) if container == "list" else value.items():
            yield from self.walk(item, inner, f"{path}[{key}]")

    def walk_model(self, value, model, path):
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no {model}"
            return
        known = self.fields(model)
        for name in value:
            if name not in known:
                yield f"{path}.{name}: unknown field of {model}"
            else:
                yield from self.walk(value[name], known[name][0], f"{path}.{name}")
        for name, (_, required) in known.items():
            if required and name not in value:
                yield f"{path}.{name}: required by {model}"
