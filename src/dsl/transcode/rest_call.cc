#include "dsl/transcode/rest_call.h"

#include "dsl/rpc/active_call.h"
#include "dsl/transcode/error_reply.h"
#include "dsl/transcode/event_pump.h"
#include "dsl/transcode/exchange.h"
#include "dsl/transcode/json_message.h"
#include "dsl/transcode/request.h"
#include "dsl/transcode/transcode.h"

namespace dsl::transcode {

namespace {

using rpc::Message;

const http::Headers kJsonHeaders = {{"content-type", "application/json"},
                                    {"cache-control", "no-store"}};

// Keeps the one message of a unary reply as JSON.
class WholeReply final : public rpc::MessageSink {
 public:
  // `creates`: the method may make something, of which the status is to tell.
  explicit WholeReply(bool creates) : creates_(creates) {}

  Result<void> write(const Message& message) override {
    body_.clear();
    body_.reserve(kUsualSize);
    created_ = creates_ && says_changed(message);
    MC_TRY(append_message(message, body_));
    body_ += '\n';
    return {};
  }
  std::string take() { return std::move(body_); }
  bool created() const { return created_; }

 private:
  static constexpr std::size_t kUsualSize = 512;

  // Unless the reply says that nothing was.
  static bool says_changed(const Message& message) {
    const auto* field = message.GetDescriptor()->FindFieldByName("changed");
    return field == nullptr ||
           field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_BOOL ||
           field->is_repeated() || message.GetReflection()->GetBool(message, field);
  }

  const bool creates_;
  std::string body_;
  bool created_ = false;
};

// A message a line. The head goes out with the first, so that a failure before it has a status.
class Lines final : public rpc::MessageSink {
 public:
  explicit Lines(http::Exchange& exchange) : exchange_(exchange) {}

  Result<void> write(const Message& message) override {
    std::string line;
    MC_TRY(append_message(message, line));
    MC_TRY(begin());
    return exchange_.write(line + "\n");
  }
  Result<void> begin() {
    if (begun_) {
      return {};
    }
    begun_ = true;
    return exchange_.begin(
        200, {{"content-type", "application/x-ndjson"}, {"cache-control", "no-store"}});
  }
  bool begun() const { return begun_; }

 private:
  http::Exchange& exchange_;
  bool begun_ = false;
};

class Events final : public rpc::MessageSink {
 public:
  explicit Events(EventPump& pump) : pump_(pump) {}

  Result<void> write(const Message& message) override {
    std::string event = "data: ";
    MC_TRY(append_message(message, event));
    return pump_.put(event + "\n\n");
  }

 private:
  EventPump& pump_;
};

std::vector<std::string> all_of(const http::Exchange& exchange, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : exchange.headers()) {
    if (key == name) {
      values.push_back(value);
    }
  }
  return values;
}

class RestCall {
 public:
  RestCall(const rpc::Api& api, const Binding& binding, http::Exchange& exchange)
      : api_(api), binding_(binding), exchange_(exchange) {
    parameters_.reserve(binding.parameters.size());
    for (const Binding::Parameter& parameter : binding.parameters) {
      parameters_.push_back(exchange.param(parameter.name));
    }
    for (const Binding::Header& header : binding.headers) {
      headers_.push_back(all_of(exchange, header.name));
    }
  }

  void unary();
  void lines();
  void events(WorkerPool& pool);

 private:
  rpc::CallStart start();
  // Through the chain. `body` comes from the exchange unless it was read already.
  Result<void> run(rpc::CallStart start, const std::function<Result<std::string>()>& body,
                   rpc::MessageSink& sink);
  Result<std::string> body() { return read_body(exchange_); }
  void refuse(const Error& error) { exchange_.reply(http_error_reply(error, request_id())); }
  const std::string& request_id() const { return exchange_.request_id(); }

  const rpc::Api& api_;
  const Binding& binding_;
  http::Exchange& exchange_;
  std::vector<std::string> parameters_;
  std::vector<std::vector<std::string>> headers_;
};

rpc::CallStart RestCall::start() {
  return {.method = std::string(binding_.method->full_name()),
          .request_id = request_id(),
          .peer = peer_of(exchange_),
          .deadline = exchange_.deadline(),
          .cancelled = [this] { return exchange_.cancelled(); }};
}

Result<void> RestCall::run(rpc::CallStart start, const std::function<Result<std::string>()>& body,
                           rpc::MessageSink& sink) {
  rpc::ActiveCall call(api_.env().clock(), std::move(start));
  const rpc::Route* route = api_.find(call.method());
  MC_ASSERT(route != nullptr, "bindings are made from the table");
  api_.accept(call, *route);
  return api_.run(
      call, *route,
      [&](Message& request) -> Result<void> {
        MC_ASSIGN(const std::string text, body());
        return read_request(binding_, {parameters_, headers_, exchange_.raw_query(), text},
                            request);
      },
      sink);
}

void RestCall::unary() {
  WholeReply reply(binding_.created);
  if (const auto done = run(
          start(), [this] { return body(); }, reply);
      !done) {
    refuse(done.error());
    return;
  }
  exchange_.reply(
      {.status = reply.created() ? 201 : 200, .headers = kJsonHeaders, .body = reply.take()});
}

void RestCall::lines() {
  Lines lines(exchange_);
  const auto done = run(
      start(), [this] { return body(); }, lines);
  if (!done && !lines.begun()) {
    refuse(done.error());
    return;
  }
  // A client that has gone learns no more; the server sees it as well.
  if (!done) {
    (void)exchange_.write(error_json(done.error(), request_id()) + "\n");
  } else {
    (void)lines.begin();  // a stream without messages is an empty answer, not none
  }
}

void RestCall::events(WorkerPool& pool) {
  EventPump pump(api_.env().clock(), exchange_);
  rpc::CallStart call = start();
  call.cancelled = [this, &pump] { return exchange_.cancelled() || pump.gone(); };
  // The exchange is this thread's: what the handler's thread needs of it is read before. The body
  // is bounded by the route, whoever sends it.
  Result<std::string> content = body();
  Result<void> done;
  const bool started = pool.submit([&] {
    Events sink(pump);
    done = run(
        std::move(call), [&] { return content; }, sink);
    pump.end();
  });
  if (!started) {
    refuse(fail(Code::kRateLimited, "too many streams at once").hint("try again in a moment"));
    return;
  }
  const bool begun = pump.run();
  if (!done && !begun) {
    refuse(done.error());
    return;
  }
  // As with lines: nobody to tell when the client has gone.
  if (!begun) {
    (void)exchange_.begin(200,
                          {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}});
  }
  if (!done) {
    (void)exchange_.write(
        text("event: error\ndata: {}\n\n", error_json(done.error(), request_id())));
  }
}

}  // namespace

void serve_call(const rpc::Api& api, const Binding& binding, WorkerPool& events,
                http::Exchange& exchange) {
  RestCall call(api, binding, exchange);
  if (!binding.method->server_streaming()) {
    call.unary();
  } else if (wants_events(exchange)) {
    call.events(events);
  } else {
    call.lines();
  }
}

}  // namespace dsl::transcode
