#include "support/fake_exchange.h"

#include <algorithm>

namespace dsl::test {

FakeExchange::FakeExchange(std::string method, const std::string& target, std::string body)
    : method_(std::move(method)), body_(std::move(body)) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  path_ = target.substr(0, mark);
  raw_query_ = target.substr(std::min(mark + 1, target.size()));
}

const std::string& FakeExchange::param(std::string_view name) const {
  static const std::string none;
  const auto found = params.find(std::string(name));
  return found == params.end() ? none : found->second;
}

bool FakeExchange::cancelled() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

Result<std::size_t> FakeExchange::read(std::span<char> out) {
  if (!read_error.message().empty()) {
    return tl::unexpected(read_error);
  }
  const std::size_t count = std::min(out.size(), body_.size() - read_);
  std::copy_n(body_.data() + read_, count, out.data());
  read_ += count;
  return count;
}

void FakeExchange::reply(http::Reply reply) {
  const std::lock_guard lock(mutex_);
  MC_ASSERT(status_ == 0, "an exchange is answered once");
  status_ = reply.status;
  headers_ = std::move(reply.headers);
  text_ = std::move(reply.body);
  changed_.notify_all();
}

Result<void> FakeExchange::begin(int status, http::Headers headers) {
  const std::lock_guard lock(mutex_);
  MC_ASSERT(status_ == 0, "an exchange is answered once");
  status_ = status;
  headers_ = std::move(headers);
  changed_.notify_all();
  return {};
}

Result<void> FakeExchange::write(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  MC_ASSERT(status_ != 0, "an answer begins before it is written");
  if (gone_) {
    return fail(Code::kCancelled, "the client has gone");
  }
  ++pieces_;
  text_ += piece;
  changed_.notify_all();
  return {};
}

void FakeExchange::go_away() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
  changed_.notify_all();
}

int FakeExchange::status() {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::string FakeExchange::header_sent(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, value] : headers_) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

std::string FakeExchange::text() {
  const std::lock_guard lock(mutex_);
  return text_;
}

int FakeExchange::pieces() {
  const std::lock_guard lock(mutex_);
  return pieces_;
}

bool FakeExchange::wait_for(const std::string& words) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10),
                           [&] { return text_.find(words) != std::string::npos; });
}

}  // namespace dsl::test
