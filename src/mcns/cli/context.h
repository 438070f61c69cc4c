// What every client command has at hand: the switches, the service, and where to write.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcns/cli/client.h"

namespace mcns::cli {

// One for the life of the process; confined to its main thread.
class Context {
 public:
  // `given` are filled by the parser, as are the flags below.
  Context(dsl::env::Env& environment, dsl::cli::Globals& given)
      : env(environment), globals(given) {}

  dsl::env::Env& env;
  dsl::cli::Globals& globals;
  RouteFlags route;

  // Opened at the first call.
  Result<Client*> client();
  // Whether commands go to the service of this machine.
  bool is_local();

  bool json() const { return globals.output == dsl::cli::Output::kJson; }
  std::int64_t now_ms() const { return env.clock().now().time_since_epoch().count(); }
  // A new id for a change, so that it can be asked for again.
  std::string request_id() const { return env.random().hex(16); }

  // To stdout: results.
  void print(std::string_view text) const;
  // And flushed: a line of something that goes on.
  void print_now(std::string_view text) const;
  // As JSON with the names of the proto: a document of several lines, or one line of a stream.
  void print_json(const google::protobuf::Message& message) const;
  void print_json_line(const google::protobuf::Message& message) const;
  // To stderr, on a line of its own: what goes beside the result. Nothing with --quiet.
  void note(std::string_view line) const;
  // As `note`, and also with --quiet.
  void complain(std::string_view line) const;

 private:
  std::unique_ptr<Client> client_;
};

// Calls, and prints the answer as JSON or as `page` makes it; `nothing` in place of an empty one.
template <class Reply, class Page>
Result<int> show(Context& context, const std::string& method,
                 const google::protobuf::Message& request, std::string_view nothing, Page page) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const Reply reply, client->call<Reply>(method, request));
  if (context.json()) {
    context.print_json(reply);
  } else if (const std::string shown = page(reply); !shown.empty()) {
    context.print(shown);
  } else {
    context.note(nothing);
  }
  return dsl::kExitOk;
}

}  // namespace mcns::cli
