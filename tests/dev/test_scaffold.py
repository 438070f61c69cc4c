"""What `./dev new` makes, works as it is."""
from dev_script import closing_line, run_dev


def test_refuses_a_bad_name_and_an_existing_one(copy):
    assert run_dev("new", "service", "Not-A-Name", root=copy).returncode == 2
    assert run_dev("new", "module", "nowhere/name", root=copy).returncode == 2
    assert run_dev("new", "module", "result", root=copy).returncode == 1


def test_new_module_passes_its_tests(copy):
    made = run_dev("new", "module", "sample", root=copy)
    assert made.returncode == 0, made.stderr

    done = run_dev("-v", "test", "dsl/sample", root=copy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert closing_line(done) == "2 passed, 0 failed, 0 skipped"
    assert "+ 'ninja'" in done.stderr
    assert "'dsl_sample_test'" in done.stderr


def test_decisions_are_numbered(copy):
    before = set((copy / "docs/decisions").glob("*.md"))

    run_dev("new", "decision", "Use one | file & more", root=copy)
    run_dev("new", "decision", "second", root=copy)

    made = sorted(set((copy / "docs/decisions").glob("*.md")) - before)
    assert [path.name[5:] for path in made] == ["use-one-file-more.md", "second.md"]
    assert int(made[1].name[:4]) == int(made[0].name[:4]) + 1
    assert "Use one | file & more" in made[0].read_text(encoding="utf-8")
