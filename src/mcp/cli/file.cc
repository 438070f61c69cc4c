// mcp push, pull, ls
#include "dsl/env/path.h"
#include "mcp/cli/commands.h"
#include "mcp/cli/file_pull.h"
#include "mcp/cli/file_push.h"
#include "mcp/cli/file_text.h"
#include "mcp/cli/target.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::env::FileKind;

namespace {

constexpr std::chrono::milliseconds kProgressPause{500};

struct FileOptions {
  std::string service;
  std::vector<std::string> words;
};

Result<std::string> service_name(const std::string& word) {
  MC_ASSIGN(const Target target, parse_target(word));
  if (!target.component.empty()) {
    return fail(Code::kInvalidArgument, "{}: files are those of a service, not of a component",
                word)
        .hint("name the service alone: " + target.service);
  }
  return target.service;
}

// "12 of 900 MiB", twice a second, and nothing at all of what is quick.
class Meter {
 public:
  Meter(Context& context, int number, int total, std::string subject)
      : context_(context),
        progress_(context.globals),
        number_(number),
        total_(total),
        subject_(std::move(subject)),
        next_(context.env.clock().mono_now() + kProgressPause) {}

  void tell(std::int64_t done, std::int64_t size) {
    const auto now = context_.env.clock().mono_now();
    if (now >= next_) {
      next_ = now + kProgressPause;
      progress_.step(number_, total_, subject_, text("{} of {} MiB", done >> 20, size >> 20));
    }
  }

