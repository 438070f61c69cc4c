// The transports agree over every kind of field and every form of a method.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/transcode/shop.h"
#include "support/contract/transport_contract.h"

namespace dsl::transcode::test {
namespace {

// Streams of a bounded length that do not hang; errors with a name that is one.
void shape(const std::string& method, int n, google::protobuf::Message& request) {
  if (auto* stream = dynamic_cast<StreamRequest*>(&request)) {
    stream->set_count(n % 4);
    stream->set_hang(false);
    const bool well = n % 3 == 0 && method.ends_with("Stream");
    stream->set_fail_with(well ? "" : n % 3 == 1 ? "unprocessable" : "data_loss");
  }
  if (auto* item = dynamic_cast<Item*>(&request); item != nullptr && n % 2 == 1) {
    item->set_shop("corner");
    item->set_price(n * 10);
  }
}

TEST(Contract, GrpcAndRestAgreeOnWhateverIsAsked) {
  Shop shop;
  dsl::test::ContractOptions options;
  options.requests_per_form = 40;
  options.shape = shape;

  const auto report = transports_agree(shop.api(env::system_env(), true), options);

  EXPECT_EQ(report.covered, report.declared);
  EXPECT_EQ(report.covered.size(), 8u);
  EXPECT_GE(report.replies, 100);
  EXPECT_GE(report.errors, 20);
}

}  // namespace
}  // namespace dsl::transcode::test
