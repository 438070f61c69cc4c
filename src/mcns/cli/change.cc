#include "mcns/cli/change.h"

#include "mcns/cli/tables.h"

namespace mcns::cli {

void add_file_options(dsl::cli::Command& command, ChangeFlags& flags) {
  command.options.push_back({.name = "--if-serial",
                             .target = &flags.if_serial,
                             .help = "Only while the zone has this serial",
                             .value_name = "SERIAL"});
  command.options.push_back(
      {.name = "--force", .target = &flags.force, .help = "Also when much of the zone would go"});
}

void add_record_options(dsl::cli::Command& command, ChangeFlags& flags) {
  add_file_options(command, flags);
  command.options.push_back({.name = "--strict",
                             .target = &flags.strict,
                             .help = "Refuse what would be a warning otherwise"});
}

Result<void> put_change(const Context& context, const ChangeFlags& flags, v1::Change& change) {
  if (flags.if_serial < 0 || flags.if_serial > UINT32_MAX) {
    return dsl::fail(dsl::Code::kInvalidArgument, "--if-serial {}: not within 1 and {}",
                     flags.if_serial, UINT32_MAX);
  }
  change.set_request_id(context.request_id());
  change.set_if_serial(static_cast<std::uint32_t>(flags.if_serial));
  change.set_dry_run(context.globals.dry_run);
  change.set_force(flags.force);
  change.set_strict(flags.strict);
  return {};
}

void print_outcome(Context& context, const v1::Outcome& outcome) {
  if (context.json()) {
    context.print_json(outcome);
  } else if (!context.globals.quiet) {
    context.print(outcome_text(context.globals, outcome, context.globals.dry_run));
  }
}

}  // namespace mcns::cli
