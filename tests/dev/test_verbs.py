"""Help, wrong use, and the mapping from what a person names to the tests that are run."""
import subprocess

import pytest

from dev_script import ROOT, run_dev

VERBS = [path.stem for path in sorted((ROOT / "tools/dev").glob("*.sh"))
         if "\nmain() {" in path.read_text(encoding="utf-8")]


def modules_of(filter_, cwd=ROOT):
    script = 'source tools/dev/common.sh; source tools/dev/modules.sh; cd "$1"; modules_of_filter "$2"'
    done = subprocess.run(["bash", "-euc", f"MC_ROOT={ROOT}; cd '{ROOT}'; {script}", "bash", cwd, filter_],
                          capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_unknown_verb_is_a_usage_error():
    done = run_dev("biuld")

    assert done.returncode == 2
    assert "unknown verb 'biuld'" in done.stderr
    assert "hint:" in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_unknown_option_is_a_usage_error(verb):
    assert run_dev(verb, "--no-such-option").returncode == 2


def test_help_lists_every_verb():
    listed = run_dev().stdout

    for verb in VERBS:
        assert f"\n  {verb} " in listed


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    done = run_dev(verb, "--help")

    assert done.returncode == 0
    assert f"./dev {verb}" in done.stdout


def test_setup_refuses_an_unknown_group():
    done = run_dev("setup", "--check", "nonsense")

    assert done.returncode == 2
    assert "build test bench docs podman" in done.stderr


def test_setup_check_names_what_is_missing(copy):
    with open(copy / "tools/packages.txt", "a", encoding="utf-8") as packages:
        packages.write("mc-no-such-package\n")

    done = run_dev("setup", "--check", "podman", root=copy)

    assert done.returncode == 10
    assert "mc-no-such-package" in done.stdout


def test_setup_check_is_content_here():
    assert run_dev("setup", "--check", "build", "test").returncode == 0


@pytest.mark.parametrize("filter_, module", [
    ("dsl/result", "dsl_result"),
    ("dsl_result", "dsl_result"),
    ("result", "dsl_result"),
    ("src/dsl/result/text.cc", "dsl_result"),
    ("src/dsl/result/result.h", "dsl_result"),
    ("tests/dsl/result/result_test.cc", "dsl_result"),
    ("src/dsl/result/", "dsl_result"),
    (f"{ROOT}/src/dsl/result/text.cc", "dsl_result"),
    ("tests/tools", "tools"),
])
def test_filter_finds_the_module(filter_, module):
    assert modules_of(filter_) == [module]


def test_filter_is_also_relative_to_the_working_folder():
    assert modules_of("text.cc", cwd=ROOT / "src/dsl/result") == ["dsl_result"]


def test_filter_of_a_folder_finds_all_below():
    assert {"dsl_result", "dsl_config"} <= set(modules_of("dsl"))


def test_filter_without_tests_finds_none():
    assert modules_of("nowhere") == []
    assert modules_of("README.md") == []
