#include <cctype>

#include <boost/json/object.hpp>

#include "mcp/runtime/json_fields.h"
#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

namespace json = boost::json;
using dsl::Code;
using dsl::Error;
using dsl::fail;

namespace {

bool has(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

// The 64 hexadecimal digits after "in use by", when there are such.
std::string holder_of(std::string_view message) {
  constexpr std::string_view kBefore = "in use by ";
  const auto at = message.find(kBefore);
  if (at == std::string_view::npos) {
    return "";
  }
  std::string id;
  for (const char c : message.substr(at + kBefore.size())) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      break;
    }
    id += c;
  }
  return id.size() == 64 ? id : "";
}

Error name_taken(const std::string& message) {
  auto failure = fail(Code::kAlreadyExists, "{}", message)
                     .hint("remove or rename the container that holds the name");
  const std::string holder = holder_of(message);
  return holder.empty() ? Error(std::move(failure))
                        : Error(std::move(failure).detail("holder", holder));
}

}  // namespace

Error decode_error(int status, std::string_view body) {
  std::string message(body.substr(0, 500));
  std::string cause;
  if (const auto root = parse_json(body, json::kind::object)) {
    message = text_of(member(*root, "message"));
    cause = text_of(member(*root, "cause"));
  }
  const std::string all = message + "\n" + cause;

  if (has(cause, "name is already in use") || has(cause, "already exists")) {
    return name_taken(message);
  }
  if (has(cause, "image not known") || has(cause, "no such image")) {
    return fail(Code::kFailedPrecondition, "{}", message)
        .hint("load the image first: podman load -i ARCHIVE as the same user");
  }
  if (has(all, "address already in use") || has(all, "port is already allocated")) {
    return fail(Code::kConflict, "{}", message).hint("see who holds the port: mcp ports");
  }
  if (has(all, "no space left on device")) {
    return fail(Code::kNoSpace, "{}", message).hint("free space where podman's store lies");
  }
  if (has(cause, "container state improper")) {
    return fail(Code::kFailedPrecondition, "{}", message)
        .hint("remove the container by force and create it again");
  }
  if (status == 404) {
    return fail(Code::kNotFound, "{}", message);
  }
  if (status == 409) {
    return fail(Code::kConflict, "{}", message);
  }
  if (status == 400) {
    return fail(Code::kInvalidArgument, "{}", message);
  }
  return fail(Code::kInternal, "podman ({}): {}", status, message);
}

Result<void> check_pull_line(std::string_view line) {
  MC_ASSIGN(const json::value root, parse_json(line, json::kind::object));
  const std::string error = text_of(member(root, "error"));
  if (error.empty()) {
    return {};
  }
  if (has(error, "manifest unknown") || has(error, "name unknown") || has(error, "not found")) {
    return fail(Code::kNotFound, "{}", error).hint("check the image's name and tag");
  }
  if (has(error, "unauthorized") || has(error, "authentication required") || has(error, "denied")) {
    return fail(Code::kPermissionDenied, "{}", error).hint("log in to the registry");
  }
  if (has(error, "short-name") || has(error, "invalid reference format")) {
    return fail(Code::kInvalidArgument, "{}", error).hint("name the image with its registry");
  }
  if (has(error, "no space left on device")) {
    return fail(Code::kNoSpace, "{}", error).hint("free space where podman's store lies");
  }
  return fail(Code::kUnavailable, "{}", error)
      .hint("with the registry away, load the image from an archive: podman load -i ARCHIVE");
}

Result<std::vector<std::string>> removed_ids(std::string_view body) {
  std::vector<std::string> ids;
  const auto root = parse_json(body, json::kind::array);
  if (!root) {
    return ids;  // podman before 4.3 answers without a body
  }
  for (const auto& item : items_of(*root)) {
    // A string in 4.x; what else comes is shown rather than passed over.
    const json::value& error = member(item, "Err");
    if (!error.is_null()) {
      return fail(Code::kInternal, "podman: {}",
                  error.is_string() ? text_of(error) : "removal failed without a reason");
    }
    ids.push_back(text_of(member(item, "Id")));
  }
  return ids;
}

}  // namespace mcp::runtime
