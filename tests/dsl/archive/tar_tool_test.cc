// Both ways with GNU tar.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/archive/tar_fixture.h"
#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;
using dsl::test::TempDir;

constexpr std::int64_t kSecond = 1'000'000'000;

class TarTool : public testing::Test {
 protected:
  // In the folder, to the end; 0 is expected.
  env::Output sh(const std::string& script) {
    env::Command command;
    command.argv = {"sh", "-euc", "cd \"$1\"\n" + script, "sh", dir_.path()};
    env::Output output =
        require_ok(env::system_env().processes().run(command, std::chrono::seconds(120)));
    EXPECT_EQ(output.exit_code, 0) << script << output.out << output.err;
    return output;
  }

  std::map<std::string, Packed> read_by_path(const std::string& name) {
    std::map<std::string, Packed> all;
    for (Packed& packed : require_ok(read_tar(dir_.read(name)))) {
      const std::string path = packed.entry.path;
      EXPECT_TRUE(all.emplace(path, std::move(packed)).second) << path;
    }
    return all;
  }

  TempDir dir_;
};

TEST_F(TarTool, ExtractsWhatWeWrite) {
  const std::string long_folder = std::string(120, 'd') + "/" + std::string(120, 'e');
  const std::string long_name = long_folder + "/" + std::string(250, 'n');
  std::vector<Packed> all{a(TarKind::kDirectory, "srv"),
                          a_file("srv/a", noise(100'000)),
                          a(TarKind::kHardLink, "srv/again", "srv/a"),
                          a(TarKind::kSymlink, "srv/link", "../" + std::string(150, 't')),
                          a_file(std::string(101, 'n'), "one hundred and one"),
                          a_file(long_name, "long"),
                          a_file("srv/\xc3\xbc", "UTF-8"),
                          a_file("srv/\xff\xfe", "no UTF-8")};
  all[1].entry.mode = 0604;
  all[1].entry.mtime_ns = 1'700'000'000 * kSecond + 123'456'789;
  all[5].entry.mtime_ns = 5'000'000'000 * kSecond + 1;
  dir_.write("ours.tar", tar_of(all));

  const env::Output output =
      sh("tar --extract --file ours.tar\n"
         "stat --format '%a %.9Y %h' srv/a srv/again\n"
         "stat --format '%.9Y' */*/nnnn*\n"
         "stat --format '%a' srv\nreadlink srv/link\nls --literal srv\n"
         "tar --extract --occurrence --to-stdout --file ours.tar srv/a | cmp - srv/a");

  EXPECT_EQ(output.out,
            "604 1700000000.123456789 2\n604 1700000000.123456789 2\n"
            "5000000000.000000001\n750\n../" +
                std::string(150, 't') + "\na\nagain\nlink\n\xc3\xbc\n\xff\xfe\n");
  for (const Packed& packed : all) {
    if (packed.entry.kind == TarKind::kFile) {
      EXPECT_TRUE(dir_.read(packed.entry.path) == packed.content) << packed.entry.path;
    }
  }
}

TEST_F(TarTool, ListsSizesOwnersAndNamesThatWeWrite) {
  Packed file = a_file("large", "");
  file.entry.size_bytes = std::uint64_t{9} << 30;
  file.entry.uid = 3'000'000'000;
  file.entry.gid = 7;
  file.entry.user = "u" + std::string(40, 's');
  std::string out;
  TarWriter writer = require_ok(TarWriter::begin(append_to(out)));
  require_ok(writer.add(file.entry));
  dir_.write("ours.tar", out);  // the header is all that is asked for

  const std::string numbers =
      sh("tar --list --verbose --numeric-owner --file ours.tar 2>/dev/null || true").out;
  const std::string names = sh("tar --list --verbose --file ours.tar 2>/dev/null || true").out;

  EXPECT_NE(numbers.find("3000000000/7"), std::string::npos) << numbers;
  EXPECT_NE(numbers.find("9663676416"), std::string::npos) << numbers;
  EXPECT_NE(names.find(file.entry.user + "/7"), std::string::npos) << names;
}

TEST_F(TarTool, ExtractsTheExtendedAttributesThatWeWrite) {
  Packed file = a_file("a", "content");
  file.entry.xattrs = {{"user.one", "value"}, {"user.two=%", std::string("\0\n\xff", 3)}};
  dir_.write("ours.tar", tar_of({file}));

  sh("tar --extract --xattrs --file ours.tar");
  sh("tar --create --xattrs --file theirs.tar a");

  auto read = read_by_path("theirs.tar");
  std::sort(read["a"].entry.xattrs.begin(), read["a"].entry.xattrs.end());
  if (read["a"].entry.xattrs.empty()) {
    GTEST_SKIP() << "the file system of " << dir_.path() << " has no extended attributes";
  }
  EXPECT_EQ(read["a"].entry.xattrs, file.entry.xattrs);
}

TEST_F(TarTool, WritesInEveryFormatWhatWeRead) {
  dir_.write("content", noise(70'000));
  sh("mkdir -p pack/folder && cp content pack/folder/file && ln -s ../up pack/link && "
     "ln pack/folder/file pack/hard && chmod 640 pack/folder/file && "
     "touch --date @1700000000.25 pack/folder/file && touch pack/empty");
  for (const std::string format : {"v7", "ustar", "gnu", "oldgnu", "pax"}) {
    sh("tar --create --format " + format + " --sort name --file theirs.tar -C pack .");

    auto read = read_by_path("theirs.tar");

    ASSERT_EQ(read.size(), 6U) << format;
    EXPECT_EQ(read["."].entry.kind, TarKind::kDirectory);
    EXPECT_EQ(read["folder"].entry.kind, TarKind::kDirectory);
    EXPECT_EQ(read["link"].entry.link, "../up") << format;
    EXPECT_EQ(read["link"].entry.kind, TarKind::kSymlink);
    EXPECT_TRUE(read["folder/file"].content == dir_.read("content")) << format;
    EXPECT_EQ(read["folder/file"].entry.mode, 0640U) << format;
    EXPECT_EQ(read["folder/file"].entry.mtime_ns,
              1'700'000'000 * kSecond + (format == "pax" ? kSecond / 4 : 0))
        << format;
    EXPECT_EQ(read["hard"].entry.kind, TarKind::kHardLink) << format;
    EXPECT_EQ(read["hard"].entry.link, "folder/file") << format;
  }
}

TEST_F(TarTool, WritesLongAndForeignNamesWhichWeRead) {
  const std::string folder = std::string(150, 'd');
  const std::string name = folder + "/" + std::string(250, 'n');
  const std::string link = std::string(300, 'l');
  sh("mkdir " + folder + " && echo long > " + name + " && ln -s " + link +
     " link && printf x > \"$(printf '\\377\\376')\" && printf x > \"$(printf 'u\\314\\210')\"");
  for (const std::string format : {"gnu", "pax"}) {
    sh("tar --create --format " + format + " --file theirs.tar --exclude theirs.tar .");

    const auto read = read_by_path("theirs.tar");

    EXPECT_EQ(read.count(name), 1U) << format;
    EXPECT_EQ(read.count("\xff\xfe"), 1U) << format;
    EXPECT_EQ(read.count("u\xcc\x88"), 1U) << format;
    EXPECT_EQ(read.at("link").entry.link, link) << format;
  }
}

TEST_F(TarTool, WritesFilesWithHolesWhichWeRead) {
  sh("printf start > holes && truncate -s 3000000 holes && printf middle >> holes && "
     "truncate -s 9000000 holes && truncate -s 5000000 nothing && printf x > plain");
  const std::string holes = dir_.read("holes");
  for (const std::string format :
       {"--format gnu", "--format oldgnu", "--format pax --sparse-version 0.0",
        "--format pax --sparse-version 0.1", "--format pax --sparse-version 1.0"}) {
    sh("tar --create --sparse --hole-detection raw " + format +
       " --file theirs.tar holes nothing plain");

    ASSERT_LT(dir_.read("theirs.tar").size(), 100'000U) << "holes were packed";
    const auto read = read_by_path("theirs.tar");

    EXPECT_EQ(read.at("holes").entry.size_bytes, holes.size()) << format;
    EXPECT_TRUE(read.at("holes").content == holes) << format;
    EXPECT_TRUE(read.at("nothing").content == std::string(5'000'000, '\0')) << format;
    EXPECT_EQ(read.at("plain").content, "x") << format;
  }
}

TEST_F(TarTool, WritesManyHolesWhichWeRead) {
  std::string content;
  for (int i = 0; i < 200; ++i) {
    content += noise(4096) + std::string(8192, '\0');
  }
  dir_.write("dense", content);
  sh("cp --sparse=always dense holes");
  for (const std::string format : {"gnu", "pax"}) {
    sh("tar --create --sparse --hole-detection raw --format " + format +
       " --file theirs.tar holes");

    ASSERT_LT(dir_.read("theirs.tar").size(), content.size() / 2);
    EXPECT_TRUE(read_by_path("theirs.tar").at("holes").content == content) << format;
  }
}

TEST_F(TarTool, WritesAbsolutePathsWhichWeRefuse) {
  sh("printf x > a && tar --create --absolute-names --file theirs.tar \"$PWD/a\"");

  EXPECT_THAT(read_tar(dir_.read("theirs.tar")), failed_with(Code::kInvalidArgument));
}

}  // namespace
}  // namespace dsl::archive
