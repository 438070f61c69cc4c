// Conditional requests and single ranges: RFC 9110 sections 13 and 14.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/http/server.h"

namespace dsl::http {

// What is known of a representation. Both may be absent.
struct Validators {
  std::string etag;  // with its quotes: "\"abc\"", or "W/\"abc\"" for a weak one
  std::optional<env::WallTime> modified;
};

// "\"…\"" over `bytes`: a strong tag, equal for equal bytes.
std::string strong_etag(std::string_view bytes);

enum class Condition { kProceed, kNotModified, kFailed };
// What If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since say, in the order of RFC
// 9110 section 13.2.2. kFailed is answered with 412, kNotModified (GET and HEAD) with 304.
Condition check_conditions(const Exchange& exchange, const Validators& validators);

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};
enum class RangeOutcome { kWhole, kPart, kUnsatisfiable };
struct RangeChoice {
  RangeOutcome outcome = RangeOutcome::kWhole;
  ByteRange range;  // of kPart
};
// What the Range and If-Range headers of a GET ask for. Several ranges, other units and malformed
// ones mean the whole, as a server may choose. kUnsatisfiable is answered with 416.
RangeChoice choose_range(const Exchange& exchange, std::uint64_t size,
                         const Validators& validators);

// Answers with `body` under these rules: 200, 206, 304, 412 or 416, with the headers each needs.
void reply_conditional(Exchange& exchange, const Validators& validators, Headers headers,
                       std::string_view body);

}  // namespace dsl::http
