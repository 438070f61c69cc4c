#include "mcp/agent/backup_commands.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include <boost/json.hpp>
#include <unistd.h>

#include "dsl/env/path.h"
#include "mcp/agent/backup_text.h"
#include "mcp/agent/backup_units.h"
#include "mcp/agent/local_commands.h"
#include "mcp/agent/namespace.h"
#include "mcp/agent/restore_guard.h"
#include "mcp/recovery/foreign.h"
#include "mcp/recovery/scratch.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;
using dsl::Code;
using dsl::fail;
using dsl::text;
using recovery::FoundPoint;
using recovery::Target;

namespace {

constexpr const char* kLatest = "latest";
constexpr const char* kAll = "all";
constexpr std::size_t kPassphraseBytesMax = 1024;
constexpr std::uint32_t kOthersMay = 0077;
constexpr std::size_t kScratchNameBytes = 8;

recovery::Progress to(cli::Progress& printed) {
  return [&printed](const std::string& what, const std::string& how_far) {
    printed.step(0, 0, what, how_far);
  };
}

// A copy that was cut off in the middle is no copy.
bool is_complete(const FoundPoint& point) { return point.has_signature && point.has_manifest; }

}  // namespace

cli::Command BackupCommands::command() {
  const cli::Option from{.name = "--from",
                         .target = &from_,
                         .help = "this target instead of those of the configuration",
                         .value_name = "URL",
                         .complete = "file"};
  const cli::Option identity{.name = "--identity",
                             .target = &identity_,
                             .help = "file with the age key that opens the points",
                             .value_name = "FILE",
                             .complete = "file"};
  const cli::Option signer{.name = "--signer",
                           .target = &signer_,
                           .help =
                               "backup.pub, the public key that points are signed by; "
                               "without it that of this node",
                           .value_name = "FILE",
                           .complete = "file"};
  const cli::Option passphrase_file{.name = "--passphrase-file",
                                    .target = &passphrase_file_,
                                    .help = "passphrase of the identity file; else it is asked",
                                    .value_name = "FILE",
                                    .complete = "file"};
  const cli::Option point{
      .name = "POINT", .target = &point_, .help = "id of a point, or latest", .required = true};

  cli::Command backup;
  backup.name = "backup";
  backup.summary = "Makes and restores backups of this node.";
  backup.description =
      "A point is one archive with every service's directory, a consistent copy of each database, "
      "the registry and the images: tar, zstd, age, signed by minisign, so that those tools alone "
      "can open it. This machine holds no key that opens its own points: keep the identity file "
      "elsewhere.";
  backup.commands = {
      {.name = "create",
       .summary = "Makes a point and stores it on every target.",
       .description = "Nothing is stopped. Exit code 7 when a part of a unit could not be read or "
                      "a target has no copy.",
       .examples = {"mcp-agent backup create", "mcp-agent backup create mcr --images none",
                    "mcp-agent backup create --tag reason=before-upgrade"},
       .options = {{.name = "SERVICE",
                    .target = &services_,
                    .help = "only these; mcp is the agent itself. Nothing: all"},
                   {.name = "--images",
                    .target = &images_,
                    .help = "whether the images of the services are part of it",
                    .one_of = {"none", "used"}},
                   {.name = "--tag",
                    .target = &tags_,
                    .help = "a note that is kept with it (repeatable)",
                    .value_name = "KEY=VALUE"},
                   {.name = "--format",
                    .target = &format_,
                    .help = "gpg: under a passphrase, for those who must use gpg",
                    .one_of = {"age", "gpg"}},
                   passphrase_file,
                   {.name = "--scheduled",
                    .target = &scheduled_,
                    .help = "record it as a run of the schedule (the timer says so)"}},
       .run = [this] { return create(); }},
      {.name = "list",
       .summary = "Lists the points, newest first.",
       .examples = {"mcp-agent backup list", "mcp-agent backup list --from file:///mnt/backup"},
       .options = {from},
       .run = [this] { return list(); }},
      {.name = "show",
       .summary = "Shows what a point holds, or prints one file of it.",
       .examples = {"mcp-agent backup show latest --identity id.txt",
                    "mcp-agent backup show latest mcr/mcr.toml --identity id.txt"},
       .options = {point,
                   {.name = "PATH", .target = &path_, .help = "a file of the point, to stdout"},
                   from,
                   identity,
                   signer,
                   passphrase_file},
       .run = [this] { return show(); }},
      {.name = "verify",
       .summary = "Reads points whole and checks signature, every hash and the chain.",
       .description = "Exit code 23 for a damaged point, 24 when the key does not open it.",
       .examples = {"mcp-agent backup verify latest --identity id.txt",
                    "mcp-agent backup verify all --deep --identity id.txt"},
       .options = {{.name = "POINT",
                    .target = &point_,
                    .help = "id of a point, latest, or all",
                    .required = true},
                   {.name = "--deep", .target = &deep_, .help = "open every database, too"},
                   from,
                   identity,
                   signer,
                   passphrase_file},
       .run = [this] { return verify(); }},
      {.name = "restore",
       .summary = "Brings units back from a point.",
       .description =
           "Shows a plan first. Everything is unpacked beside its place and checked; only then are "
           "names exchanged, and what was live is kept in .trash beside it. A wiped machine needs "
           "--from, --identity and --signer, and no configuration: that is in the point.\n"
           "An archive that was made by hand (tar, gzip or zstd, gpg or age) is named by its path "
           "and goes into a new directory; copies of databases named *.snapshot get their live "
           "names.",
       .examples = {"mcp-agent backup restore latest --from file:///mnt/backup --identity id.txt "
                    "--signer backup.pub",
                    "mcp-agent backup restore latest --service mcr --in-place --identity id.txt",
                    "mcp-agent backup restore latest --to /tmp/look --identity id.txt",
                    "mcp-agent backup restore ./old.tar.gz.gpg --to /tmp/old --passphrase-file p"},
       .options = {point,
                   from,
                   identity,
                   signer,
                   passphrase_file,
                   {.name = "--service",
                    .target = &services_,
                    .help = "only this unit; mcp is the agent itself (repeatable)",
                    .value_name = "SERVICE"},
                   {.name = "--to",
                    .target = &to_,
                    .help = "into this directory, touching nothing else",
                    .value_name = "DIRECTORY",
                    .complete = "file"},
                   {.name = "--root",
                    .target = &roots_,
                    .help = "another place for a unit: mcr=/srv2/mcr (repeatable)",
                    .value_name = "UNIT=DIRECTORY"},
                   {.name = "--images",
                    .target = &images_,
                    .help = "used: put the point's images where the agent finds them",
                    .one_of = {"none", "used"}},
                   {.name = "--in-place",
                    .target = &in_place_,
                    .help = "stop running services for it, and start them afterwards"},
                   {.name = "--older-ok",
                    .target = &older_ok_,
                    .help = "although what is there is newer than the point"},
                   {.name = "--allow-unsigned",
                    .target = &allow_unsigned_,
                    .help = "with --to only: look at no signature"}},
       .run = [this] { return restore(); }},
      {.name = "undo",
       .summary = "Takes the last restore back: what was set aside is live again.",
       .examples = {"mcp-agent backup undo"},
       .run = [this] { return undo(); }},
      {.name = "prune",
       .summary = "Removes the points that the retention rules let go.",
       .description = "Never the last whole point, never the last verified one, never one that is "
                      "younger than backup.min_age.",
       .examples = {"mcp-agent backup prune --dry-run", "mcp-agent backup prune"},
       .run = [this] { return prune(); }},
      {.name = "rescan",
       .summary = "Writes down anew which points the targets have.",
       .examples = {"mcp-agent backup rescan"},
       .run = [this] { return rescan(); }},
      {.name = "status",
       .summary = "Tells how the last runs went. Exit code 1 when a backup is due or failed.",
       .examples = {"mcp-agent backup status"},
       .run = [this] { return status(); }},
      key_command(),
  };
  return backup;
}

