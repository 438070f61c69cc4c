// mcns apply, import, export
#include <algorithm>

#include "dsl/env/path.h"
#include "mcns/cli/change.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"
#include "mcns/cli/zone_text.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::cli::Option;

namespace {

struct Words {
  std::string file;
  std::string zone;
  std::string out;
  bool merge = false;
  bool replace = false;
  bool create = false;
  ChangeFlags change;
};

// Sends the file with the request, or before it in pieces when it does not fit into one.
template <class Request>
Result<void> put_text(Client& client, const ZoneText& file, Request& request) {
  request.set_zone(file.zone);
  request.set_file(file.name);
  if (fits_a_request(file.content)) {
    request.set_text(file.content);
    return {};
  }
  MC_ASSIGN(const std::string id, upload(client, file.content));
  request.set_upload(id);
  return {};
}

Result<int> apply(Context& context, const Words& words) {
  MC_ASSIGN(const ZoneText file, read_zone_text(context.env, words.file, words.zone));
  MC_ASSIGN(Client * client, context.client());
  pb::ApplyZoneRequest request;
  MC_TRY(put_text(*client, file, request));
  MC_TRY(put_change(context, words.change, *request.mutable_change()));
  // First what would be done, and only then the question whether to do it.
  request.mutable_change()->set_dry_run(true);
  MC_ASSIGN(const pb::Outcome planned,
            client->call<pb::Outcome>("ZoneService.ApplyZone", request, kZoneTime));
  if (context.globals.dry_run || !planned.changed()) {
    print_outcome(context, planned);
    return dsl::kExitOk;
  }
  if (!context.json() && !context.globals.quiet) {
    context.print(outcome_text(context.globals, planned, true));
  }
  MC_ASSIGN(const bool agreed, dsl::cli::confirm(context.globals, "Apply this?"));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  request.mutable_change()->set_dry_run(false);
  // What was shown is what is done, or nothing.
  if (request.change().if_serial() == 0) {
    request.mutable_change()->set_if_serial(planned.serial());
  }
  MC_ASSIGN(const pb::Outcome done,
            client->call<pb::Outcome>("ZoneService.ApplyZone", request, kZoneTime));
  if (context.json()) {
    context.print_json(done);
  } else {
    context.note(text("{} is at serial {}", done.zone(), done.serial()));
  }
  return dsl::kExitOk;
}

Result<int> import(Context& context, const Words& words) {
  if (words.merge && words.replace) {
    return fail(Code::kInvalidArgument, "--merge keeps what the zone has, --replace does not")
        .hint("give one of them");
  }
  if (!words.merge && !words.replace && !words.create) {
    return fail(Code::kInvalidArgument, "what becomes of the records that the zone has?")
        .hint("--merge keeps them, --replace leaves those of the file only; look with --dry-run");
  }
  MC_ASSIGN(const ZoneText file, read_zone_text(context.env, words.file, words.zone));
  MC_ASSIGN(Client * client, context.client());
  pb::ImportZoneRequest request;
  MC_TRY(put_text(*client, file, request));
  request.set_merge(words.merge);
  request.set_create(words.create);
  MC_TRY(put_change(context, words.change, *request.mutable_change()));
  MC_ASSIGN(const pb::Outcome outcome,
            client->call<pb::Outcome>("ZoneService.ImportZone", request, kZoneTime));
  print_outcome(context, outcome);
  return dsl::kExitOk;
}

Result<int> export_zone(Context& context, const Words& words) {
  MC_ASSIGN(Client * client, context.client());
  pb::ExportZoneRequest request;
  request.set_zone(words.zone);
  std::string content;
  MC_TRY(client->stream<pb::ZonefilePiece>("ZoneService.ExportZone", request,
                                           [&](const pb::ZonefilePiece& piece) -> Result<void> {
                                             content += piece.text();
                                             return {};
                                           }));
  if (words.out.empty()) {
    context.print(content);
    return dsl::kExitOk;
  }
  MC_TRY(context.env.files().write_file(words.out, content));
  context.note(text("{}: {}", words.out, dsl::cli::size_text(content.size())));
  return dsl::kExitOk;
}

Option file_option(Words& words) {
  return {.name = "FILE",
          .target = &words.file,
          .help = "A zone file (RFC 1035); - reads stdin",
          .required = true,
          .complete = "file"};
}

Option zone_flag(Words& words) {
  return {.name = "--zone",
          .target = &words.zone,
          .help = "The zone; otherwise the name of the file's SOA record",
          .value_name = "ZONE",
          .complete = "zone"};
}

}  // namespace

std::vector<Command> zonefile_commands(Context& context) {
  const auto words = std::make_shared<Words>();

  Command apply_command;
  apply_command.name = "apply";
  apply_command.summary = "Make a zone equal to a zone file, after showing what differs";
  apply_command.description =
      "A file without SOA leaves that of the zone as it is. What the zone became between the "
      "question and the answer is never undone: the change is then refused.";
  apply_command.examples = {"mcns apply example.net.zone", "mcns apply hosts.zone --zone lan --yes",
                            "mcns apply example.net.zone --dry-run"};
  apply_command.options = {file_option(*words), zone_flag(*words)};
  add_file_options(apply_command, words->change);
  apply_command.run = [&context, words] { return apply(context, *words); };

  Command import_command;
  import_command.name = "import";
  import_command.summary = "Take the records of a zone file into a zone, all or none";
  import_command.description =
      "The file is read whole before anything is changed; up to 100 mistakes are told with line "
      "and column. $INCLUDE is followed below the file's own folder.";
  import_command.examples = {"mcns import example.net.zone --create",
                             "mcns import example.net.zone --replace --dry-run",
                             "mcns import more.zone --zone example.net --merge"};
  import_command.options = {
      file_option(*words),
      zone_flag(*words),
      {.name = "--merge", .target = &words->merge, .help = "Keep the records that the zone has"},
      {.name = "--replace", .target = &words->replace, .help = "Leave only what the file has"},
      {.name = "--create", .target = &words->create, .help = "Make the zone when there is none"}};
  add_file_options(import_command, words->change);
  import_command.run = [&context, words] { return import(context, *words); };

  Command export_command;
  export_command.name = "export";
  export_command.summary = "Print a zone as a zone file, in canonical order";
  export_command.description = "The same zone gives the same bytes.";
  export_command.examples = {"mcns export example.net > example.net.zone",
                             "mcns export example.net --out example.net.zone"};
  export_command.options = {{.name = "ZONE",
                             .target = &words->zone,
                             .help = "The zone",
                             .required = true,
                             .complete = "zone"},
                            {.name = "--out",
                             .target = &words->out,
                             .help = "Write to this file",
                             .value_name = "FILE",
                             .complete = "file"}};
  export_command.run = [&context, words] { return export_zone(context, *words); };

  return {std::move(apply_command), std::move(import_command), std::move(export_command)};
}

}  // namespace mcns::cli
