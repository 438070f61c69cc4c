// Passes every call on to a runtime, with a moment before and one after it.
#pragma once

#include "mcp/agent/moments.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent::test {

using dsl::Result;

class TappedRuntime final : public runtime::Runtime {
 public:
  TappedRuntime(runtime::Runtime& inner, Moments& moments) : inner_(inner), moments_(moments) {}

  Result<runtime::RuntimeInfo> info() override {
    return tapped("info", [&] { return inner_.info(); });
  }
  Result<std::string> run_root() override {
    return tapped("run_root", [&] { return inner_.run_root(); });
  }
  Result<std::string> create(const runtime::ContainerSpec& spec) override {
    return tapped("create " + spec.component.container, [&] { return inner_.create(spec); });
  }
  Result<void> start(const std::string& id) override {
    return tapped("start " + id, [&] { return inner_.start(id); });
  }
  Result<void> stop(const std::string& id, std::chrono::milliseconds grace) override {
    return tapped("stop " + id, [&] { return inner_.stop(id, grace); });
  }
  Result<void> kill(const std::string& id, const std::string& signal) override {
    return tapped("kill " + id, [&] { return inner_.kill(id, signal); });
  }
  Result<void> remove(const std::string& id, bool force) override {
    return tapped("remove " + id, [&] { return inner_.remove(id, force); });
  }
  Result<void> rename(const std::string& id, const std::string& name) override {
    return tapped("rename " + id + " to " + name, [&] { return inner_.rename(id, name); });
  }
  Result<runtime::Container> inspect(const std::string& id_or_name) override {
    return tapped("inspect " + id_or_name, [&] { return inner_.inspect(id_or_name); });
  }
  Result<std::vector<runtime::Container>> list(bool external) override {
    return tapped("list", [&] { return inner_.list(external); });
  }
  Result<void> remove_storage(const std::string& id) override {
    return tapped("remove_storage " + id, [&] { return inner_.remove_storage(id); });
  }
  Result<void> events(const std::function<bool(const runtime::RuntimeEvent&)>& on_event,
                      const std::function<bool()>& stop) override {
    return inner_.events(on_event, stop);
  }
  Result<void> logs(const std::string& id, const runtime::LogOptions& options,
                    const std::function<bool(const runtime::LogRecord&)>& on_line,
                    const std::function<bool()>& stop) override {
    return tapped("logs " + id, [&] { return inner_.logs(id, options, on_line, stop); });
  }
  Result<runtime::ExecResult> exec(const std::string& id, const std::vector<std::string>& argv,
                                   std::chrono::milliseconds timeout) override {
    return tapped("exec " + id, [&] { return inner_.exec(id, argv, timeout); });
  }
  Result<std::optional<runtime::Image>> image(const std::string& reference) override {
    return tapped("image " + reference, [&] { return inner_.image(reference); });
  }
  Result<std::vector<runtime::Image>> images() override {
    return tapped("images", [&] { return inner_.images(); });
  }
  Result<void> pull(const std::string& reference, std::chrono::milliseconds timeout) override {
    return tapped("pull " + reference, [&] { return inner_.pull(reference, timeout); });
  }
  Result<void> tag(const std::string& image_id, const std::string& reference) override {
    return tapped("tag " + reference, [&] { return inner_.tag(image_id, reference); });
  }
  Result<std::vector<std::string>> load(const std::string& archive_path) override {
    return tapped("load " + archive_path, [&] { return inner_.load(archive_path); });
  }
  Result<void> save(const std::string& image,
                    const std::function<Result<void>(std::string_view)>& on_data,
                    const std::function<bool()>& stop) override {
    return tapped("save " + image, [&] { return inner_.save(image, on_data, stop); });
  }
  Result<void> ensure_network(const std::string& name) override {
    return tapped("ensure_network " + name, [&] { return inner_.ensure_network(name); });
  }
  Result<std::vector<std::string>> networks() override {
    return tapped("networks", [&] { return inner_.networks(); });
  }

 private:
  template <class Call>
  auto tapped(const std::string& what, const Call& call) -> decltype(call()) {
    if (std::optional<dsl::Error> error = moments_.pass("before " + what)) {
      return tl::unexpected(std::move(*error));
    }
    auto result = call();
    if (std::optional<dsl::Error> error = moments_.pass("after " + what)) {
      return tl::unexpected(std::move(*error));
    }
    return result;
  }

  runtime::Runtime& inner_;
  Moments& moments_;
};

}  // namespace mcp::agent::test
