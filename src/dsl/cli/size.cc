#include <array>

#include "dsl/cli/cli.h"

namespace dsl::cli {

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  constexpr std::uint64_t kTenthsShown = 1000;  // below 100 units
  std::size_t unit = 0;
  std::uint64_t tenths = bytes * 10;
  while (tenths >= 10240 && unit + 1 < kUnits.size()) {
    tenths /= 1024;
    ++unit;
  }
  return unit == 0 || tenths >= kTenthsShown
             ? text("{} {}", tenths / 10, kUnits.at(unit))
             : text("{}.{} {}", tenths / 10, tenths % 10, kUnits.at(unit));
}

}  // namespace dsl::cli
