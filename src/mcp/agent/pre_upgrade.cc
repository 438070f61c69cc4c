#include "mcp/agent/pre_upgrade.h"

#include <boost/json.hpp>
#include <sys/prctl.h>

#include "mcp/agent/backup_units.h"
#include "mcp/recovery/keys.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::hours kTimeMax{2};
constexpr const char* kUnknown = "it did not say why";

bool no_new_privileges() { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

// The point that `backup create --json` tells of, if some target has it.
std::string stored_point(const std::string& output) {
  boost::system::error_code error;
  const json::value created = json::parse(output, error);
  const json::object* object = error ? nullptr : created.if_object();
  const json::value* id = object == nullptr ? nullptr : object->if_contains("id");
  const json::value* stored = object == nullptr ? nullptr : object->if_contains("stored");
  if (id == nullptr || stored == nullptr || !id->is_string() || !stored->is_bool() ||
      !stored->get_bool()) {
    return {};
  }
  return std::string(id->get_string());
}

// Its first line, without the word that begins it.
std::string cause_of(const std::string& words) {
  std::string line = words.substr(0, words.find('\n'));
  for (const std::string_view prefix : {"error: ", "warning: "}) {
    if (line.starts_with(prefix)) {
      line.erase(0, prefix.size());
    }
  }
  return line.empty() ? std::string(kUnknown) : line;
}

}  // namespace

Result<void> PreUpgrade::make_point(const std::string& service, OperationContext& operation) const {
  if (config_.backup.targets.empty()) {
    return {};
  }
  MC_ASSIGN(const bool has_data, env_.files().exists(config_.data_root + "/" + service));
  if (!has_data) {
    return {};
  }
  const recovery::KeyStore keys(env_, backup_settings(config_).directory);
  if (const auto recipients = keys.recipients(); !recipients || recipients->empty()) {
    operation.notice(
        "backup: no point was made before the upgrade: there is no key yet: "
        "mcp backup key create");
    return {};
  }
  if (no_new_privileges()) {
    operation.notice(
        text("backup: no point was made before the upgrade: this agent runs under "
             "no-new-privileges; before the next one: mcp backup create {}",
             service));
    return {};
  }
  MC_ASSIGN(const std::string program, env_.files().canonical("/proc/self/exe"));
  std::vector<std::string> argv{program, "--json"};
  if (!config_.file.empty()) {
    argv.insert(argv.end(), {"--config", config_.file});
  }
  argv.insert(argv.end(), {"backup", "create", service, "--images", "none", "--tag",
                           "reason=pre-upgrade", "--keep", text("{}h", kPreUpgradeKept.count())});
  operation.progress(0, 0, "", "back its data up");
  MC_ASSIGN(const dsl::env::Output output, env_.processes().run({.argv = argv}, kTimeMax));
  const std::string point = stored_point(output.out);
  if (point.empty()) {
    return fail(Code::kFailedPrecondition, "no backup of {} could be made before the upgrade: {}",
                service, cause_of(output.err))
        .hint("mend that, or deploy with --no-backup");
  }
  operation.notice(text("backup: its data of before is in the point {}", point));
  if (output.exit_code != 0) {
    operation.notice(
        text("backup: that point is not all that it should be: {}", cause_of(output.err)));
  }
  return {};
}

}  // namespace mcp::agent
