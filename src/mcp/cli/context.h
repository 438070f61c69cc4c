// What every command has at hand: the switches, the settings, the agent, and where to write.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/cli/client.h"
#include "mcp/cli/settings.h"

namespace mcp::cli {

// One for the life of the process; confined to its main thread.
class Context {
 public:
  explicit Context(dsl::env::Env& environment) : env(environment) {}

  dsl::env::Env& env;
  dsl::cli::Globals globals;  // filled by the parser, as are the flags below
  std::string socket_flag;
  std::string services_dir_flag;
  std::string node_flag;
  std::string via_flag;
  std::string address_flag;

  // Read at the first call.
  Result<Settings> settings();
  // Opened at the first call, by the way that --via, --node, --address and --socket ask for.
  Result<Client*> client();

  bool json() const { return globals.output == dsl::cli::Output::kJson; }
  std::int64_t now_ms() const { return env.clock().now().time_since_epoch().count(); }
  // A new id for a mutating request.
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
  // As `note`, and also with --quiet: an error that does not end the command.
  void complain(std::string_view line) const;

 private:
  std::optional<Settings> settings_;
  std::unique_ptr<Client> client_;
};

}  // namespace mcp::cli
