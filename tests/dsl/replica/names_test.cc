#include "dsl/replica/names.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

namespace dsl::replica {
namespace {

const Epoch kEpoch{.number = 3, .random = "8f2a1b3c"};

TEST(Names, WrongOnesAreNoObjects) {
  for (const char* wrong : {"",
                            "/",
                            "base",
                            "00000003-8f2a1b3c",
                            "00000003-8f2a1b3c/",
                            "/base",
                            "00000003-8f2a1b3c/Base",
                            "00000003-8f2a1b3c/base.partial",
                            "0000003-8f2a1b3c/base",
                            "00000003-8F2A1B3C/base",
                            "0000000g-8f2a1b3c/base",
                            "00000003_8f2a1b3c/base",
                            "00000003-8f2a1b3/base",
                            "00000003-8f2a1b3c/base/",
                            "00000003-8f2a1b3c//base",
                            "00000003-8f2a1b3c/00000001-0000000000000000",
                            "00000003-8f2a1b3c/.seg",
                            "00000003-8f2a1b3c/00000001-000000000000000.seg",
                            "00000003-8f2a1b3c/0000001-0000000000000000.seg",
                            "00000003-8f2a1b3c/00000001-0000000000000000.seg.partial",
                            "00000003-8f2a1b3c/00000001-000000000000000G.tail",
                            "00000003-8f2a1b3c/+0000001-0000000000000000.seg",
                            "x/00000003-8f2a1b3c/base"}) {
    EXPECT_FALSE(parse_object(wrong)) << wrong;
  }
}

TEST(Names, AreReadAsWritten) {
  const std::vector<std::pair<ObjectName, std::string>> names = {
      {{.epoch = kEpoch}, "00000003-8f2a1b3c/base"},
      {{.epoch = kEpoch, .kind = ObjectKind::kClosed}, "00000003-8f2a1b3c/CLOSED"},
      {{.epoch = kEpoch, .kind = ObjectKind::kSegment, .generation = 1},
       "00000003-8f2a1b3c/00000001-0000000000000000.seg"},
      {{.epoch = kEpoch, .kind = ObjectKind::kTail, .generation = 0xffffffff, .offset = 0x20058},
       "00000003-8f2a1b3c/ffffffff-0000000000020058.tail"},
  };
  for (const auto& [object, name] : names) {
    EXPECT_EQ(object.name(), name);
    EXPECT_EQ(parse_object(name), object);
  }
}

TEST(Names, SortInTheOrderInWhichTheyAreRead) {
  const Epoch later{.number = 4, .random = "00000000"};
  const std::vector<ObjectName> ordered = {
      {.epoch = kEpoch},
      {.epoch = kEpoch, .kind = ObjectKind::kSegment, .generation = 1, .offset = 0},
      {.epoch = kEpoch, .kind = ObjectKind::kSegment, .generation = 1, .offset = 0x1000},
      {.epoch = kEpoch, .kind = ObjectKind::kTail, .generation = 1, .offset = 0x1000},
      {.epoch = kEpoch, .kind = ObjectKind::kSegment, .generation = 2, .offset = 0},
      {.epoch = kEpoch, .kind = ObjectKind::kClosed},
      {.epoch = later},
  };
  EXPECT_TRUE(std::is_sorted(ordered.begin(), ordered.end()));
  auto mixed = ordered;
  std::reverse(mixed.begin(), mixed.end());
  std::sort(mixed.begin(), mixed.end());
  EXPECT_EQ(mixed, ordered);
}

TEST(Names, EpochsSortByNumberInMirrorsToo) {
  EXPECT_LT((Epoch{.number = 9, .random = "ffffffff"}.name()),
            (Epoch{.number = 10, .random = "00000000"}.name()));
  EXPECT_FALSE(parse_epoch("00000003-8f2a1b3c/"));
  EXPECT_EQ(parse_epoch("00000003-8f2a1b3c"), kEpoch);
}

}  // namespace
}  // namespace dsl::replica
