#include "dsl/rpc/grpc_log.h"

#include <mutex>
#include <string_view>

#include <grpc/support/log.h>

#include "dsl/log/log.h"

namespace dsl::rpc {

namespace {

// Of a listener that was shut before its server is (own_sockets.h).
constexpr std::string_view kShut = "Failed accept4: Invalid argument";

void write(gpr_log_func_args* args) {
  static const log::Logger logger("grpc");
  if (args->severity == GPR_LOG_SEVERITY_ERROR && args->message != kShut) {
    logger.warn(args->message, {{"file", args->file}, {"line", args->line}});
  } else {
    logger.debug(args->message, {{"file", args->file}, {"line", args->line}});
  }
}

}  // namespace

void route_grpc_log() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function(write); });
}

}  // namespace dsl::rpc
