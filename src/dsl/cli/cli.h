// Commands as data: name, help, options with typed targets, handler. CLI11 stays behind it; help,
// suggestions, completion (and man pages) come from the same data.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::cli {

// Where a value goes; must outlive `run`. bool* is a flag without a value; an option that is not
// given leaves the target alone. Of a scalar given twice the last counts; a list takes one value
// each time, as a positional it takes all that follow. Durations are written as in config: "30s".
using Value = std::variant<bool*, std::string*, std::int64_t*, std::chrono::milliseconds*,
                           std::vector<std::string>*>;

struct Option {
  // "--version", "-f,--follow"; "SERVICE" (no dash) is a positional. No option has the name of one
  // of a command above it, of the program or of `Globals`: `run` asserts it.
  std::string name;
  Value target;
  std::string help;
  std::string value_name;  // "TAG", shown in help; empty = from the type
  bool required = false;
  std::vector<std::string> one_of;  // allowed values; completed by the shell
  // A live completion source: "service", "container". "file" is built in: names of files.
  std::string complete;
};

struct Command {
  std::string name;                   // "deploy"
  std::string summary;                // one line
  std::string description;            // paragraphs for --help; may be empty
  std::vector<std::string> examples;  // command lines; at least one for a leaf command
  std::vector<Option> options;
  std::vector<Command> commands;     // sub-commands; a `run` beside them is for none of these
  std::function<Result<int>()> run;  // the process's exit code
  bool hidden = false;
  // Gets every word behind the command as it is, options too: for one that hands them to another
  // program. Such a command has no options of its own.
  std::vector<std::string>* rest = nullptr;
};

enum class Output { kTable, kWide, kJson };

// The global switches that every program has: --config --json --output --no-color --quiet -v --yes
// --dry-run --timeout. Programs add their own with App::options. All are accepted before and after
// the command.
struct Globals {
  std::string config;
  Output output = Output::kTable;
  bool color = true;  // false for --no-color, $NO_COLOR, or no terminal
  bool quiet = false;
  bool verbose = false;
  bool yes = false;
  bool dry_run = false;
  std::chrono::milliseconds timeout{0};  // zero = the command's own
};

struct App {
  std::string name;
  std::string summary;
  std::vector<Option> options;  // beside the globals
  std::vector<Command> commands;
  // Live names for completion: complete("service") -> {"mcq", "mcns"}. Silent when it cannot tell.
  std::function<std::vector<std::string>(std::string_view source)> complete;
};

// Parses, runs and returns the process's exit code. Prints errors as `error:` and `hint:` on
// stderr; a mistyped command or option gets the nearest one, exit code 2. `--help` works at every
// command. `help`, `version` and `completion bash|zsh|fish` are added to every program.
int run(const App& app, Globals& globals, int argc, const char* const* argv);

// --- output ---

struct Column {
  std::string title;
  bool right = false;  // numbers
  bool wide = false;   // only with --output wide
};

// A table fitted to the terminal; never cut when piped. Where it is too wide the widest cells are
// shortened with "…", but never the first column (it names the row) nor numbers. Cells may be
// painted.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells);
  std::string render(const Globals& globals) const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Progress of a long call: one redrawn line on a terminal, one line an event otherwise, nothing
// with --quiet or --json. Goes to stderr.
class Progress {
 public:
  explicit Progress(const Globals& globals);
  ~Progress();
  // "[number/total] subject: message"; without the count when `total` is 0, without an empty
  // subject
  void step(int number, int total, std::string_view subject, std::string_view message);
  // Takes the redrawn line away; also done by the destructor.
  void done();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Asks on the terminal; --yes answers yes, anything but "y" or "yes" is no. Without a terminal the
// answer is an error with the hint to pass --yes.
Result<bool> confirm(const Globals& globals, std::string_view question);

// Paints `text` when colour is on.
enum class Paint { kGood, kWarn, kBad, kDim, kBold };
std::string paint(const Globals& globals, Paint paint, std::string_view text);

// "900 B", "1.5 GiB", "128 MiB": three digits or so, in powers of 1024.
std::string size_text(std::uint64_t bytes);

bool stdout_is_terminal();

}  // namespace dsl::cli
