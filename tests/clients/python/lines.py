"""What the writers and listeners of this folder print, and when they stop: see ../README.md."""

import sys
import threading
import time

PACE_SECONDS = 0.01
speaking = threading.Lock()


def stdin_ended():
    """An event that is set once stdin has ended: the runner's word to stop, also when the runner itself dies."""
    ended = threading.Event()

    def wait():
        while sys.stdin.buffer.read1(64):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def say(*words):
    with speaking:  # several threads may have something to say
        print(*words, flush=True)


def write_until(ended, name, write):
    """Calls write(key, value) with a new key every time, and prints what came of it."""
    seq = 0
    while not ended.is_set():
        seq += 1
        try:
            write(f"{name}:{seq}", seq)
            say("W", seq, f"{time.time():.4f}")
        except Exception as error:  # whatever the library raises is what a user would see
            say("E", f"{time.time():.4f}", type(error).__name__, " ".join(str(error).split()))
        time.sleep(PACE_SECONDS)
