#include "mcp/files/service_path.h"

#include <gtest/gtest.h>

namespace {

using namespace mcp::files;

PathFault fault_of(std::string_view text) {
  ServicePath out;
  return parse_service_path(text, {"/data/mcr", "/srv/mcr"}, out);
}

ServicePath parsed(std::string_view text) {
  ServicePath out;
  EXPECT_EQ(parse_service_path(text, {"/data/mcr", "/srv/mcr"}, out), PathFault::kNone) << text;
  return out;
}

TEST(ServicePath, RefusesWhatLeadsOut) {
  for (const char* climbs : {"..", "../x", "a/../b", "a/..", "/srv/mcr/../mcns"}) {
    EXPECT_EQ(fault_of(climbs), PathFault::kClimbs) << climbs;
  }
  for (const char* outside : {"/", "/etc/passwd", "/srv", "/srv/mcr2/x", "//srv/mcr"}) {
    EXPECT_EQ(fault_of(outside), PathFault::kOutside) << outside;
  }
}

TEST(ServicePath, RefusesWhatNoFileIsCalled) {
  EXPECT_EQ(fault_of(std::string_view("a\0b", 3)), PathFault::kControl);
  EXPECT_EQ(fault_of("a\nb"), PathFault::kControl);
  EXPECT_EQ(fault_of(std::string(256, 'a')), PathFault::kTooLong);
  EXPECT_EQ(fault_of(std::string(5000, '/')), PathFault::kTooLong);
  for (const char* name : {"", ".", "..", "a/b", "a\tb"}) {
    EXPECT_FALSE(is_file_name(name)) << name;
  }
  EXPECT_FALSE(is_file_name(std::string(256, 'a')));
}

TEST(ServicePath, ReadsEachSpelling) {
  for (const char* text : {"conf/app.toml", "./conf//app.toml", "/srv/mcr/conf/app.toml",
                           "/data/mcr//conf/./app.toml"}) {
    EXPECT_EQ(parsed(text), (ServicePath{.path = "conf/app.toml"})) << text;
  }
  for (const char* text : {"", ".", "/srv/mcr", "/srv/mcr/"}) {
    EXPECT_EQ(parsed(text), (ServicePath{.path = "", .is_directory = true})) << text;
  }
  EXPECT_EQ(parsed("conf/"), (ServicePath{.path = "conf", .is_directory = true}));
  EXPECT_EQ(parsed("..."), (ServicePath{.path = "..."}));
}

TEST(ServicePath, FallsIntoFolderAndName) {
  EXPECT_EQ(parsed("a/b/c").folder(), "a/b");
  EXPECT_EQ(parsed("a/b/c").name(), "c");
  EXPECT_EQ(parsed("c").folder(), "");
  EXPECT_EQ(parsed("c").name(), "c");
  EXPECT_EQ(parsed("").in("c").path, "c");
  EXPECT_EQ(parsed("a/").in("c"), (ServicePath{.path = "a/c"}));
}

}  // namespace