cli::Command BackupCommands::key_command() {
  cli::Command key;
  key.name = "key";
  key.summary = "Who can read the backups, and what signs them.";
  const cli::Option recipient{
      .name = "RECIPIENT", .target = &recipient_, .help = "public key: age1...", .required = true};
  key.commands = {
      {.name = "create",
       .summary = "Makes an identity that opens the backups, and names it as a recipient.",
       .description = "The file is all that opens the points made from now on. Keep it off this "
                      "machine, in two places.",
       .examples = {"mcp-agent backup key create --out /media/stick/backup-identity.txt"},
       .options = {{.name = "--out",
                    .target = &out_,
                    .help = "the identity's file; must not exist",
                    .value_name = "FILE",
                    .required = true,
                    .complete = "file"},
                   {.name = "--passphrase-file",
                    .target = &passphrase_file_,
                    .help = "seal it with the passphrase in this file",
                    .value_name = "FILE",
                    .complete = "file"}},
       .run = [this] { return create_key(); }},
      {.name = "add",
       .summary = "Names one more who can read the points that are made from now on.",
       .examples = {"mcp-agent backup key add age1... --note safe"},
       .options = {recipient, {.name = "--note", .target = &note_, .help = "whose key it is"}},
       .run = [this] { return add_key(); }},
      {.name = "remove",
       .summary = "Lets somebody read no further points. Those that are there stay readable.",
       .examples = {"mcp-agent backup key remove age1..."},
       .options = {recipient},
       .run = [this] { return remove_key(); }},
      {.name = "list",
       .summary = "Shows the recipients and the signing key.",
       .examples = {"mcp-agent backup key list"},
       .run = [this] { return list_keys(); }},
      {.name = "rotate",
       .summary = "Makes a new signing key. Points that are there stay signed by the old one.",
       .examples = {"mcp-agent backup key rotate"},
       .run = [this] { return rotate_key(); }},
  };
  return key;
}

