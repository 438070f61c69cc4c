#include "dsl/replica/names.h"

#include <charconv>
#include <tuple>

#include "dsl/result/text.h"

namespace dsl::replica {
namespace {

constexpr std::string_view kBase = "base";
constexpr std::string_view kClosed = "CLOSED";
constexpr std::string_view kSegmentEnd = ".seg";
constexpr std::string_view kTailEnd = ".tail";

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <class Number>
std::optional<Number> parse_hex(std::string_view digits) {
  Number value = 0;
  if (digits.size() != 2 * sizeof(Number) || !is_hex(digits)) {
    return std::nullopt;
  }
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);  // all digits
  return value;
}

// CLOSED is written last and read last.
int rank(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kBase:
      return 0;
    case ObjectKind::kSegment:
    case ObjectKind::kTail:
      return 1;
    case ObjectKind::kClosed:
      return 2;
  }
  return 2;
}

}  // namespace

std::string to_hex(std::uint64_t value, int digits) {
  std::string hex(static_cast<std::size_t>(digits), '0');
  for (auto digit = hex.rbegin(); digit != hex.rend(); ++digit, value >>= 4) {
    *digit = "0123456789abcdef"[value & 0xf];
  }
  return hex;
}

std::string Epoch::name() const { return to_hex(number, 8) + "-" + random; }

std::optional<Epoch> parse_epoch(std::string_view name) {
  if (name.size() != 17 || name[8] != '-' || !is_hex(name.substr(9))) {
    return std::nullopt;
  }
  const auto number = parse_hex<std::uint32_t>(name.substr(0, 8));
  if (!number) {
    return std::nullopt;
  }
  return Epoch{.number = *number, .random = std::string(name.substr(9))};
}

std::string ObjectName::name() const {
  const std::string folder = epoch.name() + "/";
  switch (kind) {
    case ObjectKind::kBase:
      return folder + std::string(kBase);
    case ObjectKind::kClosed:
      return folder + std::string(kClosed);
    case ObjectKind::kSegment:
    case ObjectKind::kTail:
      break;
  }
  return text("{}{}-{}{}", folder, to_hex(generation, 8), to_hex(offset, 16),
              kind == ObjectKind::kSegment ? kSegmentEnd : kTailEnd);
}

bool ObjectName::operator<(const ObjectName& other) const {
  return std::tuple(epoch, rank(kind), generation, offset, kind) <
         std::tuple(other.epoch, rank(other.kind), other.generation, other.offset, other.kind);
}

std::optional<ObjectName> parse_object(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  auto epoch = parse_epoch(name.substr(0, slash));
  if (!epoch) {
    return std::nullopt;
  }
  ObjectName object{.epoch = *std::move(epoch)};
  std::string_view rest = name.substr(slash + 1);
  if (rest == kBase || rest == kClosed) {
    object.kind = rest == kBase ? ObjectKind::kBase : ObjectKind::kClosed;
    return object;
  }
  if (rest.ends_with(kSegmentEnd)) {
    object.kind = ObjectKind::kSegment;
    rest.remove_suffix(kSegmentEnd.size());
  } else if (rest.ends_with(kTailEnd)) {
    object.kind = ObjectKind::kTail;
    rest.remove_suffix(kTailEnd.size());
  } else {
    return std::nullopt;
  }
  if (rest.size() != 25 || rest[8] != '-') {
    return std::nullopt;
  }
  const auto generation = parse_hex<std::uint32_t>(rest.substr(0, 8));
  const auto offset = parse_hex<std::uint64_t>(rest.substr(9));
  if (!generation || !offset) {
    return std::nullopt;
  }
  object.generation = *generation;
  object.offset = *offset;
  return object;
}

}  // namespace dsl::replica
