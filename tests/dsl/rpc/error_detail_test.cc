#include "dsl/rpc/error_detail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/v1/common.pb.h"

namespace dsl::rpc {
namespace {

TEST(ErrorDetail, AMalformedTrailerLeavesTheStatus) {
  for (const std::string& trailer :
       {std::string("\xff\xff\xff"), std::string("\x0a\x7f"), std::string(1 << 20, 'x')}) {
    const Error error = decode_error(5, "no such zone", trailer);
    EXPECT_EQ(error.code(), Code::kNotFound);
    EXPECT_EQ(error.message(), "no such zone");
    EXPECT_EQ(error.hint(), "");
  }
}

TEST(ErrorDetail, ACodeThatContradictsTheStatusIsNotBelieved) {
  ::dsl::v1::ErrorDetail detail;
  detail.set_code("not_found");
  EXPECT_EQ(decode_error(7, "", detail.SerializeAsString()).code(), Code::kPermissionDenied);
  detail.set_code("no such code");
  EXPECT_EQ(decode_error(13, "", detail.SerializeAsString()).code(), Code::kInternal);
  EXPECT_EQ(decode_error(14, "", detail.SerializeAsString()).code(), Code::kUnavailable);
}

TEST(ErrorDetail, BytesThatAreNotUtf8AreReplacedAndTheRestArrives) {
  const std::string hostile =
      "caf\xc3\xa9 \xff\xc3( \xed\xa0\x80 \xf4\x90\x80\x80 \xf0\x9f\x98\x80 \xe2\x82";
  const Error sent = fail(Code::kNotFound, "{}", hostile).hint(hostile);

  const Error got = decode_error(5, status_message(sent), encode_error(sent, "r"));

  const std::string clean =
      "caf\xc3\xa9 ?"
      "?( ?"
      "?? ?"
      "??? \xf0\x9f\x98\x80 ??";
  EXPECT_EQ(got.message(), clean);
  EXPECT_EQ(got.hint(), clean);
}

TEST(ErrorDetail, AnErrorOfAnySizeFitsATrailer) {
  Error error(Code::kUnprocessable, std::string(100000, 'm'));
  error.set_hint(std::string(100000, 'h')).set_id(std::string(100000, 'i'));
  for (int i = 0; i < 50; ++i) {
    error.add_detail(std::string(100000, 'w'), std::string(100000, 'd'));
  }

  const std::string trailer = encode_error(error, std::string(100000, 'r'));

  EXPECT_LE(trailer.size(), 6000u);
  EXPECT_EQ(status_message(error).size(), 1024u);
  EXPECT_EQ(decode_error(3, "m", trailer).code(), Code::kUnprocessable);
}

TEST(ErrorDetail, EveryCodeSurvivesTheWire) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const Error sent = fail(static_cast<Code>(i), "what")
                           .id("MCP-0101")
                           .detail("a", "one")
                           .detail("b", "two")
                           .hint("next");

    const Error got = decode_error(code_info(sent.code()).grpc_status, status_message(sent),
                                   encode_error(sent, "r"));

    EXPECT_EQ(got.code(), sent.code());
    EXPECT_EQ(got.render(), sent.render());
  }
}

}  // namespace
}  // namespace dsl::rpc