Result<Config> BackupCommands::config() const {
  MC_ASSIGN(Config config, load_config(env_, globals_.config));
  MC_TRY(enter_namespace(env_, {.uid = static_cast<std::uint32_t>(config.uid),
                                .gid = static_cast<std::uint32_t>(config.gid)}));
  return config;
}

Result<std::unique_ptr<recovery::Backup>> BackupCommands::open_backup(const Config& config) const {
  return recovery::Backup::open(env_, backup_settings(config));
}

Result<int> BackupCommands::create() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const auto registry, Registry::open_as_guest(env_, config.database_path));
  recovery::CreateRequest request;
  request.kind = scheduled_ ? "scheduled" : "manual";
  MC_ASSIGN(request.units, backup_units(config, *registry, services_));
  if ((images_.empty() ? config.backup.images : images_) == "used") {
    MC_ASSIGN(request.images, backup_images(env_, *registry, request.units));
  }
  for (const std::string& tag : tags_) {
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return fail(Code::kInvalidArgument, "{} is no tag", tag).hint("write it as KEY=VALUE");
    }
    request.tags[tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  std::optional<dsl::Secret> words;
  if (format_ == "gpg") {
    MC_ASSIGN(words, passphrase());
    request.passphrase = &*words;
  }
  MC_ASSIGN(request.uid_map, uid_map(env_));
  request.uid = static_cast<std::uint32_t>(config.uid);
  request.gid = static_cast<std::uint32_t>(config.gid);
  request.user = kAgentUnit;
  if (globals_.dry_run) {
    std::printf("%s", units_table(globals_, request).c_str());
    return dsl::kExitOk;
  }
  MC_ASSIGN(const auto backup, open_backup(config));
  const std::int64_t begun = env_.clock().now().time_since_epoch().count();
  Result<recovery::Created> created = [&] {
    cli::Progress progress(globals_);
    return backup->create(request, to(progress));
  }();
  recovery::RunRow run{.begun_ms = begun,
                       .ended_ms = env_.clock().now().time_since_epoch().count(),
                       .kind = request.kind};
  if (created) {
    run.point = created->point.id;
    run.error = created->problems.empty() ? "" : created->problems.front();
  } else {
    run.error = created.error().message();
  }
  // On a disk that is full this fails, too; the run's own error says so.
  const Result<void> recorded = backup->records().add_run(run);
  MC_TRY(created);
  MC_TRY(recorded);
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(to_json(*created)) + "\n").c_str()
                        : created_text(*created).c_str());
  for (const std::string& problem : created->problems) {
    std::fprintf(stderr, "warning: %s\n", problem.c_str());
  }
  if (!created->stored) {
    return fail(Code::kUnavailable, "no target has the point {}", created->point.id)
        .hint("see the warnings above; nothing was stored");
  }
  return created->problems.empty() ? dsl::kExitOk : dsl::kExitPartial;
}

