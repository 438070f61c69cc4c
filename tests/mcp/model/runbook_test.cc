#include "mcp/model/runbook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/model/model.h"
#include "support/result_matchers.h"

namespace mcp::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Service service_of(const std::string& toml) {
  const Node node{.name = "rift", .addresses = {{"lan", "127.0.1.1"}}};
  const auto definition = dsl::test::require_ok(parse_definition(toml, "web.toml"));
  return dsl::test::require_ok(resolve(definition, Platform{}, node));
}

RunbookStep step_of(const std::string& lines, const std::string& health = "") {
  RunbookStep step;
  step.stage = "services";
  step.service = service_of("name = \"web\"\nversion = \"v1\"\n[[components]]\n" + lines +
                            "\n[components.health]\n" + health);
  step.component = "web";
  step.endpoints = {{"127.0.0.1", 8080}};
  step.sha256 = spec_sha256(step.service);
  return step;
}

Runbook book_of(std::vector<RunbookStep> steps) {
  Runbook book;
  book.node.name = "rift";
  book.node.user = "mcp";
  book.node.uid = 850;
  book.node.gid = 850;
  book.node.home = "/srv/mcp";
  book.node.runtime_dir = "/run/user/850";
  book.node.graph_root = "/srv/mcp/.local/share/containers/storage";
  book.node.subuid = "mcp:100000:65536";
  book.node.subgid = "mcp:100000:65536";
  book.node.image_dirs = {"/srv/mcp/images"};
  book.steps = std::move(steps);
  book.as_of = "2026-04-03T08:45:00.000Z";
  return book;
}

std::string gate(const std::string& health) {
  return gate_commands(
      book_of({}).node,
      step_of("ports = [\"127.0.0.1:53:53/udp\", \"127.0.0.1:8080:8080\"]", health));
}

TEST(Runbook, HoldsWhatTheNodeNeedsAndTheExactLine) {
  const std::string page =
      make_runbook(book_of({step_of("ports = [\"127.0.0.1:8080:8080\"]", "type = \"http\"")}))
          .markdown();

  EXPECT_THAT(page,
              AllOf(HasSubstr("# Runbook of node rift"), HasSubstr("uid 850, gid 850"),
                    HasSubstr("2026-04-03T08:45:00.000Z"),
                    HasSubstr("podman run -d --name web --restart unless-stopped"),
                    HasSubstr("podman network exists mcpnet || podman network create mcpnet"),
                    HasSubstr("grep -qxF mcp:100000:65536 /etc/subuid"), HasSubstr("MCP-0330")));
}

TEST(Runbook, WhatIsStoppedOnPurposeIsListedAndNotStarted) {
  RunbookStep step = step_of("", "type = \"none\"");
  step.runs = false;

  const std::string page = make_runbook(book_of({step})).markdown();

  EXPECT_THAT(page, Not(HasSubstr("podman run -d")));
  EXPECT_THAT(page, HasSubstr("services, stopped"));
}

TEST(Runbook, NoCommandRemovesDataOrAnImage) {
  const std::string page = make_runbook(book_of({step_of("", "type = \"none\"")})).markdown();

  for (const char* removal : {"rm -r", " rmi ", "volume rm", "system reset", "prune\n"}) {
    EXPECT_THAT(page, Not(HasSubstr(removal)));
  }
}

TEST(Runbook, ASecretIsAReferenceOnly) {
  const std::string page =
      make_runbook(book_of({step_of("secrets = [{ name = \"token\", env = \"TOKEN\" }]",
                                    "type = \"none\"")}))
          .markdown();

  EXPECT_THAT(page, AllOf(HasSubstr("--secret token,type=env,target=TOKEN"),
                          HasSubstr("podman secrets `token`")));
}

TEST(Runbook, IsTheSameForTheSameInput) {
  const Runbook book = book_of({step_of("", "type = \"none\"")});

  EXPECT_EQ(make_runbook(book).markdown(), make_runbook(book).markdown());
}

TEST(RunbookGate, AsksWhatTheGateAsks) {
  EXPECT_THAT(gate("type = \"http\""),
              AllOf(HasSubstr("curl -s --noproxy '*' --max-time 2"),
                    HasSubstr("http://127.0.0.1:8080/v1/health"), HasSubstr("\"sealed\"")));
  EXPECT_THAT(gate("type = \"http\"\nexpect = \"200-204,301\""),
              HasSubstr("{ [ \"$code\" -ge 200 ] && [ \"$code\" -le 204 ]; } || { [ \"$code\" -ge "
                        "301 ] && [ \"$code\" -le 301 ]; }"));
  EXPECT_THAT(gate("type = \"https\"\ntls = \"any\"\nhost = \"web.example\""),
              AllOf(HasSubstr(" -k "), HasSubstr("--connect-to web.example:8080:127.0.0.1:8080")));
  EXPECT_THAT(gate("type = \"dns\"\nquery = \"a.example\"\nexpect = \"192.0.2.1\""),
              AllOf(HasSubstr("+notcp"), HasSubstr("+tcp"),
                    HasSubstr("a.example A | grep -qxF 192.0.2.1")));
  EXPECT_THAT(gate("type = \"exec\"\ncmd = [\"test\", \"-e\", \"/a b\"]"),
              HasSubstr("podman exec web test -e '/a b'"));
  EXPECT_THAT(gate("type = \"grpc\"\nservice = \"a.B\""),
              HasSubstr("printf '%b%s' '\\000\\000\\000\\000\\005\\012\\003' a.B"));
  EXPECT_THAT(gate("type = \"tcp\""), HasSubstr("/dev/tcp/127.0.0.1/8080"));
  EXPECT_THAT(gate("type = \"tcp\"\nexpect = \"SSH-\""), HasSubstr("head -c 4"));
  EXPECT_THAT(gate("type = \"none\""), HasSubstr("sleep 3"));
}

TEST(RunbookGate, VerifiesWithThePlatformsCaWhereThereIsOne) {
  RunbookNode node = book_of({}).node;
  const RunbookStep step = step_of("ports = [\"127.0.0.1:8080:8443\"]", "type = \"https\"");
  EXPECT_THAT(gate_commands(node, step), HasSubstr(" -k "));

  node.ca_file = "/srv/mcp/ca.crt";
  EXPECT_THAT(gate_commands(node, step), HasSubstr("--cacert /srv/mcp/ca.crt"));
}

TEST(Document, EscapesWhatItsFormGivesAMeaning) {
  Document page;
  page.heading(1, "A <b> & c");
  page.paragraph("Run `a < b`.");
  page.commands("echo '<x>'");
  page.table({"k"}, {{"a|b `c`"}});

  EXPECT_THAT(page.html(),
              AllOf(HasSubstr("<h1>A &lt;b&gt; &amp; c</h1>"), HasSubstr("<code>a &lt; b</code>"),
                    HasSubstr("<pre>echo '&lt;x&gt;'</pre>")));
  EXPECT_THAT(page.markdown(), AllOf(HasSubstr("```sh\necho '<x>'\n```"), HasSubstr("a\\|b `c`")));
  EXPECT_THAT(page.plain(),
              AllOf(HasSubstr("Run a < b."), HasSubstr("    echo '<x>'"), HasSubstr("- k: a|b c")));
}

}  // namespace
}  // namespace mcp::model
