#include "mcp/recovery/keys.h"

#include <algorithm>

#include "dsl/archive/age.h"
#include "dsl/env/path.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::archive::AgeIdentity;
using dsl::archive::AgeRecipient;
using dsl::archive::MinisignPublicKey;
using dsl::archive::MinisignSecretKey;

namespace {

constexpr std::uint32_t kPrivate = 0600;
constexpr std::uint32_t kPrivateFolder = 0700;
constexpr std::uint32_t kOthersMay = 0077;
constexpr std::size_t kKeyFileMax = 1u << 20;
constexpr std::string_view kAgeMagic = "age-encryption.org/v1";
constexpr std::string_view kAgeArmor = "-----BEGIN AGE ENCRYPTED FILE-----";

std::string_view as_text(const dsl::Secret& secret) {
  return {reinterpret_cast<const char*>(secret.expose().data()), secret.size()};
}

std::string today(dsl::env::Env& env) {
  return dsl::env::format_time(env.clock().now()).substr(0, 10);
}

}  // namespace

Result<std::vector<AgeRecipient>> KeyStore::recipients() const {
  const Result<std::string> content = env_.files().read_file(recipients_file(), kKeyFileMax);
  if (!content) {
    return fail(Code::kFailedPrecondition, "nobody is named who could read a backup")
        .hint("mcp-agent backup key create --out /media/stick/backup-identity.txt");
  }
  return dsl::archive::parse_recipients(*content);
}

Result<void> KeyStore::add_recipient(const AgeRecipient& recipient, const std::string& note) {
  Result<std::string> content = env_.files().read_file(recipients_file(), kKeyFileMax);
  if (!content && content.error().code() != Code::kNotFound) {
    return tl::unexpected(content.error());
  }
  std::string lines = content.value_or("");
  if (lines.find(recipient.to_text()) != std::string::npos) {
    return fail(Code::kAlreadyExists, "{} can read the backups already", recipient.to_text());
  }
  lines += text("# {}{}\n{}\n", today(env_), note.empty() ? "" : " " + note, recipient.to_text());
  MC_TRY(env_.files().make_directories(directory_, kPrivateFolder));
  return env_.files().write_file(recipients_file(), lines, 0644);
}

Result<void> KeyStore::remove_recipient(const AgeRecipient& recipient) {
  MC_ASSIGN(std::vector<AgeRecipient> all, recipients());
  const auto gone = std::remove(all.begin(), all.end(), recipient);
  if (gone == all.end()) {
    return fail(Code::kNotFound, "{} is none of those who can read the backups",
                recipient.to_text())
        .hint("mcp-agent backup key list shows them");
  }
  all.erase(gone, all.end());
  if (all.empty()) {
    return fail(Code::kFailedPrecondition, "without it nobody could read a backup")
        .hint("add another one first: mcp-agent backup key add age1...");
  }
  std::string lines;
  for (const AgeRecipient& left : all) {
    lines += left.to_text() + "\n";
  }
  return env_.files().write_file(recipients_file(), lines, 0644);
}

Result<MinisignSecretKey> KeyStore::signing_key() {
  MC_ASSIGN(const bool is_there, env_.files().exists(secret_file()));
  if (!is_there) {
    MC_ASSIGN(MinisignSecretKey key, MinisignSecretKey::generate(env_.random()));
    MC_TRY(write_signing_key(key));
    return key;
  }
  MC_ASSIGN(std::string content, env_.files().read_file(secret_file(), kKeyFileMax));
  const dsl::Secret secret = dsl::Secret::from(std::string_view(content));
  dsl::wipe(std::as_writable_bytes(std::span(content)));
  MC_ASSIGN(MinisignSecretKey key,
            dsl::with_context(MinisignSecretKey::parse(secret), secret_file()));
  // After a change of keys that was cut off, the file is of a key that never signed.
  const std::string public_half = key.public_key().to_file();
  if (env_.files().read_file(public_file(), kKeyFileMax).value_or("") != public_half) {
    MC_TRY(env_.files().write_file(public_file(), public_half, 0644));
  }
  return key;
}

