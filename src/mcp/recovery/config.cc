#include "mcp/recovery/config.h"

namespace mcp::recovery {

void Config::bind(dsl::config::Table& table) {
  table.list("backup.targets", &targets)
      .help("where points go: file:///mnt/backup, sftp://backup@vault.example/srv/backup");
  table.text("backup.directory", &directory)
      .help("keys, records and room to work in; empty = recovery beside the registry");
  table.text("backup.images", &images)
      .help("used: the images of registered services are part of each point")
      .one_of({"none", "used"});
  table.list("backup.replicas", &replicas)
      .help(
          "where replicas of services' databases lie, each in a directory named after its service; "
          "empty = replicas in the data root");
  table.duration("backup.keep_within", &keep_within).help("points that are younger are all kept");
  table.integer("backup.daily", &daily)
      .help("days of which the newest point is kept")
      .range("0", "10000");
  table.integer("backup.weekly", &weekly).help("weeks, likewise").range("0", "10000");
  table.integer("backup.monthly", &monthly).help("months, likewise").range("0", "10000");
  table.duration("backup.min_age", &min_age).help("no point is pruned that is younger");
  table.duration("backup.due_after", &due_after)
      .help("an alert is raised when the last whole point is older; 0s = never");
  table.text("backup.ssh_identity", &ssh.identity_file)
      .help("ssh's private key for sftp targets; empty = what ssh finds");
  table.text("backup.ssh_known_hosts", &ssh.known_hosts)
      .help("keys of sftp hosts; empty = the user's known_hosts");
}

RetentionRule Config::retention() const {
  return {.keep_within = keep_within,
          .daily = static_cast<int>(daily),
          .weekly = static_cast<int>(weekly),
          .monthly = static_cast<int>(monthly),
          .min_age = min_age};
}

}  // namespace mcp::recovery
