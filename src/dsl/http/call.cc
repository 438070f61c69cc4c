#include "dsl/http/call.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "dsl/env/env.h"
#include "dsl/http/message.h"
#include "dsl/log/log.h"

namespace dsl::http {

namespace {

const log::Logger logger("http.server");

constexpr std::size_t kDataMax = 64u << 10;  // of a streamed answer that the client has not taken

// Text of a handler never becomes a header of its own.
bool is_sound(int status, const Headers& headers) {
  return status >= 200 && status <= 599 &&
         std::all_of(headers.begin(), headers.end(), [](const auto& header) {
           return is_token(header.first) && !has_control(header.second);
         });
}

std::optional<std::uint64_t> declared_length(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    std::uint64_t length = 0;
    if (same_name(name, "content-length") &&
        std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc()) {
      return length;
    }
  }
  return std::nullopt;
}

}  // namespace

env::MonoTime kernel_now() { return env::system_env().clock().mono_now(); }

Call::Call(Owner& owner, Place place, RequestHead head, std::string request_id,
           std::shared_ptr<const PeerAddress> peer)
    : owner_(owner),
      place_(place),
      head_(std::move(head)),
      request_id_(std::move(request_id)),
      peer_(std::move(peer)),
      begun_(kernel_now()),
      body_ended_(!head_.has_body) {}

void Call::set_target(std::string path, std::string query) {
  path_ = std::move(path);
  query_ = std::move(query);
}

void Call::set_route(const Route& route, std::map<std::string, std::string> params,
                     std::chrono::milliseconds read_timeout,
                     std::chrono::milliseconds write_timeout) {
  route_ = &route;
  params_ = std::move(params);
  read_timeout_ = read_timeout;
  write_timeout_ = write_timeout;
  if (route.timeout.count() > 0) {
    deadline_ = begun_ + route.timeout;
  }
}

const std::string& Call::param(std::string_view name) const {
  static const std::string none;
  const auto found = params_.find(std::string(name));
  return found == params_.end() ? none : found->second;
}

void Call::notify() {
  if (!notified_.exchange(true)) {
    owner_.call_changed(shared_from_this());
  }
}

Result<void> Call::stop_reason(env::MonoTime now) const {
  if (gone_) {
    return fail(Code::kCancelled, "the client has gone");
  }
  if (now >= deadline_) {
    return fail(Code::kDeadlineExceeded, "the time of this call is used up");
  }
  return {};
}

Result<std::size_t> Call::read(std::span<char> out) {
  std::unique_lock lock(mutex_);
  const env::MonoTime patience = std::min(deadline_, kernel_now() + read_timeout_);
  while (body_at_ == body_.size()) {
    if (body_error_) {
      return tl::unexpected(*body_error_);
    }
    if (body_ended_) {
      return std::size_t{0};
    }
    MC_TRY(stop_reason(kernel_now()));
    if (!wants_body_) {
      wants_body_ = true;
      notify();
    }
    if (changed_.wait_until(lock, patience) == std::cv_status::timeout &&
        body_at_ == body_.size() && !body_ended_ && !body_error_) {
      body_error_ = fail(Code::kDeadlineExceeded, "the client is too slow to send its request");
    }
  }
  const std::size_t count = std::min(out.size(), body_.size() - body_at_);
  std::memcpy(out.data(), body_.data() + body_at_, count);
  body_at_ += count;
  body_read_ += count;
  if (body_at_ == body_.size()) {
    body_.clear();
    body_at_ = 0;
  }
  if (!body_ended_) {
    notify();
  }
  return count;
}

void Call::reply(Reply reply) {
  if (!is_sound(reply.status, reply.headers)) {
    logger.error("a handler's answer has a bad status or header",
                 {{"path", path_}, {"request_id", request_id_}});
    reply = {500, {{"content-type", "text/plain"}}, "internal error\n"};
  }
  const std::lock_guard lock(mutex_);
  MC_ASSERT(phase_ == Phase::kOpen || taken_, "a request is answered once");
  phase_ = Phase::kReplied;
  if (!taken_ && !gone_) {
    head_out_ = std::move(reply);
    ended_ = true;
    notify();
  }
}

