#include "dsl/http/response_reader.h"

#include <array>
#include <string>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

namespace dsl::http {

namespace {

namespace beast = boost::beast;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::uint32_t kHeadMax = 64u << 10;
constexpr std::size_t kPiece = 64u << 10;

Error parse_error(const beast::error_code& error) {
  if (error == beast::http::error::header_limit) {
    return fail(Code::kTooLarge, "reply has more than {} bytes of headers", kHeadMax);
  }
  return fail(Code::kDataLoss, "malformed HTTP reply: {}", error.message());
}

// Feeds the parser from the buffer, and the buffer from the stream.
class Feeder {
 public:
  Feeder(DeadlineStream& stream, ReadBuffer& buffer, Parser& parser)
      : stream_(stream), buffer_(buffer), parser_(parser) {}

  // Parses what the buffer holds; false when the parser wants more bytes first.
  Result<bool> parse() {
    if (buffer_.bytes.empty()) {
      return false;
    }
    beast::error_code error;
    const std::size_t used =
        parser_.put(boost::asio::const_buffer(buffer_.bytes.data(), buffer_.bytes.size()), error);
    buffer_.bytes.erase(0, used);
    if (error == beast::http::error::need_more) {
      return false;
    }
    if (error && error != beast::http::error::need_buffer) {
      return fail(parse_error(error));
    }
    return true;
  }

  // False at the end of the stream.
  Result<bool> fill(const Patience& patience) {
    std::array<char, 16384> piece;
    MC_ASSIGN(const std::size_t count, stream_.read_some(piece, patience));
    buffer_.bytes.append(piece.data(), count);
    return count > 0;
  }

 private:
  DeadlineStream& stream_;
  ReadBuffer& buffer_;
  Parser& parser_;
};

Failure closed_early() {
  return fail(Code::kUnavailable, "peer closed the connection before the end of its reply");
}

}  // namespace

Result<void> read_response(DeadlineStream& stream, ReadBuffer& buffer, const ReadOptions& options,
                           const Patience& head, const NextPatience& body,
                           const std::function<bool(std::string_view)>& on_data,
                           ReadOutcome& outcome) {
  Parser parser;
  parser.header_limit(kHeadMax);
  parser.body_limit(boost::none);
  parser.skip(options.head_request);
  Feeder feeder(stream, buffer, parser);
  outcome.got_any = !buffer.bytes.empty();
  while (!parser.is_header_done()) {
    MC_ASSIGN(const bool parsed, feeder.parse());
    if (parsed) {
      continue;
    }
    MC_ASSIGN(const bool more, feeder.fill(head));
    if (!more) {
      return closed_early();
    }
    outcome.got_any = true;
  }

  Response& response = outcome.response;
  response.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }

  const bool keep_body = !on_data || response.status >= 400;
  const std::size_t body_max =
      on_data ? std::min(options.body_max, options.error_body_max) : options.body_max;
  std::string piece(kPiece, '\0');
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    parser.get().body().more = true;
    MC_ASSIGN(const bool parsed, feeder.parse());
    const std::string_view data(piece.data(), piece.size() - parser.get().body().size);
    if (keep_body) {
      if (response.body.size() + data.size() > body_max) {
        return fail(Code::kTooLarge, "reply has a body of more than {} bytes", body_max);
      }
      response.body += data;
    } else if (!data.empty() && !on_data(data)) {
      return {};
    }
    if (parsed || parser.is_done()) {
      continue;
    }
    MC_ASSIGN(const bool more, feeder.fill(body()));
    if (!more) {
      beast::error_code error;
      parser.put_eof(error);
      if (error) {
        return closed_early();
      }
    }
  }
  outcome.keep_alive = parser.keep_alive();
  return {};
}

}  // namespace dsl::http
