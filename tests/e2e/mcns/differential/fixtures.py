"""The answers of tests/mcns/answers/*.txt, whose form tests/mcns/answer/fixture.h describes."""
import pathlib
import typing

from name_servers import ROOT

FOLDER = ROOT / "tests/mcns/answers"
# An ALIAS is no type that the others read in a zone file.
FILES = sorted(file for file in FOLDER.glob("*.txt") if file.stem != "alias")


class Case(typing.NamedTuple):
    place: str  # file:line
    name: str
    type: str
    edns_size: int
    stream: bool


def zones():
    """Origin -> path, of all files together."""
    found = {}
    for file in FILES:
        for words in _lines(file):
            if words[0] == "zone":
                found[words[1]] = str(FOLDER / words[3])
    return found


def cases(file: pathlib.Path):
    """The questions of one file that anybody may ask."""
    found = []
    for number, words in enumerate(_lines(file, keep_empty=True), 1):
        if not words or words[0] != "query" or "recurse" in words:
            continue
        size = next((int(word[5:]) for word in words if word.startswith("edns=")), 1232)
        found.append(Case(f"{file.name}:{number}", words[1], words[2], size, "tcp" in words))
    return found


def _lines(file, keep_empty=False):
    for line in file.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split() if line.startswith("#") else line.split()
        if words or keep_empty:
            yield words
