// Errors as values: `Result<T>`, `Error`, the closed set of codes and their three renderings.
//
// Functions that can fail return `Result`; exceptions never cross a module boundary.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "dsl/result/text.h"

namespace dsl {

// Every failure of the platform is one of these. See `code_info` for what each becomes on the wire.
enum class Code {
  kInvalidArgument,
  kUnauthenticated,
  kPermissionDenied,
  kNotFound,
  kAlreadyExists,
  kConflict,
  kFailedPrecondition,
  kUnprocessable,  // each name or rule at fault is listed in the details
  kRateLimited,
  kTooLarge,
  kSealed,
  kUnavailable,
  kDeadlineExceeded,
  kCancelled,
  kNoSpace,
  kDataLoss,
  kWrongKey,  // what is encrypted is in order; no key or passphrase given opens it
  kUnimplemented,
  kInternal,
};

struct CodeInfo {
  Code code;
  std::string_view name;  // "not_found"
  int grpc_status;        // numeric grpc::StatusCode
  int http_status;
  int exit_code;
};

// The one table that maps a code to gRPC status, HTTP status and process exit code.
const CodeInfo& code_info(Code code);
// The code named `name` ("not_found"); kInternal when there is none.
Code code_from_name(std::string_view name);
// The nearest code for a status of a foreign gRPC peer.
Code code_from_grpc(int grpc_status);

// Process exit codes beyond those of `code_info`; the same for every binary.
enum Exit : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitDenied = 4,
  kExitUnreachable = 5,
  kExitConflict = 6,
  kExitPartial = 7,
  kExitChangesNeeded = 10,
  kExitNotRecoverable = 11,
  kExitPreflight = 20,
  kExitRefused = 21,
  kExitDamaged = 23,
  kExitWrongKey = 24,
  kExitNoSpace = 25,
  kExitInterrupted = 130,
};

// One finding inside an error: where ("mcq.toml:3:1", "components[0].image") and what.
struct Detail {
  std::string where;
  std::string message;
  bool operator==(const Detail&) const = default;
};

// What went wrong (`message`), the next step (`hint`), and where it happened (`context` layers).
// A value; cheap to move, copyable.
class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  // Stable catalogue id such as "MCP-0101"; empty when the error has none.
  const std::string& id() const { return id_; }
  const std::vector<Detail>& details() const { return details_; }
  int exit_code() const { return code_info(code_).exit_code; }

  Error& set_hint(std::string hint);
  Error& set_id(std::string id);
  Error& add_detail(std::string where, std::string message);
  // Puts "`layer`: " before the message.
  Error& add_context(std::string_view layer);

  // Message, details and hint on lines of their own, as the CLI prints them:
  //   error[MCP-0101]: ...
  //     where: ...
  //   hint: ...
  std::string render() const;

 private:
  Code code_;
  std::string message_;
  std::string hint_;
  std::string id_;
  std::vector<Detail> details_;
};

template <class T>
using Result = tl::expected<T, Error>;

// What `fail` returns: converts to any `Result<T>`.
//   return fail(Code::kInvalidArgument, "label has {} bytes", n).hint("a label holds at most 63");
class [[nodiscard]] Failure {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}

  Failure&& hint(std::string text) && {
    error_.set_hint(std::move(text));
    return std::move(*this);
  }
  Failure&& id(std::string text) && {
    error_.set_id(std::move(text));
    return std::move(*this);
  }
  Failure&& detail(std::string where, std::string message) && {
    error_.add_detail(std::move(where), std::move(message));
    return std::move(*this);
  }
  Failure&& context(std::string_view layer) && {
    error_.add_context(layer);
    return std::move(*this);
  }

  template <class T>
  operator tl::expected<T, Error>() && {  // NOLINT: implicit by design
    return tl::unexpected<Error>(std::move(error_));
  }
  operator Error() && { return std::move(error_); }  // NOLINT: implicit by design

 private:
  Error error_;
};

template <class... Args>
Failure fail(Code code, std::string_view pattern, const Args&... args) {
  return Failure(Error(code, text(pattern, args...)));
}
// Passes an error on, to add context or a hint on the way.
inline Failure fail(Error error) { return Failure(std::move(error)); }

// Adds a layer of context to the error of `result`, if it has one.
template <class T>
Result<T> with_context(Result<T> result, std::string_view layer) {
  if (!result) {
    result.error().add_context(layer);
  }
  return result;
}

// For broken promises of our own, never for input. Prints file, line and `message`, then aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* message, const char* file,
                                   int line);

}  // namespace dsl

#define MC_CONCAT_(a, b) a##b
#define MC_CONCAT(a, b) MC_CONCAT_(a, b)

// Evaluates a Result<void> or Result<T>; returns its error from the enclosing function.
#define MC_TRY(...)                                           \
  do {                                                        \
    if (auto mc_result_ = (__VA_ARGS__); !mc_result_) {       \
      return ::tl::unexpected(std::move(mc_result_).error()); \
    }                                                         \
  } while (false)

// MC_ASSIGN(auto zone, zones.find(name)): declares or assigns from a Result<T>, or returns its
// error.
#define MC_ASSIGN(target, ...) MC_ASSIGN_(MC_CONCAT(mc_result_, __COUNTER__), target, (__VA_ARGS__))
#define MC_ASSIGN_(temporary, target, expression)          \
  auto temporary = expression;                             \
  if (!temporary) {                                        \
    return ::tl::unexpected(std::move(temporary).error()); \
  }                                                        \
  target = std::move(*temporary)

// On in every build.
#define MC_ASSERT(condition, message)                                   \
  do {                                                                  \
    if (!(condition)) {                                                 \
      ::dsl::assertion_failed(#condition, message, __FILE__, __LINE__); \
    }                                                                   \
  } while (false)
