#include "mcp/agent/mirror.h"

#include <set>

#include <boost/json.hpp>

#include "dsl/json/canonical.h"

namespace mcp::agent {

namespace json = boost::json;

namespace {

constexpr std::string_view kSuffix = ".json";

Result<std::string> content_of(const ServiceRecord& record) {
  json::object components;
  for (const ComponentRecord& component : record.components) {
    components[component.name] = {{"should_run", component.should_run},
                                  {"image_digest", component.image_digest},
                                  {"adopted", component.adopted}};
  }
  json::array ports;
  for (const model::Allocation& port : record.ports) {
    ports.push_back(
        {{"component", port.component}, {"route", port.route}, {"host_port", port.host_port}});
  }
  json::object document;
  document["format"] = 1;
  document["generation"] = record.generation;
  document["sha256"] = record.sha256;
  document["spec"] = json::parse(model::canonical_json(record.service));
  document["definition_toml"] = record.definition_toml;
  document["components"] = std::move(components);
  document["ports"] = std::move(ports);
  MC_ASSIGN(std::string text, dsl::json::canonical(json::value(std::move(document))));
  return text + "\n";
}

}  // namespace

std::string Mirror::path(const std::string& service) const {
  return dsl::text("{}/{}{}", directory_, service, kSuffix);
}

Result<void> Mirror::write(const ServiceRecord& record) {
  MC_ASSIGN(const std::string content, content_of(record));
  MC_TRY(env_.files().make_directories(directory_, 0700));
  MC_TRY(dsl::with_context(env_.files().write_file(path(record.service.name), content, 0600),
                           "write the mirror"));
  if (changed_) {
    changed_();
  }
  return {};
}

Result<void> Mirror::remove(const std::string& service) {
  Result<void> removed = env_.files().remove(path(service));
  if (!removed && removed.error().code() != dsl::Code::kNotFound) {
    return removed;
  }
  if (changed_) {
    changed_();
  }
  return {};
}

Result<std::vector<std::string>> Mirror::reconcile(const std::vector<ServiceRecord>& services,
                                                   const std::set<std::string>& once_known) {
  MC_TRY(env_.files().make_directories(directory_, 0700));
  std::set<std::string> known;
  for (const ServiceRecord& record : services) {
    known.insert(record.service.name + std::string(kSuffix));
    MC_ASSIGN(const std::string wanted, content_of(record));
    const Result<std::string> have = env_.files().read_file(path(record.service.name));
    if (!have || *have != wanted) {
      MC_TRY(write(record));
    }
  }
  MC_ASSIGN(const std::vector<std::string> names, env_.files().list(directory_));
  std::vector<std::string> unknown;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix) || known.contains(name)) {
      continue;
    }
    if (once_known.contains(name.substr(0, name.size() - kSuffix.size()))) {
      MC_TRY(env_.files().remove(directory_ + "/" + name));
    } else {
      unknown.push_back(name);
    }
  }
  return unknown;
}

}  // namespace mcp::agent
