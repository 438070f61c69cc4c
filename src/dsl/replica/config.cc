#include "dsl/replica/config.h"

#include <algorithm>
#include <utility>

namespace dsl::replica {
namespace {

// Where a value may be wrong, the error names the key as the operator wrote it.
Result<std::vector<archive::AgeRecipient>> parse_all(const std::vector<std::string>& texts) {
  std::vector<archive::AgeRecipient> recipients;
  for (const std::string& each : texts) {
    auto recipient = archive::AgeRecipient::parse(each);
    if (!recipient) {
      return fail(std::move(recipient).error()).context("replica.recipients");
    }
    recipients.push_back(*std::move(recipient));
  }
  return recipients;
}

Result<void> check(const Config& config) {
  const bool encrypts = config.encryption == "age";
  if (!config.directories().empty() && encrypts && config.recipients.empty()) {
    return fail(Code::kInvalidArgument,
                "replica.recipients is empty: nobody could open the replica")
        .hint(
            "make a key with `age-keygen -o replica-key.txt`, keep it away from this machine and "
            "name its \"age1...\" here; or set replica.encryption = \"none\"");
  }
  if (!encrypts && !config.recipients.empty()) {
    return fail(Code::kInvalidArgument,
                "replica.recipients are given, but replica.encryption is \"none\"");
  }
  MC_TRY(parse_all(config.recipients));
  std::vector<std::string> all = config.directories();
  for (const std::string& directory : all) {
    if (!directory.starts_with('/')) {
      return fail(Code::kInvalidArgument, "the mirror \"{}\" is not an absolute path", directory);
    }
  }
  std::sort(all.begin(), all.end());
  const auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice != all.end()) {
    return fail(Code::kInvalidArgument, "the mirror {} is named twice", *twice);
  }
  return {};
}

}  // namespace

void Config::bind(config::Table& table) {
  table.list("replica.mirrors", &mirrors)
      .help("existing directories, best on other disks, that get every commit within a second");
  table.list("replica.sync_mirrors", &sync_mirrors)
      .help("as mirrors, and a commit is acknowledged only once they have it");
  table.text("replica.on_sync_failure", &on_sync_failure)
      .help("while a sync mirror cannot be written: degrade = go on and report it; block = wait")
      .one_of({"degrade", "block"});
  table.text("replica.encryption", &encryption)
      .help("age: to the recipients; none: mirrors are readable to whoever reads their files")
      .one_of({"age", "none"});
  table.list("replica.recipients", &recipients).help("age public keys that open the replica");
  table.text("replica.identity_file", &identity_file)
      .help("age key that restore uses without --identity; empty = none lies on this machine");
  table.size("replica.spool_max", &spool_max)
      .help("what may wait here for a mirror that is away; beyond it a new copy is made for it")
      .range("1MiB", "1TiB");
  table.duration("replica.base_every", &base_every)
      .help("a new copy of the database after so long")
      .range("1m", "720h");
  table.duration("replica.keep", &keep)
      .help("what ended longer ago is removed from the mirrors; the last two epochs stay")
      .range("1h", "87600h");
  table.check([this] { return check(*this); });
}

Options Config::options() const {
  Options options;
  for (const std::string& directory : sync_mirrors) {
    options.mirrors.push_back({.directory = directory, .sync = true});
  }
  for (const std::string& directory : mirrors) {
    options.mirrors.push_back({.directory = directory});
  }
  auto parsed = parse_all(recipients);
  MC_ASSERT(parsed.has_value(), "checked when the configuration was read");
  options.recipients = *std::move(parsed);
  options.on_sync_failure =
      on_sync_failure == "block" ? OnSyncFailure::kBlock : OnSyncFailure::kDegrade;
  options.spool_max = spool_max;
  options.base_every = base_every;
  options.keep = keep;
  return options;
}

std::vector<std::string> Config::directories() const {
  std::vector<std::string> all = sync_mirrors;
  all.insert(all.end(), mirrors.begin(), mirrors.end());
  return all;
}

}  // namespace dsl::replica
