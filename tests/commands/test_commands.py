"""Completion and manual pages of every command of every binary that is built on dsl::cli."""
import os
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import command_tree  # noqa: E402

BIN = pathlib.Path(os.environ.get("MC_BUILD", ROOT / "build/dev")) / "bin"
PROGRAMS = ("mcp", "mcp-agent", "mcns")


@pytest.fixture(params=PROGRAMS)
def program(request, tmp_path):
    return command_tree.Program(BIN / request.param, tmp_path)


def test_no_binary_is_forgotten():
    """mc-standin is told by variables alone, mcp-ns by the agent: they have no command line."""
    built = re.findall(r"^mc_binary\((\S+)", "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("CMakeLists.txt")), re.M)

    assert set(PROGRAMS) == set(built) - {"mc-standin", "mcp-ns"}


# HOUSE-A17: Every command of every binary, read from its help page by page, has a manual page that
# mandoc finds no fault with and man renders, and is completed by bash, zsh and fish.
def test_every_command_has_a_manual_page(program):
    assert command_tree.missing_manual_pages(program) == []


@pytest.mark.parametrize("shell", command_tree.SHELLS)
def test_every_command_is_completed(program, shell):
    assert command_tree.commands_not_completed(program, shell) == []