 private:
  Context& context_;
  dsl::cli::Progress progress_;
  const int number_;
  const int total_;
  const std::string subject_;
  dsl::env::MonoTime next_;
};

// The last of several words is where the others go, unless it is a file here.
bool is_destination(Context& context, const std::string& service, const std::string& word) {
  if (word.ends_with('/') || word.starts_with("/srv/" + service + "/")) {
    return true;
  }
  const Result<dsl::env::FileInfo> info = context.env.files().stat(word);
  return !info || info->kind == FileKind::kDirectory;
}

Result<pb::FileState> push_one(Context& context, const std::string& service,
                               const std::string& source, const std::string& path, int number,
                               int total) {
  Meter meter(context, number, total, source);
  return push_file(
      context, {.source = source,
                .service = service,
                .path = path,
                .progress = [&](std::int64_t sent, std::int64_t size) { meter.tell(sent, size); }});
}

Result<int> push(Context& context, const FileOptions& options) {
  MC_ASSIGN(const std::string service, service_name(options.service));
  std::vector<std::string> sources = options.words;
  std::string path;
  if (sources.size() > 1 && is_destination(context, service, sources.back())) {
    path = sources.back();
    sources.pop_back();
  }
  if (sources.size() > 1 && !path.empty() && !path.ends_with('/')) {
    path += '/';  // several files go into a directory, as with cp
  }
  const int total = static_cast<int>(sources.size());
  for (int number = 1; number <= total; ++number) {
    const std::string& source = sources[static_cast<std::size_t>(number) - 1];
    const Result<pb::FileState> put = push_one(context, service, source, path, number, total);
    if (!put && number == 1) {
      return tl::unexpected(put.error());
    }
    if (!put) {
      context.complain(put.error().render());
      for (int rest = number; rest < total; ++rest) {
        context.complain(text("{} was not tried", sources[static_cast<std::size_t>(rest)]));
      }
      return static_cast<int>(dsl::kExitPartial);
    }
    if (context.json()) {
      context.print_json_line(*put);
    } else {
      context.print_now(text("{} {} to {}/{}: {}\n",
                             context.globals.dry_run
                                 ? "would push"
                                 : paint(context.globals, dsl::cli::Paint::kGood, "pushed"),
                             source, service, put->path(), file_facts(*put)));
    }
  }
  return dsl::kExitOk;
}

Result<std::string> local_path(Context& context, const std::string& path, const std::string& to) {
  if (to == "-") {
    return to;
  }
  const std::string name = dsl::env::name_of(path);
  if (name.empty()) {
    return fail(Code::kInvalidArgument, "{} names a directory, and files are pulled one by one",
                path)
        .hint("name a file: mcp ls SERVICE shows them");
  }
  if (to.empty()) {
    return name;
  }
  const Result<dsl::env::FileInfo> info = context.env.files().stat(to);
  if (info && info->kind == FileKind::kDirectory) {
    return to + (to.ends_with('/') ? "" : "/") + name;
  }
  if (to.ends_with('/')) {
    return fail(Code::kNotFound, "there is no directory {} here", to)
        .hint("make it first: mkdir -p " + to);
  }
  return to;
}

Result<int> pull(Context& context, const FileOptions& options, const std::string& path,
                 const std::string& destination) {
  MC_ASSIGN(const std::string service, service_name(options.service));
  MC_ASSIGN(const std::string to, local_path(context, path, destination));
  if (context.globals.dry_run) {
    context.print(text("would pull {}/{} to {}\n", service, path, to));
    return dsl::kExitOk;
  }
  Meter meter(context, 0, 0, path);
  MC_ASSIGN(const pb::FileState got,
            pull_file(context, {.service = service,
                                .path = path,
                                .to = to,
                                .progress = [&](std::int64_t have, std::int64_t size) {
                                  meter.tell(have, size);
                                }}));
  if (to == "-") {
    return dsl::kExitOk;
  }
  if (context.json()) {
    context.print_json(got);
  } else {
    context.print(text("{} {}/{} to {}: {}\n",
                       paint(context.globals, dsl::cli::Paint::kGood, "pulled"), service,
                       got.path(), to, file_facts(got)));
  }
  return dsl::kExitOk;
}

Result<int> list(Context& context, const FileOptions& options, const std::string& path) {
  MC_ASSIGN(const std::string service, service_name(options.service));
  MC_ASSIGN(Client * client, context.client());
  pb::ListFilesRequest request;
  request.set_service(service);
  request.set_path(path);
  pb::ListFilesReply all;
  MC_TRY(client->stream<pb::ListFilesReply>("ListFiles", request,
                                            [&](const pb::ListFilesReply& part) -> Result<void> {
                                              all.MergeFrom(part);
                                              return {};
                                            }));
  if (context.json()) {
    context.print_json(all);
    return dsl::kExitOk;
  }
  if (all.files_size() == 0) {
    context.note("the directory is empty");
    return dsl::kExitOk;
  }
  context.print(files_table(context.globals, all));
  if (all.cut()) {
    context.note(text("only the first {} are listed", all.files_size()));
  }
  return dsl::kExitOk;
}

dsl::cli::Option service_option(FileOptions& options) {
  return {.name = "SERVICE",
          .target = &options.service,
          .help = "A registered service",
          .required = true,
          .complete = "service"};
}

Command push_command(Context& context) {
  const auto options = std::make_shared<FileOptions>();
  Command command;
  command.name = "push";
  command.summary = "Put files of this machine into a service's directory";
  command.description =
      "The files go below /srv/SERVICE on the node, as with cp: of several words the last is where "
      "they go, unless it is a file here. That is a directory of the service, which must be there, "
      "or for one file also its new name. Without one they go into the service's directory "
      "itself.\n"
      "\n"
      "A file is replaced at once or not at all, when its bytes have arrived as they were read "
      "(SHA-256) and are on the node's disk. It keeps the mode of the source; of a key (*.key, a "
      "*.pem with a private key) only what concerns its owner. It belongs to whom the replaced "
      "file belonged to, else to the owner of its directory. A push that was interrupted goes on "
      "where it was when the same command is run again within a day.";
  command.examples = {
      "mcp push mcr mcr.toml                      to /srv/mcr/mcr.toml",
      "mcp push mcr mcr.toml conf/                into /srv/mcr/conf",
      "mcp push mcr new.toml conf/mcr.toml        under another name",
      "mcp push mcr ca.crt server.crt server.key certs/",
      "mcp push mcr mcr.toml --dry-run            where it would go",
  };
  command.options = {service_option(*options),
                     {.name = "FILE",
                      .target = &options->words,
                      .help = "Files of this machine; the last of several may be the directory "
                              "of the service, or the new name",
                      .required = true,
                      .complete = "file"}};
  command.run = [&context, options] { return push(context, *options); };
  return command;
}

Command pull_command(Context& context) {
  const auto options = std::make_shared<FileOptions>();
  const auto path = std::make_shared<std::string>();
  const auto to = std::make_shared<std::string>();
  Command command;
  command.name = "pull";
  command.summary = "Bring a file of a service's directory to this machine";
  command.description =
      "PATH is below /srv/SERVICE on the node. What is at DEST is replaced once all of the file is "
      "here. It keeps its mode. Of a file that grows meanwhile, what was there at the beginning "
      "comes.";
  command.examples = {
      "mcp pull mcr mcr.toml                 as ./mcr.toml",
      "mcp pull mcr conf/mcr.toml /tmp/",
      "mcp pull mcr mcr.toml - | diff - mcr.toml",
  };
  command.options = {service_option(*options),
                     {.name = "PATH",
                      .target = path.get(),
                      .help = "A file below the service's directory",
                      .required = true},
                     {.name = "DEST",
                      .target = to.get(),
                      .help = "Where to on this machine: a path, a directory, or - for stdout",
                      .complete = "file"}};
  command.run = [&context, options, path, to] { return pull(context, *options, *path, *to); };
  return command;
}

Command ls_command(Context& context) {
  const auto options = std::make_shared<FileOptions>();
  const auto path = std::make_shared<std::string>();
  Command command;
  command.name = "ls";
  command.summary = "List a directory of a service";
  command.description =
      "PATH is below /srv/SERVICE on the node; without it that directory itself is listed. Owners "
      "are as the service's containers see them: 0 is their root, ? is an id of the host that they "
      "cannot see.";
  command.examples = {"mcp ls mcr", "mcp ls mcr conf", "mcp ls mcr conf/mcr.toml --json"};
  command.options = {service_option(*options),
                     {.name = "PATH",
                      .target = path.get(),
                      .help = "A directory or a file below the service's directory"}};
  command.run = [&context, options, path] { return list(context, *options, *path); };
  return command;
}

}  // namespace

std::vector<Command> file_commands(Context& context) {
  return {push_command(context), pull_command(context), ls_command(context)};
}

}  // namespace mcp::cli
