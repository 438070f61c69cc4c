#include "mcp/cli/operation_report.h"

#include "dsl/result/result.h"
#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Globals;
using dsl::cli::Paint;

namespace {

// "deploy" -> "deployed"
std::string past(std::string_view kind) {
  if (kind == "stop") {
    return "stopped";
  }
  if (kind.ends_with('e')) {
    return text("{}d", kind);
  }
  return text("{}ed", kind);
}

std::string subject(const pb::Operation& operation) {
  return operation.service().empty() ? std::string("node") : operation.service();
}

std::string success_line(const Globals& globals, const pb::Operation& operation) {
  if (operation.state() == "unchanged") {
    return text("nothing to {}: every component runs as recorded\n", operation.kind());
  }
  std::string out =
      text("{} {}", subject(operation), paint(globals, Paint::kGood, past(operation.kind())));
  if (operation.generation() > 0) {
    out += text(", generation {}", operation.generation());
  }
  if (operation.kind() == "deploy" || operation.kind() == "restart") {
    out += operation.downtime_ms() > 0
               ? text(", down for {}", duration_text(operation.downtime_ms()))
               : std::string(", never down");
  }
  if (operation.ended_ms() > operation.started_ms()) {
    out += text(", took {}", duration_text(operation.ended_ms() - operation.started_ms()));
  }
  return out + "\n";
}

std::string plan_line(const pb::Operation& operation) {
  std::string out = text("{} may be {}", subject(operation), past(operation.kind()));
  if (operation.generation() > 0) {
    out += text(" as generation {}", operation.generation());
  }
  return out + "; nothing was changed\n";
}

std::string outcome_line(const Globals& globals, const pb::Operation& operation) {
  const std::string& state = operation.state();
  const std::string what = state == "rolled_back"       ? "was rolled back"
                           : state == "needs_attention" ? "needs attention"
                           : state == "partial"         ? "is done in part"
                           : state == "running"         ? "still runs"
                                                        : "failed";
  std::string out = text("{} of {} {}", operation.kind(), subject(operation),
                         paint(globals, state == "partial" ? Paint::kWarn : Paint::kBad, what));
  if (!operation.step().empty()) {
    out += text("; it failed at step \"{}\"", operation.step());
  }
  return out + "\n";
}

std::string what_holds_now(const pb::Operation& operation) {
  if (operation.state() != "rolled_back") {
    return {};
  }
  return operation.downtime_ms() > 0
             ? text("  the service is as it was before; it was down for {}\n",
                    duration_text(operation.downtime_ms()))
             : std::string("  the service is as it was before, and was never down\n");
}

std::string failure_text(const Globals& globals, const pb::Operation& operation) {
  std::string out = outcome_line(globals, operation);
  if (!operation.error().empty()) {
    out += text("  error{}: {}\n",
                operation.error_id().empty() ? "" : text("[{}]", operation.error_id()),
                operation.error());
  }
  if (operation.log_tail_size() > 0) {
    out += "  last log lines:\n";
    for (const std::string& line : operation.log_tail()) {
      out += text("    {} {}\n", paint(globals, Paint::kDim, "|"), line);
    }
  }
  out += what_holds_now(operation);
  if (operation.remaining_size() > 0) {
    out += "  left to do by hand, in this order:\n";
    for (const std::string& command : operation.remaining()) {
      out += text("    {}\n", command);
    }
  }
  if (!operation.hint().empty()) {
    out += text("  hint: {}\n", operation.hint());
  }
  if (!operation.error_id().empty()) {
    out += text("  more: mcp explain {}\n", operation.error_id());
  }
  return out;
}

}  // namespace

bool succeeded(const pb::Operation& operation) {
  const std::string& state = operation.state();
  return state == "done" || state == "planned" || state == "unchanged";
}

std::string operation_report(const Globals& globals, const pb::Operation& operation) {
  if (operation.state() == "planned") {
    return plan_line(operation);
  }
  return succeeded(operation) ? success_line(globals, operation) : failure_text(globals, operation);
}

int operation_exit_code(const pb::Operation& operation) {
  if (succeeded(operation)) {
    return operation.exit_code();  // a plan may say 10 or 11
  }
  if (operation.state() == "partial") {
    return dsl::kExitPartial;
  }
  return operation.exit_code() != 0 ? operation.exit_code() : dsl::kExitFailed;
}

}  // namespace mcp::cli
