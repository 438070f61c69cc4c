// What an archive of images says it holds, and what is refused.
#include "mcp/agent/image_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/archive/zstd_stream.h"
#include "mcp/agent/image_tar.h"
#include "support/memory_file_system.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::IsEmpty;

class ImageArchive : public testing::Test {
 protected:
  ImageArchive() { require_ok(files_.make_directories("/images", 0755)); }

  Result<std::vector<ArchivedImage>> read(const std::string& content) {
    require_ok(files_.write_file("/images/x.tar", content));
    return read_image_archive(files_, "/images/x.tar");
  }

  dsl::test::MemoryFileSystem files_;
};

TEST_F(ImageArchive, TellsIdsAndNames) {
  const auto images = require_ok(read(image_tar({{"aa", {"r:5000/x:v1", "x:v1"}}, {"bb", {}}})));

  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0].id, "aa");
  EXPECT_THAT(images[0].names, ElementsAre("r:5000/x:v1", "x:v1"));
  EXPECT_EQ(images[1].id, "bb");
  EXPECT_THAT(images[1].names, IsEmpty());
}

TEST_F(ImageArchive, ReadsTheFormOfLaterDocker) {
  const std::string manifest =
      R"([{"Config":"blobs/sha256/cc","RepoTags":["x:v1"],"Layers":["blobs/sha256/dd"]}])";

  const auto images = require_ok(read(
      tar_of({{"blobs/sha256/cc", "{}"}, {"blobs/sha256/dd", "x"}, {"manifest.json", manifest}})));

  EXPECT_EQ(images.front().id, "cc");
}

TEST_F(ImageArchive, ReadsWhatIsPacked) {
  std::string packed;
  auto writer = require_ok(dsl::archive::ZstdWriter::begin(dsl::archive::append_to(packed)));
  const std::string plain = image_tar({{"aa", {"x:v1"}}});
  require_ok(writer.write(std::as_bytes(std::span(plain))));
  require_ok(writer.finish());

  EXPECT_EQ(require_ok(read(packed)).front().id, "aa");
}

// Podman ends a stream in which it failed as it ends a whole one: every cut must show.
TEST_F(ImageArchive, EveryCutIsDataLoss) {
  const std::string whole = image_tar({{"aa", {"x:v1"}}});
  for (std::size_t size = 0; size + 1024 < whole.size(); size += 256) {
    EXPECT_THAT(read(whole.substr(0, size)), failed_with(Code::kDataLoss)) << size;
  }
}

TEST_F(ImageArchive, AListedFileThatIsNotThereIsDataLoss) {
  const std::string manifest = R"([{"Config":"aa.json","RepoTags":null,"Layers":["l.tar"]}])";

  EXPECT_THAT(read(tar_of({{"aa.json", "{}"}, {"manifest.json", manifest}})),
              failed_saying(Code::kDataLoss, "l.tar"));
}

TEST_F(ImageArchive, OtherFormsAreRefused) {
  EXPECT_THAT(read(tar_of({{"index.json", "{}"}})), failed_saying(Code::kDataLoss, "no docker"));
  for (const char* manifest : {"", "{}", "[]", "[3]", "[{}]", "not json"}) {
    EXPECT_THAT(read(tar_of({{"manifest.json", manifest}})), failed_with(Code::kDataLoss))
        << manifest;
  }
  EXPECT_THAT(read("no archive"), failed_with(Code::kDataLoss));
  EXPECT_THAT(read_image_archive(files_, "/images/none.tar"), failed_with(Code::kNotFound));
}

TEST_F(ImageArchive, IsFoundByTheWholeReferenceThenByItsEnd) {
  const auto find = [&](const char* reference) {
    return find_archive(files_, {"/images", "/more"}, reference).value_or("none");
  };
  require_ok(files_.make_directories("/more", 0755));
  require_ok(files_.write_file("/images/x_v1.tar.zst", ""));
  EXPECT_EQ(find("r:5000/x:v1"), "/images/x_v1.tar.zst");
  require_ok(files_.write_file("/more/r_5000_x_v1.tar", ""));
  EXPECT_EQ(find("r:5000/x:v1"), "/more/r_5000_x_v1.tar");
  EXPECT_EQ(find("x:v2"), "none");
  require_ok(files_.write_file("/images/r_x_sha256_aa.tar.gz", ""));
  EXPECT_EQ(find("r/x@sha256:aa"), "/images/r_x_sha256_aa.tar.gz");
}

}  // namespace
}  // namespace mcp::agent::test
