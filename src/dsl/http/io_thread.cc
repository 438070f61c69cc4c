#include "dsl/http/io_thread.h"

#include <future>

#include <pthread.h>

#include "dsl/log/log.h"

namespace dsl::http {

namespace {

const log::Logger logger("http.server");

}  // namespace

void ConnectionCount::add() {
  const std::lock_guard lock(mutex_);
  ++count_;
}

void ConnectionCount::remove() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) {
    none_.notify_all();
  }
}

bool ConnectionCount::wait_for_none(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, time, [this] { return count_ == 0; });
}

IoThread::IoThread(const Parts& parts, std::unique_ptr<net::Loop> loop)
    : parts_(parts), loop_(std::move(loop)) {}

Result<std::unique_ptr<IoThread>> IoThread::open(const Parts& parts,
                                                 const std::vector<OpenListener>& listeners) {
  MC_ASSIGN(auto loop, net::Loop::open());
  std::unique_ptr<IoThread> self(new IoThread(parts, std::move(loop)));
  for (const OpenListener& listener : listeners) {
    net::ConnectionLimits& limits = listener.proxy_header ? parts.limits_of_proxies : parts.limits;
    MC_ASSIGN(auto acceptor,
              net::Acceptor::open(*self->loop_, listener.fd, &limits,
                                  [thread = self.get(), listener](net::Accepted accepted) {
                                    thread->accept(std::move(accepted), listener);
                                  }));
    self->acceptors_.push_back(std::move(acceptor));
  }
  return self;
}

IoThread::~IoThread() { join(); }

void IoThread::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "http-io");
    loop_->run();
  });
}

void IoThread::drain() {
  if (!thread_.joinable()) {
    return;
  }
  const auto closed = std::make_shared<std::promise<void>>();
  loop_->post([this, closed] {
    draining_ = true;
    for (const auto& acceptor : acceptors_) {
      acceptor->close();
    }
    closed->set_value();
    std::vector<std::uint64_t> ids;  // draining one may end it
    for (const auto& [id, connection] : connections_) {
      ids.push_back(id);
    }
    for (const std::uint64_t id : ids) {
      if (ServerConnection* connection = find(id)) {
        connection->drain();
      }
    }
  });
  closed->get_future().wait();
}

void IoThread::cut() {
  loop_->post([this] {
    while (!connections_.empty()) {
      connections_.begin()->second->cut();
    }
  });
}

void IoThread::join() {
  loop_->stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

ServerConnection* IoThread::find(std::uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void IoThread::accept(net::Accepted accepted, const OpenListener& listener) {
  // The certificate of this moment: a renewed one is seen by the next connection.
  const ServerConnection::Kind kind{listener.tls ? listener.tls->current() : nullptr,
                                    listener.proxy_header, draining_};
  const std::uint64_t id = next_id_++;
  auto& connection = connections_[id];
  connection = std::make_unique<ServerConnection>(*this, id, std::move(accepted), kind);
  parts_.count.add();
  if (auto started = connection->start(); !started) {
    logger.failure(log::Level::kWarn, "cannot serve a connection", started.error());
    connection_ended(id);
  }
}

void IoThread::call_changed(std::shared_ptr<Call> call) {
  loop_->post([this, call = std::move(call)] {
    if (ServerConnection* connection = find(call->place().connection)) {
      connection->call_changed(*call);
    }
  });
}

std::string_view IoThread::date() {
  if (loop_->now() >= date_until_) {
    date_ = parts_.dispatcher.date();
    date_until_ = loop_->now() + std::chrono::milliseconds(500);
  }
  return date_;
}

void IoThread::connection_turn(std::uint64_t id) {
  if (ServerConnection* connection = find(id)) {
    connection->take_turn();
  }
}

void IoThread::connection_ended(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found != connections_.end()) {
    loop_->retire(std::move(found->second));
    connections_.erase(found);
    parts_.count.remove();
  }
}

}  // namespace dsl::http
