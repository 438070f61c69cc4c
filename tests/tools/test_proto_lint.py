import pytest

from tool_runner import ROOT, run_tool

OPTIONS = (ROOT / "proto/dsl/v1/options.proto").read_text(encoding="utf-8")

METHOD = """
  // Lists zones.
  rpc List(Request) returns (Request) {
    option (dsl.v1.access) = { level: ADMIN class: READ };
    option (dsl.v1.http) = { get: "/v1/zones" };
  }
"""


def lint(tree, method=METHOD, field="zone_name", package="mcns.v1"):
    proto = f"""syntax = "proto3";
package {package};
import "dsl/v1/options.proto";
service ZoneService {{{method}}}
message Request {{ string {field} = 1; }}
"""
    return run_tool("proto-lint", tree({"proto/dsl/v1/options.proto": OPTIONS,
                                        "proto/mcns/v1/zone.proto": proto}))


@pytest.mark.parametrize("removed, complaint", [
    ("    option (dsl.v1.access) = { level: ADMIN class: READ };\n", "lacks (dsl.v1.access)"),
    (" class: READ", "lacks (dsl.v1.access)"),
    ('    option (dsl.v1.http) = { get: "/v1/zones" };\n', "lacks (dsl.v1.http)"),
    ("  // Lists zones.\n", "has no comment"),
])
def test_method_that_says_too_little_fails(tree, removed, complaint):
    assert removed in METHOD

    done = lint(tree, method=METHOD.replace(removed, ""))

    assert done.returncode == 1
    assert "proto/mcns/v1/zone.proto: ZoneService.List " + complaint in done.stderr


def test_field_in_camel_case_fails(tree):
    assert "Request.zoneName is not snake_case" in lint(tree, field="zoneName").stderr


def test_package_elsewhere_fails(tree):
    assert lint(tree, package="mcns").returncode == 1


def test_complete_method_passes(tree):
    done = lint(tree)

    assert done.returncode == 0, done.stderr


def test_this_tree_passes():
    done = run_tool("proto-lint", ROOT)

    assert done.returncode == 0, done.stderr
