// mcp image: ls, save, load
#include "mcp/cli/commands.h"
#include "mcp/cli/image_text.h"
#include "mcp/cli/interrupts.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

struct SaveOptions {
  std::vector<std::string> references;
  std::vector<std::string> tiers;
  bool all = false;
};

Result<int> list(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::ListImagesReply reply,
            client->call<pb::ListImagesReply>("ListImages", pb::ListImagesRequest()));
  if (context.json()) {
    context.print_json(reply);
  } else if (reply.images_size() == 0) {
    context.note("no service is registered, and there is no image archive");
  } else {
    context.print(images_table(context.globals, reply));
  }
  return dsl::kExitOk;
}

// What the agent says of each image, as it comes: a line, or a JSON line.
class Report {
 public:
  explicit Report(Context& context) : context_(context), progress_(context.globals) {}

  // kCancelled when the user has had enough.
  Result<void> run(const std::string& method, const google::protobuf::Message& request) {
    MC_ASSIGN(Client * client, context_.client());
    const Interrupts interrupts;
    const Result<void> streamed = client->stream<pb::ImageEvent>(
        method, request,
        [&](const pb::ImageEvent& event) -> Result<void> {
          if (event.has_progress()) {
            const auto& step = event.progress();
            progress_.step(step.step(), step.total(), step.component(), step.message());
          } else if (event.has_image()) {
            show(event.image());
          }
          return {};
        },
        [&] { return interrupts.count() > 0; });
    progress_.done();
    if (!streamed && interrupts.count() > 0) {
      return fail(Code::kCancelled, "interrupted; the image at hand was not touched");
    }
    return streamed;
  }

  int good() const { return good_; }
  // 0 when all went well, 7 when some did, else that of the first failure.
  int exit_code() const {
    if (failed_ == 0) {
      return dsl::kExitOk;
    }
    return good_ > 0 ? static_cast<int>(dsl::kExitPartial) : first_exit_code_;
  }

 private:
  void show(const pb::ImageResult& image) {
    progress_.done();
    const bool failed = image.action() == "failed";
    (failed ? failed_ : good_) += 1;
    if (failed && failed_ == 1) {
      first_exit_code_ = image.exit_code() == 0 ? 1 : image.exit_code();
    }
    if (context_.json()) {
      context_.print_json_line(image);
    } else if (failed) {
      dsl::Error error(Code::kInternal, image.error());
      error.set_id(image.error_id());
      error.set_hint(image.hint());
      context_.complain(error.render());
    } else {
      context_.print_now(image_line(context_.globals, image) + "\n");
    }
  }

  Context& context_;
  dsl::cli::Progress progress_;
  int good_ = 0;
  int failed_ = 0;
  int first_exit_code_ = 0;
};

Result<int> save(Context& context, const SaveOptions& options) {
  pb::SaveImageRequest request;
  request.mutable_references()->Assign(options.references.begin(), options.references.end());
  request.mutable_tiers()->Assign(options.tiers.begin(), options.tiers.end());
  request.set_all(options.all);
  request.mutable_change()->set_source("cli");
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_dry_run(context.globals.dry_run);
  Report report(context);
  MC_TRY(report.run("SaveImage", request));
  if (report.good() == 0 && report.exit_code() == dsl::kExitOk) {
    context.note("no registered service uses an image of that kind");
  }
  return report.exit_code();
}

Result<int> load(Context& context, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (!file.starts_with('/')) {
      return fail(Code::kInvalidArgument, "{} is not an absolute path", file)
          .hint("the agent reads the file, so name it by its path on the node");
    }
  }
  Report report(context);
  std::size_t done = 0;
  for (const std::string& file : files) {
    pb::LoadImageRequest request;
    request.set_path(file);
    request.mutable_change()->set_source("cli");
    request.mutable_change()->set_request_id(context.request_id());
    request.mutable_change()->set_dry_run(context.globals.dry_run);
    const Result<void> loaded = report.run("LoadImage", request);
    if (!loaded && done == 0) {
      return tl::unexpected(loaded.error());
    }
    if (!loaded) {
      context.complain(loaded.error().render());
      for (std::size_t rest = done + 1; rest < files.size(); ++rest) {
        context.complain(text("{} was not tried", files[rest]));
      }
      return static_cast<int>(dsl::kExitPartial);
    }
    ++done;
  }
  return report.exit_code();
}

Command ls_command(Context& context) {
  Command command;
  command.name = "ls";
  command.summary = "List the images of the services, and the archives of the node";
  command.description =
      "STORE says whether podman has the image, ARCHIVE which file brings it back when podman has "
      "lost it. Behind the path: `differs` holds another image of that name, `only` is all that is "
      "left of it, `misnamed` is not found by `mcp agent recover` under that file name, "
      "`unreadable` is damaged or of another form. An archive that no service uses has no `USED "
      "BY`; nothing removes it but you.";
  command.examples = {"mcp image ls", "mcp image ls --output wide   with digests and ids"};
  command.run = [&context] { return list(context); };
  return command;
}

Command save_command(Context& context) {
  const auto options = std::make_shared<SaveOptions>();
  Command command;
  command.name = "save";
  command.summary = "Write images as archives on the node, so that it needs no registry";
  command.description =
      "The agent writes each image below the first of its agent.image_dirs, where boot and `mcp "
      "agent recover` look when podman's store has lost it. An archive that holds the image "
      "already is left alone; another one is replaced at once or not at all. Services of the tiers "
      "in agent.auto_save_tiers (foundation and core) are saved after each deploy without being "
      "asked for.";
  command.examples = {
      "mcp image save --all                 of every registered service",
      "mcp image save --tier foundation     of the services of one tier",
      "mcp image save mcr.example:8443/mcns:v1.2.0",
      "mcp image save --all --dry-run       what would be written",
  };
  command.options = {
      {.name = "REFERENCE",
       .target = &options->references,
       .help = "An image in podman's store of the node, used or not",
       .complete = "image"},
      {.name = "--all", .target = &options->all, .help = "The images of every registered service"},
      {.name = "--tier",
       .target = &options->tiers,
       .help = "The images of the services of this tier; may be repeated",
       .value_name = "TIER"},
  };
  command.run = [&context, options] { return save(context, *options); };
  return command;
}

Command load_command(Context& context) {
  const auto files = std::make_shared<std::vector<std::string>>();
  Command command;
  command.name = "load";
  command.summary = "Load image archives that lie on the node into its store";
  command.description =
      "FILE is a path on the node, and the agent's user must be able to read it: what `podman "
      "save`, `docker save` or `mcp image save` wrote, also packed as .zst or .gz. A boot that "
      "waits for the image goes on by itself.\n"
      "\n"
      "For a file on this machine: `ssh mcp@NODE podman load < FILE`.";
  command.examples = {"mcp image load /srv/mcp/images/mcns_v1.2.0.tar",
                      "mcp --node rift image load /media/usb/platform.tar"};
  command.options = {{.name = "FILE",
                      .target = files.get(),
                      .help = "Absolute path on the node",
                      .required = true}};
  command.run = [&context, files] { return load(context, *files); };
  return command;
}

}  // namespace

Command image_command(Context& context) {
  Command command;
  command.name = "image";
  command.summary = "Keep images on the node, so that it comes back without a registry";
  command.commands = {ls_command(context), save_command(context), load_command(context)};
  return command;
}

}  // namespace mcp::cli
