import subprocess

import pytest

from tool_runner import run_tool

RELEASED = """syntax = "proto3";
package mcns.v1;
enum Type { TYPE_UNSPECIFIED = 0; TYPE_A = 1; }
message Zone { string name = 1; int32 ttl = 2; }
service ZoneService { rpc Get(Zone) returns (Zone); }
"""


@pytest.fixture
def since_release(tree):
    """Releases RELEASED as v1, then compares the given text with it."""
    def compare(text):
        root = tree({"proto/mcns/v1/zone.proto": RELEASED})
        for words in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit",
                                                     "-qm", "release"], ["tag", "v1"]):
            subprocess.run(["git", "-C", root, *words], check=True)
        tree({"proto/mcns/v1/zone.proto": text})
        return run_tool("proto-breaking", "v1", root)
    return compare


@pytest.mark.parametrize("before, after, complaint", [
    (" int32 ttl = 2;", "", "Zone.ttl is gone and its number 2 is not reserved"),
    ("int32 ttl = 2", "int64 ttl = 2", "Zone.ttl, number 2, is another field now"),
    ("int32 ttl = 2", "int32 ttl_s = 2", "Zone.ttl, number 2, is another field now"),
    ("string name", "repeated string name", "Zone.name, number 1, is another field now"),
    (" TYPE_A = 1;", "", "Type.TYPE_A = 1 is gone"),
    ("returns (Zone)", "returns (stream Zone)", "ZoneService.Get has other messages now"),
    ("rpc Get", "rpc Fetch", "ZoneService.Get is gone"),
])
def test_breaking_change_fails(since_release, before, after, complaint):
    assert before in RELEASED

    done = since_release(RELEASED.replace(before, after))

    assert done.returncode == 1
    assert "mcns.v1." + complaint in done.stderr


def test_added_and_reserved_fields_pass(since_release):
    done = since_release(RELEASED.replace("int32 ttl = 2;", "reserved 2; string note = 3;"))

    assert done.returncode == 0, done.stderr
