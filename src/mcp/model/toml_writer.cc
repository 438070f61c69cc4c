#include "mcp/model/toml_writer.h"

#include <algorithm>

#include "dsl/config/units.h"
#include "mcp/model/render.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

// Four lines of list read better than one line of 200 columns.
constexpr std::size_t kLineMax = 90;

class Writer {
 public:
  Writer(const Service* defaults, const std::map<std::string, std::string>& labels)
      : defaults_(defaults), labels_(labels) {}

  std::string run(const Service& service) {
    head(service);
    for (std::size_t i = 0; i < service.components.size(); ++i) {
      default_ = defaults_ != nullptr ? &defaults_->components[i] : nullptr;
      component(service, service.components[i]);
    }
    return std::move(out_);
  }

 private:
  // --- lines ---
  void line(std::string_view key, const std::string& value) {
    out_ += std::string(key) + " = " + value + "\n";
  }
  void section(const char* title) { out_ += std::string("\n") + title + "\n"; }

  template <class T, class Owner>
  bool same(const Owner* defaults, T Owner::*field, const T& value) const {
    return defaults != nullptr && defaults->*field == value;
  }

  template <class Owner>
  void text(const char* key, const Owner& owner, const Owner* defaults, std::string Owner::*field) {
    if (!same(defaults, field, owner.*field)) {
      line(key, toml_text(owner.*field));
    }
  }
  // Left out when empty: the grammar has no empty form of these.
  template <class Owner>
  void text_if_any(const char* key, const Owner& owner, const Owner* defaults,
                   std::string Owner::*field) {
    if (!(owner.*field).empty()) {
      text(key, owner, defaults, field);
    }
  }
  template <class Owner>
  void flag(const char* key, const Owner& owner, const Owner* defaults, bool Owner::*field) {
    if (!same(defaults, field, owner.*field)) {
      line(key, owner.*field ? "true" : "false");
    }
  }
  template <class Owner>
  void list(const char* key, const Owner& owner, const Owner* defaults,
            std::vector<std::string> Owner::*field) {
    if (!same(defaults, field, owner.*field)) {
      line(key, toml_list(owner.*field));
    }
  }
  template <class Owner>
  void duration(const char* key, const Owner& owner, const Owner* defaults,
                std::chrono::milliseconds Owner::*field) {
    if (!same(defaults, field, owner.*field)) {
      line(key, toml_text(dsl::config::format_duration(owner.*field)));
    }
  }
  void texts(const char* title, const std::map<std::string, std::string>& table) {
    if (table.empty()) {
      return;
    }
    section(title);
    for (const auto& [key, value] : table) {
      line(toml_text(key), toml_text(value));
    }
  }

  // --- the service ---
  void head(const Service& service) {
    const Service* d = defaults_;
    line("name", toml_text(service.name));
    text("node", service, d, &Service::node);
    if (!service.version.empty()) {
      line("version", toml_text(service.version));
    }
    flag("active", service, d, &Service::active);
    text("tier", service, d, &Service::tier);
    list("depends_on", service, d, &Service::depends_on);
    flag("essential", service, d, &Service::essential);
    flag("public", service, d, &Service::is_public);
    text("path", service, d, &Service::path);
    if (floating(service)) {
      line("allow_floating", "true");
    }
    text("reconcile", service, d, &Service::reconcile);
    texts("[build.images]", service.build_images);
    texts("[labels]", service.labels);
  }

  static bool floating(const Service& service) {
    return service.version == "latest" ||
           std::any_of(service.components.begin(), service.components.end(),
                       [](const Component& component) {
                         const auto image = parse_image(component.image);
                         return image && image->floating();
                       });
  }

  // --- a component ---
  void component(const Service& service, const Component& c) {
    section("[[components]]");
    const bool sole = service.components.size() == 1 && c.name == service.name;
    if (default_ == nullptr || !sole) {
      line("name", toml_text(c.name));
    }
    text("container", c, default_, &Component::container);
    image(c);
    volumes(c);
    text("network", c, default_, &Component::network);
    list("aliases", c, default_, &Component::aliases);
    if (!same(default_, &Component::user, c.user)) {
      line("user", toml_text(c.user.empty() ? "image" : c.user));
    }
    text("restart", c, default_, &Component::restart);
    ports(c);
    environment(c);
    words("cmd", c.cmd);
    words("entrypoint", c.entrypoint);
    text_if_any("workdir", c, default_, &Component::workdir);
    text_if_any("hostname", c, default_, &Component::hostname);
    list("dns", c, default_, &Component::dns);
    list("extra_hosts", c, default_, &Component::extra_hosts);
    list("tmpfs", c, default_, &Component::tmpfs);
    list("devices", c, default_, &Component::devices);
    sysctls(c);
    list("cap_add", c, default_, &Component::cap_add);
    list("cap_drop", c, default_, &Component::cap_drop);
    flag("read_only", c, default_, &Component::read_only);
    flag("no_new_privileges", c, default_, &Component::no_new_privileges);
    limits(c);
    duration("stop_timeout", c, default_, &Component::stop_timeout);
    text("stop_signal", c, default_, &Component::stop_signal);
    list("after", c, default_, &Component::after);
    text("strategy", c, default_, &Component::strategy);
    if (c.strategy == "overlap") {
      line("shared_data", "true");
    }
    health(c.health);
    for (const Socket& each : c.sockets) {
      socket(each);
    }
    for (const Route& each : c.routes) {
      route(each);
    }
  }

