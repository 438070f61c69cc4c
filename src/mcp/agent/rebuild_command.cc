#include "mcp/agent/rebuild_command.h"

#include <cstdio>

#include <boost/json.hpp>
#include <unistd.h>

#include "dsl/archive/age_keys.h"
#include "dsl/replica/chain.h"
#include "dsl/restore/restore.h"
#include "dsl/service/version.h"
#include "mcp/agent/agent.h"
#include "mcp/agent/doctor.h"
#include "mcp/agent/local_commands.h"
#include "mcp/runtime/podman.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::size_t kIdentityBytesMax = std::size_t{1} << 20;

std::optional<Source> source_named(const std::string& word) {
  for (const Source source : {Source::kMirror, Source::kLabels, Source::kDefinitions}) {
    if (word == name(source)) {
      return source;
    }
  }
  return std::nullopt;
}

cli::Paint paint_for(RebuildAction action) {
  return action == RebuildAction::kAdd        ? cli::Paint::kGood
         : action == RebuildAction::kConflict ? cli::Paint::kBad
                                              : cli::Paint::kWarn;
}

}  // namespace

cli::Command RebuildCommand::command() {
  return {
      .name = "rebuild",
      .summary = "Makes a lost or damaged registry anew from what is left of it.",
      .description =
          "Sources: the mirror (specs/*.json), the labels of the containers, and definitions in a "
          "directory. For each service the highest generation wins; two sources that differ at the "
          "same generation are a conflict, and nothing is written until --prefer says which to "
          "believe. Whether a service should run comes from the mirror, else from its containers; "
          "allocated ports come from the mirror, else from what the containers publish. No "
          "container is touched.\n"
          "The agent must be stopped. The former registry is kept as mcp.db.lost-<time>. With a "
          "replica, --from replica (or mcp-agent restore) brings back more: the last commit, "
          "history included.\n"
          "Exit code: 6 for a conflict, 3 when nothing is left; with --dry-run 10 when there is "
          "something to rebuild.",
      .examples = {"mcp-agent rebuild --dry-run", "mcp-agent rebuild --yes",
                   "mcp-agent rebuild --from definitions --definitions ./services",
                   "mcp-agent rebuild --prefer mirror", "mcp-agent rebuild --from replica"},
      .options = {{.name = "--from",
                   .target = &from_,
                   .help = "auto merges mirror, labels and, when given, definitions",
                   .one_of = {"auto", "mirror", "labels", "definitions", "replica"}},
                  {.name = "--definitions",
                   .target = &definitions_,
                   .help = "directory of definitions (<service>.toml)",
                   .value_name = "DIR",
                   .complete = "file"},
                  {.name = "--prefer",
                   .target = &prefer_,
                   .help = "the source to believe where two differ at one generation",
                   .one_of = {"mirror", "labels", "definitions"}},
                  {.name = "--replace",
                   .target = &replace_,
                   .help = "also in place of a registry that is in order; it is kept, too"}},
      .run = [this] { return run(); }};
}

Result<int> RebuildCommand::run() {
  if (from_ == "definitions" && definitions_.empty()) {
    return fail(Code::kInvalidArgument, "--from definitions does not say where they are")
        .hint("name their directory with --definitions DIR");
  }
  if (!definitions_.empty() && from_ != "definitions" && from_ != "auto") {
    return fail(Code::kInvalidArgument, "--from {} reads no definitions", from_)
        .hint("leave out --definitions, or use --from auto or --from definitions");
  }
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  MC_TRY(check_identity(config, geteuid(), getegid(), std::nullopt));
  MC_ASSIGN(const std::string boot_id, read_boot_id(env_));
  Result<std::unique_ptr<dsl::env::FileLock>> lock = lock_registry(env_, config, boot_id);
  if (!lock && lock.error().code() == Code::kConflict) {
    lock.error().set_hint(
        "a rebuild needs the agent stopped, containers go on: systemctl stop mcp-agent, or end "
        "that process with TERM; then run it again");
  }
  if (!lock) {
    return tl::unexpected(lock.error());
  }
  MC_TRY(check_former(config));
  return from_ == "replica" ? from_replica(config) : from_remains(config, boot_id);
}

