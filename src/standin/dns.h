// The DNS answers of the stand-in for MCNS: the two zones of the reference platform, seed records
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace standin {

// Answers one message of a stranger. Nothing when it deserves none: shorter than a header, or
// itself an answer. Never reads outside `query`; every answer fits into 512 bytes, so none is
// ever truncated. While `failing`, what would be answered is SERVFAIL.
std::optional<std::string> answer_dns(std::string_view query, bool failing);

}  // namespace standin
