#include "mcp/model/catalogue.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace mcp::model;

TEST(Catalogue, ExplainsNothingForWhatIsNoCode) {
  for (const char* code :
       {"", "MCP-", "MCP-9999", "0", "30x", "00301", "XMCP-0301", "uid.pinned"}) {
    EXPECT_EQ(explain(code), nullptr) << code;
  }
  EXPECT_EQ(explain_check(""), nullptr);
  EXPECT_EQ(explain_check("nothing"), nullptr);
}

TEST(Catalogue, AcceptsEachSpellingOfACode) {
  for (const char* spelling : {"MCP-0301", "mcp-0301", "0301", "301"}) {
    const CatalogueEntry* entry = explain(spelling);

    ASSERT_NE(entry, nullptr) << spelling;
    EXPECT_EQ(entry->code, code::kUidPinned);
  }
}

TEST(Catalogue, HasAscendingUniqueCodesAndFullTexts) {
  std::string last;
  for (const CatalogueEntry& entry : catalogue()) {
    EXPECT_TRUE(std::regex_match(std::string(entry.code), std::regex("MCP-0[1-6][0-9]{2}")));
    EXPECT_LT(last, entry.code);
    last = entry.code;
    EXPECT_FALSE(entry.title.empty()) << entry.code;
    EXPECT_GT(entry.meaning.size(), 20U) << entry.code;
    EXPECT_GT(entry.fix.size(), 15U) << entry.code;
  }
}

// The incident behind this: operators deleted two databases because a chmod was refused.
TEST(Catalogue, NeverAdvisesToDeleteData) {
  const std::regex destructive(
      R"((^|[^a-z])(rm|unlink|shred|truncate|drop)($|[^a-z])|delete|erase|wipe|remove[^.]*(database|\.db)|(database|\.db)[^.]*remove)");
  for (const CatalogueEntry& entry : catalogue()) {
    std::string advice(entry.fix);
    std::transform(advice.begin(), advice.end(), advice.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    // Dropping keys or edges of a definition is no loss of data, nor is removing a container.
    advice = std::regex_replace(advice, std::regex("drop (`memory`|the edge)|`podman rm`"), "");

    EXPECT_FALSE(std::regex_search(advice, destructive)) << entry.code << ": " << entry.fix;
  }
}

TEST(Catalogue, KnowsEachCheckOfDoctor) {
  for (const char* check : {"uid.pinned",
                            "uid.collision",
                            "subid",
                            "newuidmap",
                            "nnp",
                            "tun",
                            "linger",
                            "runtime_dir",
                            "runroot",
                            "driver",
                            "privileged_ports",
                            "port53",
                            "resolvers",
                            "overlay_dns",
                            "tls.san",
                            "tls.trust",
                            "images",
                            "data",
                            "restart_unit",
                            "kernel",
                            "disk",
                            "inodes",
                            "clock",
                            "nofile",
                            "memory",
                            "registry",
                            "sockets",
                            "boot",
                            "overlay",
                            "firewall",
                            "deps"}) {
    EXPECT_NE(explain_check(check), nullptr) << check;
  }
}

TEST(Catalogue, KnowsTheErrorsSeenInTheField) {
  EXPECT_THAT(explain(code::kChmodDenied)->title, testing::HasSubstr("chmod"));
  EXPECT_THAT(explain(code::kAddressInUse)->title, testing::HasSubstr("address already in use"));
  EXPECT_THAT(explain(code::kImageRegistryRefused)->title,
              testing::HasSubstr("connection refused"));
  EXPECT_THAT(explain(code::kAgentUnreachable)->title, testing::HasSubstr("all nodes \"error\""));
  EXPECT_THAT(explain(code::kPodmanNotFound)->title,
              testing::HasSubstr("executable file not found"));
  EXPECT_THAT(explain(code::kUidMapDenied)->title, testing::HasSubstr("uid_map"));
}

}  // namespace
