#include "dsl/comment/comment.h"

#include <gtest/gtest.h>

#include "dsl/comment/commented.pb.h"

namespace dsl {
namespace {

TEST(Comment, WhatHasNoneIsEmpty) {
  for (const char* name : {"", "dsl", "dsl.comment.test.Outer.bare",
                           "dsl.comment.test.Service.Bare", "dsl.comment.test.Outer.nothing"}) {
    EXPECT_EQ(comment_of(name), "") << name;
  }
}

TEST(Comment, IsFoundByTheFullNameOfWhatItIsAbout) {
  // Links the file.
  ASSERT_EQ(comment::test::Outer::descriptor()->full_name(), "dsl.comment.test.Outer");

  EXPECT_EQ(comment_of("dsl.comment.test.Outer"),
            "Above \"Outer\", on two lines?\n\nA second paragraph: \u00e9 \\ %.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.above"), "Above a field.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.behind"), "Behind a field.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.Inner"), "A nested message.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.Inner.deep"), "Deep inside.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.Kind"), "A nested enum.");
  EXPECT_EQ(comment_of("dsl.comment.test.Outer.NONE"), "No kind.");
  EXPECT_EQ(comment_of("dsl.comment.test.Service"), "A service.");
  EXPECT_EQ(comment_of("dsl.comment.test.Service.Call"), "A method.");
}

}  // namespace
}  // namespace dsl
