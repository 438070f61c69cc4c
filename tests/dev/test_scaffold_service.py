"""The service that `./dev new service` makes, built and tested as a newcomer would."""
import resource
import subprocess
import sys

from dev_script import ROOT, closing_line, run_dev

sys.path.insert(0, str(ROOT / "tests/support"))
import command_tree  # noqa: E402


def processor_seconds():
    """Of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# HOUSE-A14: `./dev new service demo && ./dev test demo` passes untouched, in a copy of the tree in
# another folder; the new files also pass lint's layer, proto and format rules.
def test_new_service_passes_its_tests(copy, tmp_path):
    made = run_dev("new", "service", "demo", root=copy)
    assert made.returncode == 0, made.stderr

    for tool in ("check-layers", "proto-lint"):
        subprocess.run([copy / "tools" / tool], check=True)
    sources = [*copy.glob("src/demo/*.[ch]*"), *copy.glob("tests/demo/*.cc")]
    subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources], check=True)

    done = run_dev("test", "demo", root=copy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert closing_line(done).endswith(" passed, 0 failed, 0 skipped")
    assert not closing_line(done).startswith("0 ")

    # The commands of the binary itself, as tests/commands asks of those that are here already.
    assert run_dev("build", "demo", root=copy).returncode == 0
    (tmp_path / "home").mkdir()
    program = command_tree.Program(copy / "build/dev/bin/demo", tmp_path / "home")
    assert command_tree.missing_manual_pages(program) == []
    for shell in command_tree.SHELLS:
        assert command_tree.commands_not_completed(program, shell) == []

    # HOUSE-A3: One source file of a service touched, its tests are built and run by
    # `./dev test PATH` in at most 20 s.
    #
    # Processor seconds: those of the clock say how busy the machine is, and are fewer on an idle one.
    source = copy / "src/demo/demo_service.cc"
    source.write_text(source.read_text(encoding="utf-8").replace("{}, {}!", "{}, {}! "),
                      encoding="utf-8")
    before = processor_seconds()
    done = run_dev("test", "src/demo/demo_service.cc", root=copy)
    assert processor_seconds() - before <= 20
    assert " 1 failed," in closing_line(done), "the change must have been built and noticed"
