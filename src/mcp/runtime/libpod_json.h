// The libpod API's JSON, both ways. Pure; decoding takes foreign bytes (kDataLoss).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcp/runtime/runtime.h"

namespace mcp::runtime {

struct Ulimit {
  std::string name;  // nofile
  std::int64_t soft = 0;
  std::int64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};

// Body of POST /containers/create: what `podman run` would send for the same settings, `ulimits`
// being the defaults of containers.conf, which podman's command line applies and its API does not.
Result<std::string> encode_create(const ContainerSpec& spec, const std::vector<Ulimit>& ulimits);
std::string encode_network(std::string_view name);
std::string encode_exec(const std::vector<std::string>& argv);

Result<std::vector<Container>> decode_list(std::string_view body);
Result<Container> decode_inspect(std::string_view body);
Result<Image> decode_image(std::string_view body);
Result<std::vector<Image>> decode_images(std::string_view body);
Result<RuntimeEvent> decode_event(std::string_view line);
Result<RuntimeInfo> decode_info(std::string_view body);
Result<std::vector<std::string>> decode_network_names(std::string_view body);
Result<std::string> decode_id(std::string_view body);                         // {"Id": ...}
Result<std::vector<std::string>> decode_loaded_names(std::string_view body);  // {"Names": [...]}

struct ExecState {
  bool running = false;
  int exit_code = 0;
  std::int32_t pid = 0;
};
Result<ExecState> decode_exec(std::string_view body);

// One line of a pull's stream. kUnavailable, kNotFound or kPermissionDenied when it reports a
// failure: the status of the reply is 200 in any case.
Result<void> check_pull_line(std::string_view line);
// Ids in the reply to a removal, [{"Id": ..., "Err": ...}], or the failure inside it.
Result<std::vector<std::string>> removed_ids(std::string_view body);

// The error of a reply with `status` >= 400; podman's codes are coarse, its `cause` is not.
dsl::Error decode_error(int status, std::string_view body);

// "TERM", "SIGTERM" or "15" -> 15.
Result<int> signal_number(std::string_view name);
// RFC 3339 with any fraction and offset; the epoch for what cannot be read and for year 1, which
// podman writes for "never".
dsl::env::WallTime parse_time(std::string_view text);

}  // namespace mcp::runtime
