#include "dsl/http/client.h"

#include "dsl/http/deadline_stream.h"
#include "dsl/http/message.h"
#include "dsl/http/response_reader.h"

namespace dsl::http {

namespace {

Deadline after(std::chrono::milliseconds timeout) { return now() + timeout; }

std::string chunk(std::string_view data) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string size;
  for (std::size_t left = data.size(); left > 0; left >>= 4) {
    size.insert(size.begin(), kHex[left & 15]);
  }
  std::string out = size.empty() ? "0" : size;
  out += "\r\n";
  out += data;
  out += "\r\n";
  return out;
}

}  // namespace

struct Connection::Impl {
  using OnData = std::function<bool(std::string_view)>;
  using WriteBody = std::function<Result<void>(DeadlineStream&)>;

  explicit Impl(Target where) : target(std::move(where)) {}

  Result<void> open(const Patience& patience) {
    buffer.bytes.clear();
    stream.reset();
    MC_ASSIGN(stream, DeadlineStream::connect(target, patience, abort));
    return {};
  }

  // Writes one request. When the peer has answered before it read everything, the write fails but
  // the answer says why: so a failed write is forgiven and reading decides.
  Result<void> write(std::string_view head, const WriteBody& body, const Patience& patience) {
    sent = true;
    auto written = stream->write_all(head, patience);
    if (written) {
      written = body(*stream);
    }
    if (!written && (written.error().code() != Code::kUnavailable || refused_by_source)) {
      return written;
    }
    return {};
  }

  // One request and its reply. A kept-alive connection may have been closed by the peer while the
  // request was under way; a GET that saw no byte of a reply is then repeated once on a new one.
  Result<Response> exchange(const Request& request, Framing framing, const WriteBody& body,
                            const Patience& head_patience, const ReadOptions& options,
                            const NextPatience& body_patience, const OnData& on_data) {
    sent = false;
    refused_by_source = false;
    MC_ASSIGN(const std::string head, request_head(request, target, framing));
    bool reused = stream != nullptr && !stream->is_stale();
    while (true) {
      if (!reused) {
        MC_TRY(open(head_patience));
      }
      ReadOutcome outcome;
      auto result = write(head, body, head_patience);
      if (result) {
        result =
            read_response(*stream, buffer, options, head_patience, body_patience, on_data, outcome);
      }
      if (!result || !outcome.keep_alive) {
        stream.reset();
      }
      if (result) {
        return std::move(outcome.response);
      }
      partial = std::move(outcome.response);
      const bool repeat = reused && !outcome.got_any && request.method == "GET" &&
                          result.error().code() == Code::kUnavailable;
      if (!repeat) {
        return fail(std::move(result).error()).context(text("{} {}", request.method, request.path));
      }
      reused = false;
    }
  }

  Target target;
  AbortSignal abort;
  std::unique_ptr<DeadlineStream> stream;
  ReadBuffer buffer;
  Response partial;  // of the last failed exchange, as far as it came
  bool sent = false;
  bool refused_by_source = false;
};

Connection::Connection(Target target) : impl_(std::make_unique<Impl>(std::move(target))) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Result<Response> Connection::send(const Request& request, std::chrono::milliseconds timeout,
                                  std::size_t body_max) {
  Patience patience{after(timeout), {}};
  ReadOptions options;
  options.head_request = request.method == "HEAD";
  options.body_max = body_max;
  const auto write_body = [&](DeadlineStream& stream) {
    return stream.write_all(request.body, patience);
  };

  return impl_->exchange(request, Framing::kLength, write_body, patience, options,
                         [&] { return patience; }, {});
}

Result<Response> Connection::stream(const Request& request, std::chrono::milliseconds timeout,
                                    std::chrono::milliseconds idle,
                                    const std::function<bool(std::string_view)>& on_data,
                                    const std::function<bool()>& keep_waiting) {
  bool stopped = false;
  const auto ask = [&] {
    stopped = stopped || !keep_waiting();
    return !stopped;
  };
  const std::function<bool()> keep = keep_waiting ? std::function<bool()>(ask) : nullptr;
  const Patience head{after(timeout), keep};
  const auto body = [&] {
    return Patience{idle.count() == 0 ? Deadline::max() : after(idle), keep};
  };
  const auto write_body = [&](DeadlineStream& stream) {
    return stream.write_all(request.body, head);
  };

  auto response =
      impl_->exchange(request, Framing::kLength, write_body, head, ReadOptions{}, body, on_data);
  if (!response && stopped && response.error().code() == Code::kCancelled) {
    impl_->partial.body.clear();
    return std::move(impl_->partial);
  }
  return response;
}

Result<Response> Connection::upload(const Request& request, std::chrono::milliseconds timeout,
                                    const std::function<Result<std::string_view>()>& next) {
  Patience patience{after(timeout), {}};
  const auto write_body = [&](DeadlineStream& stream) -> Result<void> {
    while (true) {
      auto piece = next();
      if (!piece) {
        impl_->refused_by_source = true;
        return tl::unexpected(std::move(piece).error());
      }
      MC_TRY(stream.write_all(chunk(*piece), patience));
      if (piece->empty()) {
        return {};
      }
    }
  };

  // The pieces cannot be had twice: never on a connection that may turn out closed.
  impl_->stream.reset();
  return impl_->exchange(request, Framing::kChunked, write_body, patience, ReadOptions{},
                         [&] { return patience; }, {});
}

bool Connection::request_sent() const { return impl_->sent; }

void Connection::abort() { impl_->abort.raise(); }

}  // namespace dsl::http
