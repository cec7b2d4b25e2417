"""Custom resources, checked by TypeScript against their published types: an unknown field in a literal is an error."""

import json
import re
import shutil
import subprocess

TYPES = {
    "Certificate": "@kubernetes-models/cert-manager/cert-manager.io/v1",
    "ServiceMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
    "PodMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
    "PrometheusRule": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
}
OPTIONS = "--noEmit --strict --skipLibCheck --lib es2022 --module nodenext --moduleResolution nodenext --pretty false".split()


def complaints(tools, objects, folder):
    """What the compiler says of each object; all at once, since it takes seconds to start."""
    (folder / "node_modules").symlink_to(tools / "node_modules")
    lines = []
    for number, thing in enumerate(objects):
        kind = thing["kind"]
        imported = f'import type {{ I{kind} as T{number} }} from "{TYPES[kind]}/{kind}";'
        lines.append(f"{imported} export const object{number}: T{number} = {json.dumps(thing)};")
    (folder / "objects.mts").write_text("\n".join(lines))
    compiler = tools / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [shutil.which("node"), compiler, *OPTIONS, "objects.mts"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    said = [(int(number), text) for number, text in re.findall(r"^objects\.mts\((\d+),\d+\): (.*)", done.stdout, re.M)]
    if done.returncode != 0 and not said:
        raise RuntimeError(done.stdout + done.stderr)
    return [[text for line, text in said if line == number] for number in range(1, len(objects) + 1)]
