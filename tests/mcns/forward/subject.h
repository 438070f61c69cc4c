// A forwarder with a cache, as tests ask it.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "mcns/cache/messages.h"
#include "mcns/forward/fake_upstream.h"
#include "mcns/forward/forwarder.h"
#include "support/test_env.h"

namespace mcns::test {

// Times that a test can wait for.
inline ForwardOptions quick() {
  using std::chrono::milliseconds;
  return {.timeout_total = milliseconds(1500),
          .stale_after = milliseconds(150),
          .attempt_timeout = milliseconds(150),
          .probe_first = milliseconds(20),
          .probe_max = milliseconds(80)};
}

// However busy the machine is, nothing is asked twice.
inline ForwardOptions patient() {
  ForwardOptions options = quick();
  options.attempt_timeout = std::chrono::milliseconds(5000);
  options.timeout_total = std::chrono::milliseconds(9000);
  return options;
}

// Until `condition` holds, for 5 s at most.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

struct Subject {
  explicit Subject(ForwardOptions options = quick(), const CacheOptions& kept = {})
      : cache(Cache::make(kept, 1)),
        forwarder(dsl::test::require_ok(Forwarder::start(env, *cache, options))) {}

  void use(std::vector<Upstream> upstreams, std::vector<Upstream> fallback = {},
           ForwardPolicy policy = ForwardPolicy::kOrdered) {
    set({{.upstreams = std::move(upstreams), .fallback = std::move(fallback), .policy = policy}});
  }
  void set(std::vector<ForwardGroup> groups) {
    dsl::test::require_ok(forwarder->set_groups(std::move(groups), {}));
  }
  // The same, once each of them is known to answer.
  void use_known(std::vector<Upstream> upstreams, ForwardPolicy policy = ForwardPolicy::kOrdered) {
    use(std::move(upstreams), {}, policy);
    EXPECT_TRUE(eventually([&] {
      for (const UpstreamState& state : forwarder->upstreams()) {
        if (state.state != "up") {
          return false;
        }
      }
      return true;
    }));
  }
  bool await_state(std::size_t upstream, std::string_view state) {
    return eventually([&] { return forwarder->upstreams().at(upstream).state == state; });
  }

  std::future<ForwardAnswer> begin(ForwardQuestion question) {
    auto promise = std::make_shared<std::promise<ForwardAnswer>>();
    forwarder->ask(std::move(question),
                   [promise](const ForwardAnswer& answer) { promise->set_value(answer); });
    return promise->get_future();
  }
  std::future<ForwardAnswer> begin(std::string_view name) { return begin({.name = name_of(name)}); }
  ForwardAnswer ask(ForwardQuestion question) {
    auto future = begin(std::move(question));
    if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer at all";
      return {};
    }
    return future.get();
  }
  ForwardAnswer ask(std::string_view name) { return ask({.name = name_of(name)}); }

  std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               env.clock().mono_now().time_since_epoch())
        .count();
  }
  // What the cache has, or nothing.
  std::optional<Message> cached(std::string_view name, bool stale_ok = false) {
    const Asked asked(name);
    std::vector<char> buffer(4096);
    const auto hit = cache->lookup(asked.query, now_ms(), stale_ok, buffer.data(), buffer.size());
    if (hit.size == 0) {
      return std::nullopt;
    }
    return dsl::test::require_ok(Message::parse({buffer.data(), hit.size}));
  }

  dsl::test::TestEnv env;  // its clock is only the cache's
  std::unique_ptr<Cache> cache;
  std::unique_ptr<Forwarder> forwarder;
};

// The last octet of the first address: which upstream it is from. 0 without one.
inline int source_of(const ForwardAnswer& answer) {
  const auto message = Message::parse(answer.message);
  return message && !message->answers.empty() ? message->answers[0].rdata.back() : 0;
}

}  // namespace mcns::test