Result<void> Call::begin(int status, Headers headers) {
  if (!is_sound(status, headers)) {
    return fail(Code::kInternal, "the answer has a bad status or header");
  }
  const std::lock_guard lock(mutex_);
  MC_ASSERT(phase_ == Phase::kOpen || taken_, "a request is answered once");
  if (taken_) {
    return fail(Code::kDeadlineExceeded, "the time of this call is used up");
  }
  MC_TRY(stop_reason(kernel_now()));
  phase_ = Phase::kStreaming;
  declared_ = declared_length(headers);
  head_out_ = Reply{status, std::move(headers), ""};
  notify();
  return {};
}

Result<void> Call::write(std::string_view piece) {
  std::unique_lock lock(mutex_);
  MC_ASSERT(phase_ == Phase::kStreaming, "a stream is begun before it is written");
  while (!piece.empty()) {
    const env::MonoTime patience = std::min(deadline_, kernel_now() + write_timeout_);
    while (data_out_.size() >= kDataMax) {
      MC_TRY(stop_reason(kernel_now()));
      if (changed_.wait_until(lock, patience) == std::cv_status::timeout &&
          data_out_.size() >= kDataMax) {
        return fail(Code::kDeadlineExceeded, "the client is too slow to take the answer");
      }
    }
    MC_TRY(stop_reason(kernel_now()));
    const std::string_view part = piece.substr(0, kDataMax - data_out_.size());
    written_ += part.size();
    if (declared_ && written_ > *declared_) {
      return fail(Code::kInternal, "the answer has more bytes than its Content-Length says");
    }
    data_out_ += part;
    piece.remove_prefix(part.size());
    notify();
  }
  return {};
}

bool Call::answered() const {
  const std::lock_guard lock(mutex_);
  return phase_ != Phase::kOpen || taken_ || gone_;
}

std::optional<Error> Call::body_error() const {
  const std::lock_guard lock(mutex_);
  return body_error_;
}

void Call::finish() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kStreaming && !ended_) {
    ended_ = true;
    broken_ = declared_ && written_ != *declared_ && method() != "HEAD";
    notify();
  }
}

void Call::finish_broken() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kStreaming && !ended_) {
    ended_ = true;
    broken_ = true;
    notify();
  }
}

void Call::add_body(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  body_received_ += piece.size();
  if (route_ != nullptr && body_received_ > route_->body_max) {
    body_error_ =
        fail(Code::kTooLarge, "the request's body has more than {} bytes", route_->body_max);
  } else if (!gone_) {
    body_ += piece;
    wants_body_ = false;
  }
  changed_.notify_all();
}

void Call::end_body() {
  const std::lock_guard lock(mutex_);
  body_ended_ = true;
  changed_.notify_all();
}

std::size_t Call::body_waiting() const {
  const std::lock_guard lock(mutex_);
  return body_.size() - body_at_;
}

bool Call::body_too_large() const {
  const std::lock_guard lock(mutex_);
  return body_error_ && body_error_->code() == Code::kTooLarge;
}

void Call::hang_up() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (!body_ended_ && !body_error_) {
    body_error_ = fail(Code::kCancelled, "the client has gone before the end of its request");
  }
  changed_.notify_all();
}

void Call::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  gone_ = true;
  changed_.notify_all();
}

bool Call::expire(Reply instead) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kOpen || taken_) {
    return false;
  }
  taken_ = true;
  cancelled_ = true;
  head_out_ = std::move(instead);
  ended_ = true;
  changed_.notify_all();
  return true;
}

Call::Progress Call::poll(bool take_data) {
  notified_ = false;
  const std::lock_guard lock(mutex_);
  Progress progress;
  progress.streamed = phase_ == Phase::kStreaming;
  progress.wants_body = wants_body_;
  progress.body_read = std::exchange(body_read_, 0);
  if (head_out_) {
    progress.head = std::move(head_out_);
    head_out_.reset();
  }
  if (take_data && !data_out_.empty()) {
    progress.data.swap(data_out_);
    changed_.notify_all();
  }
  progress.ended = ended_ && data_out_.empty();
  progress.broken = broken_;
  return progress;
}

}  // namespace dsl::http
