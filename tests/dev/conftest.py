"""Runs ./dev as a person would: as a program, from some folder, looking at what it prints."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_dev(*words, root=ROOT, cwd="/", timeout=300):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MC_VERBOSE", "MC_ROOT", "MC_RESULTS", "GTEST_OUTPUT")}
    return subprocess.run([str(root / "dev"), *words], cwd=cwd, env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)


@pytest.fixture
def copy(tmp_path):
    """A copy of the tree, uncommitted files included, in a folder with a space in its name."""
    root = tmp_path / "a copy"
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"],
                           capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    return root
