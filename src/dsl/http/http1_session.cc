#include <algorithm>

#include "dsl/http/http1_parser.h"
#include "dsl/http/message.h"
#include "dsl/http/reply_head.h"
#include "dsl/http/session.h"

namespace dsl::http {

namespace {

void append_chunk(std::string_view data, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string size;
  for (std::size_t left = data.size(); left > 0; left >>= 4) {
    size.insert(size.begin(), kHex[left & 15]);
  }
  out += size;
  out += "\r\n";
  out += data;
  out += "\r\n";
}

class Http1Session final : public Session {
 public:
  Http1Session(const SessionHost& host, env::MonoTime now)
      : host_(host), limits_(host.dispatcher.limits()), parser_(limits_.header_max), since_(now) {}
  ~Http1Session() override { cancel(); }

  std::size_t receive(std::string_view in, env::MonoTime now) override;
  void produce(std::string& out, env::MonoTime now) override;
  bool wants_input() const override;
  bool finished() const override { return state_ == State::kFinished; }
  bool broken() const override { return broken_; }
  void call_changed(Call& call) override { changed_ = changed_ || &call == call_.get(); }
  env::MonoTime deadline() const override;
  void on_deadline(env::MonoTime now) override;
  void input_ended() override;
  void cancel() override;
  void drain(env::MonoTime now) override;

 private:
  enum class State {
    kHead,    // of the next request; `since_`: idle, or its first byte
    kGather,  // its body, before the handler; `since_`: the end of its head
    kCall,    // the handler runs; the body may still come
    kFinished
  };

  void begin_request(Http1Parser::Head head, env::MonoTime now);
  void run_call(bool own_thread);
  void refuse(const Refusal& refusal);
  void answer(Reply reply);  // of the server, for the request at hand
  std::size_t take_body(std::string_view in);
  void append_head(const Call::Progress& progress, Reply& head, std::string& out);
  void end_answer(bool whole, env::MonoTime now);
  bool must_close() const;

  const SessionHost& host_;
  const Limits& limits_;
  Http1Parser parser_;
  State state_ = State::kHead;
  env::MonoTime since_;
  bool head_begun_ = false;
  bool served_any_ = false;
  bool draining_ = false;
  bool broken_ = false;
  bool refused_ = false;  // what still comes is not read

