import shutil
import subprocess

import pytest

from dev_script import ROOT


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
