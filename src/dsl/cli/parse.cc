#include "dsl/cli/parse.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "dsl/cli/help.h"
#include "dsl/cli/names.h"
#include "dsl/config/nearest.h"
#include "dsl/config/units.h"

namespace dsl::cli {

namespace {

// Put before each word behind "--", so that CLI11 takes none of them for an option or a command.
constexpr char kPlainWord = '\x01';

std::vector<std::string> marked_words(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool options_ended = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (options_ended) {
      words.push_back(kPlainWord + std::string(word));
    } else if (word == "--") {
      options_ended = true;
    } else {
      words.emplace_back(word);
    }
  }
  return words;
}

std::string unmarked(const std::string& word) {
  return word.starts_with(kPlainWord) ? word.substr(1) : word;
}

struct BoundOption {
  const Option* option;
  CLI::Option* parsed;
};

// A command beside its CLI11 twin, which only collects words: values, defaults, requirements and
// messages are ours.
struct Node {
  const Command* command;
  CLI::App* app;
  CLI::Option* help;
  std::vector<BoundOption> options;
  std::vector<std::unique_ptr<Node>> children;
};

void bind_option(Node& node, const Option& option) {
  CLI::Option* parsed =
      takes_value(option) ? node.app->add_option(option.name) : node.app->add_flag(option.name);
  if (is_list(option) && is_positional(option)) {
    parsed->expected(0, CLI::detail::expected_max_vector_size)->allow_extra_args();
  } else if (is_list(option)) {
    parsed->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
  } else if (takes_value(option)) {
    parsed->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  node.options.push_back({&option, parsed});
}

std::unique_ptr<Node> bind_command(const Command& command, CLI::App& app) {
  auto node = std::make_unique<Node>(Node{&command, &app, nullptr, {}, {}});
  app.set_help_flag();
  app.allow_extras();
  // At most one, so that a positional may be named like a command.
  app.require_subcommand(0, 1);
  node->help = app.add_flag("-h,--help");
  for (const Option& option : command.options) {
    bind_option(*node, option);
  }
  for (const Command& sub : command.commands) {
    CLI::App* twin = app.add_subcommand(sub.name);
    twin->fallthrough();  // options of the commands above are accepted here, too
    node->children.push_back(bind_command(sub, *twin));
  }
  return node;
}

Failure bad_value(const Option& option, std::string_view value, std::string_view why) {
  return fail(Code::kInvalidArgument, "{} \"{}\": {}", spellings(option).back(), value, why);
}

Result<void> check_choice(const Option& option, const std::string& value) {
  if (option.one_of.empty() ||
      std::find(option.one_of.begin(), option.one_of.end(), value) != option.one_of.end()) {
    return {};
  }
  std::string choices;
  for (const std::string& choice : option.one_of) {
    choices += (choices.empty() ? "" : ", ") + choice;
  }
  // The choices stand in the message; a hint is for a slip, not for another word of that length.
  const std::string near = config::nearest(value, option.one_of);
  const bool slip = !near.empty() && near.front() == value.front();
  return bad_value(option, value, "not one of " + choices)
      .hint(!slip ? std::string() : text("did you mean \"{}\"?", near));
}

Result<void> assign(const Option& option, std::vector<std::string> values) {
  std::transform(values.begin(), values.end(), values.begin(), unmarked);
  const std::string& last = values.back();
  for (const std::string& value : values) {
    MC_TRY(check_choice(option, value));
  }
  if (bool* const* flag = std::get_if<bool*>(&option.target)) {
    if (last != "true") {
      return fail(Code::kInvalidArgument, "{} takes no value", spellings(option).back());
    }
    **flag = true;
  } else if (std::string* const* string = std::get_if<std::string*>(&option.target)) {
    **string = last;
  } else if (auto* const* list = std::get_if<std::vector<std::string>*>(&option.target)) {
    **list = values;
  } else if (auto* const* integer = std::get_if<std::int64_t*>(&option.target)) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), number);
    if (error != std::errc() || end != last.data() + last.size()) {
      return bad_value(option, last, "not a whole number");
    }
    **integer = number;
  } else if (auto* const* duration = std::get_if<std::chrono::milliseconds*>(&option.target)) {
    MC_ASSIGN(**duration, with_context(config::parse_duration(last), spellings(option).back()));
  }
  return {};
}

std::string see_help(const std::vector<const Command*>& path) {
  return text("see `{} --help`", path_text(path));
}

Error unknown_option(const std::vector<const Command*>& path, const std::string& word) {
  const std::string spelling = word.substr(0, word.find('='));
  std::vector<std::string> known{"--help"};
  for (const Command* command : path) {
    for (const Option& option : command->options) {
      for (std::string& name : spellings(option)) {
        // One-letter options are all near each other: no help to anybody.
        if (name.starts_with("--")) {
          known.push_back(std::move(name));
        }
      }
    }
  }
  const std::string near = config::nearest(spelling, known);
  return fail(Code::kInvalidArgument, "{} has no option {}", path_text(path), spelling)
      .hint(near.empty() ? see_help(path) : text("did you mean {}?", near));
}

