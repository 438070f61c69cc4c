#include <gtest/gtest.h>

#include "dsl/json/canonical.h"

namespace {

using namespace dsl::json;

TEST(Base64, RefusesEveryOtherForm) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z g=", "Zg==Zg==", "Zh==", "Zm9=", "=",
                           "====", "Zm-v", "Zm9v\n", "Z\xC3\xA9Z="}) {
    const auto result = from_base64(text);

    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), dsl::Code::kInvalidArgument);
  }
}

// RFC 4648 section 10.
TEST(Base64, EncodesAndDecodesTheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
}

TEST(Base64, CarriesEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
  }

  EXPECT_EQ(from_base64(base64(bytes)).value(), bytes);
}

}  // namespace
