// A health gate as commands that ask what the agent asks.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "mcp/model/model.h"
#include "mcp/model/render.h"
#include "mcp/model/runbook.h"

namespace mcp::model {

using dsl::text;
using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string seconds_of(milliseconds duration) {
  return std::to_string(std::max<std::int64_t>(ceil<seconds>(duration).count(), 1));
}

std::string bracketed(const std::string& ip) {
  return ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
}

std::string dig(const std::string& ip, std::uint16_t port, const Health& health,
                const std::string& zone, bool tcp) {
  const bool v6 = health.expect.find(':') != std::string::npos;
  const char* type = health.expect.empty() ? "SOA" : v6 ? "AAAA" : "A";
  // dig reports trouble as lines that begin with ";".
  const std::string filter = health.expect.empty() ? std::string("grep -q '^[^;]'")
                                                   : "grep -qxF " + quote_shell(health.expect);
  return text("dig @{} -p {} {} +tries=1 +time={} +short {} {} | {}", ip, port,
              tcp ? "+tcp" : "+notcp", seconds_of(health.timeout),
              quote_shell(health.query.empty() ? zone : health.query), type, filter);
}

// "200,204", "200-299" as tests of $code.
std::string status_tests(const std::string& expect) {
  std::string out;
  std::size_t at = 0;
  while (at < expect.size()) {
    const std::size_t end = std::min(expect.find(',', at), expect.size());
    const std::string item = expect.substr(at, end - at);
    const std::size_t dash = item.find('-');
    const std::string low = item.substr(0, dash);
    const std::string high = dash == std::string::npos ? low : item.substr(dash + 1);
    out += text("{}{ [ \"$code\" -ge {} ] && [ \"$code\" -le {} ]; }", out.empty() ? "" : " || ",
                quote_shell(low), quote_shell(high));
    at = end + 1;
  }
  return out;
}

// What curl is told beside the URL, and the URL.
std::string curl(const RunbookNode& node, const std::string& ip, std::uint16_t port,
                 const Health& health) {
  const bool tls = health.type == "https";
  std::string line = "curl -s --noproxy '*' --max-time " + seconds_of(health.timeout);
  if (tls) {
    line += health.tls == "verify" && !node.ca_file.empty()
                ? " --cacert " + quote_shell(node.ca_file)
                : " -k";
  }
  line += health.method == "HEAD"  ? " -I"
          : health.method == "GET" ? ""
                                   : " -X " + quote_shell(health.method);
  line += " -H 'Accept: application/json'";
  std::string authority = text("{}:{}", bracketed(ip), port);
  if (!health.host.empty() && tls) {
    line +=
        " --connect-to " + quote_shell(text("{}:{}:{}:{}", health.host, port, bracketed(ip), port));
    authority = text("{}:{}", health.host, port);
  } else if (!health.host.empty()) {
    line += " -H " + quote_shell("Host: " + health.host);
  }
  const std::string path = health.path.empty() ? "/v1/health" : health.path;
  return line + "@@ " + quote_shell(text("{}://{}{}", tls ? "https" : "http", authority, path));
}

std::string put(std::string line, std::string_view options) {
  return line.replace(line.find("@@"), 2, options);
}

std::string http(const RunbookNode& node, const std::string& ip, std::uint16_t port,
                 const Health& health) {
  const std::string line = curl(node, ip, port, health);
  if (!health.expect.empty()) {
    return text("code=$({}) && { {}; }", put(line, " -o /dev/null -w '%{http_code}'"),
                status_tests(health.expect));
  }
  // Sealed is as healthy as it gets without the operator.
  return put(line, " -w '\\nHTTP %{http_code}\\n'") +
         " |\n    grep -aEq '^HTTP [23]|\"status\" *: *\"sealed\"'";
}

// A byte as printf's octal escape.
std::string octal(std::size_t value) {
  std::array<char, 8> out{};
  std::snprintf(out.data(), out.size(), "\\%03o", static_cast<unsigned>(value & 0xff));
  return out.data();
}

// grpc.health.v1.Health/Check by curl: a frame of five bytes and the message, of which field 1 is
// the service; SERVING is field 1 with the value 1.
std::string grpc(const std::string& ip, std::uint16_t port, const Health& health) {
  const std::string& name = health.service;
  std::string frame = octal(0);
  const std::size_t size = name.empty() ? 0 : name.size() + 2;
  for (const int shift : {24, 16, 8, 0}) {
    frame += octal(size >> shift);
  }
  frame += name.empty() ? "" : octal(10) + octal(name.size());
  const bool plain = health.tls == "off";
  return text(
      "printf '%b%s' '{}' {} |\n    curl -s --noproxy '*' --max-time {} {} -H 'content-type: "
      "application/grpc' "
      "-H 'te: trailers' \\\n      --data-binary @- "
      "{}://{}:{}/grpc.health.v1.Health/Check |\n    od -An -v -tx1 | tr -d ' \\n' | grep -q "
      "'0801$'",
      frame, quote_shell(name), seconds_of(health.timeout),
      plain ? "--http2-prior-knowledge" : "-k --http2", plain ? "http" : "https", bracketed(ip),
      port);
}

// The forwarder of a rootless port accepts for a dead container and closes at once: the connection
// must stay open, or say what is expected.
std::string tcp(const std::string& ip, std::uint16_t port, const Health& health) {
  if (!health.expect.empty()) {
    return text("timeout {} bash -c 'head -c {} </dev/tcp/{}/{}' | grep -qF {}",
                seconds_of(health.timeout), health.expect.size(), ip, port,
                quote_shell(health.expect));
  }
  return text(
      "timeout {} bash -c 'exec 3<>/dev/tcp/{}/{} || exit 1; read -r -t 0.3 -N 1 -u 3; test $? -ne "
      "1' 2>/dev/null",
      seconds_of(health.timeout + milliseconds(1000)), ip, port);
}

std::string shell_words(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& word : argv) {
    line += (line.empty() ? "" : " ") + quote_shell(word);
  }
  return line;
}