Result<BackupCommands::Place> BackupCommands::place() const {
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

Result<FoundPoint> BackupCommands::find_point(Target& target, const std::string& id) const {
  MC_ASSIGN(const std::vector<FoundPoint> points, recovery::points_of(target));
  for (const FoundPoint& point : points) {
    if (id == kLatest ? is_complete(point) : point.id == id) {
      return point;
    }
  }
  return fail(Code::kNotFound, "{} has no {}", target.url(),
              id == kLatest ? "complete point" : "point " + id)
      .hint("mcp-agent backup list --from " + target.url());
}

Result<dsl::Secret> BackupCommands::passphrase() const {
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

Result<recovery::ReadKeys> BackupCommands::read_keys(bool signer_required) const {
  recovery::ReadKeys keys;
  if (!identity_.empty()) {
    MC_ASSIGN(keys.identities,
              recovery::read_identities(env_, identity_, [this] { return passphrase(); }));
  } else if (!passphrase_file_.empty()) {
    MC_ASSIGN(keys.passphrase, passphrase());
  } else {
    return fail(Code::kInvalidArgument, "this machine cannot read its points by itself")
        .hint(
            "--identity FILE, the one of mcp-agent backup key create or of the kit; for a point "
            "of --format gpg --passphrase-file FILE");
  }
  if (!signer_.empty()) {
    MC_ASSIGN(const std::string content, env_.files().read_file(signer_));
    MC_ASSIGN(keys.signer, dsl::archive::MinisignPublicKey::parse(content));
    return keys;
  }
  if (!signer_required) {
    return keys;
  }
  const Result<Config> config = load_config(env_, globals_.config);
  if (!config) {
    return fail(Code::kInvalidArgument, "the public key that signs the points is not known here")
        .hint("--signer FILE, the backup.pub of the node that made them");
  }
  MC_ASSIGN(keys.signer, recovery::KeyStore(env_, backup_settings(*config).directory).public_key());
  return keys;
}

Result<int> BackupCommands::list() {
  MC_ASSIGN(const Place place, this->place());
  std::vector<ListedPoint> rows;
  std::vector<recovery::PointRow> known;
  std::vector<recovery::CopyRow> copies;
  if (from_.empty()) {
    // What is written down needs neither the targets nor the lock.
    MC_ASSIGN(const Config config, this->config());
    const std::string path = backup_settings(config).directory + "/" + recovery::kRecordsName;
    MC_ASSIGN(const bool any, env_.files().exists(path));
    if (any) {
      MC_ASSIGN(const auto records, recovery::Records::open_as_guest(env_, path));
      MC_ASSIGN(known, records->points());
      MC_ASSIGN(copies, records->copies());
    }
    for (const recovery::PointRow& point : known) {
      rows.push_back(listed(point, copies));
    }
  } else {
    MC_ASSIGN(const auto target, recovery::open_target(env_, from_, place.ssh));
    MC_ASSIGN(const std::vector<FoundPoint> found, recovery::points_of(*target));
    for (const FoundPoint& point : found) {
      rows.push_back(listed(point, from_));
    }
  }
  std::printf("%s", points_text(globals_, env_.clock().now(), rows).c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::show() {
  MC_ASSIGN(const Place place, this->place());
  MC_ASSIGN(const recovery::ReadKeys keys, read_keys(false));
  MC_ASSIGN(const auto target, recovery::open_target(env_, place.urls.front(), place.ssh));
  MC_ASSIGN(const FoundPoint point, find_point(*target, point_));
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, *target, scratch.path());
  std::string signature;
  if (keys.signer) {
    MC_ASSIGN(signature, local.fetch(signature_name(point.id, point.seal)));
  }
  if (path_.empty()) {
    MC_ASSIGN(const std::string listing, local.fetch(manifest_name(point.id, point.seal)));
    MC_ASSIGN(const recovery::Manifest manifest,
              recovery::read_manifest(env_, point.seal, listing, signature, keys));
    std::printf("%s", manifest_text(globals_, manifest).c_str());
    return dsl::kExitOk;
  }
  MC_ASSIGN(const std::string archive, local.fetch(archive_name(point.id, point.seal)));
  bool found = false;
  const std::string copy = scratch.path() + "/shown";
  MC_TRY(recovery::read_point(
      env_, {point.seal, archive, signature}, keys,
      [&](const dsl::archive::TarEntry& entry, const auto& content) -> Result<void> {
        if (entry.path != path_ || entry.kind != dsl::archive::TarKind::kFile) {
          return {};
        }
        found = true;
        return recovery::write_out(env_, copy, content);
      }));
  if (!found) {
    return fail(Code::kNotFound, "the point {} has no file {}", point.id, path_)
        .hint("mcp-agent backup show " + point.id + " lists them");
  }
  // Only now is all of the point known to be in order.
  MC_TRY(print_file(env_, copy));
  return dsl::kExitOk;
}

Result<int> BackupCommands::verify() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const Place place, this->place());
  MC_ASSIGN(const recovery::ReadKeys keys, read_keys(true));
  MC_ASSIGN(const auto backup, open_backup(config));
  std::vector<recovery::Backup::Verified> rows;
  for (const std::string& url : place.urls) {
    MC_ASSIGN(const auto target, recovery::open_target(env_, url, place.ssh));
    std::vector<FoundPoint> wanted;
    if (point_ == kAll) {
      MC_ASSIGN(wanted, recovery::points_of(*target));
    } else {
      MC_ASSIGN(FoundPoint one, find_point(*target, point_));
      wanted.push_back(std::move(one));
    }
    for (const FoundPoint& point : wanted) {
      cli::Progress progress(globals_);
      rows.push_back(backup->verify(url, point, keys, deep_, to(progress)));
    }
  }
  MC_ASSIGN(const std::vector<std::string> gaps, chain_gaps(backup->records(), rows));
  std::printf("%s", verified_text(globals_, rows, gaps).c_str());
  for (const recovery::Backup::Verified& row : rows) {
    if (!row.error.empty()) {
      return row.code == Code::kWrongKey ? dsl::kExitWrongKey : dsl::kExitDamaged;
    }
  }
  return gaps.empty() ? dsl::kExitOk : dsl::kExitRefused;
}

Result<bool> BackupCommands::confirm(const recovery::RestorePlan& plan) const {
  if (globals_.yes) {
    return true;
  }
  if (::isatty(STDIN_FILENO) == 0) {
    return fail(Code::kInvalidArgument, "the restore has to be confirmed, and there is no terminal")
        .hint("pass --yes");
  }
  std::fprintf(stderr, "type the domain %s to go on: ", plan.manifest.domain.c_str());
  std::string typed;
  std::getline(std::cin, typed);
  return typed == plan.manifest.domain;
}

// An archive that was made by hand, named by its path.
Result<int> BackupCommands::restore_foreign() {
  if (to_.empty()) {
    return fail(Code::kInvalidArgument, "{} is no point of ours, so it is unpacked by itself",
                point_)
        .hint("--to a new directory; then put in place what you need of it");
  }
  recovery::ReadKeys keys;
  if (point_.ends_with(".age") || point_.ends_with(".gpg") || point_.ends_with(".asc")) {
    MC_ASSIGN(keys, read_keys(false));
  }
  MC_ASSIGN(const recovery::Unpacked unpacked, recovery::unpack_foreign(env_, point_, keys, to_));
  std::printf("%zu entries are in %s; %zu databases were opened and are in order\n", unpacked.files,
              to_.c_str(), unpacked.databases.size());
  return dsl::kExitOk;
}

Result<int> BackupCommands::restore() {
  if (point_.find('/') != std::string::npos) {
    return restore_foreign();
  }
  MC_ASSIGN(const Place place, this->place());
  if (allow_unsigned_ && to_.empty()) {
    return fail(Code::kInvalidArgument, "--allow-unsigned is for --to a new directory only");
  }
  MC_ASSIGN(const auto target, recovery::open_target(env_, place.urls.front(), place.ssh));
  Result<int> restored = restore_point(*target, place);
  if (!restored &&
      (restored.error().id() == recovery::kNotSigned || restored.error().id() == kOlderThanLive)) {
    std::fprintf(stderr, "%s\n", restored.error().render().c_str());
    return dsl::kExitRefused;
  }
  return restored;
}

// The manifest beside the archive. Nothing of it is left behind.
Result<recovery::Manifest> BackupCommands::listing_of(Target& target, const Place& place,
                                                      const FoundPoint& point,
                                                      const recovery::ReadKeys& keys) const {
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, target, scratch.path());
  std::string signature;
  if (keys.signer && point.has_signature) {
    MC_ASSIGN(signature, local.fetch(signature_name(point.id, point.seal)));
  }
  MC_ASSIGN(const std::string listing, local.fetch(manifest_name(point.id, point.seal)));
  return recovery::read_manifest(env_, point.seal, listing, signature, keys);
}

