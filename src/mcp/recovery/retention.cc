#include "mcp/recovery/retention.h"

#include <algorithm>
#include <functional>

namespace mcp::recovery {

namespace {

using dsl::env::WallTime;
using std::chrono::days;

std::chrono::sys_days day_of(WallTime time) { return std::chrono::floor<days>(time); }

// The Monday it begins with: one number for each ISO week.
std::chrono::sys_days week_of(WallTime time) {
  const auto day = day_of(time);
  return day - (std::chrono::weekday(day) - std::chrono::Monday);
}

std::chrono::sys_days month_of(WallTime time) {
  const std::chrono::year_month_day date(day_of(time));
  return std::chrono::sys_days(date.year() / date.month() / 1);
}

// Keeps the newest point of each of the `count` newest periods that have one. `newest_first` holds
// whole points only.
void keep_newest_of_each(const std::vector<const RetainedPoint*>& newest_first, int count,
                         const std::function<std::chrono::sys_days(WallTime)>& period_of,
                         std::set<std::string>& kept) {
  std::set<std::chrono::sys_days> seen;
  for (const RetainedPoint* point : newest_first) {
    const auto period = period_of(point->time);
    if (seen.contains(period)) {
      continue;
    }
    if (static_cast<int>(seen.size()) >= count) {
      return;
    }
    seen.insert(period);
    kept.insert(point->id);
  }
}

}  // namespace

std::vector<std::string> to_prune(const RetentionRule& rule, std::vector<RetainedPoint> points,
                                  WallTime now) {
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time > b.time : a.id > b.id;
  });
  std::vector<const RetainedPoint*> whole;
  for (const RetainedPoint& point : points) {
    if (point.whole) {
      whole.push_back(&point);
    }
  }
  std::set<std::string> kept;
  keep_newest_of_each(whole, rule.daily, day_of, kept);
  keep_newest_of_each(whole, rule.weekly, week_of, kept);
  keep_newest_of_each(whole, rule.monthly, month_of, kept);
  if (!whole.empty()) {
    kept.insert(whole.front()->id);
  }
  const auto verified =
      std::find_if(whole.begin(), whole.end(), [](const auto* point) { return point->verified; });
  if (verified != whole.end()) {
    kept.insert((*verified)->id);
  }
  const auto young = std::max(rule.keep_within, rule.min_age);
  std::vector<std::string> gone;
  for (const RetainedPoint& point : points) {
    if (!point.pinned && !kept.contains(point.id) && now - point.time > young) {
      gone.push_back(point.id);
    }
  }
  std::reverse(gone.begin(), gone.end());
  return gone;
}

}  // namespace mcp::recovery
