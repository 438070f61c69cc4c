// What comes in on an HTTP/2 connection.
#include <charconv>

#include "dsl/http/http2_session.h"

namespace dsl::http {

namespace {

constexpr std::size_t kHeaderOverhead = 32;  // RFC 9113 section 6.5.2
// Of a request that was answered before its end.
constexpr std::size_t kLingerMax = 1u << 20;

}  // namespace

int Http2Session::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Session& session = self_of(self);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    return 0;  // trailers
  }
  auto stream = std::make_unique<Http2Stream>();
  stream->id = frame->hd.stream_id;
  stream->deadline = session.now_ + session.limits_.header_timeout;
  session.streams_[stream->id] = std::move(stream);
  return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t, void* self) {
  Http2Stream* stream = self_of(self).find(frame->hd.stream_id);
  if (stream == nullptr || stream->state != Http2Stream::State::kHead) {
    return 0;  // trailers; nobody asked for them
  }
  const std::size_t max = self_of(self).limits_.header_max;
  stream->header_bytes += name_size + value_size + kHeaderOverhead;
  if (stream->header_bytes > 2 * max) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // not even an answer
  }
  if (stream->header_bytes <= max) {
    self_of(self).add_header(*stream, view_of(name, name_size), view_of(value, value_size));
  }
  return 0;
}

void Http2Session::add_header(Http2Stream& stream, std::string_view name, std::string_view value) {
  RequestHead& head = stream.head;
  if (name == ":method") {
    head.method = value;
  } else if (name == ":path") {
    head.target = value;
  } else if (name == ":authority") {
    head.headers.emplace_back("host", value);
  } else if (!name.starts_with(':')) {
    if (name == "content-length") {
      std::uint64_t length = 0;
      (void)std::from_chars(value.data(), value.data() + value.size(),
                            length);  // nghttp2 checks it
      head.content_length = length;
    }
    stream.expects_continue =
        stream.expects_continue || (name == "expect" && value == "100-continue");
    head.headers.emplace_back(name, value);
  }
}

bool Http2Session::spend() {
  if (!budget_.spend(now_)) {
    (void)nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }
  return true;
}

int Http2Session::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Session& session = self_of(self);
  const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PRIORITY:
    case NGHTTP2_RST_STREAM:
      (void)session.spend();
      return 0;
    case NGHTTP2_DATA:
      if (frame->hd.length == 0 && !end) {
        (void)session.spend();
      }
      break;
    case NGHTTP2_HEADERS:
      break;
    default:
      return 0;
  }
  Http2Stream* stream = session.find(frame->hd.stream_id);
  if (stream == nullptr) {
    return 0;
  }
  if (stream->state == Http2Stream::State::kHead) {
    stream->head.has_body = !end;
    stream->request_done = end;
    session.begin_request(*stream);
  } else if (end) {
    session.end_request(*stream);
  }
  return 0;
}

void Http2Session::begin_request(Http2Stream& stream) {
  const bool too_large = stream.header_bytes > limits_.header_max;
  const std::string id = host_.dispatcher.request_id(stream.head.headers);
  stream.call = std::make_shared<Call>(host_.owner, Call::Place{host_.connection, stream.id, "h2"},
                                       std::move(stream.head), id, host_.peer);
  if (draining_) {
    stream.call->stop();
  }
  if (too_large) {
    answer(stream, host_.dispatcher.error_reply(
                       431, fail(Code::kTooLarge, "the headers are too large"), id));
    return;
  }
  if (auto reply = host_.dispatcher.admit(*stream.call)) {
    answer(stream, std::move(*reply));
    return;
  }
  if (stream.request_done) {
    run_call(stream, false);
  } else if (stream.call->head().content_length.value_or(0) > kGatherMax ||
             stream.call->route()->streams) {
    run_call(stream, true);
  } else {
    stream.state = Http2Stream::State::kGather;
    stream.deadline = now_ + limits_.read_timeout;
    send_continue(stream);
  }
}

void Http2Session::end_request(Http2Stream& stream) {
  stream.request_done = true;
  stream.call->end_body();
  if (stream.state == Http2Stream::State::kGather) {
    run_call(stream, false);
  }
}

void Http2Session::run_call(Http2Stream& stream, bool own_thread) {
  stream.state = Http2Stream::State::kCall;
  stream.deadline = stream.call->deadline();
  host_.dispatcher.run(stream.call, own_thread);
}

void Http2Session::answer(Http2Stream& stream, Reply reply) {
  stream.state = Http2Stream::State::kCall;
  (void)stream.call->expire(std::move(reply));
  changed_.push_back(stream.id);
}

int Http2Session::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                          const std::uint8_t* data, std::size_t size, void* self) {
  // The connection's window bounds nothing of ours: what waits is bounded stream by stream.
  (void)nghttp2_session_consume_connection(session, size);
  Http2Stream* stream = self_of(self).find(id);
  if (stream == nullptr) {
    return 0;
  }
  if (stream->call_ended) {
    stream->dropped += size;
    if (stream->dropped <= kLingerMax) {
      (void)nghttp2_session_consume_stream(session, id, size);
    } else if (stream->answer_sent) {
      self_of(self).reset(id, NGHTTP2_NO_ERROR);  // RFC 9113 section 8.1
    }
    return 0;
  }
  stream->call->add_body(view_of(data, size));
  if (stream->call->body_too_large() && stream->state == Http2Stream::State::kGather) {
    self_of(self).answer(
        *stream, self_of(self).host_.dispatcher.error_reply(413, *stream->call->body_error(),
                                                            stream->call->request_id()));
  } else if (stream->state == Http2Stream::State::kGather &&
             stream->call->body_waiting() >= kGatherMax) {
    self_of(self).run_call(*stream, true);
  }
  return 0;
}

}  // namespace dsl::http