Result<void> RebuildCommand::check_former(const Config& config) {
  MC_ASSIGN(const Former former, look_at_former(env_, config));
  if (!former.worth_keeping.empty() && !replace_) {
    return fail(Code::kFailedPrecondition, "the registry {} is {}: {}", config.database_path,
                former.state, former.worth_keeping)
        .hint("start the agent; to rebuild it all the same, and keep this one aside: --replace");
  }
  if (!globals_.quiet) {
    std::fprintf(stderr, "registry %s is %s\n", config.database_path.c_str(), former.state.c_str());
  }
  return {};
}

// The last commit, with all its history, beats whatever a merge can find.
void RebuildCommand::tell_of_replica(const Config& config) {
  for (const std::string& mirror : config.replica.directories()) {
    const auto store = dsl::restore::open_mirror(env_, mirror, config.database_path);
    const auto epochs = dsl::replica::list_epochs(*store);
    if (!epochs) {
      std::fprintf(stderr, "note: the replica in %s cannot be read: %s\n", mirror.c_str(),
                   epochs.error().message().c_str());
      continue;
    }
    for (const dsl::replica::EpochSummary& epoch : *epochs) {
      if (epoch.has_base) {
        std::fprintf(stderr,
                     "note: %s holds a replica of this registry, which brings back more than a "
                     "merge: mcp-agent rebuild --from replica, or mcp-agent restore\n",
                     mirror.c_str());
        return;
      }
    }
  }
}

Result<int> RebuildCommand::from_replica(const Config& config) {
  dsl::restore::Request request;
  request.database = config.database_path;
  request.mirrors = config.replica.directories();
  if (request.mirrors.empty()) {
    return fail(Code::kFailedPrecondition, "the configuration names no replica")
        .hint("set replica.mirrors, or rebuild from what is left: mcp-agent rebuild");
  }
  dsl::replica::Identities identities;
  if (!config.replica.identity_file.empty()) {
    MC_ASSIGN(const std::string keys,
              env_.files().read_file(config.replica.identity_file, kIdentityBytesMax));
    MC_ASSIGN(identities, dsl::with_context(dsl::archive::parse_identities(keys),
                                            config.replica.identity_file));
  }
  cli::Progress printed(globals_);
  const auto progress = [&](int number, int total, const std::string& what) {
    printed.step(number, total, "", what);
  };
  Result<dsl::restore::Plan> plan = dsl::restore::make_plan(env_, request, identities, progress);
  printed.done();
  if (!plan && plan.error().code() == Code::kWrongKey) {
    plan.error().set_hint("name its key: mcp-agent restore --identity FILE");
  }
  if (!plan) {
    return tl::unexpected(plan.error());
  }
  if (!globals_.dry_run) {
    MC_ASSIGN(const bool wanted,
              cli::confirm(globals_, text("Restore {} from {} to commit {}?", plan->destination,
                                          plan->source, plan->commit.to_text())));
    if (!wanted) {
      return dsl::kExitRefused;
    }
    MC_TRY(dsl::restore::carry_out(env_, request, *plan, identities, progress));
    printed.done();
  }
  const std::string lost = plan->set_aside.moves.empty() ? "" : plan->set_aside.name;
  if (globals_.output == cli::Output::kJson) {
    std::printf("%s\n", json::serialize(json::object{{"source", plan->source},
                                                     {"commit", plan->commit.to_text()},
                                                     {"done", !globals_.dry_run},
                                                     {"lost", lost}})
                            .c_str());
  } else {
    std::printf("%s %s from %s to commit %s\n", globals_.dry_run ? "would restore" : "restored",
                plan->destination.c_str(), plan->source.c_str(), plan->commit.to_text().c_str());
    if (!lost.empty()) {
      std::printf("the former registry %s %s\n", globals_.dry_run ? "would be kept as" : "is",
                  lost.c_str());
    }
  }
  return globals_.dry_run ? dsl::kExitChangesNeeded : dsl::kExitOk;
}

