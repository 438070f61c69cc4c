from tool_runner import run_tool

# The ids are put together here, so that this file cites no point itself.
A2, A10 = "HOUSE-" + "A2", "HOUSE-" + "A10"

FILES = {
    "tests/b_test.cc": f"// {A10}: Ten is after two,\n// and goes on here.\n//\n// Not this.\nTEST(B, B) {{}}\n",
    "tests/e2e/test_a.py": f"# {A2}: Two.\ndef test_a():\n    pass\n",
}


def test_stale_page_fails(tree):
    root = tree(FILES | {"docs/acceptance.md": "old\n"})

    done = run_tool("acceptance", "--check", root)

    assert done.returncode == 1
    assert "run tools/acceptance" in done.stderr


def test_missing_page_fails(tree):
    assert run_tool("acceptance", "--check", tree(FILES)).returncode == 1


def test_page_lists_points_in_the_order_of_their_numbers(tree):
    root = tree(FILES)

    run_tool("acceptance", root)

    rows = (root / "docs/acceptance.md").read_text(encoding="utf-8").splitlines()[-2:]
    assert rows == [
        f"| {A2} | Two. | [tests/e2e/test_a.py](../tests/e2e/test_a.py) |",
        f"| {A10} | Ten is after two, and goes on here. | [tests/b_test.cc](../tests/b_test.cc) |",
    ]
    assert run_tool("acceptance", "--check", root).returncode == 0
