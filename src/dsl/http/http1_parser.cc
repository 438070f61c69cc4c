#include "dsl/http/http1_parser.h"

#include <limits>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "dsl/http/message.h"

namespace dsl::http {

namespace {

namespace beast = boost::beast;

constexpr std::size_t kChunkLineMax = 4096;  // a chunk's size and extensions; or the trailers
constexpr std::size_t kLastChunkMin = 5;     // "0\r\n\r\n"
constexpr std::size_t kHeadersMax = 100;     // fields of one request

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Beast hands every part over as it finds it; nothing is stored twice.
struct Http1Parser::Beast final : beast::http::basic_parser<true> {
  using Text = beast::string_view;
  using Error = beast::error_code;

  Beast() {
    this->body_limit(boost::none);  // the route's bound is another's business
    this->header_limit(std::numeric_limits<std::uint32_t>::max());  // bounded before Beast sees it
  }

  void refuse(int status, std::string_view why, Error& error) {
    refusal = Refusal{status, why};
    error = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb, Text method, Text target, int version, Error&) override {
    head.request.method = view(method);
    head.request.target = view(target);
    head.http_1_0 = version == 10;
  }
  void on_response_impl(int, Text, int, Error&) override {}

  void on_field_impl(beast::http::field, Text name, Text value, Error& error) override {
    if (head_done) {
      return;  // a trailer; nobody asked for it
    }
    Headers& headers = head.request.headers;
    if (headers.size() >= kHeadersMax) {
      return refuse(431, "too many headers", error);
    }
    const std::string& key = headers.emplace_back(lower_case(view(name)), view(value)).first;
    const std::string_view text = view(value);
    // RFC 9112 section 6.1 and 6.3: what is not beyond doubt is not framed at all.
    if (key == "content-length") {
      if (++lengths > 1 || text.find(',') != std::string_view::npos) {
        refuse(400, "more than one Content-Length", error);
      }
    } else if (key == "transfer-encoding") {
      if (head.http_1_0) {
        refuse(400, "Transfer-Encoding in HTTP/1.0", error);
      } else if (++codings > 1 || !same_name(text, "chunked")) {
        refuse(501, "a transfer coding other than chunked", error);
      }
    } else if (key == "host") {
      ++hosts;
    } else if (key == "expect") {
      head.expects_continue = same_name(text, "100-continue");
      if (!head.expects_continue) {
        refuse(417, "an unknown expectation", error);
      }
    }
  }

  void on_header_impl(Error& error) override {
    head_done = true;
    // RFC 9112 section 3.2.
    if (hosts > 1 || (hosts == 0 && !head.http_1_0)) {
      return refuse(400, "not exactly one Host", error);
    }
    if (const auto length = this->content_length()) {
      head.request.content_length = *length;
    }
    head.request.has_body = this->chunked() || head.request.content_length.value_or(0) > 0;
    head.expects_continue = head.expects_continue && head.request.has_body && !head.http_1_0;
    head.keep_alive = this->keep_alive() && !head.http_1_0;
  }

  void on_body_init_impl(boost::optional<std::uint64_t> const&, Error&) override {}
  std::size_t on_body_impl(Text body, Error&) override {
    (*on_body)(view(body));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text, Error&) override { chunk_left = size; }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override {
    (*on_body)(view(body));
    chunk_left -= body.size();
    return body.size();
  }
  void on_finish_impl(Error&) override {}

  Refusal refused(const Error& error) const {
    if (refusal) {
      return *refusal;
    }
    if (error == beast::http::error::bad_version) {
      return {505, "not HTTP/1.0 or HTTP/1.1"};
    }
    return {400, "malformed request"};
  }

  Head head;
  bool head_done = false;
  std::uint64_t chunk_left = 0;
  int lengths = 0;
  int codings = 0;
  int hosts = 0;
  std::optional<Refusal> refusal;
  const std::function<void(std::string_view)>* on_body = nullptr;
};

Http1Parser::Http1Parser(std::size_t header_max)
    : header_max_(header_max), beast_(std::make_unique<Beast>()) {}
Http1Parser::~Http1Parser() = default;

bool Http1Parser::request_done() const { return beast_->is_done(); }

void Http1Parser::reset() {
  scanned_ = 0;
  head_end_ = 0;
  blank_skipped_ = false;
  beast_ = std::make_unique<Beast>();
}

// Looks for the end of the head, at lines that end in CRLF and in nothing else, and for folded
// ones (RFC 9112 section 5.2), on which proxies and servers have disagreed.
std::optional<Refusal> Http1Parser::scan(std::string_view in) {
  for (; scanned_ < in.size() && scanned_ < header_max_; ++scanned_) {
    const char c = in[scanned_];
    const char before = scanned_ > 0 ? in[scanned_ - 1] : '\0';
    if ((c == '\n') != (before == '\r')) {
      return Refusal{400, "a line that does not end in CRLF"};
    }
    if (c == '\0') {
      return Refusal{400, "a NUL byte"};
    }
    if ((c == ' ' || c == '\t') && before == '\n') {
      return Refusal{400, "a folded header"};
    }
    if (c == '\n' && scanned_ >= 3 && in[scanned_ - 2] == '\n') {
      head_end_ = scanned_ + 1;
      return std::nullopt;
    }
  }
  if (scanned_ >= header_max_) {
    return Refusal{431, "the headers are too large"};
  }
  return std::nullopt;
}

Http1Parser::Step Http1Parser::read_head(std::string_view in, std::optional<Head>& head) {
  Step step;
  // RFC 9112 section 2.2: an empty line before the request line is ignored; one.
  if (scanned_ == 0 && !blank_skipped_) {
    if (in == "\r") {
      return step;
    }
    if (in.starts_with("\r\n")) {
      in.remove_prefix(2);
      step.used = 2;
      blank_skipped_ = true;
    }
  }
  step.refusal = scan(in);
  if (step.refusal || head_end_ == 0) {
    return step;
  }
  beast::error_code error;
  const std::size_t used = beast_->put(boost::asio::const_buffer(in.data(), head_end_), error);
  if (error || used != head_end_) {
    step.refusal = beast_->refused(error);
    return step;
  }
  step.used += used;
  head = std::move(beast_->head);
  return step;
}

// Part by part: a chunk's line, its data, the last line with the trailers.
Http1Parser::Step Http1Parser::read_body(std::string_view in,
                                         const std::function<void(std::string_view)>& on_body) {
  Step step;
  beast_->on_body = &on_body;
  while (!in.empty() && !beast_->is_done()) {
    // Between chunks at least this much is to come in any case; and Beast 1.81 asserts that it has
    // it when a body whose first chunk is the last one comes in pieces.
    if (beast_->chunked() && beast_->chunk_left == 0 && in.size() < kLastChunkMin) {
      break;
    }
    beast::error_code error;
    const std::size_t used = beast_->put(boost::asio::const_buffer(in.data(), in.size()), error);
    step.used += used;
    in.remove_prefix(used);
    if (error == beast::http::error::need_more) {
      if (in.size() > kChunkLineMax) {
        step.refusal = Refusal{400, "a chunk's line or the trailers are too long"};
      }
      break;
    }
    if (error) {
      step.refusal = beast_->refused(error);
      break;
    }
  }
  beast_->on_body = nullptr;
  return step;
}

}  // namespace dsl::http
