// How epochs and their objects are named in a mirror.
//
//   00000003-8f2a1b3c/base
//   00000003-8f2a1b3c/00000001-0000000000000000.seg
//   00000003-8f2a1b3c/00000001-0000000000020058.tail
//   00000003-8f2a1b3c/CLOSED
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsl::replica {

// Lower-case hex, `digits` of them: names that sort as their numbers do.
std::string to_hex(std::uint64_t value, int digits);

// One unbroken history: a copy of the database, then every byte of its log. Numbers rise in a
// mirror; the random half keeps two histories apart that took the same number without seeing each
// other.
struct Epoch {
  std::uint32_t number = 0;
  std::string random;  // 8 lower-case hex digits

  std::string name() const;
  // NOLINTNEXTLINE(modernize-use-nullptr): the tool takes the 0 of a comparison for a pointer
  auto operator<=>(const Epoch&) const = default;
};

std::optional<Epoch> parse_epoch(std::string_view name);

enum class ObjectKind { kBase, kSegment, kTail, kClosed };

// In the order in which they are written and read.
struct ObjectName {
  Epoch epoch;
  ObjectKind kind = ObjectKind::kBase;
  // Of segments and tails: which life of the log, from 1, and the first byte in it.
  std::uint32_t generation = 0;
  std::uint64_t offset = 0;

  std::string name() const;  // with the epoch in front
  bool operator==(const ObjectName&) const = default;
  // The base first, CLOSED last.
  bool operator<(const ObjectName& other) const;
};

std::optional<ObjectName> parse_object(std::string_view name);

}  // namespace dsl::replica
