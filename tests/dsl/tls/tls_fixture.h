// What the tests of contexts share: an authority, a folder with pairs, clients that trust it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/tls/handshake.h"
#include "dsl/tls/tls.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"
#include "support/test_env.h"

namespace dsl::tls::test {

class TlsTest : public testing::Test {
 protected:
  TlsTest() { env_.use_real_files(); }

  // NAME.crt and NAME.key in the folder.
  PairFiles store(const std::string& name, const dsl::test::IssuedPair& pair) {
    return {dir_.write(name + ".crt", pair.cert_pem), dir_.write(name + ".key", pair.key_pem)};
  }
  PairFiles files(const std::string& name) const {
    return {dir_.file(name + ".crt"), dir_.file(name + ".key")};
  }
  std::unique_ptr<ServerCredentials> open(ServerOptions options) {
    return dsl::test::require_ok(ServerCredentials::open(env_, std::move(options)));
  }
  Context client(ClientOptions options = {}) {
    options.ca_file = dir_.write("ca.crt", ca_.pem());
    return dsl::test::require_ok(client_context(env_, options));
  }

  dsl::test::TestEnv env_;
  dsl::test::TempDir dir_;
  dsl::test::TestCa ca_;
};

// Waits for what another thread tells.
class Signal {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  // False when fewer than `count` were given within 10 s.
  bool wait(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;  // guarded by mutex_
};

}  // namespace dsl::tls::test
