// Zone files that come in pieces, since they are larger than one request may be.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "dsl/env/env.h"

namespace mcns::api {

using dsl::Result;

struct UploadLimits {
  std::size_t uploads_max = 4;         // at once
  std::size_t bytes_max = 256u << 20;  // of one
  std::chrono::minutes idle{10};       // then it is forgotten
};

// In memory only. Thread-safe.
class Uploads {
 public:
  explicit Uploads(dsl::env::Env& env, UploadLimits limits = {}) : env_(env), limits_(limits) {}

  struct State {
    std::string id;
    std::uint64_t size = 0;
  };
  // Adds a piece to the upload `id` of `account`, or begins one when `id` is empty. A piece that is
  // there already is no error: its acknowledgement may have been lost. kNotFound, kTooLarge,
  // kRateLimited; kConflict when something is missing before the piece.
  Result<State> add(const std::string& account, const std::string& id, std::uint64_t offset,
                    std::string_view piece);
  // The whole text so far, which stays there. kNotFound.
  Result<std::string> read(const std::string& account, const std::string& id);
  void forget(const std::string& account, const std::string& id);

 private:
  struct Upload {
    std::string text;
    dsl::env::MonoTime used{};
  };
  Result<Upload*> find(const std::string& account, const std::string& id);
  void forget_idle();

  dsl::env::Env& env_;
  const UploadLimits limits_;
  std::mutex mutex_;
  std::map<std::string, Upload> uploads_;  // by account and id; guarded by mutex_
};

}  // namespace mcns::api
