#include <algorithm>
#include <cstdio>
#include <exception>

#include <unistd.h>

#include "dsl/cli/cli.h"
#include "dsl/cli/completion.h"
#include "dsl/cli/help.h"
#include "dsl/cli/man.h"
#include "dsl/cli/names.h"
#include "dsl/cli/parse.h"
#include "dsl/env/env.h"
#include "dsl/service/version.h"

namespace dsl::cli {

namespace {

void print(std::string_view text, std::FILE* stream = stdout) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

int print_error(const Error& error) {
  std::fflush(stdout);  // what was said before comes before
  print(error.render() + "\n", stderr);
  return error.exit_code();
}

bool color_is_welcome() {
  const auto no_color = env::system_env().variable("NO_COLOR");  // https://no-color.org
  return stdout_is_terminal() && (!no_color || no_color->empty());
}

// A program with what every program has beside its own. Confined to one `run`.
class Program {
 public:
  Program(const App& app, Globals& globals) : globals_(globals), live_(app.complete) {
    root_.name = app.name;
    root_.summary = app.summary;
    root_.options = app.options;
    root_.commands = app.commands;
    add_global_options();
    add_commands();
    const std::string shadowed = shadowed_option(root_);
    MC_ASSERT(shadowed.empty(), text("{} has the name of an option further up", shadowed).c_str());
  }

  int run(int argc, const char* const* argv) {
    // Not parsed: what is to be completed need not make sense yet.
    if (argc > 1 && std::string_view(argv[1]) == "__complete") {
      return print_candidates({argv + 2, argv + argc});
    }
    globals_.color = color_is_welcome();
    const int own = own_words(root_, argc, argv);
    const Result<Parsed> parsed = parse(root_, own, argv);
    if (!parsed) {
      return print_error(parsed.error());
    }
    globals_.color = globals_.color && !no_color_;
    if (json_ || output_ != "table") {
      globals_.output = json_ || output_ == "json" ? Output::kJson : Output::kWide;
    }

    const Command& command = *parsed->path.back();
    if (parsed->help) {
      print(help_page(parsed->path, globals_));
      return kExitOk;
    }
    if (!command.run) {
      globals_.color = globals_.color && ::isatty(STDERR_FILENO) == 1;
      print(help_page(parsed->path, globals_), stderr);
      return kExitUsage;
    }
    if (command.rest != nullptr) {
      command.rest->assign(argv + own, argv + argc);
    }
    const Result<int> exit_code = run_guarded(command);
    return exit_code ? *exit_code : print_error(exit_code.error());
  }

 private:
  void add_global_options() {
    std::vector<Option>& options = root_.options;
    options.push_back(
        {"--config", &globals_.config, "Configuration file", "FILE", false, {}, "file"});
    options.push_back(
        {"--output", &output_, "Form of the output", "FORM", false, {"table", "wide", "json"}, ""});
    options.push_back({"--json", &json_, "Short for --output json", "", false, {}, ""});
    options.push_back(
        {"--no-color", &no_color_, "No colours, also with $NO_COLOR", "", false, {}, ""});
    options.push_back(
        {"-q,--quiet", &globals_.quiet, "Only results and errors", "", false, {}, ""});
    options.push_back({"-v,--verbose", &globals_.verbose, "Tell more", "", false, {}, ""});
    options.push_back(
        {"-y,--yes", &globals_.yes, "Answer yes to every question", "", false, {}, ""});
    options.push_back({"--dry-run",
                       &globals_.dry_run,
                       "Show what would be done, and do nothing",
                       "",
                       false,
                       {},
                       ""});
    options.push_back({"--timeout",
                       &globals_.timeout,
                       "Give up after this time, such as 30s",
                       "",
                       false,
                       {},
                       ""});
  }