Result<int> BackupCommands::restore_point(Target& target, const Place& place) {
  const Result<Config> config = load_config(env_, globals_.config);
  MC_ASSIGN(const recovery::ReadKeys keys, read_keys(!allow_unsigned_));
  MC_ASSIGN(const FoundPoint point, find_point(target, point_));
  if (to_.empty()) {
    // Owners are given inside the namespace: of the agent's user here, or of the one that the point
    // was made by.
    NamespaceUser user;
    if (config) {
      user = {static_cast<std::uint32_t>(config->uid), static_cast<std::uint32_t>(config->gid)};
    } else {
      MC_ASSIGN(const recovery::Manifest manifest, listing_of(target, place, point, keys));
      user = {manifest.uid, manifest.gid};
    }
    MC_TRY(enter_namespace(env_, user));
  }
  MC_ASSIGN(recovery::Manifest manifest, listing_of(target, place, point, keys));
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, target, scratch.path());
  recovery::PointSource source{.seal = point.seal};
  if (keys.signer) {
    MC_ASSIGN(source.signature, local.fetch(signature_name(point.id, point.seal)));
  }
  recovery::RestoreRequest request{.units = services_, .to = to_};
  for (const std::string& root : roots_) {
    const std::size_t equals = root.find('=');
    if (equals == std::string::npos || root.compare(equals + 1, 1, "/") != 0) {
      return fail(Code::kInvalidArgument, "{} is no place for a unit", root)
          .hint("write it as mcr=/srv2/mcr");
    }
    request.roots[root.substr(0, equals)] = root.substr(equals + 1);
  }
  if (images_ != "none" && to_.empty()) {
    request.images_to = images_directory(config ? &*config : nullptr, manifest);
  }
  MC_ASSIGN(const recovery::RestorePlan plan,
            recovery::plan_restore(env_, request, std::move(manifest)));
  std::printf("%s", plan_text(globals_, env_.clock().now(), plan).c_str());
  if (globals_.dry_run) {
    return dsl::kExitChangesNeeded;
  }
  RestoreGuard guard(env_, config ? &*config : nullptr, plan, {in_place_, older_ok_});
  if (to_.empty()) {
    MC_TRY(guard.check());
    MC_ASSIGN(const bool agreed, confirm(plan));
    if (!agreed) {
      return fail(Code::kInvalidArgument, "that is another domain; nothing was changed");
    }
  }
  // Fetched before anything is stopped for it.
  MC_ASSIGN(source.archive, local.fetch(archive_name(point.id, point.seal)));
  if (Result<void> stopped = to_.empty() ? guard.stop_services() : Result<void>(); !stopped) {
    (void)guard.start_services();  // the error to report is why not all were stopped
    return tl::unexpected(stopped.error());
  }
  Result<void> restored = [&] {
    cli::Progress progress(globals_);
    return recovery::carry_out(env_, plan, source, keys,
                               [&](const std::string& unit, std::uint64_t bytes) {
                                 progress.step(0, 0, unit, text("{} MiB", bytes >> 20));
                               });
  }();
  if (restored && to_.empty()) {
    restored = remember_points(target.url(), place, plan);
  }
  // They are started again also when nothing was changed.
  Result<void> started = guard.start_services();
  MC_TRY(std::move(restored));
  MC_TRY(std::move(started));
  std::printf("%s", restored_text(plan, to_.empty()).c_str());
  return dsl::kExitOk;
}

