// Any bytes as an HTTP/2 connection, with handlers that answer on the spot.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/http/session.h"

namespace {

using namespace dsl;

constexpr std::size_t kStep = 61;  // bytes at once; no multiple of anything

// Answers are asked for right after the bytes, so the session needs no telling.
class Owner final : public http::Call::Owner {
 public:
  void call_changed(std::shared_ptr<http::Call> call) override {
    const std::lock_guard lock(mutex_);
    changed_.push_back(std::move(call));
  }
  void deliver(http::Session& session) {
    std::vector<std::shared_ptr<http::Call>> calls;
    {
      const std::lock_guard lock(mutex_);
      calls.swap(changed_);
    }
    for (const auto& call : calls) {
      session.call_changed(*call);
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<http::Call>> changed_;
};

http::Router routes() {
  http::Router router;
  router.add({.pattern = "/", .access = http::Access::kPublic, .handle = [](http::Exchange& e) {
                e.reply({200, {}, "hello"});
              }});
  router.add({.method = "POST",
              .pattern = "/{rest...}",
              .access = http::Access::kPublic,
              .body_max = 100,
              .handle = [](http::Exchange& e) {
                if (auto body = e.read_all()) {
                  e.reply({200, {}, *body});
                }
              }});
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Owner owner;
  http::ServerOptions options;
  options.workers = 1;
  http::Dispatcher dispatcher(env::system_env(), routes(), options);
  const http::SessionHost host{dispatcher, owner, 1, std::make_shared<http::PeerAddress>(),
                               [] { return std::string_view("now"); }};
  {
    const auto session = http::make_http2_session(host, http::kernel_now());
    std::string out;
    for (std::size_t at = 0; at < size && !session->finished(); at += kStep) {
      const std::string_view piece = bytes.substr(at, kStep);
      MC_ASSERT(session->receive(piece, http::kernel_now()) <= piece.size(),
                "it takes what there is");
      owner.deliver(*session);
      out.clear();
      session->produce(out, http::kernel_now());
      MC_ASSERT(out.size() < 4 * http::kOutMax, "answers are bounded");
    }
    session->drain(http::kernel_now());
    session->on_deadline(http::kernel_now() + std::chrono::hours(1));
    out.clear();
    session->produce(out, http::kernel_now());
    session->cancel();
    dispatcher.stop();
  }
  return 0;
}
