// A program with every kind of command and option: what the tests of dsl::cli run.
#include <cstdio>
#include <stdexcept>

#include "dsl/cli/cli.h"

namespace {

using dsl::Code;
using dsl::Result;
using dsl::cli::App;
using dsl::cli::Globals;
using dsl::cli::Paint;

// Targets of the options.
struct Arguments {
  std::string server = "https://127.0.0.1:9443";
  std::vector<std::string> services;
  std::string service;
  std::string version;
  std::vector<std::string> labels;
  bool follow = false;
  std::int64_t lines = 100;
  std::chrono::milliseconds since{0};
  std::string level = "info";
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ",") + word;
  }
  return out;
}

Result<int> list(const Globals& globals) {
  if (globals.output == dsl::cli::Output::kJson) {
    std::puts(R"([{"service":"mcq"},{"service":"mcns"}])");
    return dsl::kExitOk;
  }
  dsl::cli::Table table(
      {{"SERVICE"}, {"STATE"}, {"RESTARTS", true}, {"IMAGE", false, true}, {"NOTE"}});
  table.add({"mcq", paint(globals, Paint::kGood, "running"), "0", "registry.test/mcq:1.4.0",
             "healthy since the last deployment, nothing to do for anybody who reads this"});
  table.add({"a-service-with-a-rather-long-name", paint(globals, Paint::kBad, "failed"), "12",
             "registry.test/other:2", "exited with 1"});
  std::fputs(table.render(globals).c_str(), stdout);
  return dsl::kExitOk;
}

Result<int> deploy(const Globals& globals, const Arguments& arguments) {
  std::printf("server=%s services=%s version=%s labels=%s dry_run=%d timeout=%lld config=%s\n",
              arguments.server.c_str(), joined(arguments.services).c_str(),
              arguments.version.c_str(), joined(arguments.labels).c_str(), globals.dry_run ? 1 : 0,
              static_cast<long long>(globals.timeout.count()), globals.config.c_str());
  dsl::cli::Progress progress(globals);
  progress.step(1, 2, "mcq", "pulling");
  progress.step(2, 2, "mcq", "healthy");
  return dsl::kExitOk;
}

Result<int> logs(const Arguments& arguments) {
  std::printf("service=%s follow=%d lines=%lld since=%lld level=%s\n", arguments.service.c_str(),
              arguments.follow ? 1 : 0, static_cast<long long>(arguments.lines),
              static_cast<long long>(arguments.since.count()), arguments.level.c_str());
  return dsl::kExitOk;
}

Result<int> remove_volume(const Globals& globals, const Arguments& arguments) {
  MC_ASSIGN(const bool sure, confirm(globals, "Remove the volume " + arguments.service + "?"));
  if (arguments.service == "busy") {
    return dsl::fail(Code::kConflict, "volume busy is in use")
        .id("MCP-0301")
        .detail("mcq/data", "mounted read-write")
        .hint("demo ps");
  }
  std::puts(sure ? "removed" : "kept");
  return dsl::kExitOk;
}

App make_app(const Globals& globals, Arguments& arguments) {
  App app;
  app.name = "demo";
  app.summary = "Runs services for the tests of the command line";
  app.options = {{"--server", &arguments.server, "Where to connect", "URL"}};
  app.commands = {
      {"ps",
       "List what runs",
       "",
       {"demo ps", "demo ps --output wide"},
       {},
       {},
       [&] { return list(globals); }},
      {"deploy",
       "Roll out services",
       "Pulls the image of each service, starts it beside the old one and moves traffic once it is "
       "healthy.\n\nWithout SERVICE every service of the file is rolled out.",
       {"demo deploy mcq", "demo deploy mcq mcns --version v1.4.0 --label team=a"},
       {{"SERVICE", &arguments.services, "Services to roll out", "", false, {}, "service"},
        {"--version", &arguments.version, "Tag to roll out; the newest when it is left out", "TAG"},
        {"-l,--label", &arguments.labels, "Label to put on the containers; may be repeated",
         "KEY=VALUE"}},
       {},
       [&] { return deploy(globals, arguments); }},
      {"logs",
       "Show the lines of a service",
       "",
       {"demo logs mcq -f"},
       {{"SERVICE", &arguments.service, "The service", "", true, {}, "service"},
        {"-f,--follow", &arguments.follow, "Go on with new lines"},
        {"-n,--lines", &arguments.lines, "How many lines from the end"},
        {"--since", &arguments.since, "Lines not older than this"},
        {"--level",
         &arguments.level,
         "Lowest level",
         "",
         false,
         {"debug", "info", "warn", "error"}}},
       {},
       [&] { return logs(arguments); }},
      {"volume",
       "Look after volumes",
       "",
       {},
       {},
       {{"list",
         "List volumes",
         "",
         {"demo volume list"},
         {},
         {},
         []() -> Result<int> {
           std::puts("data");
           return dsl::kExitOk;
         }},
        {"remove",
         "Remove a volume",
         "",
         {"demo volume remove data"},
         {{"VOLUME", &arguments.service, "The volume", "", true}},
         {},
         [&] { return remove_volume(globals, arguments); }}}},
      {"crash",
       "",
       "",
       {},
       {},
       {},
       []() -> Result<int> { throw std::runtime_error("boom"); },
       true},
      {"forward",
       "",
       "",
       {},
       {},
       {},
       [&]() -> Result<int> {
         std::printf("yes=%d rest=%s\n", globals.yes ? 1 : 0, joined(arguments.services).c_str());
         return dsl::kExitOk;
       },
       true,
       &arguments.services},
  };
  app.complete = [](std::string_view source) {
    return source == "service" ? std::vector<std::string>{"mcq", "mcns", "mcr/web"}
                               : std::vector<std::string>{};
  };
  return app;
}

}  // namespace

int main(int argc, char** argv) {
  Globals globals;
  Arguments arguments;
  return dsl::cli::run(make_app(globals, arguments), globals, argc, argv);
}
