#include "mcns/cache/scan.h"

#include <algorithm>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr std::size_t kFieldsSize = 10;  // type, class, TTL, length of the data
constexpr std::size_t kSoaDataMin = 22;  // two names of the root, five numbers

// Behind the name at `at`; 0 when it is cut short.
std::size_t skip_name(std::string_view message, std::size_t at) {
  while (at < message.size()) {
    const std::uint8_t size = read8(message, at);
    if (size == 0) {
      return at + 1;
    }
    if ((size & 0xc0U) == 0xc0U) {
      return at + 2 <= message.size() ? at + 2 : 0;
    }
    if (size > kLabelMax) {
      return 0;
    }
    at += 1U + size;
  }
  return 0;
}

bool answers(Type asked, Type type) {
  return type == asked || (asked == Type::kAny && type != Type::kRrsig);
}

class Scanner {
 public:
  Scanner(std::string_view response, std::size_t begin, Type asked)
      : response_(response), begin_(begin), at_(begin), asked_(asked) {}

  bool read_section(std::size_t section, Scan& scan) {
    scan.counts[section] = read16(response_, 6 + 2 * section);
    for (unsigned i = scan.counts[section]; i > 0; --i) {
      if (!read_record(section, scan)) {
        return false;
      }
    }
    scan.ends[section] = at_ - begin_;
    return true;
  }

  bool at_end() const { return at_ == response_.size(); }

 private:
  bool read_record(std::size_t section, Scan& scan) {
    const std::size_t fields = skip_name(response_, at_);
    if (fields == 0 || response_.size() - fields < kFieldsSize) {
      return false;
    }
    const auto type = static_cast<Type>(read16(response_, fields));
    const std::uint32_t ttl = read_ttl(response_, fields + 4);
    const std::size_t size = read16(response_, fields + 8);
    if (type == Type::kOpt || response_.size() - fields - kFieldsSize < size) {
      return false;
    }
    at_ = fields + kFieldsSize + size;
    scan.ttls.push_back(fields + 4 - begin_);
    scan.smallest_ttl = std::min(scan.smallest_ttl, ttl);
    if (section == 0) {
      scan.has_answer = scan.has_answer || answers(asked_, type);
    } else if (section == 1 && type == Type::kSoa && size >= kSoaDataMin) {
      scan.negative_ttl = std::min(ttl, read_ttl(response_, at_ - 4));
    }
    return true;
  }

  const std::string_view response_;
  const std::size_t begin_;  // of the answer section
  std::size_t at_;
  const Type asked_;
};

}  // namespace

std::optional<Scan> scan_response(std::string_view response, std::size_t question_size,
                                  Type asked) {
  const std::size_t begin = kHeaderSize + question_size;
  if (response.size() < begin || response.size() > UINT16_MAX) {
    return std::nullopt;
  }
  Scan scan;
  scan.rcode = static_cast<Rcode>(read8(response, 3) & 0x0fU);
  scan.truncated = (read8(response, 2) & 0x02U) != 0;
  Scanner scanner(response, begin, asked);
  for (std::size_t section = 0; section < scan.counts.size(); ++section) {
    if (!scanner.read_section(section, scan)) {
      return std::nullopt;
    }
  }
  if (!scanner.at_end()) {
    return std::nullopt;
  }
  return scan;
}

// RFC 2181 section 9: what the client can do without is left out before the answer is called
// truncated. The authority section of a positive answer is such, unless it proves something.
std::optional<std::size_t> sections_that_fit(const std::array<std::size_t, 3>& ends,
                                             bool answers_alone_do, std::size_t room_bytes) {
  const std::size_t needed = answers_alone_do ? 1 : 2;
  std::size_t sections = ends.size();
  while (sections > 0 && ends[sections - 1] > room_bytes) {
    --sections;
  }
  return sections < needed ? std::nullopt : std::optional(sections);
}

std::uint32_t read_ttl(std::string_view octets, std::size_t at) {
  const std::uint32_t ttl = read32(octets, at);
  return ttl > INT32_MAX ? 0 : ttl;
}

}  // namespace mcns
