// An HTTP request in memory, and the answer that a handler gave to it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "dsl/http/server.h"

namespace dsl::test {

// What a test sets is public and is set before the handler sees it. The answer may be read by other
// threads while the handler runs.
class FakeExchange final : public http::Exchange {
 public:
  // "GET", "/v1/zones?limit=3"
  FakeExchange(std::string method, const std::string& target, std::string body = "");

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& raw_query() const override { return raw_query_; }
  const http::Headers& headers() const override { return request_headers; }
  const std::string& param(std::string_view name) const override;
  const http::PeerAddress& peer() const override { return peer_address; }
  const std::string& request_id() const override { return id; }
  env::MonoTime deadline() const override { return deadline_at; }
  bool cancelled() const override;
  Result<std::size_t> read(std::span<char> out) override;
  void reply(http::Reply reply) override;
  Result<void> begin(int status, http::Headers headers) override;
  Result<void> write(std::string_view piece) override;

  http::Headers request_headers;  // names in lower case
  std::map<std::string, std::string> params;
  http::PeerAddress peer_address{.address = "192.0.2.7:50514"};
  std::string id = "r-1";
  env::MonoTime deadline_at = env::MonoTime::max();
  Error read_error{Code::kInternal, ""};  // what `read` fails with when it has a message

  // From now on the client is gone.
  void go_away();

  // The answer; status 0 while there is none.
  int status();
  std::string header_sent(std::string_view name);
  std::string text();
  int pieces();
  // Waits until the text holds `words`; false after 10 s.
  bool wait_for(const std::string& words);

 private:
  const std::string method_;
  std::string path_;
  std::string raw_query_;
  std::string body_;
  std::size_t read_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool gone_ = false;  // guarded by mutex_, as all below
  int status_ = 0;
  int pieces_ = 0;
  http::Headers headers_;
  std::string text_;
};

}  // namespace dsl::test
