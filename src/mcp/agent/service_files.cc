#include "mcp/agent/service_files.h"

#include <cerrno>
#include <cstdio>

#include "dsl/env/errno_error.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using files::Kind;
using files::Performed;
using files::Request;
using files::Stage;

namespace {

constexpr std::int64_t kNanosecondsInMs = 1'000'000;

bool is_refusal(int error) { return error == EACCES || error == EPERM; }

Error path_error(files::PathFault fault, const std::string& path, const std::string& service,
                 const std::string& directory) {
  const char* why = fault == files::PathFault::kClimbs    ? "has \"..\" in it"
                    : fault == files::PathFault::kOutside ? "is not below the service's directory"
                    : fault == files::PathFault::kTooLong ? "is too long"
                                                          : "has control characters in it";
  return fail(Code::kInvalidArgument, "the path {} {}", shown_name(path.substr(0, 200)), why)
      .id(model::code::kFilePath)
      .hint(
          dsl::text("name it as seen from {}: mcp ls {} shows what is there", directory, service));
}

// An error of a request that was done with all the rights there are.
Error explained(const FilePlace& place, const Request& request, const files::Answer& answer) {
  const std::string shown = place.text();
  const std::string path = place.directory + "/" + place.at.path;
  switch (answer.error) {
    case EXDEV:
    case ELOOP:
      return fail(Code::kInvalidArgument, "{} leads through a link out of the service's directory",
                  shown)
          .id(model::code::kFilePath)
          .hint("only links that stay below it are followed; name the file itself");
    case EACCES:
    case EPERM:
      if (answer.stage == Stage::kOwner) {
        return fail(Code::kPermissionDenied,
                    "{}/{} belongs to a user of the host to whom the agent can give no file", shown,
                    request.target)
            .id(model::code::kFileOwner)
            .hint(dsl::text("as root on the node give it to the agent's user: chown mcp: {}/{}",
                            path, request.target));
      }
      return fail(Code::kPermissionDenied, "{} is open neither to the agent nor to containers",
                  shown)
          .id(model::code::kFileOwner)
          .hint("mcp-agent doctor data shows whose it is, and what root can do about it");
    case EEXIST:
      return fail(Code::kConflict, "{}/{} is no file any more", shown, request.target)
          .id(model::code::kFilePath)
          .hint("look at it with mcp ls");
    case ENOENT:
      if (answer.stage == Stage::kFile) {
        return fail(Code::kConflict, "what was sent of a file in {} has gone", shown)
            .id(model::code::kFileChanged)
            .hint("push it again");
      }
      break;
    default:
      break;
  }
  Error error = dsl::env::errno_error(answer.error, "use", shown);
  if (error.code() == Code::kNotFound) {
    return fail(Code::kNotFound, "there is no {}", shown)
        .hint(dsl::text("mcp ls {} shows what is there", place.service));
  }
  if (error.code() == Code::kNoSpace) {
    error.set_id(model::code::kDiskFull);
    error.set_hint(
        dsl::text("free space where {} lies on the node; nothing was changed", place.directory));
  }
  return error;
}

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Bytes of the character at `at`, 0 when it is none that may be shown.
std::size_t character_bytes(const std::string& text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) {
    return byte >= 0x20 && byte != 0x7f ? 1 : 0;
  }
  const std::size_t size = (byte & 0xE0) == 0xC0   ? 2
                           : (byte & 0xF0) == 0xE0 ? 3
                           : (byte & 0xF8) == 0xF0 ? 4
                                                   : 0;
  if (size == 0 || at + size > text.size()) {
    return 0;
  }
  std::uint32_t point = byte & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if (!is_continuation(next)) {
      return 0;
    }
    point = point << 6 | (next & 0x3Fu);
  }
  // Neither in more bytes than it needs, nor a control character, a surrogate, or beyond Unicode.
  const std::uint32_t least = size == 2 ? 0xA0 : size == 3 ? 0x800 : 0x10000;
  return point >= least && (point < 0xD800 || point > 0xDFFF) && point <= 0x10FFFF ? size : 0;
}

}  // namespace

std::string FilePlace::text() const { return at.path.empty() ? service : service + "/" + at.path; }

FilePlace FilePlace::moved(files::ServicePath to) const {
  return {.service = service, .directory = directory, .at = std::move(to)};
}

