// What all commands that change a zone have in common.
#pragma once

#include <chrono>
#include <string>

#include "dsl/cli/cli.h"
#include "mcns/cli/context.h"
#include "mcns/v1/change.pb.h"

namespace mcns::cli {

struct ChangeFlags {
  std::int64_t if_serial = 0;
  bool force = false;
  bool strict = false;
};

// Those that a change of records heeds, and those of a whole zone file.
void add_record_options(dsl::cli::Command& command, ChangeFlags& flags);
void add_file_options(dsl::cli::Command& command, ChangeFlags& flags);
Result<void> put_change(const Context& context, const ChangeFlags& flags, v1::Change& change);
// Prints what a change did, or would do with --dry-run.
void print_outcome(Context& context, const v1::Outcome& outcome);

// Calls a method that answers with an Outcome, and prints it.
template <class Request>
Result<int> change(Context& context, const std::string& method, const ChangeFlags& flags,
                   Request& request) {
  MC_TRY(put_change(context, flags, *request.mutable_change()));
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const v1::Outcome outcome, client->call<v1::Outcome>(method, request));
  print_outcome(context, outcome);
  return dsl::kExitOk;
}

}  // namespace mcns::cli
