#include "mcp/cli/context.h"

#include <cstdio>

#include <google/protobuf/util/json_util.h>

namespace mcp::cli {

namespace {

std::string to_json(const google::protobuf::Message& message, bool indent) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indent;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  MC_ASSERT(status.ok(), "a message that was parsed or built here can be printed");
  if (!out.ends_with('\n')) {
    out += '\n';
  }
  return out;
}

}  // namespace

Result<Settings> Context::settings() {
  if (!settings_) {
    MC_ASSIGN(settings_, load_settings(env, {.config = globals.config,
                                             .socket = socket_flag,
                                             .services_dir = services_dir_flag}));
  }
  return *settings_;
}

Result<Client*> Context::client() {
  if (!client_) {
    const char* elsewhere = !via_flag.empty()       ? "--via"
                            : !address_flag.empty() ? "--address"
                            : !node_flag.empty()    ? "--node"
                                                    : nullptr;
    if (!socket_flag.empty() && elsewhere != nullptr) {
      return dsl::fail(dsl::Code::kInvalidArgument, "--socket is on this machine; {} is not",
                       elsewhere)
          .hint("give one of them");
    }
    MC_ASSIGN(const Settings found, settings());
    RouteFlags flags{.node = node_flag, .via = via_flag, .address = address_flag};
    if (globals.verbose) {
      flags.tell = [this](std::string_view line) { complain(line); };
    }
    MC_ASSIGN(auto route, open_route(env, found, flags));
    client_ = std::make_unique<Client>(std::move(route), globals.timeout);
  }
  return client_.get();
}

void Context::print(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Context::print_now(std::string_view text) const {
  print(text);
  std::fflush(stdout);
}

void Context::print_json(const google::protobuf::Message& message) const {
  print(to_json(message, true));
}

void Context::print_json_line(const google::protobuf::Message& message) const {
  print_now(to_json(message, false));
}

void Context::note(std::string_view line) const {
  if (!globals.quiet) {
    complain(line);
  }
}

void Context::complain(std::string_view line) const {
  std::fflush(stdout);  // what was said before comes before
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace mcp::cli
