#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "dsl/restore/restore.h"
#include "dsl/service/log_config.h"
#include "mcns/service/service.h"
#include "mcns/store/schema.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::Result;

const dsl::log::Logger logger("mcns");
constexpr const char* kDefaultConfig = "/srv/mcns/mcns.toml";

dsl::db::Options options_of(const Config& config) {
  dsl::db::Options out;
  out.migrations = store::migrations();
  out.replica = config.replica.options();
  out.restore_command = "mcns restore";
  return out;
}

// From the replica's last commit. Names have to be there before whoever could bring them back.
Result<void> restore(dsl::env::Env& env, const Config& config) {
  dsl::restore::Request request;
  request.database = config.database_path;
  request.mirrors = config.replica.directories();
  MC_ASSIGN(const dsl::replica::Identities identities,
            dsl::restore::read_identities(env, config.replica.identity_file));
  const auto quiet = [](int, int, const std::string&) {};
  MC_ASSIGN(const dsl::restore::Plan plan,
            dsl::restore::make_plan(env, request, identities, quiet));
  MC_TRY(dsl::restore::carry_out(env, request, plan, identities, quiet));
  logger.warn("the database was gone and came back from its replica",
              {{"database", config.database_path}, {"replica", plan.source}});
  return {};
}

}  // namespace

Result<std::unique_ptr<dsl::db::Database>> open_database(dsl::env::Env& env, const Config& config) {
  MC_TRY(env.files().make_directories(dsl::env::folder_of(config.database_path), 0750));
  auto database = dsl::db::Database::open(env, config.database_path, options_of(config));
  const bool is_gone = !database && database.error().code() == Code::kFailedPrecondition;
  if (!is_gone || config.replica.directories().empty()) {
    return database;
  }
  const Result<void> restored = restore(env, config);
  if (!restored) {
    logger.failure(dsl::log::Level::kError, "its replica could not be restored", restored.error());
    return database;  // says what is missing, and how to go on
  }
  return dsl::db::Database::open(env, config.database_path, options_of(config));
}

Result<Config> read_config(dsl::env::Env& env, const dsl::config::Sources& sources) {
  Config config;
  dsl::config::Table table("mcns");
  config.bind(table);
  dsl::service::LogConfig log;
  log.bind(table);
  MC_TRY(table.load(env, sources));
  return config;
}

Result<Config> read_config(dsl::env::Env& env, const std::string& path) {
  dsl::config::Sources sources;
  sources.file = path.empty() ? kDefaultConfig : path;
  sources.file_required = !path.empty();
  return read_config(env, sources);
}

// First whether it may be read at all: what it says wrong is another matter.
Result<std::string> admin_socket(dsl::env::Env& env, const std::string& path) {
  MC_TRY(env.files().open(path, dsl::env::OpenMode::kRead));
  MC_ASSIGN(const Config config, read_config(env, path));
  return config.face.socket_path;
}

Result<dsl::restore::Settings> restore_settings(dsl::env::Env& env, const std::string& path) {
  MC_ASSIGN(const Config config, read_config(env, path));
  return dsl::restore::Settings{config.database_path, config.replica};
}

}  // namespace mcns
