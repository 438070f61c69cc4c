// The method table: what a service does, named by its .proto declarations.
//
//   rpc::MethodTable table;
//   table.add<pb::GetNodeRequest, pb::Node>("mcp.v1.AgentService.GetNode", handler);
//   table.add_stream<pb::WatchRequest, pb::Event>("mcp.v1.AgentService.Watch", stream_handler);
#pragma once

#include <functional>
#include <map>
#include <string>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"
#include "dsl/rpc/call.h"

namespace dsl::rpc {

using google::protobuf::Message;

// Sends one message of a server stream; blocks until the transport has taken the previous one.
// kCancelled once the client has gone: the handler should then return.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual Result<void> write(const Message& message) = 0;
};

template <class Response>
class Writer {
 public:
  explicit Writer(MessageSink& sink) : sink_(sink) {}
  Result<void> write(const Response& message) { return sink_.write(message); }

 private:
  MessageSink& sink_;
};

// One row of the table. `handle` gets the parsed request; a unary method writes one message.
struct Method {
  std::string name;  // "package.Service.Method"
  bool streaming = false;
  // The client streams requests, each answered with one message, in order: server reflection only.
  bool conversation = false;
  const Message* request_prototype = nullptr;
  const Message* response_prototype = nullptr;
  std::function<Result<void>(CallContext&, const Message&, MessageSink&)> handle;
};

// Filled before the server starts; then constant. Handlers must be thread-safe.
class MethodTable {
 public:
  template <class Request, class Response, class Handler>
  void add(std::string name, Handler handler) {
    insert({std::move(name), false, false, &Request::default_instance(),
            &Response::default_instance(),
            [handler = std::move(handler)](CallContext& call, const Message& request,
                                           MessageSink& sink) -> Result<void> {
              const Result<Response> response = handler(call, static_cast<const Request&>(request));
              return response ? sink.write(*response) : tl::unexpected(response.error());
            }});
  }
  template <class Request, class Response, class Handler>
  void add_stream(std::string name, Handler handler) {
    insert({std::move(name), true, false, &Request::default_instance(),
            &Response::default_instance(),
            [handler = std::move(handler)](CallContext& call, const Message& request,
                                           MessageSink& sink) -> Result<void> {
              Writer<Response> writer(sink);
              return handler(call, static_cast<const Request&>(request), writer);
            }});
  }
  void insert(Method method);  // a name twice is asserted
  const std::map<std::string, Method>& methods() const { return methods_; }

 private:
  std::map<std::string, Method> methods_;
};

// The contract of a table with the linked descriptors: every name is a declared method with the
// types and the streaming of the table, every method of a service in the table has an access
// option, every check option can be obeyed. All faults are in the details. `Api::create` asks the
// same; a service's unit test asks it without a server.
Result<void> check_descriptors(const MethodTable& table);

}  // namespace dsl::rpc
