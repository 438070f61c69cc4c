#include "dsl/secret/secret.h"

#include <fstream>
#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/log/log.h"
#include "dsl/result/text.h"

namespace dsl {
namespace {

// The sanitizers replace mlock: their own memory must not be locked.
#if defined(__has_feature)
constexpr bool kMlockDoesNothing =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kMlockDoesNothing = false;
#endif

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Formattable = requires(const T& value) {
  detail::to_text(value);
};
template <class T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<Secret, bool>);
static_assert(!std::is_constructible_v<log::Field, std::string_view, const Secret&>);
static_assert(!Streamable<Secret>);
static_assert(!Formattable<Secret> && Formattable<std::string>);
static_assert(!Comparable<Secret>, "== would not be in constant time");

// The flags of the mapping that holds `address` ("lo" locked, "dd" not dumped).
std::string mapping_flags(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream head(line);
    if (head >> std::hex >> begin >> dash >> end && dash == '-') {
      const auto at = reinterpret_cast<std::uintptr_t>(address);
      inside = begin <= at && at < end;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line;
    }
  }
  return {};
}

TEST(Secret, DifferentLengthsAndContentsAreUnequal) {
  const Secret secret = Secret::from("hunter2");

  EXPECT_FALSE(secret.equals(""));
  EXPECT_FALSE(secret.equals("hunter"));
  EXPECT_FALSE(secret.equals("hunter22"));
  EXPECT_FALSE(secret.equals("hunter3"));
  EXPECT_FALSE(secret.equals("Hunter2"));
  EXPECT_FALSE(secret.equals(std::string("hunter2\0", 8)));
  EXPECT_TRUE(secret.equals("hunter2"));
  EXPECT_TRUE(secret.equals(Secret::from("hunter2")));
}

TEST(Secret, EmptyIsEqualToEmptyOnly) {
  EXPECT_TRUE(Secret().equals(Secret::from("")));
  EXPECT_TRUE(Secret().empty());
  EXPECT_FALSE(Secret().equals(Secret::from("x")));
}

TEST(Secret, MovingLeavesTheSourceEmpty) {
  Secret source = Secret::from("one");
  const std::byte* bytes = source.expose().data();

  Secret target = Secret::from("two");
  target = std::move(source);

  EXPECT_EQ(target.expose().data(), bytes) << "moved, not copied";
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): that is the contract
  EXPECT_TRUE(target.equals("one"));
}

TEST(Secret, IsZeroedThenWritable) {
  Secret secret = Secret::zeroed(5000);

  EXPECT_TRUE(secret.equals(std::string(5000, '\0')));
  secret.expose_mutable()[4999] = std::byte{1};
  EXPECT_FALSE(secret.equals(std::string(5000, '\0')));
}

TEST(Secret, IsLockedAndLeftOutOfDumps) {
  const Secret secret = Secret::from("hunter2");

  const std::string flags = mapping_flags(secret.expose().data());

  EXPECT_NE(flags.find(" dd"), std::string::npos) << flags;
  if (!kMlockDoesNothing) {
    EXPECT_NE(flags.find(" lo"), std::string::npos) << flags;
  }
}

TEST(Secret, WithoutPermissionToLockItStillWorks) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    // Root may lock beyond the limit, so step down to nobody.
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    const Secret secret = Secret::from("hunter2");
    ::_exit(secret.equals("hunter2") ? 0 : 1);
  }

  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Wipe, ZeroesEveryByte) {
  std::vector<std::byte> bytes(100, std::byte{7});

  wipe(bytes);
  wipe({});

  EXPECT_EQ(bytes, std::vector<std::byte>(100));
}

TEST(ForbidCoreDumps, ProcessIsNotDumpable) {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{1, 1};
    const bool forbidden = forbid_core_dumps().has_value() && ::prctl(PR_GET_DUMPABLE) == 0 &&
                           ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
    ::_exit(forbidden ? 0 : 1);
  }

  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace dsl
