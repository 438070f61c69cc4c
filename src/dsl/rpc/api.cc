#include "dsl/rpc/api.h"

#include <algorithm>
#include <atomic>

#include "dsl/rpc/builtin_services.h"
#include "dsl/rpc/chain.h"

namespace dsl::rpc {

namespace {

constexpr std::size_t kRequestIdBytesMax = 64;

// What a client may choose; everything else would end up in our logs as it likes.
bool is_request_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.';
         });
}

class TableApi final : public Api {
 public:
  TableApi(env::Env& env, ApiOptions options) : env_(env), options_(std::move(options)) {}
  Result<void> fill(MethodTable table);

  env::Env& env() const override { return env_; }
  const MethodTable& table() const override { return table_; }
  void drain() override { draining_.store(true); }
  bool ready() const override { return !draining_.load() && (!options_.ready || options_.ready()); }
  void observe(std::function<void(const CallDone&)> observer) override {
    observer_ = std::move(observer);
  }
  std::string request_id(std::string_view given) const override {
    return is_request_id(given) ? std::string(given) : env_.random().hex(8);
  }
  const Route* find(const std::string& method) const override { return chain_->find(method); }
  void accept(ActiveCall& call, const Route& route) const override;
  Result<void> run(ActiveCall& call, const Route& route, const Parse& parse,
                   MessageSink& sink) const override;
  Error refuse(const ActiveCall& call, Error error) const override;
  Result<Caller> admit(const Peer& peer, Level level, const std::string& name) const override;

 private:
  void tell(const std::string& method, const Error* error, std::chrono::nanoseconds took) const {
    if (observer_) {
      observer_(
          {chain_->find(method) != nullptr ? std::string_view(method) : "unknown", error, took});
    }
  }

  env::Env& env_;
  const ApiOptions options_;
  MethodTable table_;
  std::unique_ptr<Chain> chain_;  // set once by `fill`
  std::function<void(const CallDone&)> observer_;
  std::atomic<bool> draining_{false};
};

Result<void> TableApi::fill(MethodTable table) {
  add_health(table, [this] { return ready(); });
  add_reflection(table);
  table_ = std::move(table);
  MC_ASSIGN(Chain chain, Chain::create(table_, {options_.authenticate, options_.policy,
                                                options_.sealed, options_.audit}));
  chain_ = std::make_unique<Chain>(std::move(chain));
  return {};
}

void TableApi::accept(ActiveCall& call, const Route& route) const {
  if (!route.method.streaming) {
    call.default_deadline(env_.clock().mono_now() + options_.deadline_default);
  }
}

Result<void> TableApi::run(ActiveCall& call, const Route& route, const Parse& parse,
                           MessageSink& sink) const {
  const env::MonoTime began = env_.clock().mono_now();
  Result<void> result = chain_->run(call, route, parse, sink);
  tell(call.method(), result ? nullptr : &result.error(), env_.clock().mono_now() - began);
  return result;
}

Error TableApi::refuse(const ActiveCall& call, Error error) const {
  tell(call.method(), &error, std::chrono::nanoseconds(0));
  return error;
}

Result<Caller> TableApi::admit(const Peer& peer, Level level, const std::string& name) const {
  CallStart start;
  start.method = name;
  start.peer = peer;
  ActiveCall call(env_.clock(), std::move(start));
  MC_TRY(chain_->admit(call, level));
  return call.caller();
}

}  // namespace

Result<std::shared_ptr<Api>> Api::create(env::Env& env, MethodTable table, ApiOptions options) {
  auto api = std::make_shared<TableApi>(env, std::move(options));
  MC_TRY(api->fill(std::move(table)));
  return api;
}

}  // namespace dsl::rpc
