"""The small programs behind `./dev build --times` and the closing line of `./dev test`."""
from tool_runner import run_tool


def ninja_log(*units):
    lines = ["# ninja log v5"]
    lines += [f"0\t{seconds * 1000}\t0\t{name}\tabc" for name, seconds in units]
    return "\n".join(lines) + "\n"


def unit(name):
    return f"src/dsl/CMakeFiles/dsl.dir/{name}.cc.o"


def test_unit_over_twenty_seconds_fails(tree):
    root = tree({"log": ninja_log((unit("quick"), 1), (unit("huge"), 21))})

    done = run_tool("dev/build_times.py", root / "log")

    assert done.returncode == 1
    assert "src/dsl/huge.cc  too slow" in done.stdout


def test_last_build_of_a_unit_counts(tree):
    root = tree({"log": ninja_log((unit("a"), 30), ("bin/x", 40), (unit("a"), 6), (unit("b"), 2))})

    done = run_tool("dev/build_times.py", root / "log")

    assert done.returncode == 0
    assert "src/dsl/a.cc  slow" in done.stdout
    assert "8 compiler seconds in 2 units, 1 over 5 s" in done.stdout


def test_closing_line_counts_cases_not_binaries(tree):
    root = tree({
        "results/ctest-unit.xml": '<testsuite><testcase name="dsl_db" status="fail"><failure/></testcase>'
                                  '<testcase name="check_layers" status="run"/>'
                                  '<testcase name="tools" status="run"/></testsuite>',
        "results/dsl_db_test.xml": '<testsuites><testsuite><testcase name="a" status="run"/>'
                                   '<testcase name="b"><failure/></testcase>'
                                   '<testcase name="c" result="skipped"><skipped/></testcase>'
                                   '</testsuite></testsuites>',
        "results/tools.xml": '<testsuites><testsuite><testcase name="d"/></testsuite></testsuites>',
        "results/e2e.xml": '<testsuite><count passed="0" failed="0" skipped="3"/></testsuite>'})

    done = run_tool("dev/count_results.py", root / "results")

    assert done.returncode == 1
    assert done.stdout == "3 passed, 1 failed, 4 skipped\n"


def test_binary_that_died_counts_as_failed(tree):
    root = tree({"results/ctest-unit.xml":
                 '<testsuite><testcase name="dsl_db" status="fail"><failure/></testcase></testsuite>'})

    done = run_tool("dev/count_results.py", root / "results")

    assert done.stdout == "0 passed, 1 failed, 0 skipped\n"
