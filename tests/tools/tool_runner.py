"""Runs a program of tools/."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_tool(name, *words):
    return subprocess.run([ROOT / "tools" / name, *map(str, words)], text=True, capture_output=True,
                          check=False)
