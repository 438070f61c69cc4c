#include "dsl/http/pool.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace dsl::http {

namespace {

using std::chrono::milliseconds;

// What makes two targets the same connection.
std::string key_of(const Target& target) {
  return text("{}\n{}\n{}\n{}\n{}", static_cast<int>(target.kind), target.address, target.port,
              target.server_name, target.ca_file);
}

bool is_idempotent(const std::string& method) {
  constexpr std::array<std::string_view, 6> kMethods{"GET",    "HEAD",    "PUT",
                                                     "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

bool is_passing(const Result<Response>& result) {
  if (!result) {
    return result.error().code() == Code::kUnavailable;
  }
  return result->status == 502 || result->status == 503 || result->status == 504;
}

milliseconds left_until(env::MonoTime deadline, env::MonoTime now) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - now));
}

}  // namespace

// Gives the place back, and the connection with it when it is fit for another call.
class Pool::Lease {
 public:
  Lease(Pool& pool, std::string key, std::unique_ptr<Connection> connection)
      : pool_(pool), key_(std::move(key)), connection_(std::move(connection)) {}
  ~Lease() { pool_.give_back(key_, std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Connection& operator*() { return *connection_; }
  void discard() { connection_.reset(); }

 private:
  Pool& pool_;
  const std::string key_;
  std::unique_ptr<Connection> connection_;
};

Pool::~Pool() {
  for (const auto& [key, slot] : slots_) {
    MC_ASSERT(slot.taken == 0, "a pool outlives its calls");
  }
}

Result<Response> Pool::send(const Target& target, const Request& request, milliseconds timeout,
                            std::size_t body_max) {
  if (target.kind == Target::Kind::kTls && target.ca_file.empty()) {
    return fail(Code::kInvalidArgument, "the target {}:{} has no CA file", target.address,
                target.port)
        .hint("pooled connections are verified");
  }
  const env::MonoTime deadline = env_.clock().mono_now() + timeout;
  for (int attempt = 1;; ++attempt) {
    bool sent = false;
    auto result = try_once(target, request, deadline, body_max, sent);
    const bool harmless = is_idempotent(request.method) || (!result && !sent);
    if (!is_passing(result) || !harmless || attempt >= options_.tries_max) {
      return result;
    }
    const milliseconds pause = pause_before(attempt + 1, result);
    if (env_.clock().mono_now() + pause >= deadline) {
      return result;
    }
    env_.clock().sleep_for(pause);
  }
}

Result<Response> Pool::try_once(const Target& target, const Request& request,
                                env::MonoTime deadline, std::size_t body_max, bool& sent) {
  const std::string key = key_of(target);
  MC_ASSIGN(auto connection, take(target, key, deadline));
  Lease lease(*this, key, std::move(connection));
  auto response = (*lease).send(request, left_until(deadline, env_.clock().mono_now()), body_max);
  sent = (*lease).request_sent();
  if (!response) {
    lease.discard();
  }
  return response;
}

Result<std::unique_ptr<Connection>> Pool::take(const Target& target, const std::string& key,
                                               env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  forget_unused(key);
  Slot& slot = slots_[key];
  while (slot.taken >= options_.connections_max) {
    if (!env_.clock().wait_until(given_back_, lock, deadline) &&
        slot.taken >= options_.connections_max) {
      return fail(Code::kUnavailable, "all {} connections to {}:{} are in use",
                  options_.connections_max, target.address, target.port);
    }
  }
  ++slot.taken;
  const env::MonoTime oldest = env_.clock().mono_now() - options_.idle_time;
  std::erase_if(slot.idle, [&](const Idle& idle) { return idle.since < oldest; });
  if (slot.idle.empty()) {
    return std::make_unique<Connection>(target);
  }
  auto connection = std::move(slot.idle.back().connection);
  slot.idle.pop_back();
  return connection;
}

void Pool::give_back(const std::string& key, std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[key];
    --slot.taken;
    if (connection && slot.idle.size() < options_.idle_max) {
      slot.idle.push_back({std::move(connection), env_.clock().mono_now()});
    }
  }
  given_back_.notify_all();
}

// A slot in use or waited for stays: its taken is not zero.
void Pool::forget_unused(const std::string& key) {
  if (slots_.size() >= options_.targets_max && slots_.count(key) == 0) {
    std::erase_if(slots_, [](const auto& entry) { return entry.second.taken == 0; });
  }
}

milliseconds Pool::pause_before(int next_try, const Result<Response>& last) {
  milliseconds pause = options_.backoff;
  for (int i = 2; i < next_try && pause < options_.backoff_max; ++i) {
    pause *= 2;
  }
  pause = std::min(pause, options_.backoff_max);
  if (last) {
    const std::string after = last->header("retry-after");
    int seconds = 0;
    const auto parsed = std::from_chars(after.data(), after.data() + after.size(), seconds);
    if (!after.empty() && parsed.ec == std::errc() && seconds >= 0) {
      return std::max(pause, milliseconds(seconds * std::int64_t{1000}));
    }
  }
  const auto half = static_cast<std::uint64_t>(pause.count() / 2);
  return pause - milliseconds(env_.random().below(half + 1));
}

std::size_t Pool::idle_connections() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [key, slot] : slots_) {
    count += slot.idle.size();
  }
  return count;
}

}  // namespace dsl::http
