// Runs scenarios/*.txt: a script, a line of dashes, and the log it must give.
//
//   stages foundation core
//   option parallel 2 | stage_timeout 10s | on_timeout proceed
//   node foundation mcias/api [optional] [needs a/b,c/d] [deadline 5s]
//   world mcias/api prepare 1s | gate 500ms | image-missing 20s | prepare-fails 5s | unhealthy 0s
//   9s at 20s skip mcias/api | retry mcias/api | proceed | abort | kill until 60s
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/boot/simulation.h"

namespace mcp::boot {
namespace {

using std::chrono::milliseconds;
using testing::Behaviour;
using testing::Simulation;

milliseconds duration(const std::string& text) {
  const std::size_t unit = text.find_first_not_of("0123456789");
  const long number = std::stol(text);
  return milliseconds(text.substr(unit) == "ms" ? number : number * 1000);
}

struct Script {
  Graph graph;
  EngineOptions options;
  std::vector<Behaviour> world;
  std::vector<std::pair<milliseconds, std::string>> doings;  // "skip mcias/api"
  milliseconds until{std::chrono::hours(1)};
  std::string expected;

  std::size_t node(const std::string& key) const {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].key == key) {
        return i;
      }
    }
    throw std::runtime_error("no node " + key);
  }
};

void read_node(Script& script, std::istringstream& words) {
  Node node;
  std::string stage;
  words >> stage >> node.key;
  const auto& stages = script.graph.stages;
  node.stage =
      static_cast<std::size_t>(std::find(stages.begin(), stages.end(), stage) - stages.begin());
  node.deadline = milliseconds(5000);
  for (std::string word; words >> word;) {
    if (word == "optional") {
      node.essential = false;
    } else if (word == "deadline") {
      words >> word;
      node.deadline = duration(word);
    } else if (word == "needs") {
      words >> word;
      std::istringstream keys(word);
      for (std::string key; std::getline(keys, key, ',');) {
        node.needs.push_back(script.node(key));
      }
    } else {
      throw std::runtime_error("unknown word " + word);
    }
  }
  script.graph.nodes.push_back(node);
  script.world.emplace_back();
}

void read_world(Script& script, std::istringstream& words) {
  std::string key;
  std::string what;
  std::string first;
  words >> key >> what >> first;
  Behaviour& behaviour = script.world[script.node(key)];
  if (what == "prepare") {
    behaviour.prepare_takes = duration(first);
  } else if (what == "gate") {
    behaviour.gate_takes = duration(first);
  } else if (what == "image-missing") {
    behaviour.image_missing_until = duration(first);
  } else if (what == "prepare-fails") {
    behaviour.prepare_fails_until = duration(first);
  } else if (what == "unhealthy") {
    std::string until;
    words >> until;
    behaviour.unhealthy.emplace_back(duration(first), duration(until));
  } else {
    throw std::runtime_error("unknown behaviour " + what);
  }
}

void read_option(Script& script, std::istringstream& words) {
  std::string name;
  std::string value;
  words >> name >> value;
  if (name == "parallel") {
    script.options.parallel = std::stoi(value);
  } else if (name == "stage_timeout") {
    script.options.stage_timeout = duration(value);
  } else if (name == "on_timeout") {
    script.options.proceed_on_timeout = value == "proceed";
  } else {
    throw std::runtime_error("unknown option " + name);
  }
}

Script read_script(const std::filesystem::path& path) {
  Script script;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line) && line.rfind("---", 0) != 0) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb.empty() || verb[0] == '#') {
      continue;
    }
    std::string word;
    if (verb == "stages") {
      while (words >> word) {
        script.graph.stages.push_back(word);
      }
    } else if (verb == "option") {
      read_option(script, words);
    } else if (verb == "node") {
      read_node(script, words);
    } else if (verb == "world") {
      read_world(script, words);
    } else if (verb == "at") {
      words >> word;
      std::string doing;
      std::getline(words >> std::ws, doing);
      script.doings.emplace_back(duration(word), doing);
    } else if (verb == "until") {
      words >> word;
      script.until = duration(word);
    } else {
      throw std::runtime_error("unknown line: " + line);
    }
  }
  std::ostringstream rest;
  rest << file.rdbuf();
  script.expected = rest.str();
  return script;
}

void schedule(Simulation& simulation, const Script& script) {
  for (const auto& [time, doing] : script.doings) {
    std::istringstream words(doing);
    std::string verb;
    std::string key;
    words >> verb >> key;
    if (verb == "kill") {
      simulation.kill_at(time);
      continue;
    }
    Event event;
    event.kind = verb == "skip"      ? Event::Kind::kSkip
                 : verb == "retry"   ? Event::Kind::kRetry
                 : verb == "proceed" ? Event::Kind::kProceed
                 : verb == "abort"   ? Event::Kind::kAbort
                                     : throw std::runtime_error("unknown doing " + doing);
    if (!key.empty()) {
      event.node = script.node(key);
    }
    simulation.at(time, event);
  }
}

class Scenario : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Scenario, GivesItsLog) {
  const Script script = read_script(GetParam());
  Simulation simulation(script.graph, script.options, script.world);
  schedule(simulation, script);

  simulation.run(script.until);

  std::string log;
  for (const std::string& line : simulation.log()) {
    log += line + "\n";
  }
  EXPECT_EQ(log, script.expected);
  EXPECT_THAT(simulation.violations(), ::testing::IsEmpty());
}

std::vector<std::filesystem::path> scenarios() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(MC_TEST_DATA "/scenarios")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

INSTANTIATE_TEST_SUITE_P(Boot, Scenario, ::testing::ValuesIn(scenarios()), [](const auto& param) {
  std::string name = param.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace mcp::boot
