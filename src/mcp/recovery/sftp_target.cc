// A target on another machine, through the sftp program: its keys, agents and jumps are those that
// the operator knows.
#include <charconv>

#include "mcp/recovery/targets.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::hours kTransferMax{24};
constexpr std::size_t kListingFields = 9;  // mode links owner group size month day time name

class SftpTarget final : public Target {
 public:
  SftpTarget(dsl::env::Env& env, std::string url, SftpPlace place, SshOptions ssh)
      : env_(env), url_(std::move(url)), place_(std::move(place)), ssh_(std::move(ssh)) {}

  const std::string& url() const override { return url_; }

  Result<std::vector<StoredObject>> list() override {
    MC_ASSIGN(const std::string out, batch("ls -ln " + remote("") + "\n"));
    std::vector<StoredObject> objects;
    std::string_view rest = out;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (auto object = parse_line(rest.substr(0, end))) {
        objects.push_back(std::move(*object));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return objects;
  }

  // Sent with fsync, then fetched again and compared: sftp tells no checksum.
  Result<void> put(const std::string& name, const std::string& local,
                   const dsl::archive::MinisignHash& blake2b) override {
    const std::string partial = remote("/" + name + ".partial");
    MC_TRY(batch(text("-rm {}\nput -f {} {}\n", partial, quoted(local), partial)));
    const std::string check = local + ".check";
    (void)env_.files().remove(check);
    MC_TRY(batch(text("get {} {}\n", partial, quoted(check))));
    const Result<dsl::archive::MinisignHash> stored = hash_of_file(env_, check);
    (void)env_.files().remove(check);
    if (!stored || *stored != blake2b) {
      (void)batch(text("rm {}\n", partial));
      return fail(Code::kDataLoss, "{} holds other bytes than were sent as {}", url_, name)
          .hint("check that machine's disk; nothing was stored");
    }
    MC_TRY(batch(text("rename {} {}\n", partial, remote("/" + name))));
    return {};
  }

  Result<std::string> fetch(const std::string& name, const std::string& scratch) override {
    std::string local = scratch + "/" + name;
    (void)env_.files().remove(local);
    MC_TRY(batch(text("get {} {}\n", remote("/" + name), quoted(local))));
    return local;
  }

  Result<void> remove(const std::string& name) override {
    MC_TRY(batch(text("-rm {}\n", remote("/" + name))));
    return {};
  }

 private:
  static std::string quoted(const std::string& path) {
    std::string out = "\"";
    for (const char c : path) {
      if (c == '"' || c == '\\') {
        out += '\\';
      }
      out += c;
    }
    return out + '"';
  }
  std::string remote(const std::string& below) const { return quoted(place_.directory + below); }

  // "-rw-------    1 1000     1000         4096 Nov 26 02:00 /srv/backup/name"
  static std::optional<StoredObject> parse_line(std::string_view line) {
    std::vector<std::string_view> fields;
    while (fields.size() < kListingFields && !line.empty()) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      const std::size_t end =
          fields.size() + 1 == kListingFields ? line.size() : std::min(line.find(' '), line.size());
      fields.push_back(line.substr(0, end));
      line.remove_prefix(end);
    }
    if (fields.size() < kListingFields || fields[0].empty() || fields[0].front() != '-') {
      return std::nullopt;
    }
    StoredObject object;
    const std::string_view size = fields[4];
    if (std::from_chars(size.data(), size.data() + size.size(), object.size_bytes).ec !=
        std::errc()) {
      return std::nullopt;
    }
    const std::string_view path = fields[kListingFields - 1];
    object.name = path.substr(path.rfind('/') + 1);
    return object;
  }

  Result<std::string> batch(const std::string& commands) {
    dsl::env::Command command;
    command.argv = {"sftp",
                    "-b",
                    "-",
                    "-P",
                    std::to_string(place_.port),
                    "-oBatchMode=yes",
                    "-oStrictHostKeyChecking=yes",
                    "-oConnectTimeout=20"};
    if (!ssh_.identity_file.empty()) {
      command.argv.push_back("-oIdentityFile=" + ssh_.identity_file);
      command.argv.emplace_back("-oIdentitiesOnly=yes");
    }
    if (!ssh_.known_hosts.empty()) {
      command.argv.push_back("-oUserKnownHostsFile=" + ssh_.known_hosts);
    }
    command.argv.push_back(place_.user_and_host);
    command.input = commands;
    MC_ASSIGN(const dsl::env::Output output, env_.processes().run(command, kTransferMax));
    if (output.exit_code != 0) {
      return refusal(output.err);
    }
    return output.out;
  }

  Result<std::string> refusal(std::string said) const {
    while (!said.empty() && said.back() == '\n') {
      said.pop_back();
    }
    auto failure = fail(said.find("No space left") != std::string::npos ? Code::kNoSpace
                        : said.find("not found") != std::string::npos   ? Code::kNotFound
                                                                        : Code::kUnavailable,
                        "{}: {}", url_, said);
    return said.find("Host key verification failed") != std::string::npos
               ? std::move(failure).hint(
                     text("compare its key with what that machine's console shows, then: "
                          "ssh-keyscan -p {} HOST >> {}",
                          place_.port,
                          ssh_.known_hosts.empty() ? "~/.ssh/known_hosts" : ssh_.known_hosts))
               : std::move(failure).hint(
                     text("try by hand: sftp -P {} {}", place_.port, place_.user_and_host));
  }

  dsl::env::Env& env_;
  const std::string url_;
  const SftpPlace place_;
  const SshOptions ssh_;
};

}  // namespace

std::unique_ptr<Target> sftp_target(dsl::env::Env& env, std::string url, SftpPlace place,
                                    SshOptions ssh) {
  return std::make_unique<SftpTarget>(env, std::move(url), std::move(place), std::move(ssh));
}

}  // namespace mcp::recovery
