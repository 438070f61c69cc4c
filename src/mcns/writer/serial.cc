#include "mcns/writer/serial.h"

#include <chrono>

namespace mcns::writer {
namespace {

using store::SerialPolicy;

// What the policy would like it to be.
std::uint32_t wanted(SerialPolicy policy, dsl::env::WallTime now) {
  switch (policy) {
    case SerialPolicy::kDate: {
      const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
      const auto year = static_cast<std::uint32_t>(static_cast<int>(day.year()));
      return ((year * 100 + unsigned{day.month()}) * 100 + unsigned{day.day()}) * 100 + 1;
    }
    case SerialPolicy::kUnixtime:
      return static_cast<std::uint32_t>(
          std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
    case SerialPolicy::kIncrement:
      break;
  }
  return 1;
}

}  // namespace

bool is_newer(std::uint32_t serial, std::uint32_t than) {
  return static_cast<std::int32_t>(serial - than) > 0;
}

std::uint32_t first_serial(SerialPolicy policy, dsl::env::WallTime now) {
  const std::uint32_t serial = wanted(policy, now);
  return serial == 0 ? 1 : serial;
}

std::uint32_t next_serial(SerialPolicy policy, std::uint32_t current, dsl::env::WallTime now) {
  const std::uint32_t serial = wanted(policy, now);
  if (policy != SerialPolicy::kIncrement && serial != 0 && is_newer(serial, current)) {
    return serial;
  }
  return current + 1 == 0 ? 1 : current + 1;
}

}  // namespace mcns::writer
