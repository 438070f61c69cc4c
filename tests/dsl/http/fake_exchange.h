// One request without a connection, for what works on an Exchange.
#pragma once

#include <optional>

#include "dsl/http/server.h"

namespace dsl::http::test {

class FakeExchange final : public Exchange {
 public:
  explicit FakeExchange(std::string method, Headers headers = {})
      : method_(std::move(method)), headers_(std::move(headers)) {}

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& raw_query() const override { return none_; }
  const Headers& headers() const override { return headers_; }
  const std::string& param(std::string_view) const override { return none_; }
  const PeerAddress& peer() const override { return peer_; }
  const std::string& request_id() const override { return none_; }
  env::MonoTime deadline() const override { return env::MonoTime::max(); }
  bool cancelled() const override { return false; }
  Result<std::size_t> read(std::span<char>) override { return std::size_t{0}; }
  void reply(Reply reply) override { replied = std::move(reply); }
  Result<void> begin(int, Headers) override { return {}; }
  Result<void> write(std::string_view) override { return {}; }

  // The first header of the answer with this name; empty when absent.
  std::string answer(std::string_view name) const {
    for (const auto& [key, value] : replied->headers) {
      if (key == name) {
        return value;
      }
    }
    return "";
  }

  std::optional<Reply> replied;

 private:
  const std::string method_;
  const std::string path_ = "/";
  const std::string none_;
  const Headers headers_;
  const PeerAddress peer_;
};

}  // namespace dsl::http::test
