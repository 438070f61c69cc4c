#include "dsl/rpc/validator.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/echo.pb.h"
#include "support/result_matchers.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;

class Checks : public testing::Test {
 protected:
  Checks() { request_.set_service("mcq"); }
  Result<void> check() const { return validator_.check(request_); }
  std::vector<std::string> places() const {
    std::vector<std::string> places;
    const Result<void> result = check();
    for (const Detail& detail : result ? std::vector<Detail>() : result.error().details()) {
      places.push_back(detail.where);
    }
    return places;
  }

  const Validator validator_ = require_ok(Validator::create({CheckedRequest::descriptor()}));
  CheckedRequest request_;
};

TEST_F(Checks, ARequiredFieldMustBeSet) {
  request_.clear_service();

  EXPECT_THAT(check(), failed_saying(Code::kInvalidArgument, "service is required"));
}

TEST_F(Checks, APatternMustMatchTheWholeValue) {
  request_.set_service("mcq; rm");

  EXPECT_THAT(check(), failed_saying(Code::kInvalidArgument, "service does not match [a-z]+"));
}

TEST_F(Checks, APatternIsNotTriedOnAnEndlessValue) {
  request_.set_service(std::string(1 << 20, 'a'));

  EXPECT_THAT(check(), failed_saying(Code::kInvalidArgument, "at most 4096 are allowed"));
}

TEST_F(Checks, NumbersStayInTheirRange) {
  for (const int lines : {-1, 1001, 2147483647}) {
    request_.set_lines(lines);
    EXPECT_THAT(check(), failed_saying(Code::kInvalidArgument, "lines must be from 1 to 1000"));
  }
  for (const int lines : {0, 1, 1000}) {  // 0 is not set
    request_.set_lines(lines);
    EXPECT_THAT(check(), ok());
  }
}

TEST_F(Checks, ANumberBeyondTheSignedRangeIsAboveTheBound) {
  request_.add_sizes(10);
  request_.add_sizes(~0ull);

  EXPECT_THAT(places(), ElementsAre("sizes[1]"));
}

TEST_F(Checks, NotANumberIsInNoRange) {
  request_.set_share(std::nan(""));
  EXPECT_THAT(places(), ElementsAre("share"));
  request_.set_share(1.5);
  EXPECT_THAT(places(), ElementsAre("share"));
  request_.set_share(0.5);
  EXPECT_THAT(places(), ElementsAre());
}

TEST_F(Checks, BytesAreBounded) {
  request_.set_blob(std::string("\0\0\0\0\0", 5));

  EXPECT_THAT(check(), failed_saying(Code::kInvalidArgument, "blob has 5 bytes, at most 4"));
}

TEST_F(Checks, FindingsInsideMessagesNameTheirPath) {
  request_.add_items()->set_name("good");
  request_.add_items();
  (*request_.mutable_by_key())["k"].set_name("much-too-long");
  request_.mutable_inner()->mutable_inner()->set_lines(5000);

  EXPECT_THAT(places(), ElementsAre("items[1].name", "by_key[0].value.name", "inner.service",
                                    "inner.inner.service", "inner.inner.lines"));
}

TEST_F(Checks, FindingsAreBounded) {
  for (int i = 0; i < 1000; ++i) {
    request_.add_items();
  }

  EXPECT_EQ(places().size(), 20u);
}

TEST_F(Checks, AGoodMessagePasses) {
  request_.set_lines(20);
  request_.add_items()->set_name("a-1");
  request_.mutable_inner()->set_service("mcns");

  EXPECT_THAT(check(), ok());
}

}  // namespace
}  // namespace dsl::rpc::test
