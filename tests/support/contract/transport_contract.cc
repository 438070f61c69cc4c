#include "support/contract/transport_contract.h"

#include <algorithm>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>

#include "dsl/http/server.h"
#include "dsl/rpc/client.h"
#include "dsl/rpc/server.h"
#include "dsl/transcode/json_message.h"
#include "dsl/transcode/transcode.h"
#include "support/contract/rest_request.h"
#include "support/proto/random_message.h"
#include "support/result_matchers.h"

namespace dsl::test {

namespace {

using google::protobuf::Empty;
using google::protobuf::Message;
using transcode::Binding;
using transcode::JsonValue;

constexpr std::chrono::milliseconds kPatience{20000};
constexpr char kEnough[] = "enough was read";

// What a call came to, as text that two transports can be compared by.
struct Outcome {
  std::vector<std::string> messages;
  std::string error;
};

std::string print(const Message& message) {
  std::string out;
  require_ok(transcode::append_message(message, out));
  return out;
}

std::string describe(std::string_view code, std::string_view message, std::string_view id,
                     std::string_view hint, const std::vector<Detail>& details) {
  std::string out = text("{}: {} [{}] ({})", code, message, id, hint);
  for (const Detail& detail : details) {
    out += text(" {}={}", detail.where, detail.message);
  }
  return out;
}

const std::string& text_of(const JsonValue& object, std::string_view name) {
  static const std::string none;
  for (const JsonValue::Member& member : object.members) {
    if (member.name == name) {
      return member.value.text;
    }
  }
  return none;
}

std::string describe(const JsonValue& error) {
  std::vector<Detail> details;
  for (const JsonValue::Member& member : error.members) {
    for (const JsonValue::Member& detail : member.value.members) {
      details.push_back({text_of(detail.value, "where"), text_of(detail.value, "message")});
    }
  }
  return describe(text_of(error, "code"), text_of(error, "error"), text_of(error, "id"),
                  text_of(error, "hint"), details);
}

std::unique_ptr<http::Server> serve_rest(const std::shared_ptr<rpc::Api>& api) {
  http::Router router;
  require_ok(transcode::add_routes(router, api));
  http::ServerOptions options;
  options.listeners = {{.address = "127.0.0.1:0"}};
  options.error_reply = transcode::http_error_reply;
  return require_ok(http::Server::start(env::system_env(), std::move(router), options));
}

http::Connection connect(const http::Server& server) {
  const std::string address = server.addresses().front();
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  return http::Connection({.address = "127.0.0.1", .port = port});
}

class Comparison {
 public:
  Comparison(const std::shared_ptr<rpc::Api>& api, const ContractOptions& options)
      : api_(api), options_(options) {
    env::Env& env = env::system_env();
    grpc_server_ = require_ok(rpc::Server::start(env, api, {.tcp = {"127.0.0.1:0"}}));
    http_server_ = serve_rest(api);
    channel_ = rpc::Channel::open(grpc_server_->tcp_addresses().front());
  }

  ContractReport run();

 private:
  void compare(const Binding& binding, int n);
  Outcome over_grpc(const Binding& binding, const Message& request);
  Outcome over_rest(const Binding& binding, const Message& request);
  std::string blurred(Message& message) const {
    if (options_.blur) {
      options_.blur(message);
    }
    return print(message);
  }
  // A message of a REST reply, or the error that ends a stream.
  void take(const Binding& binding, const std::string& json, Outcome& outcome) const;
  std::size_t leave_after(const Binding& binding) const {
    const auto found = options_.leave_after.find(binding.method->full_name());
    return found == options_.leave_after.end() ? SIZE_MAX : static_cast<std::size_t>(found->second);
  }

