#include "dsl/rpc/echo_service.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "dsl/rpc/echo.pb.h"

namespace dsl::rpc::test {

namespace {

namespace pb = ::dsl::rpc::test;

pb::EchoReply reply_to(const CallContext& call, const std::string& words) {
  pb::EchoReply reply;
  reply.set_text(words);
  reply.set_request_id(call.request_id());
  reply.set_subject(call.caller().subject);
  reply.set_via(call.caller().via);
  return reply;
}

Result<pb::EchoReply> fail_fully(CallContext&, const pb::EchoRequest& request) {
  if (request.text() == "throw") {
    throw std::runtime_error("out of cheese");
  }
  if (request.text() == "many") {
    Error error(Code::kUnprocessable, std::string(5000, 'm'));
    for (int i = 0; i < 1000; ++i) {
      error.add_detail(text("items[{}]", i), "is wrong");
    }
    return fail(std::move(error));
  }
  return fail(Code::kConflict, "the port is taken")
      .id("MCP-0101")
      .detail("components[0].ports[1]", "9443 is mcr's")
      .hint("choose another");
}

}  // namespace

void EchoService::hang(const CallContext& call) {
  std::unique_lock lock(mutex_);
  ++hanging_;
  changed_.notify_all();
  // A handler polls; a test's one does it often.
  while (!call.cancelled()) {
    changed_.wait_for(lock, std::chrono::milliseconds(2));
  }
  --hanging_;
  ++cancelled_;
  changed_.notify_all();
}

bool EchoService::wait_hanging(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return hanging_ == count; });
}

bool EchoService::wait_cancelled(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return cancelled_ == count; });
}

MethodTable EchoService::table() {
  MethodTable table;
  const auto echo = [this](CallContext& call, const pb::EchoRequest& request) {
    ++echoed;
    return Result<pb::EchoReply>(reply_to(call, request.text()));
  };
  for (const char* name : {"Echo", "Public", "System", "Admin", "Policy"}) {
    table.add<pb::EchoRequest, pb::EchoReply>(text("dsl.rpc.test.EchoService.{}", name), echo);
  }
  table.add<pb::CheckedRequest, pb::EchoReply>(
      "dsl.rpc.test.EchoService.Checked", [](CallContext& call, const pb::CheckedRequest& request) {
        return Result<pb::EchoReply>(reply_to(call, request.service()));
      });
  table.add<pb::EchoRequest, pb::EchoReply>("dsl.rpc.test.EchoService.Fail", fail_fully);
  table.add_stream<pb::CountRequest, pb::CountReply>(
      "dsl.rpc.test.EchoService.Count",
      [this](CallContext&, const pb::CountRequest& request,
             Writer<pb::CountReply>& writer) -> Result<void> {
        pb::CountReply reply;
        reply.set_padding(std::string(static_cast<std::size_t>(request.padding_bytes()), 'x'));
        for (int i = 0; i < request.count(); ++i) {
          reply.set_number(i);
          MC_TRY(writer.write(reply));
          counted = i;
        }
        return {};
      });
  table.add<pb::EchoRequest, pb::CountReply>(
      "dsl.rpc.test.EchoService.Counted",
      [this](CallContext&, const pb::EchoRequest&) -> Result<pb::CountReply> {
        pb::CountReply reply;
        reply.set_number(counted);
        const std::lock_guard lock(mutex_);
        reply.set_hanging(hanging_);
        return reply;
      });
  table.add<pb::EchoRequest, pb::EchoReply>(
      "dsl.rpc.test.EchoService.Hang",
      [this](CallContext& call, const pb::EchoRequest&) -> Result<pb::EchoReply> {
        hang(call);
        return fail(Code::kCancelled, "the handler saw it");
      });
  table.add_stream<pb::EchoRequest, pb::EchoReply>(
      "dsl.rpc.test.EchoService.HangStream",
      [this](CallContext& call, const pb::EchoRequest& request,
             Writer<pb::EchoReply>& writer) -> Result<void> {
        MC_TRY(writer.write(reply_to(call, request.text())));
        hang(call);
        return fail(Code::kCancelled, "the handler saw it");
      });
  return table;
}

}  // namespace dsl::rpc::test
