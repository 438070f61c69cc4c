#include "dsl/transcode/json_message.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "dsl/transcode/shop.pb.h"
#include "support/proto/random_message.h"
#include "support/result_matchers.h"

namespace dsl::transcode::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::fill_randomly;
using dsl::test::require_ok;

Result<Everything> read(const std::string& json) {
  MC_ASSIGN(const JsonValue value, parse_json(json));
  Everything message;
  MC_TRY(read_message(value, message));
  return message;
}

std::string print(const google::protobuf::Message& message) {
  std::string out;
  require_ok(append_message(message, out));
  return out;
}

TEST(ReadMessage, NamesTheFieldThatIsWrong) {
  struct Row {
    const char* json;
    const char* says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"([])", "the body must be an object"},
           {R"("x")", "the body must be an object"},
           {R"({"nowhere":1})", "nowhere is not a field of dsl.transcode.test.Everything"},
           {R"({"inner":{"inner":{"x":1}}})", "inner.inner.x is not a field"},
           {R"({"int_32":1,"int32":2})", "int32 is there twice"},
           {R"({"flag":"true"})", "flag must be true or false"},
           {R"({"flag":1})", "flag must be true or false"},
           {R"({"text":7})", "text must be a string"},
           {R"({"text":["a"]})", "text must be a single value"},
           {R"({"int_32":2147483648})", "int_32 must be a whole number"},
           {R"({"int_32":1.5})", "int_32 must be a whole number"},
           {R"({"int_32":true})", "int_32 must be a whole number"},
           {R"({"int_32":""})", "int_32 must be a whole number"},
           {R"({"int_32":" 1"})", "int_32 must be a whole number"},
           {R"({"uint_32":-1})", "uint_32 must be a whole number"},
           {R"({"uint_64":18446744073709551616})", "uint_64 must be a whole number"},
           {R"({"int_64":1e30})", "int_64 must be a whole number"},
           {R"({"real_64":"x"})", "real_64 must be a number"},
           {R"({"real_64":"nan"})", "real_64 must be a number"},
           {R"({"real_64":1e999})", "real_64 must be a number"},
           {R"({"real_32":1e39})", "real_32 must be a number"},
           {R"({"data":"*"})", "data must be base64"},
           {R"({"colour":"PURPLE"})", "colour must be one of COLOUR_UNSPECIFIED, COLOUR_RED"},
           {R"({"colour":"1"})", "colour must be one of"},
           {R"({"colour":1.5})", "colour must be one of"},
           {R"({"inner":1})", "inner must be an object"},
           {R"({"numbers":1})", "numbers must be an array"},
           {R"({"numbers":[1,"x"]})", "numbers[1] must be a whole number"},
           {R"({"texts":["a",null]})", "texts[1] must not be null"},
           {R"({"inners":[{},{"count":"x"}]})", "inners[1].count must be a whole number"},
           {R"({"words":[]})", "words must be an object"},
           {R"({"words":{"a":1}})", "words[a] must be a string"},
           {R"({"words":{"a":null}})", "words[a] must not be null"},
           {R"({"by_number":{"x":{}}})", "by_number[x] has a key that must be a whole number"},
           {R"({"by_number":{"1":{"y":1}}})", "by_number[1].y is not a field"},
           {R"({"one_text":"a","one_number":1})", "one_number is one too many of choice"},
           {R"({"one_inner":{},"one_text":"a"})", "one_text is one too many of choice"},
           {R"({"time":"yesterday"})", "time must be the JSON of a google.protobuf.Timestamp"},
           {R"({"time":7})", "time must be the JSON of"},
           {R"({"mask":"a,,b"})", "mask must be the JSON of a google.protobuf.FieldMask"},
           {R"({"mask":"a,"})", "mask must be the JSON of"},
           {R"({"mask":"a b"})", "mask must be the JSON of"},
           {R"({"duration":"3"})", "duration must be the JSON of"},
           {R"({"any":[]})", "any must be an object"},
           {R"({"any":{"value":"3s"}})", "any.@type must name a type that is known here"},
           {R"({"any":{"@type":7}})", "any.@type must name a type"},
           {R"({"any":{"@type":"type.googleapis.com/no.Such"}})", "any.@type must name a type"},
           // libprotobuf ends the process over the next but one.
           {R"({"any":{"@type":"x/google.protobuf.Duration","value":3}})", "any.value must be the"},
           {R"({"any":{"@type":"x/google.protobuf.Duration","":{"@type":"a"},"value":"2s"}})",
            "any must have its content as the one member value"},
           {R"({"any":{"@type":"x/dsl.transcode.test.Tick","number":"x"}})",
            "any.number must be a whole number"},
           {R"({"object":{"a":[{"b":1}],"c":1e999}})", "object[c] must be a number"},
           {R"({"object":[]})", "object must be an object"},
           {R"({"list":{}})", "list must be an array"},
           {R"({"wrapped_flag":"true"})", "wrapped_flag must be true or false"},
           {R"({"times":["2026-01-01T00:00:00Z","x"]})", "times[1] must be the JSON of"},
       }) {
    const auto result = read(row.json);
    ASSERT_THAT(result, failed_saying(Code::kInvalidArgument, row.says)) << row.json;
    EXPECT_EQ(result.error().details().size(), 1u) << row.json;
  }
}

