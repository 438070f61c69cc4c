#include "mcp/recovery/target.h"

#include <charconv>

#include "mcp/recovery/file_sink.h"
#include "mcp/recovery/targets.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kSftpScheme = "sftp://";
constexpr std::size_t kPieceBytes = 1u << 20;

auto unusable(const std::string& url, std::string_view why) {
  return fail(Code::kInvalidArgument, "{} is no target: {}", url, why)
      .hint("write file:///mnt/backup or sftp://backup@vault.example/srv/backup");
}

Result<SftpPlace> parse_sftp(const std::string& url) {
  const std::string rest = url.substr(kSftpScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos || slash + 1 == rest.size()) {
    return unusable(url, "it names no directory");
  }
  SftpPlace place;
  place.user_and_host = rest.substr(0, slash);
  place.directory = rest.substr(slash);
  const std::size_t colon = place.user_and_host.rfind(':');
  if (colon != std::string::npos && place.user_and_host.back() != ']') {
    const std::string digits = place.user_and_host.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
    if (error != std::errc() || end != digits.data() + digits.size() || place.port == 0) {
      return unusable(url, "its port is no number");
    }
    place.user_and_host.resize(colon);
  }
  // It becomes an argument of ssh.
  if (place.user_and_host.empty() || place.user_and_host.front() == '-' ||
      url.find_first_of("\"\\\n\r") != std::string::npos) {
    return unusable(url, "its host or directory cannot be used");
  }
  return place;
}

}  // namespace

Result<std::unique_ptr<Target>> open_target(dsl::env::Env& env, const std::string& url,
                                            const SshOptions& ssh) {
  if (url.starts_with(kSftpScheme)) {
    MC_ASSIGN(SftpPlace place, parse_sftp(url));
    return sftp_target(env, url, std::move(place), ssh);
  }
  const std::string path = url.starts_with(kFileScheme) ? url.substr(kFileScheme.size()) : url;
  if (!path.starts_with('/')) {
    return unusable(url, "its path is not absolute");
  }
  return directory_target(env, std::string(kFileScheme) + path, path);
}

Result<void> copy_file(dsl::env::Env& env, const std::string& from, const std::string& to) {
  MC_ASSIGN(const auto source, env.files().open(from, dsl::env::OpenMode::kRead));
  MC_ASSIGN(const auto sink, FileSink::create(env, to));
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    MC_ASSIGN(const std::size_t count, source->read_at(sink->size(), piece));
    if (count == 0) {
      break;
    }
    MC_TRY(sink->write(std::span(piece).first(count)));
  }
  MC_TRY(sink->sync());
  return sink->keep_as(to);
}

Result<dsl::archive::MinisignHash> hash_of_file(dsl::env::Env& env, const std::string& path) {
  MC_ASSIGN(const auto file, env.files().open(path, dsl::env::OpenMode::kRead));
  dsl::archive::MinisignDigest hash;
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t at = 0;;) {
    MC_ASSIGN(const std::size_t count, file->read_at(at, piece));
    if (count == 0) {
      return hash.finish();
    }
    hash.add(std::span(piece).first(count));
    at += count;
  }
}

}  // namespace mcp::recovery
