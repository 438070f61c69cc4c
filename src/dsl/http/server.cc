#include "dsl/http/server.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "dsl/http/io_thread.h"
#include "dsl/http/message.h"
#include "dsl/net/listen.h"

namespace dsl::http {

namespace {

class HttpServer final : public Server {
 public:
  HttpServer(env::Env& env, Router router, ServerOptions options)
      : dispatcher_(env, std::move(router), std::move(options)),
        limits_(dispatcher_.limits().connections_max,
                dispatcher_.limits().connections_per_peer_max),
        limits_of_proxies_(dispatcher_.limits().connections_max,
                           dispatcher_.limits().connections_max) {}
  ~HttpServer() override { stop(std::chrono::milliseconds(0)); }

  Result<void> listen(const std::vector<Listener>& wanted, int io_threads);
  std::vector<std::string> addresses() const override { return addresses_; }
  void stop(std::chrono::milliseconds grace) override;

 private:
  Dispatcher dispatcher_;
  ConnectionCount count_;
  net::ConnectionLimits limits_;
  net::ConnectionLimits limits_of_proxies_;
  struct OwnSocket {
    env::UniqueFd fd;
    bool shared = false;  // systemd keeps it, and its queue, for who comes after us
  };
  std::vector<OwnSocket> sockets_;
  std::vector<std::string> addresses_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::mutex stop_mutex_;
  bool stopped_ = false;  // guarded by stop_mutex_
};

// `given`: the descriptor that was handed over, if one was.
Result<env::UniqueFd> open_socket(const Listener& listener, env::UniqueFd given) {
  env::UniqueFd fd;
  if (given) {
    MC_ASSIGN(fd, net::adopt_listener(given.release()));
  } else {
    MC_ASSIGN(const env::SocketAddress address, env::parse_socket_address(listener.address));
    MC_ASSIGN(fd, net::listen_on(address));
  }
  if (!listener.tls && !env::is_loopback(env::local_address(fd.get()))) {
    return fail(Code::kInvalidArgument, "{} would be served without TLS",
                env::to_text(env::local_address(fd.get())))
        .hint("give it a certificate, or listen on 127.0.0.1 or [::1]");
  }
  return fd;
}

Result<void> HttpServer::listen(const std::vector<Listener>& wanted, int io_threads) {
  std::vector<env::UniqueFd> given;  // owned from here on, whatever comes of them
  given.reserve(wanted.size());
  for (const Listener& listener : wanted) {
    given.emplace_back(listener.fd);
  }
  std::vector<OpenListener> listeners;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Listener& listener = wanted[i];
    MC_ASSIGN(env::UniqueFd fd, open_socket(listener, std::move(given[i])));
    addresses_.push_back(env::to_text(env::local_address(fd.get())));
    listeners.push_back({fd.get(), listener.tls, listener.proxy_header});
    sockets_.push_back({std::move(fd), listener.fd >= 0});
  }
  const IoThread::Parts parts{dispatcher_, count_, limits_, limits_of_proxies_};
  for (int i = 0; i < std::max(1, io_threads); ++i) {
    MC_ASSIGN(auto thread, IoThread::open(parts, listeners));
    threads_.push_back(std::move(thread));
  }
  for (const auto& thread : threads_) {
    thread->start();
  }
  return {};
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  const std::lock_guard lock(stop_mutex_);
  if (std::exchange(stopped_, true)) {
    return;
  }
  for (const OwnSocket& socket : sockets_) {
    if (!socket.shared) {
      net::refuse_new(socket.fd.get());
    }
  }
  for (const auto& thread : threads_) {
    thread->drain();
  }
  sockets_.clear();
  (void)count_.wait_for_none(grace);  // who is not done by now is cut
  for (const auto& thread : threads_) {
    thread->cut();
  }
  dispatcher_.stop();
  for (const auto& thread : threads_) {
    thread->join();
  }
}

// Descriptors that were handed over are owned from the call on, whatever comes of it.
void close_given(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    (void)env::UniqueFd(listener.fd);
  }
}

Result<void> check_options(const Router& router, const ServerOptions& options) {
  MC_TRY(router.check());
  const bool guarded =
      std::any_of(router.routes().begin(), router.routes().end(),
                  [](const Route& route) { return route.access != Access::kPublic; });
  if (guarded && !options.authorize) {
    return fail(Code::kInvalidArgument, "there are routes that are not public and no authorize");
  }
  if (options.listeners.empty()) {
    return fail(Code::kInvalidArgument, "the server has no listener");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(env::Env& env, Router router, ServerOptions options) {
  if (auto checked = check_options(router, options); !checked) {
    close_given(options.listeners);
    return tl::unexpected(std::move(checked).error());
  }
  net::ignore_sigpipe();
  const std::vector<Listener> listeners = std::move(options.listeners);
  const int io_threads = options.io_threads;
  auto server = std::make_unique<HttpServer>(env, std::move(router), std::move(options));
  MC_TRY(server->listen(listeners, io_threads));
  return server;
}

std::string Exchange::header(std::string_view name) const {
  for (const auto& [key, value] : headers()) {
    if (same_name(key, name)) {
      return value;
    }
  }
  return "";
}

Result<std::string> Exchange::read_all() {
  std::string body;
  std::array<char, 16u << 10> piece;
  while (true) {
    MC_ASSIGN(const std::size_t count, read(piece));
    if (count == 0) {
      return body;
    }
    body.append(piece.data(), count);
  }
}

}  // namespace dsl::http
