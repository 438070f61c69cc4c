#include "dsl/cli/completion.h"

#include <algorithm>

#include "dsl/cli/names.h"

namespace dsl::cli {

namespace {

// Where the cursor stands, seen from the words before it.
struct Place {
  std::vector<const Command*> path;
  const Option* value_of = nullptr;  // the option whose value comes next
  std::size_t positional = 0;        // positionals so far
  bool options_ended = false;        // after "--"
};

Place walk(const Command& program, const std::vector<std::string>& words, std::size_t count) {
  Place place;
  place.path.push_back(&program);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& word = words[i];
    if (place.value_of) {
      place.value_of = nullptr;
    } else if (!place.options_ended && word == "--") {
      place.options_ended = true;
    } else if (!place.options_ended && word.starts_with('-')) {
      const Option* option = find_option(place.path, word);
      place.value_of = option && takes_value(*option) ? option : nullptr;
    } else if (const Command* sub = find_command(*place.path.back(), word)) {
      place.path.push_back(sub);
    } else {
      ++place.positional;
    }
  }
  return place;
}

class Collector {
 public:
  Collector(const LiveSource& live, std::string_view prefix) : live_(live), prefix_(prefix) {}

  void add(std::string_view word, std::string_view help) {
    if (word.starts_with(prefix_)) {
      found_.words.push_back({std::string(word), std::string(help)});
    }
  }

  // `before` stands in front of each value: "--output=" where the value follows in the same word.
  void add_values(const Option& option, std::string_view before = {}) {
    for (const std::string& value : option.one_of) {
      add(std::string(before) + value, "");
    }
    if (option.complete == "file") {
      found_.files = true;
    } else if (!option.complete.empty() && live_) {
      for (const std::string& value : live_(option.complete)) {
        add(std::string(before) + value, "");
      }
    }
  }

  void add_options(const std::vector<const Command*>& path) {
    for (auto command = path.rbegin(); command != path.rend(); ++command) {
      for (const Option& option : (*command)->options) {
        for (const std::string& name : spellings(option)) {
          if (name.starts_with('-')) {
            add(name, option.help);
          }
        }
      }
    }
    add("--help", "Show help");
  }

  Candidates take() { return std::move(found_); }

 private:
  const LiveSource& live_;
  std::string_view prefix_;
  Candidates found_;
};

void add_positional(Collector& collector, const Place& place) {
  std::size_t number = 0;
  for (const Option& option : place.path.back()->options) {
    if (!is_positional(option)) {
      continue;
    }
    if (number == place.positional || is_list(option)) {
      collector.add_values(option);
      return;
    }
    ++number;
  }
}

// NAME is the program, FUNCTION its name made fit for a shell function.
constexpr std::string_view kBash = R"sh(# bash completion of NAME:  source <(NAME completion bash)
FUNCTION() {
  local IFS=$'\n' line words=() i
  # bash takes a word apart at = and :, the program wants it whole.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if ((${#words[@]})) && [[ ${COMP_WORDS[i]} == [=:]* || ${COMP_WORDS[i-1]} == *[=:] ]]; then
      words[${#words[@]}-1]+=${COMP_WORDS[i]}
    else
      words+=("${COMP_WORDS[i]}")
    fi
  done
  local word=${words[${#words[@]}-1]} current=${COMP_WORDS[COMP_CWORD]}
  [[ $current == [=:] ]] && current=
  local kept=${word%"$current"}
  COMPREPLY=()
  while read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "$current"))
    else
      line=${line%%$'\t'*}
      [[ $line == "$word"* ]] && COMPREPLY+=("${line#"$kept"}")
    fi
  done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
}
complete -F FUNCTION NAME
)sh";

constexpr std::string_view kZsh = R"sh(#compdef NAME
# zsh completion of NAME:  source <(NAME completion zsh)
FUNCTION() {
  local line files=0
  local -a described
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      local word=${line%%$'\t'*} help=
      [[ $line == *$'\t'* ]] && help=${line#*$'\t'}
      described+=("${word//:/\\:}${help:+:$help}")
    fi
  done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#described} )) && _describe NAME described
  (( files )) && _files
  return 0
}
if [[ ${funcstack[1]} == FUNCTION ]]; then
  FUNCTION "$@"
else
  compdef FUNCTION NAME
fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion of NAME:  NAME completion fish | source
function FUNCTION
  set -l words (commandline -opc) (commandline -ct)
  set -l program $words[1]
  set -e words[1]
  for line in ($program __complete -- $words 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c NAME -f -a '(FUNCTION)'
)sh";

std::string replaced(std::string_view script, std::string_view name, std::string_view value) {
  std::string out;
  for (std::size_t at = script.find(name); at != std::string_view::npos; at = script.find(name)) {
    out += script.substr(0, at);
    out += value;
    script.remove_prefix(at + name.size());
  }
  out += script;
  return out;
}

}  // namespace

Candidates complete_words(const Command& program, const LiveSource& live,
                          const std::vector<std::string>& words) {
  if (words.empty()) {
    return {};
  }
  const Place place = walk(program, words, words.size() - 1);
  const std::string& current = words.back();
  Collector collector(live, current);

  const std::size_t equals = current.find('=');
  if (place.value_of) {
    collector.add_values(*place.value_of);
  } else if (!place.options_ended && current.starts_with("--") && equals != std::string::npos) {
    const Option* option = find_option(place.path, current.substr(0, equals));
    if (option) {
      collector.add_values(*option, current.substr(0, equals + 1));
    }
  } else if (!place.options_ended && current.starts_with('-')) {
    collector.add_options(place.path);
  } else {
    for (const Command& sub : place.path.back()->commands) {
      if (!sub.hidden) {
        collector.add(sub.name, sub.summary);
      }
    }
    add_positional(collector, place);
  }
  return collector.take();
}

Result<std::string> completion_script(std::string_view shell, std::string_view program) {
  std::string function = "_" + std::string(program);
  std::replace_if(
      function.begin(), function.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  function += "_complete";

  std::string_view script;
  if (shell == "bash") {
    script = kBash;
  } else if (shell == "zsh") {
    script = kZsh;
  } else if (shell == "fish") {
    script = kFish;
  } else {
    return fail(Code::kInvalidArgument, "there is no completion for the shell \"{}\"", shell)
        .hint("one of bash, zsh, fish");
  }
  return replaced(replaced(script, "FUNCTION", function), "NAME", program);
}

}  // namespace dsl::cli