TEST(ReadMessage, TakesEveryFormThatTheMappingAllows) {
  Everything wanted;
  wanted.set_int_32(5000);
  wanted.set_int_64(-7);
  wanted.set_real_64(2);
  wanted.set_real_32(0);
  wanted.set_data("\xfb\xff");
  wanted.set_colour(COLOUR_RED);
  wanted.set_size(static_cast<Everything::Size>(42));
  wanted.mutable_wrapped_number()->set_value(9);
  wanted.mutable_value()->set_null_value(google::protobuf::NULL_VALUE);
  (*wanted.mutable_by_flag())[true] = COLOUR_DARK_BLUE;

  const Everything got = require_ok(read(
      R"({"int_32":5e3,"int64":"-7","real_64":"2","real_32":1e-60,"data":"-_8","colour":1,"size":42,
          "wrappedNumber":"9","value":null,"time":null,"texts":null,"nothing":null,
          "by_flag":{"true":"COLOUR_DARK_BLUE"}})"));

  EXPECT_EQ(got.SerializeAsString(), wanted.SerializeAsString()) << print(got);
}

TEST(AppendMessage, PrintsDefaultsOriginalNamesAndBigIntegersAsStrings) {
  Everything message;
  message.set_int_64(-9223372036854775807 - 1);
  message.set_real_64(0.1);
  message.mutable_inner();
  (*message.mutable_by_number())[-1];

  EXPECT_EQ(
      print(message),
      R"({"flag":false,"int_32":0,"int_64":"-9223372036854775808","uint_32":0,"uint_64":"0",)"
      R"("sint_32":0,"sint_64":"0","fixed_32":0,"fixed_64":"0","sfixed_32":0,"sfixed_64":"0",)"
      R"("real_32":0,"real_64":0.1,"text":"","data":"","colour":"COLOUR_UNSPECIFIED",)"
      R"("size":"SMALL","inner":{"name":"","count":"0"},"flags":[],"numbers":[],"reals":[],)"
      R"("texts":[],"blobs":[],"colours":[],"inners":[],"words":{},)"
      R"("by_number":{"-1":{"name":"","count":"0"}},"by_flag":{},"by_big":{},"nothing":null,)"
      R"("times":[]})");
}

TEST(AppendMessage, TextThatIsNotUtf8IsStillJson) {
  Everything message;
  message.set_text("a\xff\"b");

  EXPECT_THAT(print(message), testing::HasSubstr("\"text\":\"a\xEF\xBF\xBD\\\"b\""));
}

