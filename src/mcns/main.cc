// Wires the command line to the service; all else is in the library.
#include "dsl/cli/cli.h"
#include "dsl/service/commands.h"
#include "mcns/mcns_service.h"

int main(int argc, char** argv) {
  mcns::Service service;
  dsl::cli::Globals globals;
  dsl::service::Commands commands("mcns", service, globals);
  const dsl::cli::App app{
      .name = "mcns", .summary = "the mcns service", .commands = commands.list()};
  return dsl::cli::run(app, globals, argc, argv);
}
