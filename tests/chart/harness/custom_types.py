"""Custom resources, checked by TypeScript against their published types: an unknown field in a literal is an error."""

import json
import shutil
import subprocess

TYPES = {
    "Certificate": "@kubernetes-models/cert-manager/cert-manager.io/v1",
    "ServiceMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
    "PodMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
    "PrometheusRule": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
}
OPTIONS = "--noEmit --strict --skipLibCheck --module nodenext --moduleResolution nodenext".split()


def complaints(tools, objects, folder):
    """What the compiler says of the objects; all at once, since it takes a second or two to start."""
    (folder / "node_modules").symlink_to(tools / "node_modules")
    lines = []
    for number, thing in enumerate(objects):
        kind = thing["kind"]
        lines.append(f'import type {{ I{kind} as T{number} }} from "{TYPES[kind]}/{kind}";')
        lines.append(f"export const object{number}: T{number} = {json.dumps(thing)};")
    (folder / "objects.mts").write_text("\n".join(lines))
    compiler = tools / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [shutil.which("node"), compiler, *OPTIONS, "objects.mts"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.stdout
