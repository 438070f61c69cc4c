// ShopService of shop.proto, behind an Api.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "dsl/rpc/api.h"
#include "dsl/transcode/shop.pb.h"
#include "support/fake_exchange.h"

namespace dsl::transcode::test {

// The token "secret" is a user, "guest" a guest, "boss" an administrator; the rules of the shop let
// nobody buy for more than 100. Must outlive its Api.
class Shop {
 public:
  rpc::MethodTable table();
  // `env` outlives the Api. With `open` everybody is an administrator.
  std::shared_ptr<rpc::Api> api(env::Env& env = env::system_env(), bool open = false);

  std::atomic<int> calls{0};           // of any method
  std::atomic<bool> hanging{false};    // Stream waits for its client to go
  std::atomic<bool> seen_gone{false};  // Stream has seen that its client is gone
};

// A call as the user "secret", answered by the route of this pattern.
void serve(const std::shared_ptr<rpc::Api>& api, const std::string& pattern,
           dsl::test::FakeExchange& exchange);

}  // namespace dsl::transcode::test