Error unexpected_word(const std::vector<const Command*>& path, const std::string& word) {
  if (!path.back()->commands.empty()) {
    return unknown_command(path, word);
  }
  return fail(Code::kInvalidArgument, "{} takes no argument \"{}\" here", path_text(path), word)
      .hint(see_help(path));
}

// The nodes down to the command that was named.
std::vector<Node*> named_path(Node& root) {
  std::vector<Node*> path{&root};
  for (std::size_t i = 0; i < path.back()->children.size();) {
    Node& child = *path.back()->children[i];
    if (child.app->parsed()) {
      path.push_back(&child);
      i = 0;
    } else {
      ++i;
    }
  }
  return path;
}

// The word that CLI11 could not place; options first, as they may be why a word looks out of place.
struct Leftover {
  std::string word;
  bool is_option = false;
};

std::optional<Leftover> find_leftover(const std::vector<Node*>& nodes) {
  std::optional<Leftover> first_word;
  for (const Node* node : nodes) {
    for (const std::string& left : node->app->remaining()) {
      if (left.starts_with('-') && left.size() > 1) {
        return Leftover{left, true};
      }
      if (!first_word) {
        first_word = Leftover{unmarked(left)};
      }
    }
  }
  return first_word;
}

// CLI11 is only left to count values; its message begins with the option.
Error complaint_error(const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    return Error(Code::kInvalidArgument, text("{} needs a value", what.substr(0, what.find(':'))));
  }
  return Error(Code::kInvalidArgument, what);
}

Result<void> assign_all(const std::vector<Node*>& nodes, const std::vector<const Command*>& path) {
  for (const Node* node : nodes) {
    for (const BoundOption& bound : node->options) {
      if (bound.parsed->count() > 0) {
        MC_TRY(assign(*bound.option, bound.parsed->results()));
      } else if (bound.option->required) {
        return fail(Code::kInvalidArgument, "{} needs {}", path_text(path),
                    spellings(*bound.option).back())
            .hint(see_help(path));
      }
    }
  }
  return {};
}

Result<Parsed> parse_bound(Node& root, int argc, const char* const* argv,
                           std::vector<const Command*>& path) {
  std::optional<Error> complaint;
  try {
    std::vector<std::string> words = marked_words(argc, argv);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    root.app->parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    complaint = complaint_error(error);
  }

  const std::vector<Node*> nodes = named_path(root);
  bool help = false;
  path.clear();
  for (const Node* node : nodes) {
    path.push_back(node->command);
    help = help || node->help->count() > 0;
  }
  const std::optional<Leftover> leftover = find_leftover(nodes);
  if (help && (!leftover || leftover->is_option || path.back()->commands.empty())) {
    return Parsed{path, true};
  }
  if (leftover) {
    return fail(leftover->is_option ? unknown_option(path, leftover->word)
                                    : unexpected_word(path, leftover->word));
  }
  if (complaint) {
    return fail(std::move(*complaint));
  }
  MC_TRY(assign_all(nodes, path));
  return Parsed{path, false};
}

}  // namespace

Error unknown_command(const std::vector<const Command*>& path, const std::string& word) {
  std::vector<std::string> known;
  for (const Command& command : path.back()->commands) {
    if (!command.hidden) {
      known.push_back(command.name);
    }
  }
  const std::string near = config::nearest(word, known);
  return fail(Code::kInvalidArgument, "{} has no command \"{}\"", path_text(path), word)
      .hint(near.empty() ? see_help(path) : text("did you mean `{} {}`?", path_text(path), near));
}

int own_words(const Command& program, int argc, const char* const* argv) {
  int i = 1;
  while (i < argc && argv[i][0] == '-') {
    const std::string word = argv[i];
    const Option* option = find_option({&program}, word.substr(0, word.find('=')));
    const bool value_follows =
        option != nullptr && takes_value(*option) && word.find('=') == std::string::npos;
    i += value_follows ? 2 : 1;
  }
  const Command* command = i < argc ? find_command(program, argv[i]) : nullptr;
  const bool asks_for_help = i + 2 == argc && (argv[i + 1] == std::string_view("--help") ||
                                               argv[i + 1] == std::string_view("-h"));
  return command != nullptr && command->rest != nullptr && !asks_for_help ? i + 1 : argc;
}

Result<Parsed> parse(const Command& program, int argc, const char* const* argv) {
  CLI::App app;
  const std::unique_ptr<Node> root = bind_command(program, app);
  std::vector<const Command*> path;
  Result<Parsed> parsed = parse_bound(*root, argc, argv, path);
  if (!parsed && parsed.error().hint().empty()) {
    parsed.error().set_hint(see_help(path));
  }
  return parsed;
}

}  // namespace dsl::cli