Result<int> RebuildCommand::from_remains(const Config& config, const std::string& boot_id) {
  if (from_ == "auto") {
    tell_of_replica(config);
  }
  const Result<std::unique_ptr<runtime::PodmanRuntime>> podman =
      runtime::PodmanRuntime::open(env_, config.podman_options());
  if (!podman && from_ == "labels") {
    return tl::unexpected(podman.error());
  }
  if (!podman) {
    std::fprintf(stderr, "warning: podman does not answer, so no container is looked at: %s\n",
                 podman.error().message().c_str());
  }
  runtime::Runtime* runtime = podman ? podman->get() : nullptr;
  const bool every = from_ == "auto";
  MC_ASSIGN(const Remains remains, gather(env_, config, runtime,
                                          {.mirror = every || from_ == "mirror",
                                           .labels = every || from_ == "labels",
                                           .definitions = definitions_}));
  RebuildPlan plan = merge(remains, source_named(prefer_));
  MC_TRY(complete_ports(env_, config, plan.records));
  const bool conflicts = plan.has_conflicts();
  if (conflicts || plan.records.empty() || globals_.dry_run) {
    print(plan, nullptr);
  }
  if (conflicts) {
    return fail(Code::kConflict, "the sources contradict each other; nothing was written")
        .hint(
            "--prefer mirror, labels or definitions says which to believe; the notes above "
            "name what differs");
  }
  if (plan.records.empty()) {
    return fail(Code::kNotFound, "nothing is left from which a registry could be rebuilt")
        .hint(
            "with definitions: --from definitions --definitions DIR; a new node: start the "
            "agent, then mcp deploy SERVICE --init");
  }
  if (globals_.dry_run) {
    return dsl::kExitChangesNeeded;
  }
  if (!globals_.yes && globals_.output != cli::Output::kJson) {
    print(plan, nullptr);
  }
  MC_ASSIGN(const bool wanted,
            cli::confirm(globals_, text("Write a registry with {} services to {}?",
                                        plan.records.size(), config.database_path)));
  if (!wanted) {
    return dsl::kExitRefused;
  }
  NodeRecord node{.name = config.node_name,
                  .uid = geteuid(),
                  .gid = getegid(),
                  .boot_id = boot_id,  // of now: the start of the agent is not to boot anything
                  .agent_version = dsl::build_info().version};
  if (runtime != nullptr) {
    MC_ASSIGN(const runtime::RuntimeInfo info, runtime->info());
    node.graph_root = info.graph_root;
    node.run_root = info.run_root;
    node.podman_version = info.version;
  }
  MC_ASSIGN(const Rebuilt rebuilt, carry_out(env_, config, plan, remains, node));
  print(plan, &rebuilt);
  return dsl::kExitOk;
}

// `rebuilt` is null before it is done.
void RebuildCommand::print(const RebuildPlan& plan, const Rebuilt* rebuilt) {
  if (globals_.output == cli::Output::kJson) {
    json::array rows;
    for (const RebuildRow& row : plan.rows) {
      rows.push_back({{"service", row.service},
                      {"generation", row.generation},
                      {"source", row.source},
                      {"action", std::string(name(row.action))},
                      {"note", row.note}});
    }
    json::object document{{"rows", rows}, {"done", rebuilt != nullptr}};
    if (rebuilt != nullptr) {
      document["lost"] = rebuilt->lost;
      document["kept_files"] = json::array(rebuilt->kept_files.begin(), rebuilt->kept_files.end());
    }
    std::printf("%s\n", json::serialize(document).c_str());
    return;
  }
  if (rebuilt == nullptr || globals_.yes) {
    cli::Table table(
        {{"SERVICE"}, {.title = "GENERATION", .right = true}, {"SOURCE"}, {"ACTION"}, {"NOTE"}});
    for (const RebuildRow& row : plan.rows) {
      table.add({row.service.empty() ? "-" : row.service,
                 row.generation == 0 ? "-" : std::to_string(row.generation), row.source,
                 cli::paint(globals_, paint_for(row.action), name(row.action)), row.note});
    }
    std::printf("%s", table.render(globals_).c_str());
  }
  if (rebuilt == nullptr) {
    return;
  }
  std::printf("rebuilt %zu services\n", plan.records.size());
  if (!rebuilt->lost.empty()) {
    std::printf("the former registry is %s\n", rebuilt->lost.c_str());
  }
  for (const std::string& file : rebuilt->kept_files) {
    std::printf("a damaged mirror file is %s\n", file.c_str());
  }
  std::printf("next: mcp-agent recover --dry-run, then start the agent\n");
}

}  // namespace mcp::agent
