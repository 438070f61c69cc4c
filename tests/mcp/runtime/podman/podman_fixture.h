// A store with busybox and a runtime in spawn mode, one of each for a suite.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "mcp/runtime/podman.h"
#include "support/podman_store.h"
#include "support/result_matchers.h"

namespace mcp::runtime::test {

class PodmanTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  // Removes every container.
  void TearDown() override;

  static std::unique_ptr<PodmanRuntime> open_runtime();

  // `sleep` in a bb:1 container named `name`, on the network given, ended by KILL at once.
  static ContainerSpec sleeper(const std::string& name, const std::string& network = "none");
  static std::string create_and_start(const ContainerSpec& spec);

  static dsl::test::PodmanStore& store() { return *store_; }
  static PodmanRuntime& runtime() { return *runtime_; }

  static std::unique_ptr<dsl::test::PodmanStore> store_;
  static std::unique_ptr<PodmanRuntime> runtime_;
};

}  // namespace mcp::runtime::test
