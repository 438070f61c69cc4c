// One request and its answer, between the loop that owns its connection and its handler's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "dsl/http/server.h"

namespace dsl::http {

// The kernel's clock: what a peer does is outside any simulated time.
env::MonoTime kernel_now();

// As it came, names in lower case.
struct RequestHead {
  std::string method;
  std::string target;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool has_body = false;
};

// Confined to the loop: the constructor, `set_route`, and what is below "For the loop". The rest is
// the Exchange, confined to the handler's thread. Both meet under the mutex; neither waits for the
// other but in `read` and `write`.
class Call final : public Exchange, public std::enable_shared_from_this<Call> {
 public:
  // Told from any thread that `poll` has news; once, until the next `poll`. Outlives the call.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void call_changed(std::shared_ptr<Call> call) = 0;
  };
  struct Place {
    std::uint64_t connection = 0;
    std::int32_t stream = 0;  // HTTP/2
    std::string_view protocol;
  };

  Call(Owner& owner, Place place, RequestHead head, std::string request_id,
       std::shared_ptr<const PeerAddress> peer);

  // Before the handler may run. `route` outlives the call.
  void set_target(std::string path, std::string query);
  void set_route(const Route& route, std::map<std::string, std::string> params,
                 std::chrono::milliseconds read_timeout, std::chrono::milliseconds write_timeout);

  const Place& place() const { return place_; }
  const RequestHead& head() const { return head_; }
  const Route* route() const { return route_; }
  env::MonoTime begun() const { return begun_; }

  // Exchange.
  const std::string& method() const override { return head_.method; }
  const std::string& path() const override { return path_; }
  const std::string& raw_query() const override { return query_; }
  const Headers& headers() const override { return head_.headers; }
  const std::string& param(std::string_view name) const override;
  const PeerAddress& peer() const override { return *peer_; }
  const std::string& request_id() const override { return request_id_; }
  env::MonoTime deadline() const override { return deadline_; }
  bool cancelled() const override { return cancelled_.load(); }
  bool stopping() const override { return stopping_.load(); }
  Result<std::size_t> read(std::span<char> out) override;
  void reply(Reply reply) override;
  Result<void> begin(int status, Headers headers) override;
  Result<void> write(std::string_view piece) override;

  // The handler's end: whether an answer was begun, and the error of the body if reading it failed.
  bool answered() const;
  std::optional<Error> body_error() const;
  void finish();
  // As `finish` after a handler that failed in the middle of its stream: the client must see that.
  void finish_broken();

  // For the loop.
  void add_body(
      std::string_view piece);  // beyond the route's bound it is dropped, and reading fails
  void end_body();
  std::size_t body_waiting() const;  // bytes that the handler has not read
  bool body_too_large() const;
  // The client asks for nothing more but may still read: reading the body ends, answers go out.
  void hang_up();
  // The client has gone: waits of the handler end, its answer is dropped.
  void cancel();
  void stop() { stopping_ = true; }
  // Takes the answer out of the handler's hands, which sees itself cancelled; false when it has
  // begun already.
  bool expire(Reply instead);

  struct Progress {
    std::optional<Reply> head;  // once: the whole answer, or the head of a stream
    bool streamed = false;
    std::string data;
    bool ended = false;         // nothing more comes; after that do not poll
    bool broken = false;        // with `ended`: it is not whole
    bool wants_body = false;    // the handler waits for it
    std::size_t body_read = 0;  // bytes read since the last poll
  };
  // With less than `data_max` in hand the caller takes more of a stream.
  Progress poll(bool take_data);

 private:
  enum class Phase { kOpen, kReplied, kStreaming };

  void notify();
  Result<void> stop_reason(env::MonoTime now) const;  // with `mutex_` held

  Owner& owner_;
  const Place place_;
  const RequestHead head_;
  const std::string request_id_;
  const std::shared_ptr<const PeerAddress> peer_;
  const env::MonoTime begun_;
  std::string path_;
  std::string query_;
  const Route* route_ = nullptr;
  std::map<std::string, std::string> params_;
  env::MonoTime deadline_ = env::MonoTime::max();
  std::chrono::milliseconds read_timeout_{0};
  std::chrono::milliseconds write_timeout_{0};

  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> notified_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_, as all below.
  std::string body_;
  std::size_t body_at_ = 0;        // of `body_` that is read
  std::size_t body_received_ = 0;  // in all
  std::size_t body_read_ = 0;      // since the last poll
  bool body_ended_ = false;
  bool wants_body_ = false;
  std::optional<Error> body_error_;
  Phase phase_ = Phase::kOpen;
  bool gone_ = false;
  bool taken_ = false;  // expired: the handler's answer is dropped
  std::optional<Reply> head_out_;
  std::string data_out_;
  std::optional<std::uint64_t> declared_;  // Content-Length of a stream
  std::uint64_t written_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace dsl::http
