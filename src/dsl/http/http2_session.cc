#include "dsl/http/http2_session.h"

#include <algorithm>

namespace dsl::http {

namespace {

constexpr std::size_t kOutboundAcksMax = 100;  // answers to PING and SETTINGS waiting to be sent

}  // namespace

Http2Session::Http2Session(const SessionHost& host, env::MonoTime now)
    : host_(host), limits_(host.dispatcher.limits()), budget_(now), now_(now), idle_since_(now) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  MC_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0,
            "nghttp2: out of memory");
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_max_outbound_ack(options, kOutboundAcksMax);
  const int made = nghttp2_session_server_new2(&session_, callbacks, this, options);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  MC_ASSERT(made == 0, "nghttp2: out of memory");

  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
       static_cast<std::uint32_t>(limits_.streams_per_connection_max)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.header_max)}};
  (void)nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
}

Http2Session::~Http2Session() {
  cancel();
  nghttp2_session_del(session_);
}

Http2Stream* Http2Session::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

std::size_t Http2Session::receive(std::string_view in, env::MonoTime now) {
  now_ = now;
  if (finished_) {
    return in.size();
  }
  const ssize_t used = nghttp2_session_mem_recv(session_, bytes_of(in), in.size());
  if (used < 0) {
    // Not HTTP/2, or a flood. nghttp2 has queued a GOAWAY where there is a point in one.
    (void)nghttp2_session_terminate_session(
        session_, used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    return in.size();
  }
  return static_cast<std::size_t>(used);
}

void Http2Session::produce(std::string& out, env::MonoTime now) {
  now_ = now;
  while (!finished_ && out.size() < kOutMax) {
    for (const std::int32_t id : std::exchange(changed_, {})) {
      if (Http2Stream* stream = find(id)) {
        update(*stream);
      }
    }
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size > 0) {
      out += view_of(data, static_cast<std::size_t>(size));
    } else if (size < 0) {
      finished_ = true;  // out of memory, or flooded while sending
    } else if (changed_.empty()) {
      finished_ =
          nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
      return;
    }
  }
}

env::MonoTime Http2Session::deadline() const {
  env::MonoTime earliest = goaway_at_;
  for (const auto& [id, stream] : streams_) {
    earliest = std::min(earliest, stream->deadline);
  }
  if (streams_.empty() && !draining_) {
    earliest = std::min(
        earliest, idle_since_ + (served_any_ ? limits_.idle_timeout : limits_.header_timeout));
  }
  return earliest;
}

void Http2Session::on_deadline(env::MonoTime now) {
  now_ = now;
  if (now >= goaway_at_) {
    goaway_at_ = env::MonoTime::max();
    (void)nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                                nullptr, 0);
  }
  if (streams_.empty() && !draining_ && now >= deadline()) {
    (void)nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    return;
  }
  for (const auto& [id, stream] : streams_) {
    if (now < stream->deadline) {
      continue;
    }
    stream->deadline = env::MonoTime::max();
    if (stream->state == Http2Stream::State::kHead || stream->responded) {
      reset(id, stream->answer_sent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
      continue;
    }
    const bool gather = stream->state == Http2Stream::State::kGather;
    const Error error = fail(Code::kDeadlineExceeded, gather ? "the client is too slow"
                                                             : "the call took longer than it may");
    answer(*stream,
           host_.dispatcher.error_reply(gather ? 408 : 504, error, stream->call->request_id()));
  }
}

void Http2Session::input_ended() {
  cancel();
  finished_ = true;
}

void Http2Session::cancel() {
  for (const auto& [id, stream] : streams_) {
    if (stream->call) {
      stream->call->cancel();
      host_.dispatcher.done(*stream->call, stream->answer_sent ? stream->status : 499);
    }
  }
  streams_.clear();
}

void Http2Session::drain(env::MonoTime now) {
  draining_ = true;
  goaway_at_ = now + kDrainIdle;
  (void)nghttp2_submit_shutdown_notice(session_);
  for (const auto& [id, stream] : streams_) {
    if (stream->call) {
      stream->call->stop();
    }
  }
}

std::unique_ptr<Session> make_http2_session(const SessionHost& host, env::MonoTime now) {
  return std::make_unique<Http2Session>(host, now);
}

}  // namespace dsl::http
