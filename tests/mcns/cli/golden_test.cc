// What commands print of the service's answers. Each golden/*.txt holds a message in protobuf's
// text form, then what is printed of it: "=== table" and, where the page has it, "=== wide". The
// file's name up to the first dot says which page. MC_UPDATE_GOLDEN=1 writes the files anew.
#include <cstdlib>
#include <functional>
#include <map>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "dsl/cli/help.h"
#include "dsl/cli/man.h"
#include "dsl/env/env.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"
#include "support/result_matchers.h"

namespace mcns::cli {
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

const std::map<std::string, Page>& pages() {
  static const std::map<std::string, Page> all = {
      {"zones",
       page<pb::ListZonesReply>([](const auto& g, const auto& m) { return zones_table(g, m); })},
      {"zone", page<pb::Zone>([](const auto& g, const auto& m) { return zone_page(g, m); })},
      {"records", page<pb::ListRecordsReply>([](const auto& g, const auto& m) {
         return records_table(g, {m.records().begin(), m.records().end()}, kNow);
       })},
      {"outcome",
       page<pb::Outcome>([](const auto& g, const auto& m) { return outcome_text(g, m, false); })},
      {"plan",
       page<pb::Outcome>([](const auto& g, const auto& m) { return outcome_text(g, m, true); })},
      {"history", page<pb::ListChangesReply>([](const auto& g, const auto& m) {
         return history_text(g, {m.changes().begin(), m.changes().end()});
       })},
      {"forwards", page<pb::ListForwardsReply>(
                       [](const auto& g, const auto& m) { return forwards_table(g, m); })},
      {"cache", page<pb::CacheReport>([](const auto&, const auto& m) { return cache_page(m); })},
      {"explain",
       page<pb::Explanation>([](const auto& g, const auto& m) { return explanation_text(g, m); })},
      {"status",
       page<pb::Status>([](const auto& g, const auto& m) { return status_page(g, m, kNow); })},
      {"snapshot",
       page<pb::SnapshotReply>([](const auto&, const auto& m) { return snapshot_text(m); })},
      {"finding",
       page<pb::Finding>([](const auto& g, const auto& m) { return finding_text(g, m); })},
      {"event",
       page<pb::WatchEvent>([](const auto& g, const auto& m) { return event_line(g, m); })},
      {"tokens",
       page<pb::ListTokensReply>([](const auto& g, const auto& m) { return tokens_table(g, m); })},
      {"grants",
       page<pb::ListGrantsReply>([](const auto& g, const auto& m) { return grants_table(g, m); })},
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

void expect_golden(const std::string& path, const std::string& actual) {
  dsl::env::FileSystem& files = dsl::env::system_env().files();
  if (std::getenv("MC_UPDATE_GOLDEN") != nullptr) {
    ASSERT_THAT(files.write_file(path, actual), dsl::test::ok());
  } else {
    EXPECT_EQ(actual, require_ok(files.read_file(path)));
  }
}

std::string folder() { return std::string(MC_TEST_DATA) + "/golden/"; }

std::vector<std::string> golden_files() {
  return require_ok(dsl::env::system_env().files().list(folder()));
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ThePageIsAsTheFileSays) {
  const std::string path = folder() + GetParam();

  expect_golden(path,
                rendered(GetParam(), require_ok(dsl::env::system_env().files().read_file(path))));
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()),
                         [](const auto& parameter) {
                           std::string name;
                           for (const char c : parameter.param) {
                             name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           }
                           return name;
                         });

// --- help ---

dsl::cli::Command program(Context& context) {
  return {.name = "mcns",
          .summary = "the name service",
          .options = options(context),
          .commands = commands(context)};
}

TEST(Help, ThePagesAreAsTheFileSays) {
  Globals globals;
  globals.color = false;
  Context context(dsl::env::system_env(), globals);
  const dsl::cli::Command root = program(context);
  std::string all;

  require_ok(dsl::cli::each_command(
      root, [&](const std::vector<const dsl::cli::Command*>& path) -> dsl::Result<void> {
        if (path.size() > 1) {
          all += "=== " + dsl::cli::path_text(path) + "\n" + dsl::cli::help_page(path, globals);
        }
        return {};
      }));

  expect_golden(std::string(MC_TEST_DATA) + "/help.txt", all);
}

TEST(Help, EveryCommandThatDoesSomethingHasAnExampleOfItself) {
  Globals globals;
  Context context(dsl::env::system_env(), globals);
  const dsl::cli::Command root = program(context);

  require_ok(dsl::cli::each_command(
      root, [](const std::vector<const dsl::cli::Command*>& path) -> dsl::Result<void> {
        const dsl::cli::Command& command = *path.back();
        EXPECT_TRUE(!command.run || !command.examples.empty()) << dsl::cli::path_text(path);
        for (const std::string& example : command.examples) {
          EXPECT_TRUE(example.starts_with(dsl::cli::path_text(path))) << example;
        }
        return {};
      }));
}

}  // namespace
}  // namespace mcns::cli
