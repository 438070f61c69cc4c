#include "dsl/transcode/shop.h"

#include <thread>

#include <gtest/gtest.h>

#include "dsl/transcode/transcode.h"
#include "support/result_matchers.h"

namespace dsl::transcode::test {

namespace {

using rpc::CallContext;

Error told_error(const StreamRequest& request) {
  return fail(code_from_name(request.fail_with()), "as you wish")
      .id("SHOP-1")
      .detail("shelf[0]", "is empty")
      .hint("wish for something else");
}

Result<rpc::Caller> authenticate(const rpc::Peer& peer) {
  if (peer.token == "secret" || peer.token == "guest") {
    return rpc::Caller{peer.token, {}, peer.token == "secret" ? "user" : "guest", "token"};
  }
  if (peer.token == "boss") {
    return rpc::Caller{"boss", {"admin"}, "user", "token"};
  }
  return fail(Code::kUnauthenticated, "no token, or one that is not known");
}

Result<void> rules(const CallContext&, const rpc::Message& request) {
  const auto* item = dynamic_cast<const Item*>(&request);
  if (item == nullptr || item->price() > 100) {
    return fail(Code::kPermissionDenied, "too expensive");
  }
  return {};
}

}  // namespace

rpc::MethodTable Shop::table() {
  const std::string service = "dsl.transcode.test.ShopService.";
  rpc::MethodTable table;
  const auto same = [this](CallContext&, const auto& request) {
    ++calls;
    return Result<std::remove_cvref_t<decltype(request)>>(request);
  };
  table.add<Everything, Everything>(service + "Query", same);
  table.add<Everything, Everything>(service + "Echo", same);
  table.add<Item, Item>(service + "DeleteItem", same);
  table.add<Item, Item>(service + "Buy", same);
  table.add<PutItemRequest, Item>(service + "PutItem",
                                  [this](CallContext&, const PutItemRequest& request) {
                                    ++calls;
                                    return Result<Item>(request.item());
                                  });
  table.add<MakeItemRequest, MadeItem>(service + "MakeItem",
                                       [this](CallContext&, const MakeItemRequest& request) {
                                         ++calls;
                                         MadeItem made;
                                         *made.mutable_request() = request;
                                         made.set_changed(request.name() != "old");
                                         return Result<MadeItem>(made);
                                       });
  table.add<StreamRequest, Tick>(service + "Fail",
                                 [](CallContext&, const StreamRequest& request) -> Result<Tick> {
                                   if (request.fail_with() == "throw") {
                                     throw std::runtime_error("out of cheese");
                                   }
                                   return tl::unexpected(told_error(request));
                                 });
  table.add_stream<StreamRequest, Tick>(service + "Stream",
                                        [this](CallContext& call, const StreamRequest& request,
                                               rpc::Writer<Tick>& writer) -> Result<void> {
                                          Tick tick;
                                          for (int i = 0; i < request.count(); ++i) {
                                            tick.set_number(i);
                                            MC_TRY(writer.write(tick));
                                          }
                                          hanging = request.hang();
                                          while (request.hang() && !call.cancelled()) {
                                            std::this_thread::yield();
                                          }
                                          seen_gone = call.cancelled();
                                          if (!request.fail_with().empty()) {
                                            return tl::unexpected(told_error(request));
                                          }
                                          return {};
                                        });
  return table;
}

std::shared_ptr<rpc::Api> Shop::api(env::Env& env, bool open) {
  rpc::ApiOptions options;
  options.authenticate = authenticate;
  if (open) {
    options.authenticate = [](const rpc::Peer&) {
      return Result<rpc::Caller>(rpc::Caller{"anybody", {"admin"}, "user", "test"});
    };
  }
  options.policy = rules;
  return dsl::test::require_ok(rpc::Api::create(env, table(), std::move(options)));
}

void serve(const std::shared_ptr<rpc::Api>& api, const std::string& pattern,
           dsl::test::FakeExchange& exchange) {
  for (const http::Route& route : dsl::test::require_ok(routes(api))) {
    if (route.method == exchange.method() && route.pattern == pattern) {
      route.handle(exchange);
      return;
    }
  }
  FAIL() << "no route " << exchange.method() << " " << pattern;
}

}  // namespace dsl::transcode::test
