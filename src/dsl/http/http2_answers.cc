// What goes out on an HTTP/2 connection.
#include <algorithm>
#include <cstring>

#include "dsl/http/http2_session.h"
#include "dsl/http/message.h"
#include "dsl/http/reply_head.h"

namespace dsl::http {

namespace {

constexpr std::size_t kPendingMax = 64u
                                    << 10;  // answer bytes of one stream beside those of its call
// How long the rest of a request that was answered before its end is dropped.
constexpr std::chrono::milliseconds kLingerTime{2000};

}  // namespace

void Http2Session::update(Http2Stream& stream) {
  if (!stream.call || stream.call_ended) {
    return;
  }
  const bool take = stream.pending.size() - stream.pending_at < kPendingMax;
  Call::Progress progress = stream.call->poll(take);
  if (progress.body_read > 0) {
    (void)nghttp2_session_consume_stream(session_, stream.id, progress.body_read);
  }
  if (progress.wants_body && !progress.head && !stream.responded) {
    send_continue(stream);
  }
  stream.call_ended = progress.ended;
  stream.broken = progress.broken;
  if (!progress.data.empty()) {
    stream.pending.erase(0, std::exchange(stream.pending_at, 0));
    stream.pending += progress.data;
  }
  if (progress.head) {
    submit_head(stream, progress, *progress.head);
  }
  if (stream.responded && (!progress.data.empty() || progress.ended)) {
    if (!stream.pending.empty()) {
      stream.deadline = now_ + limits_.write_timeout;
    }
    if (std::exchange(stream.deferred, false)) {
      (void)nghttp2_session_resume_data(session_, stream.id);
    }
  }
}

void Http2Session::submit_head(Http2Stream& stream, const Call::Progress& progress, Reply& head) {
  const bool no_body = stream.call->method() == "HEAD" || has_no_content(head.status);
  const std::string status = std::to_string(head.status);
  const std::string date(host_.date());
  std::string length;
  std::vector<std::string> names;
  names.reserve(head.headers.size());  // the fields point into it
  std::vector<nghttp2_nv> fields{name_value(":status", status)};
  for (const auto& [name, value] : head.headers) {
    names.push_back(lower_case(name));
    if (names.back() == "content-length" && progress.streamed && !has_no_content(head.status)) {
      length = value;
    } else if (!is_set_by_server(names.back())) {
      fields.push_back(name_value(names.back(), value));
    }
  }
  if (!progress.streamed && !has_no_content(head.status)) {
    length = std::to_string(head.body.size());
  }
  if (!length.empty()) {
    fields.push_back(name_value("content-length", length));
  }
  fields.push_back(name_value("date", date));
  fields.push_back(name_value("x-request-id", stream.call->request_id()));

  stream.responded = true;
  stream.status = head.status;
  stream.deadline = env::MonoTime::max();
  const bool nothing_follows = no_body || (!progress.streamed && head.body.empty());
  if (nothing_follows) {
    stream.pending.clear();
  } else if (!progress.streamed) {
    stream.pending = std::move(head.body);
  }
  nghttp2_data_provider provider{{.ptr = &stream}, on_read};
  (void)nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(),
                                nothing_follows ? nullptr : &provider);
}

void Http2Session::send_continue(Http2Stream& stream) {
  if (std::exchange(stream.expects_continue, false)) {
    const nghttp2_nv status = name_value(":status", "100");
    (void)nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1,
                                 nullptr);
  }
}

ssize_t Http2Session::on_read(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source* source, void* self) {
  return self_of(self).read_pending(*static_cast<Http2Stream*>(source->ptr), {out, size}, *flags);
}

ssize_t Http2Session::read_pending(Http2Stream& stream, std::span<std::uint8_t> out,
                                   std::uint32_t& flags) {
  const std::size_t left = stream.pending.size() - stream.pending_at;
  if (left == 0 && !stream.call_ended) {
    stream.deferred = true;
    stream.deadline = env::MonoTime::max();  // it is the handler's turn, which has its own
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t count = std::min(left, out.size());
  std::memcpy(out.data(), stream.pending.data() + stream.pending_at, count);
  stream.pending_at += count;
  stream.deadline = now_ + limits_.write_timeout;
  if (!stream.call_ended) {
    changed_.push_back(stream.id);  // there is room for more
  } else if (count == left) {
    if (stream.broken) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the client must see that it is not whole
    }
    flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(count);
}

int Http2Session::on_sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  const bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Http2Stream* stream = ends ? self_of(self).find(frame->hd.stream_id) : nullptr;
  if (stream != nullptr) {
    stream->answer_sent = true;
    // The rest of the request is dropped for a moment: a reset at the heels of the answer makes
    // some clients forget the answer (curl 7.88).
    stream->deadline = self_of(self).now_ + kLingerTime;
  }
  return 0;
}

int Http2Session::on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
  Http2Session& session = self_of(self);
  Http2Stream* stream = session.find(id);
  if (stream == nullptr) {
    return 0;
  }
  if (stream->call) {
    stream->call->cancel();  // a handler that still writes, to a HEAD request say, may stop
    session.host_.dispatcher.done(*stream->call, stream->answer_sent ? stream->status : 499);
  }
  session.streams_.erase(id);
  session.served_any_ = true;
  session.idle_since_ = session.now_;
  return 0;
}

void Http2Session::reset(std::int32_t id, std::uint32_t error) {
  (void)nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
}

}  // namespace dsl::http
