#!/usr/bin/python3
"""Prints the closing line of a test run from its result files; exit 1 when a test failed.

usage: count_results.py FOLDER...

A folder holds CTest's list (ctest-*.xml) and the cases inside: GoogleTest's NAME_test.xml and
pytest's NAME.xml. A CTest test without a file of its own counts as one case: it is not ours, or it
died before it could write one.
"""
import pathlib
import sys
import xml.etree.ElementTree as ET


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add_case(self, case):
        if case.find("failure") is not None or case.find("error") is not None:
            self.failed += 1
        elif (case.find("skipped") is not None or case.get("result") == "skipped"
              or case.get("status") in ("notrun", "disabled")):
            self.skipped += 1
        else:
            self.passed += 1

    def add_cases(self, path):
        """Adds a file's cases. True when one of them failed."""
        failed_before = self.failed
        for case in ET.parse(path).iter("testcase"):
            self.add_case(case)
        return self.failed > failed_before


def case_files(folder, name):
    # A test binary that starts itself again leaves NAME_test_1.xml and so on.
    return [path for path in (folder / f"{name}_test.xml", folder / f"{name}.xml") if path.exists()]


def count_folder(folder, counts):
    for listing in sorted(folder.glob("ctest-*.xml")):
        for test in ET.parse(listing).iter("testcase"):
            files = case_files(folder, test.get("name"))
            case_failed = any([counts.add_cases(path) for path in files])
            if not files or (test.get("status") == "fail" and not case_failed):
                counts.add_case(test)
    e2e = folder / "e2e.xml"
    if e2e.exists():
        counts.add_cases(e2e)
        for count in ET.parse(e2e).iter("count"):
            counts.skipped += int(count.get("skipped"))


def main():
    counts = Counts()
    for folder in map(pathlib.Path, sys.argv[1:]):
        if folder.is_dir():
            count_folder(folder, counts)
    print(f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
    sys.exit(1 if counts.failed else 0)


if __name__ == "__main__":
    main()
