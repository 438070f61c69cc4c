#include "dsl/service/descriptors.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace dsl::service {
namespace {

// As the kernel has it now (proc(5)).
rlim_t table_size() {
  std::ifstream status("/proc/self/status");
  std::string word;
  rlim_t size = 0;
  while (status >> word && word != "FDSize:") {
  }
  status >> size;
  return size;
}

TEST(Descriptors, TheTableHasRoomForAllOfThem) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);

  make_room_for_descriptors();

  EXPECT_GE(table_size(), std::min(limit.rlim_cur, rlim_t{32768}));
}

}  // namespace
}  // namespace dsl::service
