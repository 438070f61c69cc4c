// What commands print of the agent's answers. Each golden/*.txt holds a message in protobuf's text
// form, then what is printed of it: "=== table" and, where the page has it, "=== wide". The file's
// name up to the first dot says which page. MC_UPDATE_GOLDEN=1 writes the files anew.
#include <cstdlib>
#include <functional>
#include <map>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "mcp/cli/boot_text.h"
#include "mcp/cli/file_text.h"
#include "mcp/cli/image_text.h"
#include "mcp/cli/operation_report.h"
#include "mcp/cli/status_text.h"
#include "mcp/cli/tables.h"
#include "support/result_matchers.h"

namespace mcp::cli {
namespace {

using dsl::test::require_ok;

constexpr std::int64_t kNow = 1'775'205'900'000;  // 2026-04-03 08:45:00 UTC
const std::string kTable = "=== table\n";
const std::string kWide = "=== wide\n";

using Page = std::function<std::string(const Globals&, const std::string& message)>;

template <class Message>
Message parsed(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) {
    ADD_FAILURE() << "not a message: " << text;
  }
  return message;
}

template <class Message, class Render>
Page page(Render render) {
  return [render](const Globals& globals, const std::string& text) {
    return render(globals, parsed<Message>(text));
  };
}

// A plan is a stream of rows: in the file, those of a message that has a repeated field of them.
std::string plan(const Globals& globals, const std::string& text) {
  std::vector<pb::PlanRow> rows;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) {
      rows.push_back(parsed<pb::PlanRow>(text.substr(at, end - at)));
    }
    at = end + 1;
  }
  return plan_table(globals, rows);
}

const std::map<std::string, Page>& pages() {
  static const std::map<std::string, Page> all = {
      {"ps", page<pb::ListContainersReply>(
                 [](const auto& g, const auto& m) { return containers_table(g, m, kNow); })},
      {"list", page<pb::ListServicesReply>(
                   [](const auto& g, const auto& m) { return services_table(g, m, kNow); })},
      {"ports",
       page<pb::ListPortsReply>([](const auto& g, const auto& m) { return ports_table(g, m); })},
      {"sync", page<pb::SyncReply>([](const auto& g, const auto& m) { return sync_table(g, m); })},
      {"files",
       page<pb::ListFilesReply>([](const auto& g, const auto& m) { return files_table(g, m); })},
      {"images",
       page<pb::ListImagesReply>([](const auto& g, const auto& m) { return images_table(g, m); })},
      {"adopt",
       page<pb::AdoptReply>([](const auto& g, const auto& m) { return adopt_table(g, m); })},
      {"event", page<pb::Event>([](const auto& g, const auto& m) { return event_lines(g, {m}); })},
      {"finding",
       page<pb::Finding>([](const auto& g, const auto& m) { return finding_lines(g, m); })},
      {"operation",
       page<pb::Operation>([](const auto& g, const auto& m) { return operation_report(g, m); })},
      {"service", page<pb::ServiceDetail>(
                      [](const auto& g, const auto& m) { return service_page(g, m, kNow); })},
      {"node", page<pb::AgentStatus>([](const auto& g, const auto& m) {
         return node_page(g, m, pb::ListContainersReply(), kNow);
       })},
      {"agent",
       page<pb::AgentStatus>([](const auto& g, const auto& m) { return agent_page(g, m, kNow); })},
      {"boot",
       page<pb::BootRun>([](const auto& g, const auto& m) { return boot_page(g, m, kNow); })},
      {"plan", plan},
  };
  return all;
}

// The file as it would be written now.
std::string rendered(const std::string& file, const std::string& golden) {
  const std::string message = golden.substr(0, golden.find(kTable));
  const Page& draw = pages().at(file.substr(0, file.find('.')));
  Globals globals;
  globals.color = false;
  std::string out = message + kTable + draw(globals, message);
  if (golden.find(kWide) != std::string::npos) {
    globals.output = dsl::cli::Output::kWide;
    out += kWide + draw(globals, message);
  }
  return out;
}

std::vector<std::string> golden_files() {
  return require_ok(dsl::env::system_env().files().list(std::string(MC_TEST_DATA) + "/golden"));
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ThePageIsAsTheFileSays) {
  dsl::env::FileSystem& files = dsl::env::system_env().files();
  const std::string path = std::string(MC_TEST_DATA) + "/golden/" + GetParam();
  const std::string expected = require_ok(files.read_file(path));

  const std::string actual = rendered(GetParam(), expected);

  if (std::getenv("MC_UPDATE_GOLDEN") != nullptr) {
    ASSERT_THAT(files.write_file(path, actual), dsl::test::ok());
  } else {
    EXPECT_EQ(actual, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()),
                         [](const auto& parameter) {
                           std::string name;
                           for (const char c : parameter.param) {
                             name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace mcp::cli
