#include "mcp/model/override.h"

#include <gtest/gtest.h>

#include "support.h"
#include "support/result_matchers.h"

namespace {

using namespace mcp::model;
using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::ok;
using dsl::test::require_ok;

constexpr const char* kTwoComponents = R"(
name = "mcr"
version = "v1"
[[components]]
name = "api"
[[components]]
name = "web"
version = "v7"
)";

Definition parsed(const char* toml) { return require_ok(parse_definition(toml, "mcr.toml")); }

std::string image(const Definition& definition, const std::string& component) {
  Node node;
  node.name = "rift";
  const Service service = require_ok(resolve(definition, Platform(), node));
  const std::string& reference = service.find(component)->image;
  return reference.substr(reference.find('/') + 1);
}

TEST(Override, AnImageForSeveralComponentsNeedsAName) {
  Definition definition = parsed(kTwoComponents);

  const auto outcome = apply_overrides(definition, {.image = "docker.io/x:1"});

  EXPECT_THAT(outcome, failed_saying(Code::kInvalidArgument, "api, web"));
}

TEST(Override, AComponentThatIsNotThereIsRefused) {
  Definition definition = parsed(kTwoComponents);

  const auto outcome = apply_overrides(definition, {.version = "v2", .component = "db"});

  EXPECT_THAT(outcome, failed_saying(Code::kInvalidArgument, "no component db"));
}

TEST(Override, AVersionForAnImageInFullIsRefused) {
  Definition definition = parsed("name = \"mcr\"\nimage = \"docker.io/library/nginx:1.25\"\n");

  const auto outcome = apply_overrides(definition, {.version = "1.26"});

  EXPECT_THAT(outcome, failed_saying(Code::kInvalidArgument, "names its images in full"));
}

TEST(Override, AVersionIsForEveryComponent) {
  Definition definition = parsed(kTwoComponents);

  ASSERT_THAT(apply_overrides(definition, {.version = "v2"}), ok());

  EXPECT_EQ(image(definition, "api"), "mcr:v2");
  EXPECT_EQ(image(definition, "web"), "mcr-web:v2");
}

TEST(Override, AVersionForOneComponentLeavesTheOthers) {
  Definition definition = parsed(kTwoComponents);

  ASSERT_THAT(apply_overrides(definition, {.version = "v2", .component = "api"}), ok());

  EXPECT_EQ(image(definition, "api"), "mcr:v2");
  EXPECT_EQ(image(definition, "web"), "mcr-web:v7");
}

TEST(Override, AnImageOfTheOnlyComponentNeedsNoName) {
  Definition definition = parsed("name = \"mcr\"\nversion = \"v1\"\n");

  ASSERT_THAT(apply_overrides(definition, {.image = "docker.io/library/nginx:1.25"}), ok());

  EXPECT_EQ(image(definition, "mcr"), "library/nginx:1.25");
}

TEST(Override, AFloatingTagIsRefusedAsIfItWereWritten) {
  Definition definition = parsed(kTwoComponents);

  ASSERT_THAT(apply_overrides(definition, {.version = "latest"}), ok());

  EXPECT_THAT(resolve(definition, Platform(), Node{.name = "rift"}),
              failed_saying(Code::kInvalidArgument, "mcr.toml:3:"));
}

}  // namespace
