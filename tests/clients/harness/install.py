"""What the clients need: looked for first, installed where it is missing, outside the tree where it can be."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
INSTALL_WITHIN_SECONDS = 600


def run(command, **options):
    """An installation step: silent unless it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_WITHIN_SECONDS,
        **options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def note(text):
    print(text, file=sys.stderr, flush=True)


def cache():
    """HOLDFAST_CLIENTS_CACHE, or a folder in the user's cache."""
    chosen = os.environ.get("HOLDFAST_CLIENTS_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen) if chosen else base / "holdfast-client-tests"


def stamped(folder, files):
    """A folder in the cache that is named after the contents of `files`, so that a change of versions makes a new one."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    return cache() / f"{folder}-{digest}"


def python():
    """The interpreter of a virtual environment with the Python libraries."""
    requirements = HERE / "python" / "requirements.txt"
    home = stamped("venv", [requirements])
    ready = home / "ready"
    if not ready.exists():
        note(f"installing the Python clients into {home}")
        shutil.rmtree(home, ignore_errors=True)
        if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it in a package of its own
            run([ROOT / "scripts" / "apt-install", "python3-venv"])
        run([sys.executable, "-m", "venv", home])
        run([home / "bin" / "pip", "install", "--quiet", "--requirement", requirements])
        ready.touch()
    return home / "bin" / "python"


def node():
    """The folder from which node runs the scripts: copies beside their node_modules."""
    sources = sorted((HERE / "node").glob("*.mjs"))
    manifests = [HERE / "node" / "package.json", HERE / "node" / "package-lock.json"]
    home = stamped("node", manifests)
    ready = home / "ready"
    if not ready.exists():
        note(f"installing the Node.js clients into {home}")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for manifest in manifests:
            shutil.copy(manifest, home)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=home)
        ready.touch()
    for source in sources:
        shutil.copy(source, home)
    return home


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()


def redis_rs():
    """The writer on redis-rs, built where it is missing or older than its source; cargo would wait for other builds."""
    package = HERE / "redis-rs"
    sources = [package / "Cargo.toml", package / "Cargo.lock", package / "src" / "main.rs"]
    binary = target() / "debug" / "holdfast-client-redis-rs"
    if not binary.exists() or binary.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        note("building the redis-rs client")
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target())}
        run(["cargo", "build", "--quiet", "--locked"], cwd=package, env=environment)
        binary.touch()
    return binary


def holdfast(chosen):
    """The newest build of Holdfast, or the chosen one; built where there is none."""
    if chosen:
        return Path(chosen).resolve()
    built = [target() / profile / "holdfast" for profile in ("release", "debug")]
    if not any(binary.exists() for binary in built):
        note("building holdfast")
        run(["cargo", "build", "--quiet", "--locked", "-p", "holdfast-cli"], cwd=ROOT)
    return max((binary for binary in built if binary.exists()), key=lambda binary: binary.stat().st_mtime)


def find(name):
    """Debian keeps servers out of a user's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def program(name, script=None):
    """The path of a program; installed by one of our scripts, or by apt, where it is missing."""
    if find(name) is None and script is not None:
        note(f"{name} is missing: installing it")
        run([ROOT / "scripts" / script[0], *script[1:]], cwd=ROOT)
    found = find(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: install it, then run this again")
    return found