  // `version` where only the tag differs from the default image.
  void image(const Component& c) {
    if (same(default_, &Component::image, c.image)) {
      return;
    }
    const auto own = parse_image(c.image);
    const auto usual = parse_image(default_ != nullptr ? default_->image : "");
    if (own && usual && own->repository == usual->repository && own->digest.empty() &&
        !own->tag.empty()) {
      line("version", toml_text(own->tag));
    } else {
      line("image", toml_text(c.image));
    }
  }

  void volumes(const Component& c) {
    if (same(default_, &Component::volumes, c.volumes)) {
      return;
    }
    std::vector<std::string> own;
    for (const Volume& volume : c.volumes) {
      own.push_back(format_volume(volume));
    }
    const bool begins = default_ != nullptr && default_->volumes.size() == 1 &&
                        !c.volumes.empty() && c.volumes.front() == default_->volumes.front();
    if (begins) {
      own.erase(own.begin());
    } else {
      line("default_volume", "false");
    }
    line("volumes", toml_list(own));
  }

  void ports(const Component& c) {
    if (same(default_, &Component::ports, c.ports)) {
      return;
    }
    std::vector<std::string> own;
    for (Port port : c.ports) {
      const auto label = labels_.find(port.host_ip);
      if (label != labels_.end()) {
        port.host_ip = "@" + label->second;
      }
      own.push_back(format_port(port));
    }
    line("ports", toml_list(own));
  }

  void environment(const Component& c) {
    if (!same(default_, &Component::env, c.env)) {
      std::vector<std::string> pairs;
      for (const auto& [key, value] : c.env) {
        pairs.push_back(key + "=" + value);
      }
      line("env", toml_list(pairs));
    }
    if (!same(default_, &Component::secrets, c.secrets)) {
      std::string list;
      for (const SecretUse& secret : c.secrets) {
        list += dsl::text("{}{ name = {}, {} = {} }", list.empty() ? "" : ", ",
                          toml_text(secret.name), secret.env.empty() ? "file" : "env",
                          toml_text(secret.env.empty() ? secret.file : secret.env));
      }
      line("secrets", "[" + list + "]");
    }
  }

  void words(const char* key, const std::optional<std::vector<std::string>>& list) {
    if (list) {
      line(key, toml_list(*list));
    }
  }

  void sysctls(const Component& c) {
    if (same(default_, &Component::sysctls, c.sysctls)) {
      return;
    }
    std::string table;
    for (const auto& [key, value] : c.sysctls) {
      table += (table.empty() ? " " : ", ") + toml_text(key) + " = " + toml_text(value);
    }
    line("sysctls", "{" + table + " }");
  }

  void limits(const Component& c) {
    if (c.memory_bytes != 0) {
      line("memory", toml_text(dsl::config::format_size(c.memory_bytes)));
    }
    if (c.cpus != 0) {
      line("cpus", dsl::text("{}", c.cpus));
    }
    if (c.pids != 0) {
      line("pids", std::to_string(c.pids));
    }
  }

  void health(const Health& h) {
    const Health* d = default_ != nullptr ? &default_->health : nullptr;
    if (d != nullptr && *d == h) {
      return;
    }
    section("[components.health]");
    line("type", toml_text(h.type));
    if (h.port != 0) {
      line("port", std::to_string(h.port));
    }
    d = nullptr;  // a written gate is written in full: its defaults follow from its type
    text_if_any("path", h, d, &Health::path);
    text_if_any("host", h, d, &Health::host);
    text_if_any("query", h, d, &Health::query);
    text_if_any("expect", h, d, &Health::expect);
    text("method", h, d, &Health::method);
    if (!h.cmd.empty()) {
      list("cmd", h, d, &Health::cmd);
    }
    text_if_any("service", h, d, &Health::service);
    text("tls", h, d, &Health::tls);
    duration("interval", h, d, &Health::interval);
    duration("timeout", h, d, &Health::timeout);
    duration("start_period", h, d, &Health::start_period);
    duration("deadline", h, d, &Health::deadline);
    line("successes", std::to_string(h.successes));
  }

  void socket(Socket socket) {
    section("[[components.sockets]]");
    line("name", toml_text(socket.name));
    line("listen", toml_text(format_listen(socket)));
  }

  void route(const Route& route) {
    section("[[components.routes]]");
    if (!route.name.empty()) {
      line("name", toml_text(route.name));
    }
    line("port", std::to_string(route.port));
    line("mode", toml_text(route.mode));
    line("hostname", toml_list(route.hostnames));
    if (route.target != 0) {
      line("target", std::to_string(route.target));
    }
    line("backend_tls", route.backend_tls ? "true" : "false");
    line("cert", toml_text(route.cert));
  }

  const Service* defaults_;
  const std::map<std::string, std::string>& labels_;
  const Component* default_ = nullptr;
  std::string out_;
};

}  // namespace

std::string write_definition(const Service& service, const Service* defaults,
                             const std::map<std::string, std::string>& labels) {
  return Writer(defaults, labels).run(service);
}

std::string render_toml(const Service& service) { return write_definition(service, nullptr, {}); }

// TOML 1.0, basic strings: quotes, backslashes and control characters are escaped.
std::string toml_text(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string one_line;
  std::string lines;
  for (const std::string& text : texts) {
    const std::string item = toml_text(text);
    one_line += (one_line.empty() ? "" : ", ") + item;
    lines += "  " + item + ",\n";
  }
  return one_line.size() <= kLineMax ? "[" + one_line + "]" : "[\n" + lines + "]";
}

}  // namespace mcp::model
