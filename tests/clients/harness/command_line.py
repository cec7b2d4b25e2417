"""The line that people's scripts use: redis-cli --csv, cut into words."""

import subprocess

LINE = "\"$CLI\" -h \"$HOST\" -p \"$PORT\" --csv SENTINEL get-master-addr-by-name mymaster | tr ',' ' ' | cut -d' ' -f1"


def faults_of(cli, group):
    """What is wrong with the line's answer at any sentinel; redis-cli itself puts the word into quotes."""
    expected = f'"{group.primary().rpartition(":")[0]}"\n'
    for address in group.sentinels():
        host, _, port = address.rpartition(":")
        environment = {"PATH": "/usr/bin:/bin", "CLI": cli, "HOST": host, "PORT": port}
        said = subprocess.run(["sh", "-c", LINE], env=environment, capture_output=True, text=True, timeout=5)
        if said.stdout != expected or said.stderr:
            yield f"redis-cli's line at {address} printed {said.stdout!r} {said.stderr!r}, not {expected!r}"