Result<FilePlace> ServiceFiles::place(const std::string& service, const std::string& path) {
  MC_ASSIGN(const std::optional<ServiceRecord> known, registry_.service(service));
  if (!known) {
    return fail(Code::kNotFound, "service {} is not registered on this node", service)
        .id(model::code::kUnknownService)
        .hint("mcp list shows the services");
  }
  FilePlace out{.service = service, .directory = config_.data_root + "/" + service, .at = {}};
  const files::PathFault fault =
      files::parse_service_path(path, {out.directory, "/srv/" + service}, out.at);
  if (fault != files::PathFault::kNone) {
    return tl::unexpected(path_error(fault, path, service, out.directory));
  }
  return out;
}

Result<ServiceFiles::Done> ServiceFiles::perform_as(const FilePlace& place,
                                                    const Request& request) {
  const files::UniqueFd root = files::open_root(place.directory);
  if (!root && !is_refusal(errno)) {
    return fail(Code::kNotFound, "{} has no directory {} on this node", place.service,
                place.directory)
        .id(model::code::kHostDirectoryMissing)
        .hint("the first deploy of a service makes it; if it was there before, restore it");
  }
  if (root) {
    Performed direct = files::perform(root.get(), request);
    if (!is_refusal(direct.answer.error)) {
      return Done{.answer = direct.answer, .fd = std::move(direct.fd)};
    }
  }
  MC_ASSIGN(Performed done, helpers_.perform(place.service, place.directory, request));
  return Done{.answer = done.answer, .fd = std::move(done.fd), .by_helper = true};
}

Result<ServiceFiles::Done> ServiceFiles::perform(const FilePlace& place, Request request) {
  request.path = place.at.path;
  MC_ASSIGN(Done done, perform_as(place, request));
  if (done.answer.error != 0) {
    return tl::unexpected(explained(place, request, done.answer));
  }
  return done;
}

Result<std::optional<ServiceFiles::Done>> ServiceFiles::look(const FilePlace& place, bool follow) {
  Request request{.op = files::Op::kLook, .path = place.at.path, .follow = follow};
  MC_ASSIGN(Done done, perform_as(place, request));
  if (done.answer.error == ENOENT) {
    return std::optional<Done>();
  }
  if (done.answer.error != 0) {
    return tl::unexpected(explained(place, request, done.answer));
  }
  return std::optional<Done>(std::move(done));
}

pb::FileState ServiceFiles::describe(const std::string& path, const files::Info& info,
                                     bool by_helper) {
  pb::FileState out;
  out.set_path(shown_name(path));
  out.set_kind(info.kind == Kind::kFile        ? "file"
               : info.kind == Kind::kDirectory ? "directory"
               : info.kind == Kind::kLink      ? "symlink"
                                               : "other");
  out.set_mode(info.mode);
  if (by_helper) {
    out.set_uid(info.uid);
    out.set_gid(info.gid);
  } else {
    std::call_once(views_read_, [this] { views_ = id_views(env_); });
    out.set_uid(views_->uids.inside(info.uid));
    out.set_gid(views_->gids.inside(info.gid));
  }
  out.set_size_bytes(static_cast<std::int64_t>(info.size_bytes));
  out.set_modified_ms(info.modified_ns / kNanosecondsInMs);
  return out;
}

Result<void> require_file(const FilePlace& place, const files::Info& info) {
  if (info.kind == Kind::kFile) {
    return {};
  }
  if (info.kind == Kind::kDirectory) {
    return fail(Code::kInvalidArgument, "{} is a directory, and files go one by one", place.text())
        .id(model::code::kFilePath)
        .hint(dsl::text("mcp ls {} {} lists it; name one of its files", place.service,
                        place.at.path));
  }
  return fail(Code::kInvalidArgument, "{} is a {}, not a file", place.text(),
              info.kind == Kind::kLink ? "link" : "device, socket or pipe")
      .id(model::code::kFilePath)
      .hint(info.kind == Kind::kLink ? "name the file that it leads to: mcp ls shows it"
                                     : "only regular files have content to send");
}

std::string shown_name(const std::string& name) {
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t size = character_bytes(name, at);
    if (size == 0) {
      char hex[8];
      (void)std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(name[at]));
      out += static_cast<const char*>(hex);
      ++at;
      continue;
    }
    out.append(name, at, size);
    at += size;
  }
  return out;
}

}  // namespace mcp::agent
