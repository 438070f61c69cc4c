#include "dsl/service/log_config.h"

namespace dsl::service {

void LogConfig::bind(config::Table& table) {
  table.text("log.level", &level_)
      .one_of({"debug", "info", "warn", "error"})
      .help("least level that is written")
      .reloadable();
  table.text("log.format", &format_)
      .one_of({"auto", "text", "json", "journal"})
      .help("auto: for the journal under systemd, text otherwise");
  table.table("log.components", &components_)
      .help("levels of single components, e.g. \"agent.boot\" = \"debug\"")
      .reloadable();
  table.check([this] { return check(); });
}

Result<void> LogConfig::check() const {
  for (const auto& [component, level] : components_) {
    MC_TRY(with_context(log::parse_level(level), text("log.components.{}", component)));
  }
  return {};
}

Result<log::Options> LogConfig::options(env::Env& env, const std::string& service) const {
  log::Options options;
  options.service = service;
  MC_ASSIGN(options.level, log::parse_level(level_));
  if (format_ != "auto") {
    MC_ASSIGN(options.format, log::parse_format(format_));
  } else if (env.variable("JOURNAL_STREAM")) {
    options.format = log::Format::kJournal;
  }
  return options;
}

void LogConfig::apply_levels() const {
  // The process first: it forgets what was set for components earlier. All were checked at loading.
  log::set_level("", log::parse_level(level_).value_or(log::Level::kInfo));
  for (const auto& [component, level] : components_) {
    log::set_level(component, log::parse_level(level).value_or(log::Level::kInfo));
  }
}

}  // namespace dsl::service