// Both, or neither.
template <class Time>
void expect_as_libprotobuf(std::int64_t seconds, std::int32_t nanos) {
  Time time;
  time.set_seconds(seconds);
  time.set_nanos(nanos);
  std::string theirs;
  bool printed = false;
  try {
    printed = google::protobuf::util::MessageToJsonString(time, &theirs).ok();
  } catch (const std::exception&) {  // a check of its own where it should refuse
  }
  std::string ours;
  const auto appended = append_message(time, ours);

  EXPECT_EQ(appended.has_value(), printed) << seconds << " " << nanos;
  EXPECT_EQ(appended ? ours : "", printed ? theirs : "") << seconds << " " << nanos;
}

TEST(AppendMessage, TimesArePrintedAsLibprotobufPrintsThem) {
  using Seconds = std::initializer_list<std::int64_t>;
  for (const std::int64_t seconds :
       Seconds{-62135596801, -62135596800, -1, 0, 1, 951782400, 1775205900, 253402300799}) {
    for (const std::int32_t nanos : {0, 1, 1000, 250000000, 999999999}) {
      expect_as_libprotobuf<google::protobuf::Timestamp>(seconds, nanos);
    }
  }
  for (const std::int64_t seconds : Seconds{-315576000001, -315576000000, -7, 0}) {
    for (const std::int32_t nanos : {-999999999, -1000000, 0}) {
      expect_as_libprotobuf<google::protobuf::Duration>(seconds, nanos);
    }
  }
  for (const std::int64_t seconds : Seconds{0, 7, 315576000000, 315576000001}) {
    for (const std::int32_t nanos : {0, 1000, 250000000}) {
      expect_as_libprotobuf<google::protobuf::Duration>(seconds, nanos);
    }
  }
}

// libprotobuf prints 7.294967297s.
TEST(AppendMessage, ADurationOfTwoSignsIsAnError) {
  google::protobuf::Duration duration;
  duration.set_seconds(7);
  duration.set_nanos(-999999999);
  std::string out;

  EXPECT_THAT(append_message(duration, out), failed_with(Code::kDataLoss));
}

TEST(AppendMessage, ATimeBeyondTheMappingIsAnError) {
  Everything message;
  message.mutable_time()->set_seconds(253402300800);  // the year 10000
  std::string out;

  EXPECT_THAT(append_message(message, out), failed_with(Code::kDataLoss));
}

TEST(AppendMessage, AMaskIsPrintedInCamelCaseOrNotAtAll) {
  Everything message;
  message.mutable_mask()->add_paths("one_field.inner_2");
  std::string out;
  EXPECT_THAT(append_message(message, out), dsl::test::ok());
  EXPECT_THAT(out, testing::HasSubstr("\"mask\":\"oneField.inner_2\""));

  message.mutable_mask()->add_paths("Field");
  EXPECT_THAT(append_message(message, out), failed_with(Code::kDataLoss));
}

RC_GTEST_PROP(JsonRoundTrip, AMessageComesBackAsItWas, (std::uint64_t seed)) {
  Everything message;
  fill_randomly(message, seed);
  const std::string json = print(message);

  const auto got = read(json);

  RC_LOG() << json;
  RC_ASSERT(got.has_value());
  google::protobuf::util::MessageDifferencer differencer;
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  const bool same = differencer.Compare(message, *got);
  RC_LOG() << differences;
  RC_ASSERT(same);
  RC_ASSERT(print(*got) == json);
}

RC_GTEST_PROP(JsonRoundTrip, LibprotobufReadsTheSameFromOurJson, (std::uint64_t seed)) {
  Everything message;
  fill_randomly(message, seed);
  Everything theirs;

  const auto status = google::protobuf::util::JsonStringToMessage(print(message), &theirs);

  RC_LOG() << status.ToString() << print(message);
  RC_ASSERT(status.ok());
  RC_ASSERT(print(theirs) == print(message));
}

}  // namespace
}  // namespace dsl::transcode::test
