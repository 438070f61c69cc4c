#include <algorithm>

#include "standin/session.h"

namespace standin {
namespace {

constexpr std::size_t kHeadMax = 8192;

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

struct Request {
  std::string_view method;
  std::string_view path;
  bool close = false;  // the peer asks for it, or sends a body, which we do not read
};

// Reads a head without its last empty line. False: 400.
bool parse(std::string_view head, Request& request) {
  const auto line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto second = line.find(' ', first + 1);
  if (first == 0 || first == std::string_view::npos || second == std::string_view::npos) {
    return false;
  }
  request.method = line.substr(0, first);
  request.path = line.substr(first + 1, second - first - 1);
  const auto version = line.substr(second + 1);
  if (request.path.empty() || request.path[0] != '/' ||
      (version != "HTTP/1.1" && version != "HTTP/1.0")) {
    return false;
  }

  const std::string fields = lower(head.substr(line.size())) + "\r\n";
  const auto has = [&](std::string_view text) { return fields.find(text) != std::string::npos; };
  request.close = version == "HTTP/1.0" || has("\r\nconnection: close\r\n") ||
                  has("\r\ncontent-length:") || has("\r\ntransfer-encoding:");
  return true;
}

void put(std::string& out, const Page& page, bool head_only, bool close) {
  out += "HTTP/1.1 " + std::to_string(page.status) + " ";
  out += reason(page.status);
  out += "\r\nContent-Type: " + page.content_type +
         "\r\nContent-Length: " + std::to_string(page.body.size()) + "\r\n" +
         (close ? "Connection: close\r\n\r\n" : "\r\n");
  if (!head_only) {
    out += page.body;
  }
}

class HttpSession : public Session {
 public:
  explicit HttpSession(const Health& health) : health_(health) {}

  bool feed(std::string_view in, std::string& out) override {
    buffer_ += in;
    for (;;) {
      const auto end = buffer_.find("\r\n\r\n");
      if (std::min(end, buffer_.size()) > kHeadMax) {
        put(out, Page{431, "text/plain", "the request's head is too long\n"}, false, true);
        return false;
      }
      if (end == std::string::npos) {
        return true;
      }
      Request request;
      if (!parse(std::string_view(buffer_).substr(0, end), request)) {
        put(out, Page{400, "text/plain", "not a request of HTTP/1.1\n"}, false, true);
        return false;
      }
      put(out, page_for(health_, request.method, request.path), request.method == "HEAD",
          request.close);
      if (request.close) {
        return false;
      }
      buffer_.erase(0, end + 4);
    }
  }

 private:
  const Health& health_;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Session> make_http_session(const Health& health) {
  return std::make_unique<HttpSession>(health);
}

}  // namespace standin
