"""Runs ./dev as a person would: as a program, from some folder, looking at what it prints."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_dev(*words, root=ROOT, cwd="/", timeout=300):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MC_VERBOSE", "MC_ROOT", "GTEST_OUTPUT")}
    return subprocess.run([str(root / "dev"), *words], cwd=cwd, env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)


def closing_line(done):
    return done.stdout.strip().splitlines()[-1]