// The records of the backups came back with the agent, and are older than the point itself: the
// next one has to follow all that the target has.
Result<void> BackupCommands::remember_points(const std::string& url, const Place& place,
                                             const recovery::RestorePlan& plan) {
  const auto agent =
      std::find_if(plan.steps.begin(), plan.steps.end(),
                   [](const recovery::RestoreStep& step) { return step.unit == kAgentUnit; });
  const auto& files = plan.manifest.files;
  const auto records = std::find_if(files.begin(), files.end(), [](const auto& file) {
    return file.database && dsl::env::name_of(file.entry.path) == recovery::kRecordsName;
  });
  if (agent == plan.steps.end() || records == files.end()) {
    return {};
  }
  const std::string below = records->entry.path.substr(std::string(kAgentUnit).size());
  recovery::Settings settings;
  settings.directory = dsl::env::folder_of(agent->root + below);
  settings.targets = {url};
  settings.ssh = place.ssh;
  MC_ASSIGN(const auto backup, recovery::Backup::open(env_, settings));
  MC_TRY(backup->rescan());
  return {};
}

Result<int> BackupCommands::undo() {
  MC_ASSIGN(const Config config, this->config());
  Result<std::string> record = recovery::last_record(env_, config.data_root);
  if (!record) {
    record = recovery::last_record(env_, dsl::env::folder_of(config.database_path));
  }
  MC_TRY(record);
  MC_ASSIGN(const std::vector<std::string> units, recovery::units_of_record(env_, *record));
  std::unique_ptr<dsl::env::FileLock> registry;  // no agent starts meanwhile
  for (const std::string& unit : units) {
    if (unit == kAgentUnit) {
      MC_ASSIGN(registry,
                env_.files().lock(config.database_path + ".lock", "an undo of a restore"));
      continue;
    }
    MC_ASSIGN(const std::vector<std::string> running, running_containers(env_, unit));
    if (!running.empty()) {
      return fail(Code::kConflict, "{} runs ({})", unit, running.front()).hint("mcp stop " + unit);
    }
  }
  MC_ASSIGN(const bool agreed, cli::confirm(globals_, text("take {} back?", *record)));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  MC_ASSIGN(const std::vector<recovery::Undone> undone, recovery::undo_restore(env_, *record));
  for (const recovery::Undone& each : undone) {
    std::printf("%s is as before; what was restored is in %s\n", each.root.c_str(),
                each.set_aside.c_str());
  }
  return dsl::kExitOk;
}

