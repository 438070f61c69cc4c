// load ADDRESS SECONDS CALLS CONNECTIONS: keeps so many calls in the air, prints calls a second.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "rpc/echo.grpc.pb.h"

namespace {

using bench::rpc::EchoService;
using bench::rpc::Payload;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessageBytes = 100;

struct Call {
  EchoService::Stub* stub = nullptr;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Payload>> reader;
  Payload response;
  grpc::Status status;

  void start(const Payload& request, grpc::CompletionQueue& queue) {
    context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    reader = stub->AsyncEcho(context.get(), request, &queue);
    reader->Finish(&response, &status, this);
  }
};

// Calls completed in `seconds`; ends the program when one fails.
long measure(std::vector<Call>& calls, const Payload& request, grpc::CompletionQueue& queue,
             double seconds) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  long completed = 0;
  std::size_t open = 0;
  for (Call& call : calls) {
    call.start(request, queue);
    ++open;
  }
  void* tag = nullptr;
  bool good = false;
  while (open > 0 && queue.Next(&tag, &good)) {
    auto& call = *static_cast<Call*>(tag);
    if (!call.status.ok() || call.response.data().size() != kMessageBytes) {
      std::fprintf(stderr, "call failed: %s\n", call.status.error_message().c_str());
      std::exit(1);
    }
    --open;
    if (Clock::now() < end) {
      ++completed;
      call.start(request, queue);
      ++open;
    }
  }
  return completed;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: load ADDRESS SECONDS CALLS CONNECTIONS\n");
    return 2;
  }
  const double seconds = std::atof(arguments[2]);
  const int connections = std::atoi(arguments[4]);
  std::vector<std::unique_ptr<EchoService::Stub>> stubs;
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // else all share one connection
    stubs.push_back(EchoService::NewStub(
        grpc::CreateCustomChannel(arguments[1], grpc::InsecureChannelCredentials(), own)));
  }
  std::vector<Call> calls(static_cast<std::size_t>(std::atoi(arguments[3])));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].stub = stubs[i % stubs.size()].get();
  }
  Payload request;
  request.set_data(std::string(kMessageBytes, 'x'));
  grpc::CompletionQueue queue;

  (void)measure(calls, request, queue, 0.5);  // connections, threads and caches
  std::printf("%.1f\n", static_cast<double>(measure(calls, request, queue, seconds)) / seconds);
  return 0;
}
