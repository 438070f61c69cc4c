// A session of HTTP/2: nghttp2 takes and gives the bytes, this class owns the streams.
//
// http2_session.cc has its life and its deadlines, http2_requests.cc what comes in, and
// http2_answers.cc what goes out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "dsl/http/control_budget.h"
#include "dsl/http/http2_stream.h"
#include "dsl/http/session.h"

namespace dsl::http {

class Http2Session final : public Session {
 public:
  Http2Session(const SessionHost& host, env::MonoTime now);
  ~Http2Session() override;

  std::size_t receive(std::string_view in, env::MonoTime now) override;
  void produce(std::string& out, env::MonoTime now) override;
  bool wants_input() const override { return !finished_; }
  bool finished() const override { return finished_; }
  bool broken() const override { return false; }
  void call_changed(Call& call) override { changed_.push_back(call.place().stream); }
  env::MonoTime deadline() const override;
  void on_deadline(env::MonoTime now) override;
  void input_ended() override;
  void cancel() override;
  void drain(env::MonoTime now) override;

 private:
  // nghttp2's callbacks: `self` is the session.
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t flags, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* self);
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self);
  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size,
                         std::uint32_t* flags, nghttp2_data_source* source, void* self);

  Http2Stream* find(std::int32_t id);
  void add_header(Http2Stream& stream, std::string_view name, std::string_view value);
  void begin_request(Http2Stream& stream);
  void end_request(Http2Stream& stream);
  void run_call(Http2Stream& stream, bool own_thread);
  void answer(Http2Stream& stream, Reply reply);
  void update(Http2Stream& stream);
  void submit_head(Http2Stream& stream, const Call::Progress& progress, Reply& head);
  void send_continue(Http2Stream& stream);
  ssize_t read_pending(Http2Stream& stream, std::span<std::uint8_t> out, std::uint32_t& flags);
  void reset(std::int32_t id, std::uint32_t error);
  bool spend();

  const SessionHost& host_;
  const Limits& limits_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
  std::vector<std::int32_t> changed_;  // streams whose call has news
  ControlBudget budget_;
  env::MonoTime now_;
  env::MonoTime idle_since_;
  bool served_any_ = false;
  bool draining_ = false;
  bool finished_ = false;
  env::MonoTime goaway_at_ = env::MonoTime::max();  // of the last word, when draining
};

// The session that a callback of nghttp2 was registered with.
inline Http2Session& self_of(void* self) { return *static_cast<Http2Session*>(self); }

inline std::string_view view_of(const std::uint8_t* bytes, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(bytes)), size};
}

// nghttp2 takes bytes that it does not change as if it might.
inline std::uint8_t* bytes_of(std::string_view text) {
  return static_cast<std::uint8_t*>(const_cast<void*>(static_cast<const void*>(text.data())));
}

inline nghttp2_nv name_value(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace dsl::http
