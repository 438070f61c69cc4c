#include "mcp/recovery/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/recovery/point_name.h"
#include "mcp/recovery/trusted_comment.h"
#include "support/result_matchers.h"

namespace mcp::recovery {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;

Manifest sample() {
  Manifest manifest;
  manifest.id = "example.net_rift_20261126T020000Z_0badcafe";
  manifest.sequence = 7;
  manifest.domain = "example.net";
  manifest.node = "rift";
  manifest.tags["why"] = "before the move";
  manifest.uid_map = {{0, 850, 1}, {1, 100000, 65536}};
  manifest.units = {{.name = "mcr", .root = "/srv/mcr", .version = "v1", .problems = {"x: gone"}}};
  FileRecord file;
  file.entry = {.path = "mcr/\xff",
                .mode = 0640,
                .uid = 3,
                .mtime_ns = -1'234'567'890'123'456'789,
                .size_bytes = 5};
  file.entry.xattrs = {{"user.a", std::string("\0\xff", 2)}};
  file.sha256 = std::string(64, 'a');
  file.database =
      dsl::db::ImageFacts{.page_bytes = 4096, .schema_sha256 = "s", .rows = {{"tags", 12}}};
  manifest.files.push_back(file);
  FileRecord link;
  link.entry = {.path = "mcr/link", .kind = dsl::archive::TarKind::kSymlink, .link = "../\xfe"};
  manifest.files.push_back(link);
  manifest.images = {{"mcr:v1", "sha256:0a", "images/mcr_v1.tar"}};
  manifest.recipients = {"age1abc"};
  manifest.previous = {"before", "hash"};
  return manifest;
}

TEST(Manifest, SurvivesJson) {
  const std::string json = require_ok(to_json(sample()));

  const Manifest back = require_ok(parse_manifest(json));

  EXPECT_EQ(require_ok(to_json(back)), json);
  EXPECT_EQ(back.files[0].entry.path, "mcr/\xff");
  EXPECT_EQ(back.files[0].entry.mtime_ns, -1'234'567'890'123'456'789);
  EXPECT_EQ(back.files[0].entry.xattrs, sample().files[0].entry.xattrs);
  EXPECT_EQ(back.files[1].entry.link, "../\xfe");
  EXPECT_EQ(back.files[0].database->rows.at("tags"), 12);
  EXPECT_EQ(back.extent(), Extent::kPartial);
}

TEST(Manifest, NewerFormatIsRefusedWithTheWayOut) {
  EXPECT_THAT(parse_manifest(R"({"format": 2})"),
              failed_saying(Code::kFailedPrecondition, "or a newer one"));
}

TEST(Manifest, EveryMissingMemberIsFound) {
  const std::string json = require_ok(to_json(sample()));
  for (const char* member : {"\"id\"", "\"units\"", "\"files\"", "\"sha256\"", "\"mode\"",
                             "\"root\"", "\"user\"", "\"previous\"", "\"type\""}) {
    std::string damaged = json;
    damaged.replace(damaged.find(member), 2, "\"_");
    EXPECT_THAT(parse_manifest(damaged), failed_with(Code::kDataLoss)) << member;
  }
  EXPECT_THAT(parse_manifest("{"), failed_with(Code::kDataLoss));
  EXPECT_THAT(parse_manifest("[]"), failed_with(Code::kDataLoss));
}

// Names of units become paths.
TEST(Manifest, UnitsNameNoOtherPlace) {
  for (const char* name : {"..", "a/b", ""}) {
    Manifest manifest = sample();
    manifest.units[0].name = name;
    EXPECT_THAT(parse_manifest(require_ok(to_json(manifest))), failed_with(Code::kDataLoss));
  }
}

TEST(PointName, IsReadAsItIsWritten) {
  const auto name = parse_point_id("example.net_rift_20261126T020000Z_0badcafe");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->id(), "example.net_rift_20261126T020000Z_0badcafe");
  EXPECT_EQ(name->node, "rift");
  const auto archive = parse_archive_name(archive_name(name->id(), Seal::kAge));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->point.id(), name->id());
}

TEST(PointName, OtherNamesAreNone) {
  for (const char* id : {"", "a_b_20261126T020000Z", "a_b_20261399T020000Z_0badcafe",
                         "../x_b_20261126T020000Z_0badcafe", "a_b_20261126T020000Z_0BADCAFE",
                         "a_b_20261126T020000Z_0badcafe_x", "a_b_2026-1126T02000Z_0badcafe"}) {
    EXPECT_FALSE(parse_point_id(id)) << id;
  }
  EXPECT_FALSE(parse_archive_name("a_b_20261126T020000Z_0badcafe.tar.zst"));
}

TEST(TrustedComment, SurvivesText) {
  const TrustedComment comment{"id", Extent::kSelection, 7, "hash", {"before", "its"}};
  const TrustedComment back = require_ok(parse_trusted_comment(comment.to_text()));
  EXPECT_EQ(back.to_text(), comment.to_text());
  EXPECT_EQ(back.previous.id, "before");
  EXPECT_EQ(back.extent, Extent::kSelection);
  const TrustedComment first{"id", Extent::kWhole, 1, "hash", {}};
  EXPECT_EQ(require_ok(parse_trusted_comment(first.to_text())).previous.id, "");
  EXPECT_THAT(parse_trusted_comment("something else"), failed_with(Code::kDataLoss));
  EXPECT_THAT(parse_trusted_comment(comment.to_text() + " more"), failed_with(Code::kDataLoss));
}

}  // namespace
}  // namespace mcp::recovery
