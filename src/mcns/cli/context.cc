#include "mcns/cli/context.h"

#include <cstdio>

#include <google/protobuf/util/json_util.h>

namespace mcns::cli {

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

Result<Client*> Context::client() {
  if (!client_) {
    MC_ASSIGN(client_, Client::open(env, route, globals.timeout));
  }
  return client_.get();
}

bool Context::is_local() { return is_local_route(env, route); }

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

}  // namespace mcns::cli
