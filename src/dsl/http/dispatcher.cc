#include "dsl/http/dispatcher.h"

#include <algorithm>
#include <array>
#include <exception>
#include <thread>

#include "dsl/http/date.h"
#include "dsl/http/target_path.h"
#include "dsl/log/log.h"

namespace dsl::http {

namespace {

const log::Logger logger("http.server");

constexpr std::size_t kRequestIdMax = 64;
constexpr std::string_view kRetrySeconds = "1";  // a place in the queue is free long before

std::size_t worker_count(const ServerOptions& options) {
  return options.workers > 0 ? static_cast<std::size_t>(options.workers)
                             : std::max<std::size_t>(4, std::thread::hardware_concurrency());
}

// It goes into logs and answers: short and plain.
bool is_harmless_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Reply plain_reply(const Error& error) {
  Reply reply{code_info(error.code()).http_status,
              {{"content-type", "text/plain; charset=utf-8"}},
              error.message() + "\n"};
  if (!error.hint().empty()) {
    reply.body += "hint: " + error.hint() + "\n";
  }
  return reply;
}

}  // namespace

Dispatcher::Dispatcher(env::Env& env, Router router, ServerOptions options)
    : env_(env),
      router_(std::move(router)),
      options_(std::move(options)),
      id_prefix_(env.random().hex(6)),
      workers_("http-worker",
               {worker_count(options_), static_cast<std::size_t>(options_.queue_max)}),
      streams_("http-stream", {static_cast<std::size_t>(options_.streams_max), 0}) {}

std::string Dispatcher::request_id(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name == "x-request-id" && is_harmless_id(value)) {
      return value;
    }
  }
  return text("{}-{}", id_prefix_, next_id_.fetch_add(1, std::memory_order_relaxed));
}

std::optional<Reply> Dispatcher::admit(Call& call) const {
  auto target = parse_target(call.head().target);
  if (!target) {
    return error_reply(400, target.error(), call.request_id());
  }
  Router::Match match = router_.find(call.method(), target->raw_path);
  call.set_target(std::move(target->path), std::move(target->query));
  if (match.route == nullptr && match.allowed.empty()) {
    return error_reply(404, fail(Code::kNotFound, "there is nothing at {}", call.path()),
                       call.request_id());
  }
  if (match.route == nullptr) {
    Reply reply =
        error_reply(405,
                    fail(Code::kUnimplemented, "{} does not take {}", call.path(), call.method())
                        .hint(text("it takes {}", match.allowed)),
                    call.request_id());
    reply.headers.emplace_back("allow", match.allowed);
    return reply;
  }
  call.set_route(*match.route, std::move(match.params), options_.limits.read_timeout,
                 options_.limits.write_timeout);
  if (call.head().content_length.value_or(0) > match.route->body_max) {
    return error_reply(
        413,
        fail(Code::kTooLarge, "the request's body has {} bytes", *call.head().content_length)
            .hint(text("at most {} are taken here", match.route->body_max)),
        call.request_id());
  }
  return std::nullopt;
}

void Dispatcher::run(const std::shared_ptr<Call>& call, bool own_thread) {
  WorkerPool& pool = own_thread || call->route()->streams ? streams_ : workers_;
  if (pool.submit([this, call] { handle(*call); })) {
    return;
  }
  Reply reply = error_reply(
      503,
      fail(Code::kUnavailable, "all places for requests are taken").hint("try again in a moment"),
      call->request_id());
  reply.headers.emplace_back("retry-after", kRetrySeconds);
  call->reply(std::move(reply));
}

void Dispatcher::handle(Call& call) const {
  if (call.answered()) {
    return;  // the client has gone, or waited too long, while the call was in the queue
  }
  const log::Scope scope({{"request_id", call.request_id()}});
  try {
    if (call.route()->access != Access::kPublic) {
      if (auto allowed = options_.authorize(call.route()->access, call); !allowed) {
        const Error& error = allowed.error();
        call.reply(error_reply(code_info(error.code()).http_status, error, call.request_id()));
        return;
      }
    }
    call.route()->handle(call);
  } catch (const std::exception& thrown) {
    logger.error("a handler threw",
                 {{"method", call.method()}, {"path", call.path()}, {"what", thrown.what()}});
    call.finish_broken();
  }
  if (!call.answered()) {
    const Error error = call.body_error().value_or(fail(Code::kInternal, "internal error"));
    call.reply(error_reply(code_info(error.code()).http_status, error, call.request_id()));
  }
  call.finish();
}

Reply Dispatcher::error_reply(int status, const Error& error, std::string_view request_id) const {
  Reply reply = options_.error_reply ? options_.error_reply(error, request_id) : plain_reply(error);
  reply.status = status;
  return reply;
}

void Dispatcher::done(const Call& call, int status) const {
  if (!options_.on_done) {
    return;
  }
  ServerOptions::Done done;
  done.method = call.method();
  done.pattern = call.route() == nullptr ? std::string_view() : call.route()->pattern;
  done.protocol = call.place().protocol;
  done.status = status;
  done.took = std::chrono::duration_cast<std::chrono::microseconds>(kernel_now() - call.begun());
  options_.on_done(done);
}

std::string Dispatcher::date() const { return format_http_date(env_.clock().now()); }

void Dispatcher::stop() {
  workers_.stop();
  streams_.stop();
}

}  // namespace dsl::http
