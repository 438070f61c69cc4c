#include "mcp/agent/backup_commands.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>

#include <boost/json.hpp>

#include "mcp/agent/backup_text.h"
#include "mcp/agent/backup_units.h"
#include "mcp/agent/doctor.h"
#include "mcp/agent/namespace.h"
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

constexpr const char* kAll = "all";

recovery::Progress to(cli::Progress& printed) {
  return [&printed](const std::string& what, const std::string& how_far) {
    printed.step(0, 0, what, how_far);
  };
}

void add(std::vector<cli::Command>& all, std::vector<cli::Command> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

cli::Command BackupCommands::command() {
  cli::Command backup;
  backup.name = "backup";
  backup.summary = "Makes and restores backups of this node.";
  backup.description =
      "A point is one archive with every service's directory, a consistent copy of each database, "
      "the registry and the images: tar, zstd, age, signed by minisign, so that those tools alone "
      "can open it. This machine holds no key that opens its own points: keep the identity file "
      "elsewhere.";
  add(backup.commands, making());
  add(backup.commands, looking());
  add(backup.commands, restore_.list());
  backup.commands.push_back(keys_.command());
  return backup;
}

std::vector<cli::Command> BackupCommands::making() {
  return {
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
                   {.name = "--keep",
                    .target = &keep_,
                    .help = "no rule prunes it before so long, such as 336h",
                    .value_name = "DURATION"},
                   {.name = "--format",
                    .target = &format_,
                    .help = "gpg: under a passphrase, for those who must use gpg",
                    .one_of = {"age", "gpg"}},
                   access_.passphrase_file("passphrase of --format gpg; else it is asked"),
                   {.name = "--scheduled",
                    .target = &scheduled_,
                    .help = "record it as a run of the schedule (the timer says so)"}},
       .run = [this] { return create(); }},
      {.name = "prune",
       .summary = "Removes the points that the retention rules let go.",
       .description = "Never the last whole point, never the last verified one, never one that is "
                      "younger than backup.min_age.",
       .examples = {"mcp-agent backup prune --dry-run", "mcp-agent backup prune"},
       .run = [this] { return prune(); }},
      {.name = "rescan",
       .summary = "Writes down which points the targets have, and which are gone.",
       .examples = {"mcp-agent backup rescan"},
       .run = [this] { return rescan(); }},
      {.name = "schedule",
       .summary = "Tells when the next scheduled backup is due.",
       .description = "mcp-backup.timer runs it; where systemd does not run, call it with "
                      "--run-missed as often as you like: it makes a point only when one is due "
                      "(backup.due_after).",
       .examples = {"mcp-agent backup schedule", "mcp-agent backup schedule --run-missed"},
       .options = {{.name = "--run-missed",
                    .target = &run_missed_,
                    .help = "make the point now if it is due"}},
       .run = [this] { return schedule(); }},
      {.name = "status",
       .summary = "Tells how the last runs went. Exit code 1 when a backup is due or failed.",
       .examples = {"mcp-agent backup status"},
       .run = [this] { return status(); }}};
}

std::vector<cli::Command> BackupCommands::looking() {
  cli::Command show{
      .name = "show",
      .summary = "Shows what a point holds, or prints one file of it.",
      .examples = {"mcp-agent backup show latest --identity id.txt",
                   "mcp-agent backup show latest mcr/mcr.toml --identity id.txt"},
      .options = {{.name = "POINT",
                   .target = &point_,
                   .help = "id of a point, or latest",
                   .required = true},
                  {.name = "PATH", .target = &path_, .help = "a file of the point, to stdout"}},
      .run = [this] { return this->show(); }};
  cli::Command verify{
      .name = "verify",
      .summary = "Reads points whole and checks signature, every hash and the chain.",
      .description =
          "With all, points that were stored and are gone show, too. Exit code 23 for a "
          "damaged point, 24 when the key does not open it, 21 when it is signed by "
          "another key or the chain is not as it was.",
      .examples = {"mcp-agent backup verify latest --identity id.txt",
                   "mcp-agent backup verify all --deep --identity id.txt"},
      .options = {{.name = "POINT",
                   .target = &point_,
                   .help = "id of a point, latest, or all",
                   .required = true},
                  {.name = "--deep", .target = &deep_, .help = "open every database, too"}},
      .run = [this] { return this->verify(); }};
  for (cli::Command* each : {&show, &verify}) {
    for (cli::Option& option : access_.reading()) {
      each->options.push_back(std::move(option));
    }
  }
  return {{.name = "list",
           .summary = "Lists the points, newest first.",
           .examples = {"mcp-agent backup list", "mcp-agent backup list --from file:///mnt/backup"},
           .options = {access_.from()},
           .run = [this] { return list(); }},
          std::move(show),
          std::move(verify)};
}

Result<recovery::CreateRequest> BackupCommands::request(const Config& config) const {
  MC_ASSIGN(const auto registry, Registry::open_as_guest(env_, config.database_path));
  recovery::CreateRequest request;
  request.selection = !services_.empty();
  request.kind = scheduled_ ? "scheduled" : "manual";
  if (keep_.count() > 0) {
    request.keep_until_ms = (env_.clock().now() + keep_).time_since_epoch().count();
  }
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
  MC_ASSIGN(request.uid_map, uid_map(env_));
  request.uid = static_cast<std::uint32_t>(config.uid);
  request.gid = static_cast<std::uint32_t>(config.gid);
  request.user = subject_of(env_, config, real_reach(env_)).user;
  return request;
}

Result<int> BackupCommands::create() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(recovery::CreateRequest request, this->request(config));
  std::optional<dsl::Secret> words;
  if (format_ == "gpg") {
    MC_ASSIGN(words, access_.passphrase());
    request.passphrase = &*words;
  }
  if (globals_.dry_run) {
    std::printf("%s", units_table(globals_, request).c_str());
    return dsl::kExitOk;
  }
  MC_ASSIGN(const auto backup, access_.open_backup(config));
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

