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

constexpr std::chrono::hours kTimeMax{6};

bool no_new_privileges() { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

// Of what `backup create --json` prints.
std::string point_of(const std::string& output) {
  boost::system::error_code error;
  const json::value created = json::parse(output, error);
  const json::object* object = error ? nullptr : created.if_object();
  const json::value* id = object == nullptr ? nullptr : object->if_contains("id");
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

std::string last_line(std::string words) {
  words.erase(words.find_last_not_of(" \r\n") + 1);
  return words;
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
    operation.notice("backup: no point was made before the upgrade: there is no key yet: "
                     "mcp backup key create");
    return {};
  }
  if (no_new_privileges()) {
    operation.notice(text("backup: no point was made before the upgrade: this agent runs under "
                          "no-new-privileges; before the next one: mcp backup create {}",
                          service));
    return {};
  }
  MC_ASSIGN(const std::string program, env_.files().canonical("/proc/self/exe"));
  std::vector<std::string> argv{program, "--json"};
  if (!config_.file.empty()) {
    argv.insert(argv.end(), {"--config", config_.file});
  }
  argv.insert(argv.end(),
              {"backup", "create", service, "--images", "none", "--tag", "reason=pre-upgrade",
               "--keep", text("{}h", kPreUpgradeKept.count())});
  MC_ASSIGN(const dsl::env::Output output, env_.processes().run({.argv = argv}, kTimeMax));
  if (output.exit_code != 0) {
    return fail(Code::kFailedPrecondition, "no backup of {} could be made before the upgrade: {}",
                service, last_line(output.err))
        .hint("mend that, or deploy with --no-backup");
  }
  operation.notice(text("backup: its data of before is in the point {}", point_of(output.out)));
  return {};
}

}  // namespace mcp::agent
