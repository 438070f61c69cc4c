#include "mcns/api/replies.h"

#include "dsl/hash/sha256.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;

namespace {

std::string key_of(const dsl::rpc::CallContext& call, const std::string& id) {
  return dsl::text("{}\n{}\n{}", call.caller().subject, call.method(), id);
}

std::string fingerprint_of(const google::protobuf::Message& request) {
  return dsl::sha256_hex(request.SerializeAsString());
}

}  // namespace

bool Replies::has(const dsl::rpc::CallContext& call, const std::string& id,
                  const google::protobuf::Message& request) {
  if (id.empty()) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  forget_old();
  const auto entry = entries_.find(key_of(call, id));
  return entry != entries_.end() && entry->second.fingerprint == fingerprint_of(request);
}

Result<Replies::Kept> Replies::once_erased(const dsl::rpc::CallContext& call, const std::string& id,
                                           const google::protobuf::Message& request,
                                           const std::function<Result<std::string>()>& work) {
  if (id.empty()) {
    MC_TRY(work());
    return Kept{};
  }
  const std::string key = key_of(call, id);
  const std::string fingerprint = fingerprint_of(request);
  {
    std::unique_lock lock(mutex_);
    forget_old();
    while (true) {
      const auto [entry, added] = entries_.try_emplace(key);
      if (added) {
        entry->second.fingerprint = fingerprint;
        break;
      }
      if (entry->second.fingerprint != fingerprint) {
        return fail(Code::kConflict, "request id {} came with another request before", id)
            .hint("a new id for each change; the same only to ask again for its answer");
      }
      if (entry->second.done) {
        return Kept{true, entry->second.reply};
      }
      ended_.wait(lock);  // the first one ends, by its own deadline at the latest
    }
  }

  // Also when `work` throws: others may wait for its end.
  struct Ending {
    Replies& replies;
    const std::string& key;
    std::optional<std::string> reply;
    ~Ending() { replies.end(key, reply); }
  } ending{*this, key, std::nullopt};
  MC_ASSIGN(ending.reply, work());
  return Kept{};
}

void Replies::end(const std::string& key, const std::optional<std::string>& reply) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(key);
  if (reply) {
    entry->second.done = true;
    entry->second.reply = *reply;
    bytes_ += reply->size();
    done_.push_back({clock_.mono_now(), key});
  } else {
    entries_.erase(entry);
  }
  ended_.notify_all();
}

void Replies::forget_old() {
  const dsl::env::MonoTime now = clock_.mono_now();
  while (!done_.empty() && (done_.front().at + kLifetime <= now || done_.size() > kEntriesMax ||
                            bytes_ > kBytesMax)) {
    const auto entry = entries_.find(done_.front().key);
    bytes_ -= entry->second.reply.size();
    entries_.erase(entry);
    done_.pop_front();
  }
}

}  // namespace mcns::api
