// Zone files on their way to the service.
#pragma once

#include <chrono>
#include <string>

#include "dsl/env/env.h"
#include "mcns/cli/client.h"

namespace mcns::cli {

constexpr std::chrono::milliseconds kZoneTime{600'000};  // a large zone is written to a disk

struct ZoneText {
  std::string zone;  // whose it is
  std::string name;  // of the file, for messages
  std::string content;
};

// Reads `file`, or stdin for "-". `zone` empty: the owner of its SOA record. A file with $INCLUDE
// becomes one without: what it names is read here, below its own folder. kUnprocessable lists the
// mistakes of a file that had to be read for one of these.
Result<ZoneText> read_zone_text(dsl::env::Env& env, const std::string& file,
                                const std::string& zone);

// Whether it can be part of a request: small enough, and text (protobuf's is UTF-8).
bool fits_a_request(const std::string& content);
// Sends it in pieces; the id by which a request names it.
Result<std::string> upload(Client& client, const std::string& content);

}  // namespace mcns::cli
