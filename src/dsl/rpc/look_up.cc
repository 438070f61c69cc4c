#include "dsl/rpc/look_up.h"

#include <memory>

#include <netdb.h>
#include <signal.h>

#include "dsl/env/socket_address.h"

namespace dsl::rpc {

namespace {

// What the C library holds on to until it calls back.
struct Request {
  std::string host;
  addrinfo hints{};
  gaicb control{};
  LookedUp done;
};

Result<std::vector<std::string>> answer_of(Request& request) {
  const int error = ::gai_error(&request.control);
  if (error != 0) {
    return fail(Code::kUnavailable, "{} is not resolved: {}", request.host, ::gai_strerror(error));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* one = request.control.ar_result; one != nullptr; one = one->ai_next) {
    if (std::string address = env::address_text(*one->ai_addr); !address.empty()) {
      addresses.push_back(std::move(address));
    }
  }
  ::freeaddrinfo(request.control.ar_result);
  return addresses;
}

void resolved(sigval value) {
  const std::unique_ptr<Request> request(static_cast<Request*>(value.sival_ptr));
  request->done(answer_of(*request));
}

}  // namespace

void look_up(const std::string& host, LookedUp done) {
  auto request = std::make_unique<Request>();
  request->host = host;
  request->done = std::move(done);
  request->hints.ai_socktype = SOCK_STREAM;
  request->control.ar_name = request->host.c_str();
  request->control.ar_request = &request->hints;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = resolved;
  event.sigev_value.sival_ptr = request.get();
  gaicb* list[] = {&request->control};
  const int error = ::getaddrinfo_a(GAI_NOWAIT, list, 1, &event);
  if (error != 0) {
    request->done(fail(Code::kUnavailable, "{} is not resolved: {}", host, ::gai_strerror(error)));
    return;
  }
  (void)request.release();  // `resolved` takes it
}

}  // namespace dsl::rpc
