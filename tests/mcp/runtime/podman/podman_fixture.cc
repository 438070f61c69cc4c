#include "podman_fixture.h"

#include "dsl/env/env.h"

namespace mcp::runtime::test {

using dsl::test::PodmanStore;
using dsl::test::require_ok;

namespace {

// Why podman cannot be used here. Evaluated once, before any test: it changes our user.
const std::optional<std::string>& unavailable() {
  static const std::optional<std::string> reason = PodmanStore::unavailable();
  return reason;
}

}  // namespace

std::unique_ptr<PodmanStore> PodmanTest::store_;
std::unique_ptr<PodmanRuntime> PodmanTest::runtime_;

void PodmanTest::SetUpTestSuite() {
  if (unavailable()) {
    return;
  }
  store_ = std::make_unique<PodmanStore>();
  store_->import_busybox();
  runtime_ = open_runtime();
}

void PodmanTest::TearDownTestSuite() {
  runtime_.reset();
  store_.reset();
}

void PodmanTest::SetUp() {
  if (unavailable()) {
    GTEST_SKIP() << *unavailable();
  }
}

void PodmanTest::TearDown() {
  if (!runtime_) {
    return;
  }
  for (const auto& container : require_ok(runtime_->list(false))) {
    EXPECT_THAT(runtime_->remove(container.id, true), dsl::test::ok());
  }
}

std::unique_ptr<PodmanRuntime> PodmanTest::open_runtime() {
  PodmanOptions options;
  options.mode = "spawn";
  options.log_path = store_->home() + "/service.log";
  return require_ok(PodmanRuntime::open(dsl::env::system_env(), options));
}

ContainerSpec PodmanTest::sleeper(const std::string& name, const std::string& network) {
  ContainerSpec spec;
  spec.component.name = name;
  spec.component.container = name;
  spec.component.image = "localhost/bb:1";
  spec.component.network = network;
  spec.component.restart = "no";
  spec.component.cmd = {"sleep", "1000"};
  spec.component.stop_signal = "KILL";
  spec.component.stop_timeout = std::chrono::seconds(1);
  return spec;
}

std::string PodmanTest::create_and_start(const ContainerSpec& spec) {
  const std::string id = require_ok(runtime().create(spec));
  require_ok(runtime().start(id));
  return id;
}

}  // namespace mcp::runtime::test
