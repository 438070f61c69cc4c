#include "standin/session.h"

#include <unistd.h>

#include "standin/dns.h"

namespace standin {
namespace {

class DnsSession : public Session {
 public:
  explicit DnsSession(const Health& health) : health_(health) {}

  bool feed(std::string_view in, std::string& out) override {
    buffer_ += in;
    std::string_view rest = buffer_;
    bool open = true;
    while (open && rest.size() >= 2) {
      const auto length = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) << 8 |
                                                   static_cast<unsigned char>(rest[1]));
      if (rest.size() < 2 + length) {
        break;
      }
      const auto answer = answer_dns(rest.substr(2, length), health_.failing());
      rest.remove_prefix(2 + length);
      open = answer.has_value();
      if (answer) {
        out.push_back(static_cast<char>(answer->size() >> 8));
        out.push_back(static_cast<char>(answer->size() & 0xff));
        out += *answer;
      }
    }
    buffer_.erase(0, buffer_.size() - rest.size());
    return open;
  }

 private:
  const Health& health_;
  std::string buffer_;  // less than one message, at most 64 KiB, between calls
};

class TcpSession : public Session {
 public:
  explicit TcpSession(const Health& health) : health_(health) {}

  bool feed(std::string_view, std::string&) override { return !health_.failing(); }

 private:
  const Health& health_;
};

// A service name comes from the environment; this keeps any into a JSON string.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out + "\"";
}

}  // namespace

bool Health::failing() const { return ::access(fail_file_.c_str(), F_OK) == 0; }

Page page_for(const Health& health, std::string_view method, std::string_view path) {
  const auto json = [&](int status, const std::string& text) {
    return Page{status, "application/json",
                "{\"status\":" + json_string(text) +
                    ",\"service\":" + json_string(health.service()) + ",\"standin\":true}\n"};
  };
  if (method != "GET" && method != "HEAD") {
    return json(405, "method not allowed");
  }
  if (health.failing()) {
    return json(503, "failing");
  }
  path = path.substr(0, path.find('?'));
  if (path == "/v1/health") {
    return json(200, "ok");
  }
  if (path == "/v2/") {  // the question of a registry's client
    return Page{200, "application/json", "{}\n"};
  }
  if (path == "/") {
    return Page{200, "text/plain",
                "This is a stand-in for " + health.service() +
                    ": it answers health gates and nothing else.\n"};
  }
  return json(404, "not found");
}

std::unique_ptr<Session> make_dns_session(const Health& health) {
  return std::make_unique<DnsSession>(health);
}

std::unique_ptr<Session> make_tcp_session(const Health& health) {
  return std::make_unique<TcpSession>(health);
}

}  // namespace standin
