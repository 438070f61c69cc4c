// Small values as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/repeated_ptr_field.h>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

using Differences = google::protobuf::RepeatedPtrField<pb::Difference>;

// How long something took: "350 ms", "1.2 s", "48 s", "3m 20s", "2h 5m".
std::string duration_text(std::int64_t ms);
// How long something has lasted, in two units at most: "12s", "5m", "3h 20m", "4d 3h".
std::string age_text(std::int64_t since_ms, std::int64_t now_ms);
// "2026-04-03 08:45:00", UTC; "-" for zero.
std::string time_text(std::int64_t ms);

// An image without the host of its registry: "mcr:v1.2.1"; digests cut to 12 digits.
std::string short_image(std::string_view image);
// Host ports only, each once: "53, 53/udp, 38443".
std::string short_ports(const google::protobuf::RepeatedPtrField<std::string>& ports);

// A state of a container, service, boot item or operation in the colour of its meaning.
std::string painted_state(const dsl::cli::Globals& globals, std::string_view state);
// True for states that nobody has to look at: healthy, running, stopped, done, ...
bool is_calm(std::string_view state);

// "  image: mcr:v1 -> mcr:v2", a line each; of long values the part that differs.
std::string difference_lines(const Differences& differences, std::string_view indent);

// A paragraph in lines of at most 80 columns.
std::string wrapped(std::string_view paragraph);

}  // namespace mcp::cli
