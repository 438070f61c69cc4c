#include "mcns/rdata/loc.h"

#include <cstdint>
#include <cstdlib>

#include "mcns/rdata/encodings.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

// RFC 1876 section 2. Angles are thousandths of a second of arc from 2^31; the altitude is in
// centimetres from 100 km below the ellipsoid; sizes are a digit and a power of ten, in
// centimetres.
constexpr std::int64_t kAngleZero = 1LL << 31;
constexpr std::int64_t kDegree = 3600 * 1000;
constexpr std::int64_t kAltitudeZeroCm = 10'000'000;
constexpr std::int64_t kSizeMaxCm = 9'000'000'000;
constexpr std::uint8_t kSizeDefault = 0x12;        // 1 m
constexpr std::uint8_t kHorizontalDefault = 0x16;  // 10 km
constexpr std::uint8_t kVerticalDefault = 0x13;    // 10 m
constexpr std::size_t kWireSize = 16;

// "-24.05" with 2 decimals is -2405.
std::optional<std::int64_t> parse_decimal(std::string_view text, std::size_t decimals) {
  constexpr std::uint64_t kMax = 100'000'000;
  const bool negative = text.starts_with('-');
  text.remove_prefix(negative ? 1 : 0);
  const std::size_t dot = text.find('.');
  std::string_view fraction;
  if (dot != std::string_view::npos) {
    fraction = text.substr(dot + 1);
    if (fraction.empty() || fraction.size() > decimals) {
      return std::nullopt;
    }
  }
  std::string digits(fraction);
  digits.append(decimals - fraction.size(), '0');
  const auto whole = parse_number(text.substr(0, dot), kMax);
  const auto part = digits.empty() ? 0 : parse_number(digits, kMax);
  if (!whole || !part) {
    return std::nullopt;
  }
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < decimals; ++i) {
    scale *= 10;
  }
  const std::int64_t value =
      static_cast<std::int64_t>(*whole) * scale + static_cast<std::int64_t>(*part);
  return negative ? -value : value;
}

// The metres of `text` in centimetres; "m" behind them may be left out.
std::optional<std::int64_t> parse_metres(std::string_view text) {
  if (text.ends_with('m') || text.ends_with('M')) {
    text.remove_suffix(1);
  }
  return parse_decimal(text, 2);
}

// As the code of RFC 1876 appendix A does: of further digits than the first none is kept.
std::uint8_t size_octet(std::int64_t size_cm) {
  unsigned power = 0;
  for (; size_cm > 9; size_cm /= 10) {
    ++power;
  }
  return static_cast<std::uint8_t>((static_cast<unsigned>(size_cm) << 4U) | power);
}

class LocationReader {
 public:
  LocationReader(std::span<const Token> words, std::size_t& word) : words_(words), word_(word) {}