std::vector<std::string> questions(const RunbookNode& node, const RunbookStep& step,
                                   const Component& component) {
  const Health& health = component.health;
  const std::string zone = node.service_zone.empty() ? Platform{}.service_zone : node.service_zone;
  std::vector<std::string> out;
  if (health.type == "exec") {
    return {text("timeout {} podman exec {} {} >/dev/null", seconds_of(health.timeout),
                 quote_shell(component.container), shell_words(health.cmd))};
  }
  if (health.type == "none" || step.endpoints.empty()) {
    return {text("test \"$(podman inspect -f '{{.State.Running}}' {})\" = true",
                 quote_shell(component.container))};
  }
  for (const auto& [ip, port] : step.endpoints) {
    if (health.type == "dns") {
      out.push_back(dig(ip, port, health, zone, false));
      out.push_back(dig(ip, port, health, zone, true));
    } else if (health.type == "grpc") {
      out.push_back(grpc(ip, port, health));
    } else if (health.type == "tcp") {
      out.push_back(tcp(ip, port, health));
    } else {
      out.push_back(http(node, ip, port, health));
    }
  }
  return out;
}

}  // namespace

std::string gate_commands(const RunbookNode& node, const RunbookStep& step) {
  const Component* component = step.service.find(step.component);
  if (component == nullptr) {
    return "";
  }
  std::string body;
  for (const std::string& question : questions(node, step, *component)) {
    body += (body.empty() ? "  " : " &&\n  ") + question;
  }
  const Health& health = component->health;
  std::string out;
  if (health.type == "none") {
    out = text("sleep {}\n", seconds_of(health.start_period));
  }
  out += text("gate() {\n{}\n}\n", body);
  out += text("for try in $(seq {}); do gate && break; sleep 1; done\n",
              seconds_of(health.deadline + health.start_period));
  return out +
         text("gate && echo {}", quote_shell(text("{}/{}: its {} gate passes", step.service.name,
                                                  step.component, health.type)));
}

}  // namespace mcp::model
