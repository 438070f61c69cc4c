#include "dsl/result/result.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace dsl {

namespace {

// gRPC numbers: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
constexpr std::array<CodeInfo, 19> kCodes{{
    {Code::kInvalidArgument, "invalid_argument", 3, 400, kExitUsage},
    {Code::kUnauthenticated, "unauthenticated", 16, 401, kExitDenied},
    {Code::kPermissionDenied, "permission_denied", 7, 403, kExitDenied},
    {Code::kNotFound, "not_found", 5, 404, kExitNotFound},
    {Code::kAlreadyExists, "already_exists", 6, 409, kExitConflict},
    {Code::kConflict, "conflict", 10, 409, kExitConflict},
    {Code::kFailedPrecondition, "failed_precondition", 9, 412, kExitConflict},
    {Code::kUnprocessable, "unprocessable", 3, 422, kExitUsage},
    {Code::kRateLimited, "rate_limited", 8, 429, kExitConflict},
    {Code::kTooLarge, "too_large", 8, 413, kExitUsage},
    {Code::kSealed, "sealed", 14, 503, kExitConflict},
    {Code::kUnavailable, "unavailable", 14, 503, kExitUnreachable},
    {Code::kDeadlineExceeded, "deadline_exceeded", 4, 504, kExitUnreachable},
    {Code::kCancelled, "cancelled", 1, 499, kExitInterrupted},
    {Code::kNoSpace, "no_space", 8, 507, kExitNoSpace},
    {Code::kDataLoss, "data_loss", 15, 500, kExitDamaged},
    {Code::kWrongKey, "wrong_key", 3, 400, kExitWrongKey},
    {Code::kUnimplemented, "unimplemented", 12, 501, kExitFailed},
    {Code::kInternal, "internal", 13, 500, kExitFailed},
}};

}  // namespace

const CodeInfo& code_info(Code code) {
  const CodeInfo& entry = kCodes.at(static_cast<std::size_t>(code));
  MC_ASSERT(entry.code == code, "the table is in the order of the enumeration");
  return entry;
}

Code code_from_name(std::string_view name) {
  for (const CodeInfo& entry : kCodes) {
    if (entry.name == name) {
      return entry.code;
    }
  }
  return Code::kInternal;
}

Code code_from_grpc(int grpc_status) {
  for (const CodeInfo& entry : kCodes) {
    // Several codes share a status; the table lists the more general one later only for these two.
    if (entry.grpc_status == grpc_status && entry.code != Code::kSealed) {
      return entry.code;
    }
  }
  return Code::kInternal;
}

Error& Error::set_hint(std::string hint) {
  hint_ = std::move(hint);
  return *this;
}

Error& Error::set_id(std::string id) {
  id_ = std::move(id);
  return *this;
}

Error& Error::add_detail(std::string where, std::string message) {
  details_.push_back({std::move(where), std::move(message)});
  return *this;
}

Error& Error::add_context(std::string_view layer) {
  message_ = text("{}: {}", layer, message_);
  return *this;
}

std::string Error::render() const {
  std::string out = id_.empty() ? "error: " : text("error[{}]: ", id_);
  out += message_;
  for (const Detail& detail : details_) {
    const std::string line =
        detail.where.empty() ? detail.message : text("{}: {}", detail.where, detail.message);
    // A single finding is often the message itself: it is not said twice.
    if (details_.size() > 1 || !message_.ends_with(line)) {
      out += text("\n  {}", line);
    }
  }
  if (!hint_.empty()) {
    out += text("\nhint: {}", hint_);
  }
  return out;
}

void assertion_failed(const char* expression, const char* message, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, expression, message);
  std::fflush(stderr);
  std::abort();
}

}  // namespace dsl
