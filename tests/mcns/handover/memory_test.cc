#include "mcns/handover/memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/result_matchers.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;

TEST(SealedMemory, OneThatCouldStillShrinkIsRefused) {
  const dsl::env::UniqueFd open(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));

  EXPECT_THAT(MappedMemory::open(open, 100), failed_with(Code::kInvalidArgument));
}

TEST(SealedMemory, OneThatIsTooLongIsRefused) {
  EXPECT_THAT(MappedMemory::open(require_ok(sealed_memory("12345")), 4),
              failed_with(Code::kInvalidArgument));
}

TEST(SealedMemory, ShowsWhatWasWrittenAndTakesNoMore) {
  const auto memory = require_ok(sealed_memory("12345"));

  EXPECT_EQ(require_ok(MappedMemory::open(memory, 5)).bytes(), "12345");
  EXPECT_EQ(::write(memory.get(), "6", 1), -1);
  EXPECT_EQ(require_ok(MappedMemory::open(require_ok(sealed_memory("")), 0)).bytes(), "");
}

}  // namespace
}  // namespace mcns::handover
