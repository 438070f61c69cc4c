#include "dsl/replica/overlay_store.h"

#include <map>
#include <utility>

namespace dsl::replica {
namespace {

class Overlay final : public Store {
 public:
  Overlay(std::unique_ptr<Store> above, std::unique_ptr<Store> below)
      : above_(std::move(above)), below_(std::move(below)) {}

  const std::string& place() const override { return below_->place(); }
  Result<std::unique_ptr<Upload>> put(const std::string& name) override { return refuse(name); }
  Result<std::unique_ptr<AppendedObject>> append_to_new(const std::string& name) override {
    return refuse(name);
  }
  Result<void> remove(const std::string& name) override { return refuse(name); }
  Result<void> remove_folder(const std::string& folder) override { return refuse(folder); }

  Result<archive::Source> get(const std::string& name) override {
    auto found = below_->get(name);
    return !found && found.error().code() == Code::kNotFound ? above_->get(name) : std::move(found);
  }

  Result<bool> contains(const std::string& name) override {
    MC_ASSIGN(const bool there, below_->contains(name));
    return there ? Result<bool>(true) : above_->contains(name);
  }

  Result<std::vector<StoredObject>> list() override {
    std::map<std::string, StoredObject> objects;
    for (Store* store : {above_.get(), below_.get()}) {
      MC_ASSIGN(auto found, store->list());
      for (StoredObject& object : found) {
        std::string name = object.name;
        objects.insert_or_assign(std::move(name), std::move(object));
      }
    }
    std::vector<StoredObject> all;
    for (auto& [name, object] : objects) {
      all.push_back(std::move(object));
    }
    return all;
  }

 private:
  Failure refuse(const std::string& name) const {
    return fail(Code::kUnimplemented, "{} of {} is only read here", name, place());
  }

  const std::unique_ptr<Store> above_;
  const std::unique_ptr<Store> below_;
};

}  // namespace

std::unique_ptr<Store> overlay(std::unique_ptr<Store> above, std::unique_ptr<Store> below) {
  return std::make_unique<Overlay>(std::move(above), std::move(below));
}

}  // namespace dsl::replica
