#include "mcns/dnstap/frames.h"

#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;
using std::string_literals::operator""s;

TEST(Frames, ControlFramesAreThoseOfOtherPrograms) {
  EXPECT_EQ(control_frame(ControlType::kReady),
            "\0\0\0\0\0\0\0\x22\0\0\0\4\0\0\0\1\0\0\0\x16"s + "protobuf:dnstap.Dnstap");
  EXPECT_EQ(control_frame(ControlType::kStart),
            "\0\0\0\0\0\0\0\x22\0\0\0\2\0\0\0\1\0\0\0\x16"s + "protobuf:dnstap.Dnstap");
  EXPECT_EQ(control_frame(ControlType::kStop), "\0\0\0\0\0\0\0\4\0\0\0\3"s);
  EXPECT_EQ(control_frame(ControlType::kFinish), "\0\0\0\0\0\0\0\4\0\0\0\5"s);
}

TEST(Frames, ADataFrameHasItsLengthInFront) {
  std::string out;
  append_data_frame("abc", out);
  append_data_frame("", out);
  EXPECT_EQ(out, "\0\0\0\3abc\0\0\0\0"s);
  EXPECT_EQ(data_frame_size(out), 7U);
}

TEST(Frames, AControlFrameIsReadWhenItIsWhole) {
  const std::string accept = control_frame(ControlType::kAccept);
  for (std::size_t size = 0; size < accept.size(); ++size) {
    EXPECT_FALSE(require_ok(read_control(accept.substr(0, size))).has_value()) << size;
  }
  const auto frame = require_ok(read_control(accept + "more"));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->control.type, ControlType::kAccept);
  EXPECT_EQ(frame->control.content_types, std::vector<std::string>{std::string(kContentType)});
  EXPECT_EQ(frame->size, accept.size());
}

TEST(Frames, AControlFrameMayNameSeveralContentTypesOrNone) {
  const std::string two = "\0\0\0\0\0\0\0\x16\0\0\0\1\0\0\0\1\0\0\0\1a\0\0\0\1\0\0\0\1b"s;
  EXPECT_EQ(require_ok(read_control(two))->control.content_types,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(require_ok(read_control("\0\0\0\0\0\0\0\4\0\0\0\1"s))->control.content_types.empty());
}

TEST(Frames, WhatIsNoControlFrameIsRefused) {
  for (const std::string& octets : {
           "\0\0\0\1"s,                                           // a data frame
           "\0\0\0\0\0\0\0\3"s,                                   // too short for a type
           "\0\0\0\0\0\0\2\1"s,                                   // too long
           "\0\0\0\0\0\0\0\4\0\0\0\0"s,                           // types that are none
           "\0\0\0\0\0\0\0\4\0\0\0\6"s,                           //
           "\0\0\0\0\0\0\0\6\0\0\0\1\0\0"s,                       // half a field
           "\0\0\0\0\0\0\0\xc\0\0\0\1\0\0\0\1\0\0\0\1"s,          // a field beyond the end
           "\0\0\0\0\0\0\0\xc\0\0\0\1\0\0\0\1\xff\xff\xff\xff"s,  //
           "\0\0\0\0\0\0\0\xd\0\0\0\1\0\0\0\2\0\0\0\1a"s,         // a field that nobody knows
           "\0\0\0\0\0\0\0\xd\0\0\0\5\0\0\0\1\0\0\0\1a"s,         // FINISH has no field
           "\0\0\0\0\0\0\1\x0d\0\0\0\1\0\0\0\1\0\0\1\1"s + std::string(257, 'a'),
       }) {
    EXPECT_THAT(read_control(octets), failed_with(Code::kInvalidArgument)) << octets.size();
  }
}

}  // namespace
}  // namespace mcns::dnstap