Result<int> BackupCommands::prune() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const auto backup, open_backup(config));
  MC_ASSIGN(const auto pruned, backup->prune(globals_.dry_run));
  bool failed = false;
  for (const recovery::Backup::Pruned& each : pruned) {
    failed = failed || !each.error.empty();
    std::printf("%s %s from %s%s%s\n", globals_.dry_run ? "would remove" : "removed",
                each.point.c_str(), each.target.c_str(),
                each.error.empty() ? "" : ": FAILED: ", each.error.c_str());
  }
  if (pruned.empty()) {
    std::printf("nothing to prune\n");
  }
  return failed ? dsl::kExitPartial : dsl::kExitOk;
}

Result<int> BackupCommands::rescan() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const auto backup, open_backup(config));
  MC_ASSIGN(const int found, backup->rescan());
  std::printf("%d copies of points are on the targets\n", found);
  return dsl::kExitOk;
}

Result<int> BackupCommands::status() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const BackupState state, backup_state(env_, config));
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(to_json(state)) + "\n").c_str()
                        : state_text(state).c_str());
  return state.alert.empty() ? dsl::kExitOk : dsl::kExitFailed;
}

Result<int> BackupCommands::create_key() {
  // Before the namespace is entered the file would be written as another user.
  MC_ASSIGN(const Config config, this->config());
  std::optional<dsl::Secret> words;
  if (!passphrase_file_.empty()) {
    MC_ASSIGN(words, passphrase());
  }
  MC_ASSIGN(const auto recipient, recovery::make_identity(env_, out_, words ? &*words : nullptr));
  recovery::KeyStore keys(env_, backup_settings(config).directory);
  MC_TRY(keys.add_recipient(recipient, note_));
  MC_TRY(keys.signing_key());
  std::printf(
      "%s opens the points that are made from now on, and nothing else does.\n"
      "Keep it off this machine, in two places, together with %s.\n"
      "recipient: %s\n",
      out_.c_str(), keys.public_file().c_str(), recipient.to_text().c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::add_key() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const auto recipient, dsl::archive::AgeRecipient::parse(recipient_));
  MC_TRY(
      recovery::KeyStore(env_, backup_settings(config).directory).add_recipient(recipient, note_));
  return dsl::kExitOk;
}

Result<int> BackupCommands::remove_key() {
  MC_ASSIGN(const Config config, this->config());
  MC_ASSIGN(const auto recipient, dsl::archive::AgeRecipient::parse(recipient_));
  MC_TRY(recovery::KeyStore(env_, backup_settings(config).directory).remove_recipient(recipient));
  return dsl::kExitOk;
}

Result<int> BackupCommands::list_keys() {
  MC_ASSIGN(const Config config, this->config());
  recovery::KeyStore keys(env_, backup_settings(config).directory);
  MC_ASSIGN(const auto recipients, keys.recipients());
  for (const auto& recipient : recipients) {
    std::printf("recipient  %s\n", recipient.to_text().c_str());
  }
  if (const auto signer = keys.public_key()) {
    std::printf("signed by  %s\n", keys.public_file().c_str());
  }
  return dsl::kExitOk;
}

Result<int> BackupCommands::rotate_key() {
  MC_ASSIGN(const Config config, this->config());
  recovery::KeyStore keys(env_, backup_settings(config).directory);
  MC_TRY(keys.rotate_signing_key());
  std::printf("points are signed by a new key; keep %s beside the identity\n",
              keys.public_file().c_str());
  return dsl::kExitOk;
}

}  // namespace mcp::agent
