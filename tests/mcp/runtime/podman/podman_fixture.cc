#include "podman_fixture.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "dsl/env/env.h"

namespace mcp::runtime::test {

using dsl::test::PodmanStore;
using dsl::test::require_ok;

namespace {

// This process becomes another user, who could not write the report that `./dev test` asks for by
// GTEST_OUTPUT=xml:FOLDER/. So the report is opened before, and named by its descriptor. It must
// happen before main, which reads the variable.
void open_report() {
  const char* wanted = std::getenv("GTEST_OUTPUT");
  const passwd* user = ::getpwnam("mcp");
  const std::string output = wanted == nullptr ? "" : wanted;
  if (::geteuid() != 0 || user == nullptr || !output.starts_with("xml:") ||
      !output.ends_with("/")) {
    return;
  }
  const std::string path = output.substr(4) + program_invocation_short_name + ".xml";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0 && ::fchown(fd, user->pw_uid, user->pw_gid) == 0) {
    ::setenv("GTEST_OUTPUT", ("xml:/proc/self/fd/" + std::to_string(fd)).c_str(), 1);
  }
}
[[maybe_unused]] const bool report_opened = (open_report(), true);

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
