#include "dsl/http/sample_server.h"

#include <stdexcept>

#include "support/result_matchers.h"

namespace dsl::http::test {

namespace {

using dsl::test::require_ok;

constexpr std::chrono::seconds kGiveUp{10};

Reply plain(std::string body) { return {200, {{"content-type", "text/plain"}}, std::move(body)}; }

Route route(std::string method, std::string pattern, Handler handle) {
  Route made;
  made.method = std::move(method);
  made.pattern = std::move(pattern);
  made.access = Access::kPublic;
  made.handle = std::move(handle);
  return made;
}

Route stream(std::string method, std::string pattern, Handler handle) {
  Route made = route(std::move(method), std::move(pattern), std::move(handle));
  made.streams = true;
  made.timeout = std::chrono::milliseconds(0);
  return made;
}

void answer_body(Exchange& exchange) {
  if (auto body = exchange.read_all()) {
    exchange.reply(plain(*std::move(body)));
  }
}

void count_body(Exchange& exchange) {
  std::array<char, 4096> piece;
  std::size_t total = 0;
  while (true) {
    auto count = exchange.read(piece);
    if (!count) {
      return;  // the server answers for it
    }
    if (*count == 0) {
      exchange.reply(plain(std::to_string(total)));
      return;
    }
    total += *count;
  }
}

}  // namespace

void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  opened_.notify_all();
}

bool Gate::wait() {
  std::unique_lock lock(mutex_);
  return opened_.wait_for(lock, kGiveUp, [this] { return open_; });
}

SampleServer::SampleServer(Options options) : tls_(options.tls) {
  env_.use_real_clock();
  Router router;
  router.add(route("GET", "/hello", [](Exchange& e) { e.reply(plain("hello")); }));
  router.add(
      route("GET", "/items/{id}", [](Exchange& e) { e.reply(plain("item " + e.param("id"))); }));
  Route echo = route("POST", "/echo", answer_body);
  echo.body_max = 100000;
  router.add(std::move(echo));
  Route count = stream("POST", "/count", count_body);
  count.body_max = 64u << 20;
  router.add(std::move(count));
  router.add(route("GET", "/big/{bytes}", [](Exchange& e) {
    e.reply(plain(std::string(std::stoul(e.param("bytes")), 'x')));
  }));
  router.add(stream("GET", "/stream/{pieces}", [this](Exchange& e) {
    const std::string piece(10000, 'y');
    Result<void> going = e.begin(200, {{"content-type", "text/plain"}});
    for (unsigned long left = std::stoul(e.param("pieces")); going && left > 0; --left) {
      going = e.write(piece);
      pieces_written += going ? 1 : 0;
    }
    ended.open();
  }));
  router.add(stream("GET", "/sized", [](Exchange& e) {
    (void)e.begin(200, {{"content-length", "6"}});
    (void)e.write("abc");
    (void)e.write("def");
  }));
  router.add(stream("GET", "/short", [](Exchange& e) {
    (void)e.begin(200, {{"content-length", "6"}});
    (void)e.write("abcde");
  }));
  router.add(route("GET", "/wait", [this](Exchange& e) {
    arrived.open();
    if (go.wait()) {
      e.reply(plain(e.cancelled() ? "cancelled" : "waited"));
    }
    ended.open();
  }));
  router.add(stream("GET", "/ticks", [this](Exchange& e) {
    (void)e.begin(200, {{"content-type", "text/plain"}});
    arrived.open();
    while (!e.cancelled() && !e.stopping() && e.write("tick\n")) {
      env_.clock().sleep_for(std::chrono::milliseconds(1));
    }
    (void)e.write("end\n");
    ended.open();
  }));
  Route slow = route("GET", "/slow", [this](Exchange& e) {
    (void)go.wait();
    e.reply(plain("too late"));
  });
  slow.timeout = std::chrono::milliseconds(100);
  router.add(std::move(slow));
  Route secret = route("GET", "/secret", [](Exchange& e) { e.reply(plain("secret")); });
  secret.access = Access::kUser;
  router.add(std::move(secret));
  router.add(route("GET", "/peer", [](Exchange& e) {
    e.reply(plain(e.peer().address + (e.peer().tls ? " tls" : " plain")));
  }));
  router.add(route("GET", "/throw", [](Exchange&) { throw std::runtime_error("a bug"); }));
  router.add(route("GET", "/nothing", [](Exchange&) {}));
  router.add(route("GET", "/split", [](Exchange& e) {
    e.reply({200, {{"x-name", "a\r\nset-cookie: b"}}, ""});
  }));

  ServerOptions server = std::move(options.server);
  if (server.listeners.empty()) {
    server.listeners.push_back({.address = "127.0.0.1:0"});
  }
  server.listeners[0].tls = tls_ ? credentials_.server() : nullptr;
  server.authorize = [](Access, Exchange& e) -> Result<void> {
    if (e.header("Authorization") != "Bearer good") {
      return fail(Code::kUnauthenticated, "no token").hint("log in");
    }
    return {};
  };
  server.on_done = [this](const ServerOptions::Done& done) {
    const std::lock_guard lock(mutex_);
    done_.push_back(text("{} {} {} {}", done.method, done.pattern, done.status, done.protocol));
    more_.notify_all();
  };
  server_ = require_ok(Server::start(env_, std::move(router), std::move(server)));
}

SampleServer::~SampleServer() {
  go.open();
  server_->stop(std::chrono::milliseconds(0));
}

std::string SampleServer::url(const std::string& path) const {
  return (tls_ ? "https://" : "http://") + address() + path;
}

std::string SampleServer::curl(std::vector<std::string> arguments, const std::string& path) const {
  env::Command command;
  command.argv = {"curl", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", ca_file()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.push_back(url(path));
  const env::Output output =
      require_ok(env::system_env().processes().run(command, std::chrono::seconds(30)));
  return output.exit_code == 0 ? output.out
                               : text("curl: {} {}{}", output.exit_code, output.err, output.out);
}

std::vector<std::string> SampleServer::done(std::size_t count) {
  std::unique_lock lock(mutex_);
  (void)more_.wait_for(lock, kGiveUp, [&] { return done_.size() >= count; });
  return done_;
}

}  // namespace dsl::http::test
