import pytest

from tool_runner import ROOT, run_tool


def include(*headers):
    return "".join(f'#include "{header}"\n' for header in headers)


GOOD = {
    "src/dsl/db/db.h": "#include <string>\n#include <tl/expected.hpp>\n",
    "src/dsl/db/db.cc": include("dsl/db/db.h"),
    "src/mcns/zone.h": include("dsl/db/db.h"),
    "src/mcq/page.h": include("dsl/db/db.h", "mcq/v1/mcq.pb.h"),
    "src/mcp/model/model.h": include("dsl/db/db.h"),
    "src/mcp/runtime/runtime.h": include("mcp/model/model.h"),
    "src/mcp/boot/planner.h": include("mcp/model/model.h", "mcp/runtime/runtime.h"),
    "src/mcp/agent/agent.h": include("mcp/boot/planner.h", "mcp/runtime/runtime.h"),
    "src/mcp/cli/cli.h": include("mcp/model/model.h"),
}


# HOUSE-A4: The include graph of the tree passes; an include of another service's header, of a
# service by dsl, or of one program of mcp by another, makes the check fail and is named.
@pytest.mark.parametrize("path, header", [
    ("src/mcq/page.cc", "mcns/zone.h"),
    ("src/dsl/db/db.cc", "mcns/zone.h"),
    ("src/mcns/zone.cc", "mcp/model/model.h"),
    ("src/mcp/agent/agent.cc", "mcp/cli/cli.h"),
    ("src/mcp/cli/cli.cc", "mcp/agent/agent.h"),
    ("src/mcp/boot/planner.cc", "mcp/agent/agent.h"),
    ("src/mcp/model/model.cc", "mcp/boot/planner.h"),
    ("src/mcp/runtime/runtime.cc", "mcp/boot/planner.h"),
])
def test_forbidden_include_fails(tree, path, header):
    root = tree(GOOD | {path: "\n" + include(header)})

    done = run_tool("check-layers", root)

    assert done.returncode == 1
    assert f"{path}:2: includes {header}: " in done.stderr


@pytest.mark.parametrize("path, text", [
    ("src/mcns/zone.cc", "#include <CLI/CLI.hpp>\n"),
    ("src/dsl/db/db.cc", "#include <spdlog/spdlog.h>\n"),
    ("src/mcp/model/model.h", "#include <boost/json.hpp>\n"),
    ("src/dsl/db/db.h", "#include <google/protobuf/message.h>\n"),
    ("src/dsl/db/db.h", "#include <boost/url.hpp>\n"),
])
def test_costly_header_outside_its_home_fails(tree, path, text):
    assert run_tool("check-layers", tree(GOOD | {path: text})).returncode == 1


def test_costly_header_at_home_passes(tree):
    root = tree(GOOD | {"src/dsl/log/log.cc": "#include <spdlog/spdlog.h>\n",
                        "src/dsl/rpc/server.h": "#include <google/protobuf/message.h>\n",
                        "src/dsl/rpc/server.cc": "#include <grpcpp/grpcpp.h>\n",
                        "src/mcns/fields.h": "#include <boost/json/value.hpp>\n",
                        "src/mcns/json.cc": include("mcns/fields.h"),
                        "src/mcns/rpc.h": include("dsl/rpc/server.h")})

    done = run_tool("check-layers", root)

    assert done.returncode == 0, done.stderr


def test_this_tree_passes():
    done = run_tool("check-layers", ROOT)

    assert done.returncode == 0, done.stderr