  // Of the request at hand.
  std::shared_ptr<Call> call_;
  Http1Parser::Head head_;
  bool changed_ = false;        // the call has news
  bool want_continue_ = false;  // "100 Continue" is due as soon as the handler asks for the body
  int status_ = 0;              // of the answer, once begun
  enum class Framing { kNone, kLength, kChunked, kClose } framing_ = Framing::kNone;
  bool close_ = false;  // after this answer
};

std::size_t Http1Session::receive(std::string_view in, env::MonoTime now) {
  if (state_ == State::kFinished) {
    return in.size();
  }
  if (state_ == State::kHead) {
    if (in.empty()) {
      return 0;
    }
    if (!head_begun_) {
      head_begun_ = true;
      since_ = now;
    }
    std::optional<Http1Parser::Head> head;
    const Http1Parser::Step step = parser_.read_head(in, head);
    if (step.refusal) {
      refuse(*step.refusal);
      return in.size();
    }
    if (head) {
      begin_request(std::move(*head), now);
    }
    return step.used;
  }
  return take_body(in);
}

std::size_t Http1Session::take_body(std::string_view in) {
  if (refused_) {
    return in.size();
  }
  if (parser_.request_done() || call_->body_waiting() >= kBodyWaitMax) {
    return 0;
  }
  const Http1Parser::Step step =
      parser_.read_body(in, [this](std::string_view piece) { call_->add_body(piece); });
  if (step.refusal) {
    refuse(*step.refusal);
    return in.size();
  }
  if (parser_.request_done()) {
    call_->end_body();
  }
  if (state_ == State::kGather) {
    if (call_->body_too_large()) {
      answer(host_.dispatcher.error_reply(413, *call_->body_error(), call_->request_id()));
    } else if (parser_.request_done() || call_->body_waiting() >= kGatherMax) {
      run_call(!parser_.request_done());
    }
  }
  return step.used;
}

void Http1Session::begin_request(Http1Parser::Head head, env::MonoTime now) {
  head_ = std::move(head);
  const std::string id = host_.dispatcher.request_id(head_.request.headers);
  call_ = std::make_shared<Call>(host_.owner, Call::Place{host_.connection, 0, "http/1.1"},
                                 std::move(head_.request), id, host_.peer);
  if (draining_) {
    call_->stop();
  }
  if (auto reply = host_.dispatcher.admit(*call_)) {
    answer(std::move(*reply));
    return;
  }
  if (parser_.request_done()) {
    run_call(false);
    return;
  }
  // A small body is read before a handler is bothered: slow clients hold no worker. A large one
  // begins at once, on a thread of its own, which may then refuse it unread.
  want_continue_ = head_.expects_continue;
  if (call_->head().content_length.value_or(0) > kGatherMax || call_->route()->streams) {
    run_call(true);
    return;
  }
  state_ = State::kGather;
  since_ = now;
}

void Http1Session::run_call(bool own_thread) {
  state_ = State::kCall;
  host_.dispatcher.run(call_, own_thread);
  changed_ = true;
}

void Http1Session::answer(Reply reply) {
  state_ = State::kCall;
  (void)call_->expire(std::move(reply));
  changed_ = true;
}

// The request cannot be read to its end, so the connection ends with the answer.
void Http1Session::refuse(const Refusal& refusal) {
  const Error error = fail(refusal.status == 431 ? Code::kTooLarge : Code::kInvalidArgument,
                           "the request was refused: {}", refusal.why);
  if (!call_) {
    call_ = std::make_shared<Call>(host_.owner, Call::Place{host_.connection, 0, "http/1.1"},
                                   RequestHead{}, host_.dispatcher.request_id({}), host_.peer);
  }
  close_ = true;
  refused_ = true;
  state_ = State::kCall;
  changed_ = true;
  if (!call_->expire(host_.dispatcher.error_reply(refusal.status, error, call_->request_id()))) {
    // An answer has begun, to a request that turns out not to be one.
    broken_ = true;
    cancel();
  }
}

bool Http1Session::must_close() const {
  return close_ || draining_ || !head_.keep_alive || !parser_.request_done();
}

void Http1Session::append_head(const Call::Progress& progress, Reply& head, std::string& out) {
  close_ = must_close();
  status_ = head.status;
  std::string framing;
  if (progress.streamed) {
    const auto length =
        std::find_if(head.headers.begin(), head.headers.end(),
                     [](const auto& each) { return same_name(each.first, "content-length"); });
    if (has_no_content(head.status)) {
      framing_ = Framing::kNone;
    } else if (length != head.headers.end()) {
      framing_ = Framing::kLength;
      framing = text("content-length: {}\r\n", length->second);
    } else if (head_.http_1_0) {
      framing_ = Framing::kClose;
      close_ = true;
    } else {
      framing_ = Framing::kChunked;
      framing = "transfer-encoding: chunked\r\n";
    }
  } else {
    framing_ = has_no_content(head.status) ? Framing::kNone : Framing::kLength;
    if (framing_ == Framing::kLength) {
      framing = text("content-length: {}\r\n", head.body.size());
    }
  }
  if (call_->method() == "HEAD") {
    framing_ = Framing::kNone;
  }
  append_reply_head({head.status, head.headers, call_->request_id(), host_.date(), framing, close_},
                    out);
  if (!progress.streamed && framing_ != Framing::kNone) {
    out += head.body;
  }
}

void Http1Session::produce(std::string& out, env::MonoTime now) {
  if (want_continue_ && state_ == State::kGather) {
    out += "HTTP/1.1 100 Continue\r\n\r\n";
    want_continue_ = false;
  }
  while (state_ == State::kCall && changed_ && out.size() < kOutMax) {
    changed_ = false;
    Call::Progress progress = call_->poll(true);
    if (progress.head) {
      want_continue_ = false;
      append_head(progress, *progress.head, out);
    } else if (progress.wants_body && want_continue_) {
      out += "HTTP/1.1 100 Continue\r\n\r\n";
      want_continue_ = false;
    }
    if (!progress.data.empty() && framing_ == Framing::kChunked) {
      append_chunk(progress.data, out);
    } else if (framing_ != Framing::kNone) {
      out += progress.data;
    }
    if (progress.ended) {
      if (framing_ == Framing::kChunked && !progress.broken) {
        out += "0\r\n\r\n";
      }
      end_answer(!progress.broken, now);
    }
  }
}

void Http1Session::end_answer(bool whole, env::MonoTime now) {
  host_.dispatcher.done(*call_, status_);
  call_.reset();
  served_any_ = true;
  broken_ = !whole;
  if (close_ || broken_) {
    state_ = State::kFinished;
    return;
  }
  parser_.reset();
  head_ = {};
  state_ = State::kHead;
  status_ = 0;
  head_begun_ = false;
  since_ = now;
}

bool Http1Session::wants_input() const {
  switch (state_) {
    case State::kHead:
    case State::kGather:
      return true;
    case State::kCall:
      return !parser_.request_done() && call_->body_waiting() < kBodyWaitMax;
    case State::kFinished:
      return false;
  }
  return false;
}

env::MonoTime Http1Session::deadline() const {
  switch (state_) {
    case State::kHead: {
      if (draining_ && !head_begun_) {
        return since_ + kDrainIdle;
      }
      return since_ + (head_begun_ || !served_any_ ? limits_.header_timeout : limits_.idle_timeout);
    }
    case State::kGather:
      return since_ + limits_.read_timeout;
    case State::kCall:
      return status_ == 0 ? call_->deadline() : env::MonoTime::max();
    case State::kFinished:
      return env::MonoTime::max();
  }
  return env::MonoTime::max();
}

void Http1Session::on_deadline(env::MonoTime now) {
  if (now < deadline()) {
    return;
  }
  if (state_ == State::kHead && !head_begun_) {
    state_ = State::kFinished;
  } else if (state_ == State::kCall) {
    const Error error = fail(Code::kDeadlineExceeded, "the call took longer than it may");
    if (call_->expire(host_.dispatcher.error_reply(504, error, call_->request_id()))) {
      changed_ = true;
    }
    status_ = status_ == 0 ? 504 : status_;  // no second time
  } else {
    refuse({408, "the client is too slow"});
  }
}

void Http1Session::input_ended() {
  switch (state_) {
    case State::kHead:
    case State::kGather:
      state_ = State::kFinished;
      cancel();
      break;
    case State::kCall:
      // It may still read, but asks for nothing more; whoever works for it may stop.
      call_->hang_up();
      break;
    case State::kFinished:
      break;
  }
}

void Http1Session::cancel() {
  if (call_) {
    call_->cancel();
    host_.dispatcher.done(*call_, status_ == 0 ? 499 : status_);
    call_.reset();
    state_ = State::kFinished;
  }
}

void Http1Session::drain(env::MonoTime now) {
  draining_ = true;
  if (state_ == State::kHead && !head_begun_) {
    since_ = now;
  }
  if (call_) {
    call_->stop();
  }
}

}  // namespace

std::unique_ptr<Session> make_http1_session(const SessionHost& host, env::MonoTime now) {
  return std::make_unique<Http1Session>(host, now);
}

}  // namespace dsl::http
