#include "mcp/agent/backup_restore_commands.h"

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

namespace cli = dsl::cli;
using dsl::Code;
using dsl::fail;
using dsl::text;
using recovery::FoundPoint;
using recovery::Target;

cli::Command BackupRestoreCommands::restore_command() {
  cli::Command command = {
      .name = "restore",
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
      .options = {{.name = "POINT",
                   .target = &point_,
                   .help = "id of a point, latest, or the path of an archive made by hand",
                   .required = true},
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
                   .target = &stop_services_,
                   .help = "stop running services for it, and start them afterwards"},
                  {.name = "--older-ok",
                   .target = &older_ok_,
                   .help = "although what is there is newer than the point"},
                  {.name = "--allow-unsigned",
                   .target = &allow_unsigned_,
                   .help = "with --to only: look at no signature"}},
      .run = [this] { return restore(); }};
  for (cli::Option& option : access_.reading()) {
    command.options.push_back(std::move(option));
  }
  return command;
}

std::vector<cli::Command> BackupRestoreCommands::list() {
  return {restore_command(),
          {.name = "undo",
           .summary = "Takes the last restore back: what was set aside is live again.",
           .examples = {"mcp-agent backup undo"},
           .run = [this] { return undo(); }}};
}

Result<void> BackupRestoreCommands::confirm(const recovery::RestorePlan& plan) const {
  if (globals_.yes) {
    return {};
  }
  if (::isatty(STDIN_FILENO) == 0) {
    return fail(Code::kInvalidArgument, "the restore has to be confirmed, and there is no terminal")
        .hint("pass --yes");
  }
  std::fprintf(stderr, "type the domain %s to go on: ", plan.manifest.domain.c_str());
  std::string typed;
  std::getline(std::cin, typed);
  if (typed != plan.manifest.domain) {
    return fail(Code::kInvalidArgument, "\"{}\" is another domain; nothing was changed", typed);
  }
  return {};
}

// An archive that was made by hand, named by its path.
Result<int> BackupRestoreCommands::restore_foreign() {
  if (to_.empty()) {
    return fail(Code::kInvalidArgument, "{} is no point of ours, so it is unpacked by itself",
                point_)
        .hint("--to a new directory; then put in place what you need of it");
  }
  recovery::ReadKeys keys;
  if (point_.ends_with(".age") || point_.ends_with(".gpg") || point_.ends_with(".asc")) {
    MC_ASSIGN(keys, access_.keys(BackupAccess::Signer::kIgnored));
  }
  MC_ASSIGN(const recovery::Unpacked unpacked, recovery::unpack_foreign(env_, point_, keys, to_));
  std::printf("%zu entries are in %s; %zu databases were opened and are in order\n", unpacked.files,
              to_.c_str(), unpacked.databases.size());
  return dsl::kExitOk;
}

Result<int> BackupRestoreCommands::restore() {
  if (point_.find('/') != std::string::npos) {
    return restore_foreign();
  }
  MC_ASSIGN(const BackupAccess::Place place, access_.place());
  if (allow_unsigned_ && in_place()) {
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

// Owners are given inside the namespace: of the agent's user here, or, on a machine without a
// configuration, of the one that the point was made by.
Result<void> BackupRestoreCommands::enter(Target& target, const BackupAccess::Place& place,
                                          const FoundPoint& point, const recovery::ReadKeys& keys,
                                          const Config* config) const {
  if (config != nullptr) {
    return enter_namespace(env_, {.uid = static_cast<std::uint32_t>(config->uid),
                                  .gid = static_cast<std::uint32_t>(config->gid)});
  }
  MC_ASSIGN(const recovery::Manifest manifest, access_.manifest_of(target, place, point, keys));
  return enter_namespace(env_, {.uid = manifest.uid, .gid = manifest.gid});
}

Result<recovery::RestoreRequest> BackupRestoreCommands::request(
    const Config* config, const recovery::Manifest& manifest) const {
  recovery::RestoreRequest request{.units = services_, .to = to_};
  for (const std::string& root : roots_) {
    const std::size_t equals = root.find('=');
    if (equals == std::string::npos || root.compare(equals + 1, 1, "/") != 0) {
      return fail(Code::kInvalidArgument, "{} is no place for a unit", root)
          .hint("write it as mcr=/srv2/mcr");
    }
    request.roots[root.substr(0, equals)] = root.substr(equals + 1);
  }
  if (images_ == "used" && in_place()) {
    request.images_to = images_directory(config, manifest);
  }
  return request;
}

Result<int> BackupRestoreCommands::restore_point(Target& target, const BackupAccess::Place& place) {
  const Result<Config> loaded = load_config(env_, globals_.config);
  const Config* config = loaded ? &*loaded : nullptr;
  MC_ASSIGN(const recovery::ReadKeys keys,
            access_.keys(allow_unsigned_ ? BackupAccess::Signer::kIgnored
                                         : BackupAccess::Signer::kRequired));
  MC_ASSIGN(const FoundPoint point, access_.find(target, point_));
  if (in_place()) {
    MC_TRY(enter(target, place, point, keys, config));
  }
  MC_ASSIGN(recovery::Manifest manifest, access_.manifest_of(target, place, point, keys));
  MC_ASSIGN(const recovery::RestoreRequest request, this->request(config, manifest));
  MC_ASSIGN(const recovery::RestorePlan plan,
            recovery::plan_restore(env_, request, std::move(manifest)));
  std::printf("%s", plan_text(globals_, env_.clock().now(), plan).c_str());
  if (globals_.dry_run) {
    return dsl::kExitChangesNeeded;
  }
  RestoreGuard guard(env_, config, plan, {stop_services_, older_ok_});
  if (in_place()) {
    MC_TRY(guard.check());
    MC_TRY(confirm(plan));
  }
  // Fetched before anything is stopped for it.
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, target, scratch.path());
  recovery::PointSource source{.seal = point.seal};
  if (!keys.signers.empty()) {
    MC_ASSIGN(source.signature, local.fetch(signature_name(point.id, point.seal)));
  }
  MC_ASSIGN(source.archive, local.fetch(archive_name(point.id, point.seal)));
  if (Result<void> stopped = in_place() ? guard.stop_services() : Result<void>(); !stopped) {
    (void)guard.start_services();  // the error to report is why not all were stopped
    return tl::unexpected(stopped.error());
  }
  Result<void> restored = [&] {
    cli::Progress progress(globals_);
    return recovery::carry_out(env_, plan, source, keys,
                               [&](const std::string& unit, std::uint64_t bytes) {
                                 progress.step(0, 0, unit, cli::size_text(bytes));
                               });
  }();
  if (restored && in_place()) {
    restored = remember_points(target.url(), place, plan);
  }
  // They are started again also when nothing was changed.
  Result<void> started = guard.start_services();
  MC_TRY(std::move(restored));
  MC_TRY(std::move(started));
  if (globals_.output != cli::Output::kJson) {
    std::printf("%s", restored_text(plan, in_place()).c_str());
  }
  return dsl::kExitOk;
}

// The records of the backups came back with the agent, and are older than the point itself: the
// next one has to follow all that the target has.
Result<void> BackupRestoreCommands::remember_points(const std::string& url,
                                                    const BackupAccess::Place& place,
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

Result<int> BackupRestoreCommands::undo() {
  MC_ASSIGN(const Config config, access_.config_inside());
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

}  // namespace mcp::agent
