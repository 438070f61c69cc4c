// PTR records that follow addresses.
#include "mcns/writer/auto_ptr.h"

#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

class AutoPtrTest : public WriterTest {
 protected:
  AutoPtrTest() {
    store::ZoneRow row = zone_row();
    row.auto_ptr = true;
    require_ok(writer_->create_zone(author_, row, {}));
    require_ok(create("2.0.192.in-addr.arpa."));
    require_ok(create("8.b.d.0.1.0.0.2.ip6.arpa."));
  }

  const Name reverse_ = name("2.0.192.in-addr.arpa.");
  const std::string ns_ = "@ 300 NS ns1.2.0.192.in-addr.arpa.";

  std::vector<std::string> reverse() {
    EXPECT_EQ(writer::content(*zones_, reverse_), rebuilt(reverse_));
    return writer::content(*zones_, reverse_);
  }
  dsl::Result<Outcome> in_reverse(Operation::Kind kind, std::string_view text) {
    return writer_->apply(author_,
                          {.zone = reverse_, .operations = {operation(kind, text, reverse_)}});
  }
};

TEST(ReverseName, IsThatOfTheAddress) {
  EXPECT_EQ(reverse_name(Type::kA, Bytes("\xc0\x00\x02\x0a", 4))->text(),
            "10.2.0.192.in-addr.arpa.");
  EXPECT_EQ(
      reverse_name(Type::kAaaa, Bytes("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x1f", 16))->text(),
      "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
  EXPECT_EQ(reverse_name(Type::kTxt, "1234"), std::nullopt);
}

TEST_F(AutoPtrTest, ComesGoesAndMovesWithTheAddress) {
  const std::uint32_t before = published_serial(reverse_);
  const Outcome added = require_ok(apply({adding("a A 192.0.2.1"), adding("a AAAA 2001:db8::1"),
                                          adding("*.w A 192.0.2.9"), adding("b A 198.51.100.1")}));
  EXPECT_THAT(reverse(), ElementsAre("1 300 PTR a.example.test.", ns_));
  EXPECT_EQ(writer::content(*zones_, name("8.b.d.0.1.0.0.2.ip6.arpa.")).size(), 2u);
  EXPECT_EQ(published_serial(reverse_), before + 1);
  EXPECT_EQ(added.added, 6u) << "with those of the reverse zones";
  EXPECT_EQ(history(reverse_).back(), "+1 300 PTR a.example.test. admin auto_ptr");

  require_ok(apply({deleting("a A 192.0.2.1"), adding("c A 192.0.2.1")}));
  EXPECT_THAT(reverse(), ElementsAre("1 300 PTR c.example.test.", ns_));
  require_ok(add("d A 192.0.2.1"));
  EXPECT_EQ(reverse().size(), 3u) << "each name has its own";
  require_ok(apply({deleting("c A 192.0.2.1"), deleting("d A 192.0.2.1")}));
  EXPECT_THAT(reverse(), ElementsAre(ns_));
}

TEST_F(AutoPtrTest, WhatSomebodyMadeHimselfStays) {
  require_ok(in_reverse(Operation::Kind::kAdd, "1 PTR gateway.example.test."));
  require_ok(in_reverse(Operation::Kind::kAdd, "2 CNAME 2.delegated"));
  require_ok(in_reverse(Operation::Kind::kAdd, "x DNAME y.test."));

  const Outcome done = require_ok(apply({adding("a A 192.0.2.1"), adding("a A 192.0.2.2")}));

  EXPECT_EQ(done.warnings.size(), 2u);
  EXPECT_THAT(done.warnings[0], HasSubstr("did not get a PTR for a.example.test."));
  EXPECT_EQ(reverse().size(), 4u);
  require_ok(apply(deleting_all("a", "A")));
  EXPECT_EQ(reverse().size(), 4u);
}

TEST_F(AutoPtrTest, IsNobodysToTouch) {
  require_ok(add("a A 192.0.2.1"));
  EXPECT_THAT(writer_->apply(mcq_, {.zone = reverse_,
                                    .operations = {operation(Operation::Kind::kDelete,
                                                             "1 PTR a.example.test.", reverse_)}}),
              failed_saying(Code::kPermissionDenied, "belongs to auto_ptr"));
}

TEST_F(AutoPtrTest, WriteThatIsRefusedLeavesNoPtr) {
  require_ok(add("a CNAME b"));
  EXPECT_THAT(apply({adding("c A 192.0.2.1"), adding("a A 192.0.2.2")}),
              failed_with(Code::kConflict));
  EXPECT_THAT(reverse(), ElementsAre(ns_));
}

TEST_F(AutoPtrTest, FollowsImportsRollbacksAndTheEndOfTheZone) {
  const std::uint32_t empty = serial();
  require_ok(
      writer_->import(author_, import_of({"@ 300 NS ns1", "a A 192.0.2.1", "b A 192.0.2.2"})));
  EXPECT_EQ(reverse().size(), 3u);
  const std::uint32_t full = serial();
  require_ok(writer_->rollback(author_, origin_, empty, std::nullopt, false));
  EXPECT_EQ(reverse().size(), 1u);
  require_ok(writer_->rollback(author_, origin_, full, std::nullopt, false));
  EXPECT_EQ(reverse().size(), 3u);
  require_ok(writer_->delete_zone(author_, origin_, std::nullopt, false));
  EXPECT_EQ(reverse().size(), 1u);
}

}  // namespace
}  // namespace mcns::writer
