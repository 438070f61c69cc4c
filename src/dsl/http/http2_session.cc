#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include <nghttp2/nghttp2.h>

#include "dsl/http/control_budget.h"
#include "dsl/http/http2_stream.h"
#include "dsl/http/message.h"
#include "dsl/http/reply_head.h"
#include "dsl/http/session.h"

namespace dsl::http {

namespace {

constexpr std::size_t kPendingMax = 64u
                                    << 10;   // answer bytes of one stream beside those of its call
constexpr std::size_t kHeaderOverhead = 32;  // RFC 9113 section 6.5.2
constexpr std::size_t kOutboundAcksMax = 100;  // answers to PING and SETTINGS waiting to be sent
// Of a request that was answered before its end.
constexpr std::chrono::milliseconds kLingerTime{2000};
constexpr std::size_t kLingerMax = 1u << 20;

using Stream = Http2Stream;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(bytes)), size};
}

// nghttp2 takes bytes that it does not change as if it might.
std::uint8_t* bytes_of(std::string_view text) {
  return static_cast<std::uint8_t*>(const_cast<void*>(static_cast<const void*>(text.data())));
}

nghttp2_nv name_value(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

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

  Stream* find(std::int32_t id);
  void add_header(Stream& stream, std::string_view name, std::string_view value);
  void begin_request(Stream& stream);
  void end_request(Stream& stream);
  void run_call(Stream& stream, bool own_thread);
  void answer(Stream& stream, Reply reply);
  void update(Stream& stream);
  void submit_head(Stream& stream, const Call::Progress& progress, Reply& head);
  void send_continue(Stream& stream);
  ssize_t read_pending(Stream& stream, std::span<std::uint8_t> out, std::uint32_t& flags);
  void reset(std::int32_t id, std::uint32_t error);
  bool spend();

  const SessionHost& host_;
  const Limits& limits_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::vector<std::int32_t> changed_;  // streams whose call has news
  ControlBudget budget_;
  env::MonoTime now_;
  env::MonoTime idle_since_;
  bool served_any_ = false;
  bool draining_ = false;
  bool finished_ = false;
  env::MonoTime goaway_at_ = env::MonoTime::max();  // of the last word, when draining
};

Http2Session& self_of(void* self) { return *static_cast<Http2Session*>(self); }

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

Stream* Http2Session::find(std::int32_t id) {
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
      if (Stream* stream = find(id)) {
        update(*stream);
      }
    }
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size > 0) {
      out += view(data, static_cast<std::size_t>(size));
    } else if (size < 0) {
      finished_ = true;  // out of memory, or flooded while sending
    } else if (changed_.empty()) {
      finished_ =
          nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
      return;
    }
  }
}

// Requests.

int Http2Session::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Session& session = self_of(self);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    return 0;  // trailers
  }
  auto stream = std::make_unique<Stream>();
  stream->id = frame->hd.stream_id;
  stream->deadline = session.now_ + session.limits_.header_timeout;
  session.streams_[stream->id] = std::move(stream);
  return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t, void* self) {
  Stream* stream = self_of(self).find(frame->hd.stream_id);
  if (stream == nullptr || stream->state != Stream::State::kHead) {
    return 0;  // trailers; nobody asked for them
  }
  const std::size_t max = self_of(self).limits_.header_max;
  stream->header_bytes += name_size + value_size + kHeaderOverhead;
  if (stream->header_bytes > 2 * max) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // not even an answer
  }
  if (stream->header_bytes <= max) {
    self_of(self).add_header(*stream, view(name, name_size), view(value, value_size));
  }
  return 0;
}

void Http2Session::add_header(Stream& stream, std::string_view name, std::string_view value) {
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
  Stream* stream = session.find(frame->hd.stream_id);
  if (stream == nullptr) {
    return 0;
  }
  if (stream->state == Stream::State::kHead) {
    stream->head.has_body = !end;
    stream->request_done = end;
    session.begin_request(*stream);
  } else if (end) {
    session.end_request(*stream);
  }
  return 0;
}

void Http2Session::begin_request(Stream& stream) {
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
    stream.state = Stream::State::kGather;
    stream.deadline = now_ + limits_.read_timeout;
    send_continue(stream);
  }
}

void Http2Session::end_request(Stream& stream) {
  stream.request_done = true;
  stream.call->end_body();
  if (stream.state == Stream::State::kGather) {
    run_call(stream, false);
  }
}

void Http2Session::run_call(Stream& stream, bool own_thread) {
  stream.state = Stream::State::kCall;
  stream.deadline = stream.call->deadline();
  host_.dispatcher.run(stream.call, own_thread);
}

void Http2Session::answer(Stream& stream, Reply reply) {
  stream.state = Stream::State::kCall;
  (void)stream.call->expire(std::move(reply));
  changed_.push_back(stream.id);
}

int Http2Session::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                          const std::uint8_t* data, std::size_t size, void* self) {
  // The connection's window bounds nothing of ours: what waits is bounded stream by stream.
  (void)nghttp2_session_consume_connection(session, size);
  Stream* stream = self_of(self).find(id);
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
  stream->call->add_body(view(data, size));
  if (stream->call->body_too_large() && stream->state == Stream::State::kGather) {
    self_of(self).answer(
        *stream, self_of(self).host_.dispatcher.error_reply(413, *stream->call->body_error(),
                                                            stream->call->request_id()));
  } else if (stream->state == Stream::State::kGather &&
             stream->call->body_waiting() >= kGatherMax) {
    self_of(self).run_call(*stream, true);
  }
  return 0;
}

// Answers.

void Http2Session::update(Stream& stream) {
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

void Http2Session::submit_head(Stream& stream, const Call::Progress& progress, Reply& head) {
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

void Http2Session::send_continue(Stream& stream) {
  if (std::exchange(stream.expects_continue, false)) {
    const nghttp2_nv status = name_value(":status", "100");
    (void)nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1,
                                 nullptr);
  }
}

ssize_t Http2Session::on_read(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source* source, void* self) {
  return self_of(self).read_pending(*static_cast<Stream*>(source->ptr), {out, size}, *flags);
}

ssize_t Http2Session::read_pending(Stream& stream, std::span<std::uint8_t> out,
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
  Stream* stream = ends ? self_of(self).find(frame->hd.stream_id) : nullptr;
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
  Stream* stream = session.find(id);
  if (stream == nullptr) {
    return 0;
  }
  if (stream->call) {
    if (!stream->answer_sent) {
      stream->call->cancel();
    }
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

// Time and ends.

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
    if (stream->state == Stream::State::kHead || stream->responded) {
      reset(id, stream->answer_sent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
      continue;
    }
    const bool gather = stream->state == Stream::State::kGather;
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
      host_.dispatcher.done(*stream->call, 499);
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

}  // namespace

std::unique_ptr<Session> make_http2_session(const SessionHost& host, env::MonoTime now) {
  return std::make_unique<Http2Session>(host, now);
}

}  // namespace dsl::http
