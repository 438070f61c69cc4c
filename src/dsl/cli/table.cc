#include "dsl/cli/table.h"

#include <algorithm>
#include <numeric>

#include "dsl/cli/width.h"

namespace dsl::cli {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kCellMin = 8;  // a column is not shortened further than this

std::vector<std::size_t> natural_widths(const std::vector<Column>& columns,
                                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) {
    widths.push_back(visible_width(column.title));
  }
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], visible_width(row[i]));
    }
  }
  return widths;
}

// Takes from the widest column that may be shortened, a column at a time.
void fit(const std::vector<Column>& columns, std::vector<std::size_t>& widths,
         const std::vector<std::size_t>& shown, std::size_t width) {
  std::size_t total = kGap * (shown.size() - 1);
  for (const std::size_t i : shown) {
    total += widths[i];
  }
  for (; total > width; --total) {
    std::size_t* widest = nullptr;
    for (const std::size_t i : shown) {
      const bool fixed = i == shown.front() || columns[i].right;
      if (!fixed && widths[i] > kCellMin && (!widest || widths[i] >= *widest)) {
        widest = &widths[i];
      }
    }
    if (!widest) {
      return;
    }
    --*widest;
  }
}

std::string line(const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                 const std::vector<std::size_t>& shown, const std::vector<std::string>& cells) {
  std::string out;
  for (const std::size_t i : shown) {
    const std::string cell = shortened(cells[i], widths[i]);
    const std::string padding(widths[i] - std::min(widths[i], visible_width(cell)), ' ');
    out += i == shown.front() ? "" : std::string(kGap, ' ');
    out += columns[i].right ? padding + cell : cell + padding;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

}  // namespace

std::string render_table(const std::vector<Column>& columns,
                         const std::vector<std::vector<std::string>>& rows, const Globals& globals,
                         std::size_t width) {
  std::vector<std::size_t> shown;
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    titles.push_back(paint(globals, Paint::kBold, columns[i].title));
    if (!columns[i].wide || globals.output == Output::kWide) {
      shown.push_back(i);
    }
  }
  std::vector<std::size_t> widths = natural_widths(columns, rows);
  if (width > 0 && !shown.empty()) {
    fit(columns, widths, shown, width);
  }

  std::string out = line(columns, widths, shown, titles);
  for (const std::vector<std::string>& row : rows) {
    out += line(columns, widths, shown, row);
  }
  return out;
}

void Table::add(std::vector<std::string> cells) {
  MC_ASSERT(cells.size() == columns_.size(), "a row has a cell for each column");
  rows_.push_back(std::move(cells));
}

std::string Table::render(const Globals& globals) const {
  return render_table(columns_, rows_, globals, terminal_width());
}

}  // namespace dsl::cli
