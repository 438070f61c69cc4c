// The page that describes definitions names every key there is.
#include <gtest/gtest.h>

#include "mcp/model/grammar.h"
#include "support.h"

namespace {

using namespace mcp::model;

void expect_named(const Section& section, const std::string& page) {
  for (const KeyRule& rule : section.keys) {
    const std::string key(rule.name);
    const bool named = page.find("`" + key + "`") != std::string::npos ||
                       page.find("[" + key + "]") != std::string::npos ||
                       page.find("." + key + "]") != std::string::npos ||
                       page.find("{ " + key + ",") != std::string::npos ||
                       page.find(", " + key + " }") != std::string::npos ||
                       key == "build";  // named by its only key
    EXPECT_TRUE(named) << section.title << " has `" << key << "`, the page does not";
    if (rule.section != nullptr) {
      expect_named(*rule.section, page);
    }
  }
}

TEST(DefinitionPage, NamesEveryKeyOfTheGrammar) {
  const std::string page =
      test::read_file(std::string(MC_SOURCE_DIR) + "/docs/formats/definition.md");
  ASSERT_FALSE(page.empty());

  expect_named(definition_grammar(), page);
}

}  // namespace
