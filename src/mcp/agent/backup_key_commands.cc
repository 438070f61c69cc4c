#include "mcp/agent/backup_key_commands.h"

#include <cstdio>
#include <optional>

#include <boost/json.hpp>

#include "mcp/agent/backup_units.h"

namespace mcp::agent {

namespace json = boost::json;
namespace cli = dsl::cli;

cli::Command BackupKeyCommands::command() {
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
                   access_.passphrase_file("seal it with the passphrase in this file")},
       .run = [this] { return create(); }},
      {.name = "add",
       .summary = "Names one more who can read the points that are made from now on.",
       .examples = {"mcp-agent backup key add age1... --note safe"},
       .options = {recipient, {.name = "--note", .target = &note_, .help = "whose key it is"}},
       .run = [this] { return add(); }},
      {.name = "remove",
       .summary = "Lets somebody read no further points. Those that are there stay readable.",
       .examples = {"mcp-agent backup key remove age1..."},
       .options = {recipient},
       .run = [this] { return remove(); }},
      {.name = "list",
       .summary = "Shows the recipients and the signing key.",
       .examples = {"mcp-agent backup key list"},
       .run = [this] { return list(); }},
      {.name = "rotate",
       .summary = "Makes a new signing key. Points that are there stay signed by the old one.",
       .examples = {"mcp-agent backup key rotate"},
       .run = [this] { return rotate(); }},
  };
  return key;
}

Result<recovery::KeyStore> BackupKeyCommands::store() const {
  MC_ASSIGN(const Config config, access_.config_inside());
  return recovery::KeyStore(env_, backup_settings(config).directory);
}

Result<int> BackupKeyCommands::create() {
  MC_ASSIGN(recovery::KeyStore keys, store());
  std::optional<dsl::Secret> words;
  if (access_.has_passphrase_file()) {
    MC_ASSIGN(words, access_.passphrase());
  }
  MC_ASSIGN(const auto recipient, recovery::make_identity(env_, out_, words ? &*words : nullptr));
  MC_TRY(keys.add_recipient(recipient, note_));
  MC_TRY(keys.signing_key());
  std::printf(
      "%s opens the points that are made from now on, and nothing else does.\n"
      "Keep it off this machine, in two places, together with %s.\n"
      "recipient: %s\n",
      out_.c_str(), keys.public_file().c_str(), recipient.to_text().c_str());
  return dsl::kExitOk;
}

Result<int> BackupKeyCommands::add() {
  MC_ASSIGN(recovery::KeyStore keys, store());
  MC_ASSIGN(const auto recipient, dsl::archive::AgeRecipient::parse(recipient_));
  MC_TRY(keys.add_recipient(recipient, note_));
  return dsl::kExitOk;
}

Result<int> BackupKeyCommands::remove() {
  MC_ASSIGN(recovery::KeyStore keys, store());
  MC_ASSIGN(const auto recipient, dsl::archive::AgeRecipient::parse(recipient_));
  MC_TRY(keys.remove_recipient(recipient));
  return dsl::kExitOk;
}

Result<int> BackupKeyCommands::list() {
  MC_ASSIGN(const recovery::KeyStore keys, store());
  MC_ASSIGN(const auto recipients, keys.recipients());
  const auto signers = keys.public_keys();
  json::array readers;
  json::array signing;
  std::string page;
  for (const auto& recipient : recipients) {
    readers.emplace_back(recipient.to_text());
    page += dsl::text("recipient  {}\n", recipient.to_text());
  }
  for (const auto& signer : signers.value_or(std::vector<dsl::archive::MinisignPublicKey>{})) {
    page += dsl::text("{}  {}\n", signing.empty() ? "signed by" : "formerly ", signer.id_text());
    signing.emplace_back(signer.id_text());
  }
  if (globals_.output == cli::Output::kJson) {
    page = json::serialize(json::object{{"recipients", readers}, {"signers", signing}}) + "\n";
  }
  std::printf("%s", page.c_str());
  return dsl::kExitOk;
}

Result<int> BackupKeyCommands::rotate() {
  MC_ASSIGN(recovery::KeyStore keys, store());
  MC_TRY(keys.rotate_signing_key());
  std::printf("points are signed by a new key; keep %s beside the identity\n",
              keys.public_file().c_str());
  return dsl::kExitOk;
}

}  // namespace mcp::agent