  void add_commands() {
    const std::string name = root_.name;
    root_.commands.push_back(
        {"help",
         "Show help about a command",
         "",
         {name + " help", name + " help completion"},
         {{"COMMAND", &help_words_, "The command, word by word", "", false, {}, ""}},
         {},
         [this] { return help(); },
         false});
    root_.commands.push_back({"version",
                              "Show the version of this program",
                              "",
                              {name + " version", name + " version --json"},
                              {},
                              {},
                              [this] { return version(); },
                              false});
    root_.commands.push_back(
        {"completion",
         "Print the completion script of a shell",
         text("Completes commands, options, values and live names. To have it in every session:\n"
              "  bash  source <({} completion bash)     in ~/.bashrc\n"
              "  zsh   source <({} completion zsh)      in ~/.zshrc, after compinit\n"
              "  fish  {} completion fish | source      in ~/.config/fish/config.fish",
              name, name, name),
         {text("source <({} completion bash)", name)},
         {{"SHELL", &shell_, "Your shell", "", true, {"bash", "zsh", "fish"}, ""}},
         {},
         [this] { return completion(); },
         false});
    Command man;
    man.name = "man";
    man.summary = "Print a manual page, or write those of all commands";
    man.examples = {text("{} man | man -l -", name), text("{} man completion | man -l -", name),
                    text("{} man --dir /usr/local/share/man/man1", name)};
    man.options = {{.name = "COMMAND", .target = &man_words_, .help = "The command, word by word"},
                   {.name = "--dir",
                    .target = &man_directory_,
                    .help = "Write the pages of all commands into this folder",
                    .value_name = "DIR",
                    .complete = "file"}};
    man.run = [this] { return man_pages(); };
    root_.commands.push_back(std::move(man));
  }

  Result<std::vector<const Command*>> path_of(const std::vector<std::string>& words) const {
    std::vector<const Command*> path{&root_};
    for (const std::string& word : words) {
      const Command* next = find_command(*path.back(), word);
      if (!next) {
        return fail(unknown_command(path, word));
      }
      path.push_back(next);
    }
    return path;
  }

  Result<int> help() {
    MC_ASSIGN(const std::vector<const Command*> path, path_of(help_words_));
    print(help_page(path, globals_));
    return kExitOk;
  }

  Result<int> man_pages() {
    if (man_directory_.empty()) {
      MC_ASSIGN(const std::vector<const Command*> path, path_of(man_words_));
      print(man_page(path, build_info()));
      return kExitOk;
    }
    env::FileSystem& files = env::system_env().files();
    MC_TRY(files.make_directories(man_directory_, 0755));
    MC_TRY(each_command(root_, [&](const std::vector<const Command*>& path) {
      return files.write_file(man_directory_ + "/" + man_file(path), man_page(path, build_info()),
                              0644);
    }));
    return kExitOk;
  }

  Result<int> version() {
    const BuildInfo& info = build_info();
    if (globals_.output == Output::kJson) {
      // None of the three has a character that JSON escapes.
      print(text("{\"name\":\"{}\",\"version\":\"{}\",\"commit\":\"{}\",\"date\":\"{}\"}\n",
                 root_.name, info.version, info.commit, info.date));
    } else {
      print(text("{} {} ({})\n", root_.name, info.version, info.date));
    }
    return kExitOk;
  }

  Result<int> completion() {
    MC_ASSIGN(const std::string script, completion_script(shell_, root_.name));
    print(script);
    return kExitOk;
  }

  int print_candidates(std::vector<std::string> words) {
    if (!words.empty() && words.front() == "--") {
      words.erase(words.begin());
    }
    const Candidates found = complete_words(root_, live_, words);
    for (const Candidate& candidate : found.words) {
      print(candidate.help.empty() ? candidate.word + "\n"
                                   : text("{}\t{}\n", candidate.word, candidate.help));
    }
    print(found.files ? ":files\n" : "");
    return kExitOk;
  }

  static Result<int> run_guarded(const Command& command) {
    try {
      return command.run();
    } catch (const std::exception& error) {
      return fail(Code::kInternal, "unexpected failure: {}", error.what());
    }
  }

  Globals& globals_;
  const LiveSource live_;
  Command root_;
  // Targets of the options above.
  std::string output_ = "table";
  bool json_ = false;
  bool no_color_ = false;
  std::string shell_;
  std::vector<std::string> help_words_;
  std::vector<std::string> man_words_;
  std::string man_directory_;
};

}  // namespace

int run(const App& app, Globals& globals, int argc, const char* const* argv) {
  const int exit_code = Program(app, globals).run(argc, argv);
  // A full disk or a closed pipe shows here at the latest.
  if (std::fflush(stdout) != 0 && exit_code == kExitOk) {
    return print_error(Error(Code::kUnavailable, "cannot write the output"));
  }
  return exit_code;
}

}  // namespace dsl::cli