Result<int> BackupCommands::list() {
  MC_ASSIGN(const BackupAccess::Place place, access_.place());
  std::vector<ListedPoint> rows;
  std::vector<recovery::PointRow> known;
  std::vector<recovery::CopyRow> copies;
  if (!access_.has_from()) {
    // What is written down needs neither the targets nor the lock.
    MC_ASSIGN(const Config config, access_.config_inside());
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
    MC_ASSIGN(const auto target, recovery::open_target(env_, place.urls.front(), place.ssh));
    MC_ASSIGN(const std::vector<FoundPoint> found, recovery::points_of(*target));
    for (const FoundPoint& point : found) {
      rows.push_back(listed(point, target->url()));
    }
  }
  std::printf("%s", points_text(globals_, env_.clock().now(), rows).c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::show() {
  MC_ASSIGN(const BackupAccess::Place place, access_.place());
  MC_ASSIGN(const recovery::ReadKeys keys, access_.keys(BackupAccess::Signer::kIfKnown));
  MC_ASSIGN(const auto target, recovery::open_target(env_, place.urls.front(), place.ssh));
  MC_ASSIGN(const FoundPoint point, access_.find(*target, point_));
  if (!path_.empty()) {
    return print_one(*target, place, point, keys);
  }
  MC_ASSIGN(const recovery::Manifest manifest, access_.manifest_of(*target, place, point, keys));
  std::printf("%s", manifest_text(globals_, manifest).c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::print_one(Target& target, const BackupAccess::Place& place,
                                      const FoundPoint& point, const recovery::ReadKeys& keys) {
  MC_ASSIGN(const recovery::Scratch scratch, recovery::Scratch::make(env_, place.scratch));
  recovery::LocalPoint local(env_, target, scratch.path());
  recovery::PointSource source{.seal = point.seal};
  if (!keys.signers.empty() && point.has_signature) {
    MC_ASSIGN(source.signature, local.fetch(signature_name(point.id, point.seal)));
  }
  MC_ASSIGN(source.archive, local.fetch(archive_name(point.id, point.seal)));
  bool found = false;
  const std::string copy = scratch.path() + "/shown";
  MC_TRY(recovery::read_point(
      env_, source, keys,
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
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const BackupAccess::Place place, access_.place());
  MC_ASSIGN(const recovery::ReadKeys keys, access_.keys(BackupAccess::Signer::kRequired));
  MC_ASSIGN(const auto backup, access_.open_backup(config));
  std::vector<recovery::Backup::Verified> rows;
  std::vector<std::string> faults;
  for (const std::string& url : place.urls) {
    MC_ASSIGN(const auto target, recovery::open_target(env_, url, place.ssh));
    std::vector<FoundPoint> wanted;
    if (point_ == kAll) {
      MC_ASSIGN(wanted, recovery::points_of(*target));
      MC_ASSIGN(const std::vector<std::string> more, backup->chain_faults(url, wanted));
      faults.insert(faults.end(), more.begin(), more.end());
    } else {
      MC_ASSIGN(FoundPoint one, access_.find(*target, point_));
      wanted.push_back(std::move(one));
    }
    for (const FoundPoint& point : wanted) {
      cli::Progress progress(globals_);
      rows.push_back(backup->verify(url, point, keys, deep_, to(progress)));
    }
  }
  std::printf("%s", verified_text(globals_, rows, faults).c_str());
  for (const recovery::Backup::Verified& row : rows) {
    if (row.error) {
      return row.error->id() == recovery::kNotSigned ? dsl::kExitRefused : row.error->exit_code();
    }
  }
  return faults.empty() ? dsl::kExitOk : dsl::kExitRefused;
}

Result<int> BackupCommands::prune() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const auto backup, access_.open_backup(config));
  MC_ASSIGN(const auto pruned, backup->prune(globals_.dry_run));
  std::printf("%s", pruned_text(globals_, pruned).c_str());
  const bool failed = std::any_of(pruned.begin(), pruned.end(),
                                  [](const auto& each) { return !each.error.empty(); });
  return failed ? dsl::kExitPartial : dsl::kExitOk;
}

Result<int> BackupCommands::rescan() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const auto backup, access_.open_backup(config));
  MC_ASSIGN(const int found, backup->rescan());
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(json::object{{"copies", found}}) + "\n").c_str()
                        : text("{} copies of points are on the targets\n", found).c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::schedule() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const BackupState state, backup_state(env_, config));
  const std::int64_t every_ms = config.backup.due_after.count();
  const std::int64_t due_ms = state.last_ms + every_ms;
  const bool is_due = every_ms > 0 && env_.clock().now().time_since_epoch().count() >= due_ms;
  if (run_missed_ && is_due) {
    scheduled_ = true;
    return create();
  }
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(json::object{{"every_ms", every_ms},
                                                        {"last_ms", state.last_ms},
                                                        {"due_ms", due_ms},
                                                        {"due", is_due}}) +
                           "\n")
                              .c_str()
                        : schedule_text(state, every_ms, is_due).c_str());
  return dsl::kExitOk;
}

Result<int> BackupCommands::status() {
  MC_ASSIGN(const Config config, access_.config_inside());
  MC_ASSIGN(const BackupState state, backup_state(env_, config));
  std::printf("%s", globals_.output == cli::Output::kJson
                        ? (json::serialize(to_json(state)) + "\n").c_str()
                        : state_text(state).c_str());
  return state.alert.empty() ? dsl::kExitOk : dsl::kExitFailed;
}

}  // namespace mcp::agent
