// Answers kept for clients that ask the same again because they did not hear the first one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <google/protobuf/message.h>

#include "dsl/env/clock.h"
#include "dsl/rpc/call.h"

namespace mcns::api {

using dsl::Result;

// In memory only: after a restart a change is made anew, and one that is made already says so.
// Thread-safe.
class Replies {
 public:
  static constexpr std::chrono::minutes kLifetime{10};
  static constexpr std::size_t kEntriesMax = 10000;
  static constexpr std::size_t kBytesMax = 64u << 20;  // of kept answers

  explicit Replies(dsl::env::Clock& clock) : clock_(clock) {}

  // Runs `work` unless the same caller has called the same method with this id before: then its
  // answer, which is waited for while it is under way. Errors are not kept, since nothing was
  // changed. kConflict when the id came with another request. An empty id runs always.
  template <class Reply, class Work>
  Result<Reply> once(const dsl::rpc::CallContext& call, const std::string& id,
                     const google::protobuf::Message& request, Work&& work) {
    Reply reply;
    const auto run = [&]() -> Result<std::string> {
      MC_ASSIGN(reply, work());
      return id.empty() ? std::string() : reply.SerializeAsString();
    };
    MC_ASSIGN(const Kept kept, once_erased(call, id, request, run));
    if (kept.repeated) {
      MC_ASSERT(reply.ParseFromString(kept.bytes), "it was serialized here");
    }
    return reply;
  }

  // Whether the same caller has called the same method with this id and this request, and `once`
  // has its answer or waits for it.
  bool has(const dsl::rpc::CallContext& call, const std::string& id,
           const google::protobuf::Message& request);

 private:
  struct Kept {
    bool repeated = false;
    std::string bytes;
  };
  struct Entry {
    std::string fingerprint;  // of the request
    bool done = false;
    std::string reply;
  };
  struct Done {
    dsl::env::MonoTime at;
    std::string key;
  };

  Result<Kept> once_erased(const dsl::rpc::CallContext& call, const std::string& id,
                           const google::protobuf::Message& request,
                           const std::function<Result<std::string>()>& work);
  void end(const std::string& key, const std::optional<std::string>& reply);
  void forget_old();  // with the mutex held

  dsl::env::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_, as all below
  std::deque<Done> done_;                 // of entries_, in the order of their end
  std::size_t bytes_ = 0;
};

}  // namespace mcns::api