  // Degrees, and if need be minutes and seconds, up to the letter of a direction.
  Result<std::int64_t> angle(std::int64_t degrees_max, char positive, char negative) {
    std::int64_t value = 0;
    static constexpr std::int64_t kUnits[] = {kDegree, 60'000, 1};
    static constexpr std::int64_t kLimits[] = {1, 59, 59'999};
    for (std::size_t i = 0; i < 4; ++i) {
      if (word_ == words_.size()) {
        return fail(Code::kInvalidArgument, "the direction {} or {} is missing", positive,
                    negative);
      }
      const std::string_view text = words_[word_].raw;
      if (i > 0 && text.size() == 1 &&
          (to_lower(text[0]) == to_lower(positive) || to_lower(text[0]) == to_lower(negative))) {
        if (value > degrees_max * kDegree) {
          break;
        }
        ++word_;
        return kAngleZero + (to_lower(text[0]) == to_lower(positive) ? value : -value);
      }
      const auto part = i == 3 ? std::nullopt : parse_decimal(text, i == 2 ? 3 : 0);
      if (!part || *part < 0 || *part > (i == 0 ? degrees_max : kLimits[i])) {
        break;
      }
      value += *part * kUnits[i];
      ++word_;
    }
    return fail(Code::kInvalidArgument,
                "\"{}\" is no part of an angle: degrees up to {}, minutes, seconds with at most "
                "three decimals, {} or {}",
                words_[word_].raw.substr(0, 60), degrees_max, positive, negative);
  }

  Result<std::int64_t> altitude() {
    MC_ASSIGN(const std::int64_t altitude_cm,
              metres("altitude", -kAltitudeZeroCm, 0xffffffffLL - kAltitudeZeroCm));
    return altitude_cm + kAltitudeZeroCm;
  }

  Result<std::uint8_t> size(std::string_view what, std::uint8_t when_missing) {
    if (word_ == words_.size()) {
      return when_missing;
    }
    MC_ASSIGN(const std::int64_t size_cm, metres(what, 0, kSizeMaxCm));
    return size_octet(size_cm);
  }

 private:
  Result<std::int64_t> metres(std::string_view what, std::int64_t min_cm, std::int64_t max_cm) {
    if (word_ == words_.size()) {
      return fail(Code::kInvalidArgument, "the {} is missing", what);
    }
    const auto value_cm = parse_metres(words_[word_].raw);
    if (!value_cm || *value_cm < min_cm || *value_cm > max_cm) {
      return fail(Code::kInvalidArgument,
                  "the {} \"{}\" is not from {} to {} metres, with at most two decimals", what,
                  words_[word_].raw.substr(0, 60), min_cm / 100, max_cm / 100);
    }
    ++word_;
    return *value_cm;
  }

  std::span<const Token> words_;
  std::size_t& word_;
};

bool is_size(std::uint8_t octet) {
  const unsigned digit = octet >> 4U;
  const unsigned power = octet & 0x0fU;
  return digit <= 9 && power <= 9 && (digit != 0 || power == 0);
}

bool is_angle(std::uint32_t value, std::int64_t degrees_max) {
  return std::abs(static_cast<std::int64_t>(value) - kAngleZero) <= degrees_max * kDegree;
}

// "24.00", "0.050".
std::string decimal_text(std::int64_t value, std::size_t decimals) {
  std::string digits = std::to_string(value);
  if (digits.size() <= decimals) {
    digits.insert(0, decimals + 1 - digits.size(), '0');
  }
  return digits.insert(digits.size() - decimals, ".");
}

void append_angle(std::string& out, std::uint32_t wire, char positive, char negative) {
  const std::int64_t value = static_cast<std::int64_t>(wire) - kAngleZero;
  const std::int64_t size = std::abs(value);
  out += std::to_string(size / kDegree) + " " + std::to_string(size / 60'000 % 60) + " " +
         decimal_text(size % 60'000, 3) + " ";
  out += value < 0 ? negative : positive;
}

void append_size(std::string& out, std::uint8_t octet) {
  std::int64_t size_cm = octet >> 4U;
  for (unsigned power = octet & 0x0fU; power > 0; --power) {
    size_cm *= 10;
  }
  out += ' ';
  out += size_cm % 100 == 0 ? std::to_string(size_cm / 100) : decimal_text(size_cm, 2);
  out += 'm';
}

}  // namespace

Result<Bytes> read_location(std::span<const Token> words, std::size_t& word) {
  LocationReader reader(words, word);
  MC_ASSIGN(const std::int64_t latitude, reader.angle(90, 'N', 'S'));
  MC_ASSIGN(const std::int64_t longitude, reader.angle(180, 'E', 'W'));
  MC_ASSIGN(const std::int64_t altitude, reader.altitude());
  MC_ASSIGN(const std::uint8_t size, reader.size("size", kSizeDefault));
  MC_ASSIGN(const std::uint8_t horizontal, reader.size("horizontal precision", kHorizontalDefault));
  MC_ASSIGN(const std::uint8_t vertical, reader.size("vertical precision", kVerticalDefault));

  Bytes wire;
  put8(wire, 0);  // version
  put8(wire, size);
  put8(wire, horizontal);
  put8(wire, vertical);
  put32(wire, static_cast<std::uint64_t>(latitude));
  put32(wire, static_cast<std::uint64_t>(longitude));
  put32(wire, static_cast<std::uint64_t>(altitude));
  return wire;
}

bool is_location(BytesView wire) {
  return wire.size() == kWireSize && wire[0] == '\0' && is_size(get8(wire, 1)) &&
         is_size(get8(wire, 2)) && is_size(get8(wire, 3)) && is_angle(get32(wire, 4), 90) &&
         is_angle(get32(wire, 8), 180);
}

void append_location(std::string& out, BytesView wire) {
  append_angle(out, get32(wire, 4), 'N', 'S');
  out += ' ';
  append_angle(out, get32(wire, 8), 'E', 'W');
  const std::int64_t altitude_cm = static_cast<std::int64_t>(get32(wire, 12)) - kAltitudeZeroCm;
  out += altitude_cm < 0 ? " -" : " ";
  out += decimal_text(std::abs(altitude_cm), 2) + "m";
  append_size(out, get8(wire, 1));
  append_size(out, get8(wire, 2));
  append_size(out, get8(wire, 3));
}

}  // namespace mcns
