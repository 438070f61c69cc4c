#include "mcp/agent/backup_access.h"

#include <algorithm>

#include <unistd.h>

#include "mcp/agent/backup_units.h"
#include "mcp/agent/local_commands.h"
#include "mcp/agent/namespace.h"
#include "mcp/recovery/scratch.h"

namespace mcp::agent {

namespace cli = dsl::cli;
using dsl::Code;
using dsl::fail;
using dsl::text;
using recovery::FoundPoint;
using recovery::Target;

namespace {

constexpr const char* kLatest = "latest";
constexpr std::size_t kPassphraseBytesMax = 1024;
constexpr std::uint32_t kOthersMay = 0077;
constexpr std::size_t kScratchNameBytes = 8;

}  // namespace

cli::Option BackupAccess::from() {
  return {.name = "--from",
          .target = &from_,
          .help = "this target instead of those of the configuration",
          .value_name = "URL",
          .complete = "file"};
}

cli::Option BackupAccess::passphrase_file(const std::string& help) {
  return {.name = "--passphrase-file",
          .target = &passphrase_file_,
          .help = help,
          .value_name = "FILE",
          .complete = "file"};
}

std::vector<cli::Option> BackupAccess::reading() {
  return {from(),
          {.name = "--identity",
           .target = &identity_,
           .help = "file with the age key that opens the points",
           .value_name = "FILE",
           .complete = "file"},
          {.name = "--signer",
           .target = &signer_,
           .help = "backup.pub, the public key that points are signed by; without it those of this "
                   "node",
           .value_name = "FILE",
           .complete = "file"},
          passphrase_file("passphrase of the identity file, or of a point of --format gpg")};
}

Result<Config> BackupAccess::config_inside() const {
  MC_ASSIGN(Config config, load_config(env_, globals_.config));
  MC_TRY(enter_namespace(env_, {.uid = static_cast<std::uint32_t>(config.uid),
                                .gid = static_cast<std::uint32_t>(config.gid)}));
  return config;
}

Result<std::unique_ptr<recovery::Backup>> BackupAccess::open_backup(const Config& config) const {
  return recovery::Backup::open(env_, backup_settings(config));
}

Result<BackupAccess::Place> BackupAccess::place() const {
  Place place;
  // Of this process alone: a backup may be at work in the room that belongs to the node.
  place.scratch = text("/var/tmp/mc-backup-{}", env_.random().hex(kScratchNameBytes));
  if (!from_.empty()) {
    place.urls = {from_};
  }
  const Result<Config> config = load_config(env_, globals_.config);
  if (config) {
    place.ssh = config->backup.ssh;
    if (from_.empty()) {
      place.urls = config->backup.targets;
    }
  } else if (from_.empty()) {
    return tl::unexpected(config.error());
  }
  if (place.urls.empty()) {
    return fail(Code::kFailedPrecondition, "no target is configured")
        .hint("name one: --from file:///mnt/backup");
  }
  return place;
}

Result<FoundPoint> BackupAccess::find(Target& target, const std::string& id) const {
  MC_ASSIGN(const std::vector<FoundPoint> points, recovery::points_of(target));
  for (const FoundPoint& point : points) {
    if (id == kLatest ? point.has_signature && point.has_manifest : point.id == id) {
      return point;
    }
  }
  return fail(Code::kNotFound, "{} has no {}", target.url(),
              id == kLatest ? "complete point" : "point " + id)
      .hint("mcp-agent backup list --from " + target.url());
}

Result<dsl::Secret> BackupAccess::passphrase() const {
  if (passphrase_file_.empty()) {
    const char* typed = ::isatty(STDIN_FILENO) != 0
                            ? ::getpass("Passphrase: ")  // NOLINT(concurrency-mt-unsafe)
                            : nullptr;
    if (typed == nullptr) {
      return fail(Code::kInvalidArgument, "a passphrase is needed, and there is no terminal")
          .hint("--passphrase-file FILE, mode 0600 or 0400");
    }
    return dsl::Secret::from(std::string_view(typed));
  }
  MC_ASSIGN(const dsl::env::FileInfo info, env_.files().stat(passphrase_file_, false));
  if (info.kind != dsl::env::FileKind::kRegular || (info.mode & kOthersMay) != 0) {
    return fail(Code::kPermissionDenied, "{} must be a plain file that nobody else can read",
                passphrase_file_)
        .hint("chmod 0600 " + passphrase_file_);
  }
  MC_ASSIGN(std::string content, env_.files().read_file(passphrase_file_, kPassphraseBytesMax));
  const std::string_view line(content.data(), std::min(content.find('\n'), content.size()));
  dsl::Secret secret = dsl::Secret::from(line);
  dsl::wipe(std::as_writable_bytes(std::span(content)));
  if (secret.empty()) {
    return fail(Code::kInvalidArgument, "{} has an empty first line", passphrase_file_);
  }
  return secret;
}

Result<recovery::ReadKeys> BackupAccess::keys(Signer signer) const {
  if (identity_.empty() && passphrase_file_.empty()) {
    return fail(Code::kInvalidArgument, "this machine cannot read its points by itself")
        .hint(
            "--identity FILE, the one of mcp-agent backup key create; for a point of "
            "--format gpg --passphrase-file FILE");
  }
  recovery::ReadKeys keys;
  if (!identity_.empty()) {
    MC_ASSIGN(keys.identities,
              recovery::read_identities(env_, identity_, [this] { return passphrase(); }));
  }
  if (!passphrase_file_.empty()) {
    MC_ASSIGN(keys.passphrase, passphrase());
  }
  if (signer == Signer::kIgnored) {
    return keys;
  }
  if (!signer_.empty()) {
    MC_ASSIGN(const std::string content, env_.files().read_file(signer_));
    MC_ASSIGN(const auto key,
              dsl::with_context(dsl::archive::MinisignPublicKey::parse(content), signer_));
    keys.signers = {key};
    return keys;
  }
  const Result<Config> config = load_config(env_, globals_.config);
  auto known = config ? recovery::KeyStore(env_, backup_settings(*config).directory).public_keys()
                      : tl::unexpected(config.error());
  if (known) {
    keys.signers = std::move(*known);
  } else if (signer == Signer::kRequired) {
    return fail(Code::kInvalidArgument,
                "the public key that signs the points is not known here: {}",
                known.error().message())
        .hint("--signer FILE, the backup.pub of the node that made them");
  }
  return keys;
}

Result<recovery::Manifest> BackupAccess::manifest_of(Target& target, const Place& place,
                                                     const FoundPoint& point,
                                                     const recovery::ReadKeys& keys) const {
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, target, scratch.path());
  std::string signature;
  if (!keys.signers.empty() && point.has_signature) {
    MC_ASSIGN(signature, local.fetch(signature_name(point.id, point.seal)));
  }
  MC_ASSIGN(const std::string listing, local.fetch(manifest_name(point.id, point.seal)));
  return recovery::read_manifest(env_, point.seal, listing, signature, keys);
}

}  // namespace mcp::agent
