#include "mcns/forward/forwarder.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include <pthread.h>

#include "mcns/forward/engine.h"
#include "mcns/forward/groups.h"
#include "mcns/forward/stale.h"
#include "mcns/forward/tls_contexts.h"

namespace mcns {
namespace {

using dsl::Result;

class ForwarderImpl final : public Forwarder {
 public:
  ForwarderImpl(std::unique_ptr<dsl::net::Loop> loop, dsl::env::Env& env, Cache& cache,
                const ForwardOptions& options)
      : options_(options),
        clock_(env.clock()),
        cache_(cache),
        loop_(std::move(loop)),
        engine_(std::make_unique<Engine>(*loop_, env, cache, nonces_, options)),
        authorities_(env),
        thread_([this] { run(); }) {}

  ~ForwarderImpl() override {
    loop_->stop();
    thread_.join();
    engine_.reset();  // tells those who wait
    loop_.reset();    // and those whose questions it had not taken yet
  }

  Result<void> set_groups(std::vector<ForwardGroup> groups,
                          const std::vector<std::string>& own_addresses) override {
    MC_ASSIGN(const OwnAddresses own, OwnAddresses::parse(own_addresses));
    MC_TRY(check_groups(groups, own));
    const std::lock_guard one_at_a_time(setting_);
    MC_ASSIGN(const TlsContexts contexts, authorities_.contexts(groups));
    BySuffix<std::string> zones;
    for (const ForwardGroup& group : groups) {
      zones.set(group.zone, group.zone.text());
    }
    std::promise<std::vector<ServerRow>> made;
    loop_->post([&] { made.set_value(engine_->set_groups(groups, contexts, own)); });
    std::vector<ServerRow> rows = made.get_future().get();

    const std::lock_guard lock(mutex_);
    rows_ = std::move(rows);
    zones_ = std::move(zones);
    return {};
  }

  void ask(ForwardQuestion question, std::function<void(const ForwardAnswer&)> done) override {
    if (waiting_ >= options_.inflight_max) {
      // RFC 8767 section 5: nobody is asked, which is as good as nobody who answers.
      if (const auto stale = stale_answer(cache_, question, now_ms())) {
        done(*stale);
        return;
      }
      done({.error = ExtendedError::kNetworkError, .detail = "too many questions are under way"});
      return;
    }
    auto waiter = std::make_shared<Waiter>(std::move(done), waiting_);
    loop_->post([this, question = std::move(question), waiter = std::move(waiter)]() mutable {
      engine_->ask(std::move(question), std::move(waiter));
    });
  }

  std::vector<UpstreamState> upstreams() const override {
    std::vector<UpstreamState> states;
    const std::lock_guard lock(mutex_);
    for (const ServerRow& row : rows_) {
      states.push_back({.upstream = row.upstream,
                        .group = row.group,
                        .state = text(row.figures->state),
                        .fallback = row.fallback,
                        .rtt_ms = row.figures->rtt_ms,
                        .asked = row.figures->asked,
                        .failed = row.figures->failed,
                        .other_case = row.figures->other_case,
                        .trouble = row.figures->trouble()});
    }
    return states;
  }

  std::string group_of(const Name& name) const override {
    const std::lock_guard lock(mutex_);
    const std::string* zone = zones_.find(name);
    return zone == nullptr ? std::string() : *zone;
  }

  void set_stale_after(std::chrono::milliseconds time) override {
    loop_->post([this, time] { engine_->set_stale_after(time); });
  }

  bool is_own_nonce(std::uint64_t nonce) override {
    if (!nonces_.contains(nonce)) {
      return false;
    }
    loop_->post([this, nonce] { engine_->nonce_came_back(nonce); });
    return true;
  }

 private:
  std::int64_t now_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               clock_.mono_now().time_since_epoch())
        .count();
  }
  void run() {
    ::pthread_setname_np(::pthread_self(), "mcns-forward");
    loop_->run();
  }

  const ForwardOptions options_;
  dsl::env::Clock& clock_;
  Cache& cache_;
  Nonces nonces_;
  std::atomic<std::size_t> waiting_{0};
  std::unique_ptr<dsl::net::Loop> loop_;
  std::unique_ptr<Engine> engine_;
  std::mutex setting_;
  TlsAuthorities authorities_;  // guarded by setting_
  mutable std::mutex mutex_;
  std::vector<ServerRow> rows_;  // guarded by mutex_
  BySuffix<std::string> zones_;  // guarded by mutex_
  std::thread thread_;           // last: uses all of the above
};

}  // namespace

Result<std::unique_ptr<Forwarder>> Forwarder::start(dsl::env::Env& env, Cache& cache,
                                                    ForwardOptions options) {
  MC_ASSIGN(auto loop, dsl::net::Loop::open());
  return std::make_unique<ForwarderImpl>(std::move(loop), env, cache, options);
}

}  // namespace mcns