// The public half first: a key that has signed is never without it.
Result<void> KeyStore::write_signing_key(const MinisignSecretKey& key) {
  MC_TRY(env_.files().make_directories(directory_, kPrivateFolder));
  MC_TRY(env_.files().write_file(public_file(), key.public_key().to_file(), 0644));
  const dsl::Secret file = key.to_file();
  return env_.files().write_file(secret_file(), as_text(file), kPrivate);
}

Result<std::vector<MinisignPublicKey>> KeyStore::public_keys() const {
  const auto read = [this](const std::string& path) -> Result<MinisignPublicKey> {
    MC_ASSIGN(const std::string content, env_.files().read_file(path, kKeyFileMax));
    return dsl::with_context(MinisignPublicKey::parse(content), path);
  };
  Result<MinisignPublicKey> present = read(public_file());
  if (!present) {
    return fail(Code::kNotFound, "there is no public key of the backups: {}",
                present.error().message())
        .hint("name it with --signer FILE: the backup.pub of the node that made them");
  }
  std::vector<MinisignPublicKey> keys{*present};
  MC_ASSIGN(const std::vector<std::string> names, env_.files().list(directory_));
  for (const std::string& name : names) {
    if (name.starts_with(dsl::env::name_of(public_file()) + ".")) {
      MC_ASSIGN(const MinisignPublicKey former, read(directory_ + "/" + name));
      keys.push_back(former);
    }
  }
  return keys;
}

Result<void> KeyStore::rotate_signing_key() {
  MC_ASSIGN(const std::string old, env_.files().read_file(public_file(), kKeyFileMax));
  MC_TRY(env_.files().write_file(
      text("{}.{}", public_file(), env_.clock().now().time_since_epoch().count()), old, 0644));
  MC_ASSIGN(const MinisignSecretKey key, MinisignSecretKey::generate(env_.random()));
  return write_signing_key(key);
}

Result<AgeRecipient> make_identity(dsl::env::Env& env, const std::string& file,
                                   const dsl::Secret* passphrase) {
  MC_ASSIGN(const bool is_there, env.files().exists(file));
  if (is_there) {
    return fail(Code::kAlreadyExists, "{} is there already", file)
        .hint("name another file: a key that is written over opens no backup any more");
  }
  const AgeIdentity identity = AgeIdentity::generate(env.random());
  const dsl::Secret key = identity.to_text();
  std::string content = text("# opens the backups; made {}\n# public key: {}\n{}\n", today(env),
                             identity.recipient().to_text(), std::string(as_text(key)));
  if (passphrase != nullptr) {
    std::string sealed;
    MC_ASSIGN(auto writer,
              dsl::archive::AgeWriter::begin_with_passphrase(
                  env.random(), *passphrase, dsl::archive::append_to(sealed), {.armor = true}));
    MC_TRY(writer.write(std::as_bytes(std::span(content))));
    MC_TRY(writer.finish());
    dsl::wipe(std::as_writable_bytes(std::span(content)));
    content = std::move(sealed);
  }
  Result<void> written = env.files().write_file(file, content, kPrivate);
  dsl::wipe(std::as_writable_bytes(std::span(content)));
  MC_TRY(std::move(written));
  return identity.recipient();
}

Result<std::vector<AgeIdentity>> read_identities(
    dsl::env::Env& env, const std::string& file,
    const std::function<Result<dsl::Secret>()>& passphrase) {
  MC_ASSIGN(const dsl::env::FileInfo info, env.files().stat(file));
  if ((info.mode & kOthersMay) != 0) {
    return fail(Code::kPermissionDenied, "others can read {}: its mode is not 0600", file)
        .hint("chmod 0600 " + file);
  }
  MC_ASSIGN(std::string content, env.files().read_file(file, kKeyFileMax));
  if (content.starts_with(kAgeMagic) || content.starts_with(kAgeArmor)) {
    MC_ASSIGN(dsl::Secret words, passphrase());
    std::vector<AgeIdentity> opener;
    opener.push_back(AgeIdentity::from_passphrase(std::move(words)));
    MC_ASSIGN(const dsl::Secret opened,
              dsl::with_context(dsl::archive::age_decrypt_secret(content, opener), file));
    return dsl::archive::parse_identities(as_text(opened));
  }
  auto identities = dsl::archive::parse_identities(content);
  dsl::wipe(std::as_writable_bytes(std::span(content)));
  return dsl::with_context(std::move(identities), file);
}

}  // namespace mcp::recovery
