"""Runs a tool of tools/ over a small tree made for the test."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path):
    """tree({"src/a/b.h": "text"}) writes files and returns their root."""
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path
    return write


def run_tool(name, *words):
    return subprocess.run([ROOT / "tools" / name, *map(str, words)], text=True, capture_output=True,
                          check=False)
