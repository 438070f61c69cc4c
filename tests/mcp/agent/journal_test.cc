#include "mcp/agent/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;

TEST(Journal, WhatIsNoJsonObjectIsRefused) {
  for (const char* text : {"", "[]", "7", "{", "{\"committed\": true", "\xff"}) {
    EXPECT_THAT(journal_from_json(text), failed_saying(Code::kDataLoss, "damaged")) << text;
  }
}

TEST(Journal, AnUnknownUndoIsRefusedByName) {
  EXPECT_THAT(journal_from_json(R"({"committed":false,"undos":[{"undo":"explode",)"
                                R"("container":"a","component":"b","id":"c",)"
                                R"("was_running":true}]})"),
              failed_saying(Code::kDataLoss, "explode"));
}

TEST(Journal, FieldsThatLackOrHaveAnotherTypeAreRefused) {
  for (const char* text :
       {R"({"committed":false,"undos":[7]})", R"({"committed":false,"undos":[{}]})",
        R"({"committed":false,"undos":[{"undo":"unpark","container":"a"}]})",
        R"({"committed":false,"undos":[{"undo":"unpark","container":7,"component":"",)"
        R"("id":"","was_running":true}]})",
        R"({"committed":false,"undos":[{"undo":"unpark","container":"","component":"",)"
        R"("id":"","was_running":"yes"}]})",
        R"({"committed":"yes","undos":[]})", R"({"committed":true,"undos":7})"}) {
    EXPECT_THAT(journal_from_json(text), failed_with(Code::kDataLoss)) << text;
  }
}

// The row of an operation begins as "{}": a crash before the first step undoes nothing.
TEST(Journal, EmptyObjectUndoesNothing) {
  const Journal journal = require_ok(journal_from_json("{}"));

  EXPECT_FALSE(journal.committed);
  EXPECT_TRUE(journal.undos.empty());
}

TEST(Journal, SurvivesTheRoundTripWithEveryKindOfUndoInOrder) {
  Journal journal;
  journal.committed = true;
  journal.undos = {
      {.kind = Undo::Kind::kRemoveDirectory, .container = "/srv/a \"quoted\"\n"},
      {.kind = Undo::Kind::kUnpark,
       .container = "mcq-api",
       .component = "api",
       .id = "4f1c",
       .was_running = true},
      {.kind = Undo::Kind::kRemoveNew, .container = "mcq-api", .component = "api"},
  };

  const Journal read = require_ok(journal_from_json(journal.to_json()));

  EXPECT_TRUE(read.committed);
  ASSERT_EQ(read.undos.size(), journal.undos.size());
  for (std::size_t i = 0; i < read.undos.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(read.undos[i].kind, journal.undos[i].kind);
    EXPECT_EQ(read.undos[i].container, journal.undos[i].container);
    EXPECT_EQ(read.undos[i].component, journal.undos[i].component);
    EXPECT_EQ(read.undos[i].id, journal.undos[i].id);
    EXPECT_EQ(read.undos[i].was_running, journal.undos[i].was_running);
  }
}

}  // namespace
}  // namespace mcp::agent