  const std::shared_ptr<rpc::Api> api_;
  const ContractOptions& options_;
  std::unique_ptr<rpc::Server> grpc_server_;
  std::unique_ptr<http::Server> http_server_;
  std::unique_ptr<rpc::Channel> channel_;
  ContractReport report_;
};

ContractReport Comparison::run() {
  for (const auto& [name, method] : api_->table().methods()) {
    const auto* declared =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
    for (int i = 0; i < declared->service()->method_count(); ++i) {
      if (!declared->file()->package().starts_with("grpc.")) {
        report_.declared.insert(declared->service()->method(i)->full_name());
      }
    }
  }
  for (const Binding& binding : require_ok(transcode::make_bindings(api_->table()))) {
    for (int n = 0; n < options_.requests_per_form; ++n) {
      compare(binding, n);
    }
    report_.covered.insert(binding.method->full_name());
  }
  return report_;
}

void Comparison::compare(const Binding& binding, int n) {
  const rpc::Method& method = api_->table().methods().at(binding.method->full_name());
  const std::unique_ptr<Message> request(method.request_prototype->New());
  const std::uint64_t seed = options_.seed + static_cast<std::uint64_t>(n);
  // The first is an empty one: what most mistakes look like.
  if (n > 0) {
    fill_randomly(*request, seed);
  }
  if (options_.shape) {
    options_.shape(binding.method->full_name(), n, *request);
  }
  fit_to_binding(binding, *request);
  SCOPED_TRACE(text("{} {} seed {}: {}", binding.method->full_name(), binding.pattern, seed,
                    print(*request)));

  const Outcome grpc = over_grpc(binding, *request);
  const Outcome rest = over_rest(binding, *request);

  EXPECT_EQ(rest.messages, grpc.messages);
  EXPECT_EQ(rest.error, grpc.error);
  report_.replies += static_cast<int>(grpc.messages.size());
  report_.errors += grpc.error.empty() ? 0 : 1;
}

Outcome Comparison::over_grpc(const Binding& binding, const Message& request) {
  const rpc::Method& method = api_->table().methods().at(binding.method->full_name());
  Outcome outcome;
  rpc::CallOptions call;
  call.timeout = kPatience;
  // An Empty keeps every field that it does not know, so it can carry any reply.
  const auto keep = [&](const Empty& reply) -> Result<void> {
    const std::unique_ptr<Message> message(method.response_prototype->New());
    EXPECT_TRUE(message->ParseFromString(reply.SerializeAsString()));
    outcome.messages.push_back(blurred(*message));
    if (outcome.messages.size() >= leave_after(binding)) {
      return fail(Code::kCancelled, kEnough);
    }
    return {};
  };
  Result<void> done;
  if (method.streaming) {
    done = channel_->stream<Empty>(method.name, request, keep, call);
  } else if (const auto reply = channel_->call<Empty>(method.name, request, call)) {
    done = keep(*reply);
  } else {
    done = tl::unexpected(reply.error());
  }
  if (!done && done.error().message() != kEnough) {
    const Error& error = done.error();
    outcome.error = describe(code_info(error.code()).name, error.message(), error.id(),
                             error.hint(), error.details());
  }
  return outcome;
}

Outcome Comparison::over_rest(const Binding& binding, const Message& request) {
  const http::Request http = rest_request(binding, request);
  http::Connection connection = connect(*http_server_);
  Outcome outcome;
  std::string pending;
  const auto reply = connection.stream(http, kPatience, kPatience, [&](std::string_view piece) {
    pending += piece;
    std::size_t end = 0;
    while ((end = pending.find('\n')) != std::string::npos) {
      take(binding, pending.substr(0, end), outcome);
      pending.erase(0, end + 1);
      if (outcome.messages.size() >= leave_after(binding)) {
        return false;
      }
    }
    return true;
  });
  EXPECT_THAT(reply, ok());
  EXPECT_EQ(pending, "");
  if (reply && reply->status >= 400) {
    const JsonValue error = require_ok(transcode::parse_json(reply->body));
    outcome.error = describe(error);
    EXPECT_EQ(reply->status, code_info(code_from_name(text_of(error, "code"))).http_status);
  }
  return outcome;
}

void Comparison::take(const Binding& binding, const std::string& json, Outcome& outcome) const {
  const JsonValue value = require_ok(transcode::parse_json(json));
  if (binding.method->server_streaming() && !text_of(value, "request_id").empty() &&
      !text_of(value, "code").empty()) {
    outcome.error = describe(value);
    return;
  }
  const std::unique_ptr<Message> message(
      api_->table().methods().at(binding.method->full_name()).response_prototype->New());
  const Result<void> read = transcode::read_message(value, *message);
  EXPECT_THAT(read, ok()) << json;
  outcome.messages.push_back(blurred(*message));
}

}  // namespace

ContractReport transports_agree(const std::shared_ptr<rpc::Api>& api,
                                const ContractOptions& options) {
  return Comparison(api, options).run();
}

int operations_are_served(const std::shared_ptr<rpc::Api>& api, const std::string& openapi) {
  const auto server = serve_rest(api);
  const JsonValue document = require_ok(transcode::parse_json(openapi));
  int asked = 0;
  for (const JsonValue::Member& part : document.members) {
    for (const JsonValue::Member& path : part.value.members) {
      for (const JsonValue::Member& operation : path.value.members) {
        if (part.name != "paths") {
          continue;
        }
        http::Request request{.method = operation.name, .path = path.name};
        for (char& c : request.method) {
          c = static_cast<char>(c - 'a' + 'A');
        }
        std::replace(request.path.begin(), request.path.end(), '{', '_');
        std::replace(request.path.begin(), request.path.end(), '}', '_');
        const int status = require_ok(connect(*server).send(request, kPatience)).status;
        EXPECT_TRUE(status != 404 && status != 405)
            << request.method << " " << path.name << " answers " << status;
        ++asked;
      }
    }
  }
  return asked;
}

}  // namespace dsl::test
