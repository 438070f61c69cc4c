#include "mcp/agent/handlers_image.h"

#include <algorithm>

#include "mcp/agent/handlers_read.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;
using dsl::rpc::CallContext;
using dsl::rpc::Writer;

namespace {

constexpr std::chrono::milliseconds kProgressPause{200};

Result<std::vector<std::string>> chosen_references(Core& core,
                                                   const pb::SaveImageRequest& request) {
  const bool by_service = request.all() || request.tiers_size() > 0;
  if (by_service == (request.references_size() > 0)) {
    return fail(Code::kInvalidArgument, "name images, or say which services' images are meant")
        .hint(
            "mcp image save REFERENCE...; mcp image save --all; mcp image save --tier foundation");
  }
  if (!by_service) {
    std::vector<std::string> chosen;
    for (const std::string& reference : request.references()) {
      if (std::find(chosen.begin(), chosen.end(), reference) == chosen.end()) {
        chosen.push_back(reference);
      }
    }
    return chosen;
  }
  const std::vector<std::string>& stages = core.config.boot_stages;
  for (const std::string& tier : request.tiers()) {
    if (std::find(stages.begin(), stages.end(), tier) == stages.end()) {
      std::string known;
      for (const std::string& stage : stages) {
        known += (known.empty() ? "" : ", ") + stage;
      }
      return fail(Code::kInvalidArgument, "there is no tier \"{}\"", tier).hint("tiers: " + known);
    }
  }
  MC_ASSIGN(const std::vector<ImageUse> uses,
            core.images.used({request.tiers().begin(), request.tiers().end()}));
  std::vector<std::string> chosen;
  for (const ImageUse& use : uses) {
    chosen.push_back(use.reference);
  }
  return chosen;
}

void describe(const Error& error, pb::ImageResult& out) {
  out.set_action("failed");
  out.set_error(error.message());
  out.set_error_id(error.id());
  out.set_hint(error.hint());
  out.set_exit_code(error.exit_code());
}

// Tells how an archive grows, a few times a second. False once nobody listens.
class ProgressTeller {
 public:
  ProgressTeller(dsl::env::Env& env, Writer<pb::ImageEvent>& writer, int number, int total,
                 std::string reference)
      : env_(env),
        writer_(writer),
        number_(number),
        total_(total),
        reference_(std::move(reference)) {}

  void tell(std::uint64_t done, std::uint64_t total) {
    const auto now = env_.clock().mono_now();
    if (now < next_) {
      return;
    }
    next_ = now + kProgressPause;
    pb::ImageEvent event;
    event.mutable_progress()->set_step(number_);
    event.mutable_progress()->set_total(total_);
    event.mutable_progress()->set_component(reference_);
    event.mutable_progress()->set_message(text("{} of {} MiB", done >> 20, total >> 20));
    event.mutable_progress()->set_percent(total > 0 ? static_cast<std::int32_t>(100 * done / total)
                                                    : 0);
    heard_ = heard_ && writer_.write(event).has_value();
  }
  bool heard() const { return heard_; }

 private:
  dsl::env::Env& env_;
  Writer<pb::ImageEvent>& writer_;
  const int number_;
  const int total_;
  const std::string reference_;
  dsl::env::MonoTime next_{};
  bool heard_ = true;
};

// One that fails is told and does not keep the others from being saved.
Result<void> save(HandlerContext& context, CallContext& call, const pb::SaveImageRequest& request,
                  Writer<pb::ImageEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const std::vector<std::string> references, chosen_references(*core, request));
  const bool dry_run = request.change().dry_run();
  int number = 0;
  for (const std::string& reference : references) {
    ProgressTeller teller(context.env, writer, ++number, static_cast<int>(references.size()),
                          reference);
    const auto cancelled = [&] { return call.cancelled() || context.stopping || !teller.heard(); };
    if (cancelled()) {
      return fail(Code::kCancelled, "the caller has left");
    }
    const Result<Images::Saved> saved =
        dry_run
            ? core->images.plan_save(reference)
            : core->images.save(reference,
                                {.progress = [&](std::uint64_t done,
                                                 std::uint64_t total) { teller.tell(done, total); },
                                 .cancelled = cancelled});
    pb::ImageEvent event;
    pb::ImageResult& row = *event.mutable_image();
    row.set_reference(reference);
    if (saved) {
      row.set_action(!saved->written ? "same" : dry_run ? "planned" : "saved");
      row.set_archive(saved->path);
      row.set_id(saved->id);
      row.set_size_bytes(static_cast<std::int64_t>(saved->size_bytes));
    } else {
      describe(saved.error(), row);
    }
    MC_TRY(writer.write(event));
  }
  return {};
}

Result<void> load(HandlerContext& context, const pb::LoadImageRequest& request,
                  Writer<pb::ImageEvent>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  const bool dry_run = request.change().dry_run();
  MC_ASSIGN(const std::vector<Images::Loaded> loaded,
            dry_run ? core->images.plan_load(request.path()) : core->images.load(request.path()));
  for (const Images::Loaded& image : loaded) {
    pb::ImageEvent event;
    pb::ImageResult& row = *event.mutable_image();
    row.set_reference(image.reference);
    row.set_action(dry_run ? "planned" : "loaded");
    row.set_archive(request.path());
    row.set_id(image.id);
    MC_TRY(writer.write(event));
    if (!dry_run) {
      core->events.add(Severity::kInfo, "image", "", "",
                       text("loaded {} from {}",
                            image.reference.empty() ? image.id : image.reference, request.path()));
    }
  }
  return {};
}

}  // namespace

void add_image_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  const std::string service = "mcp.v1.AgentService.";
  table.add<pb::ListImagesRequest, pb::ListImagesReply>(
      service + "ListImages",
      [&context](CallContext&, const pb::ListImagesRequest&) -> Result<pb::ListImagesReply> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->images.list();
      });
  table.add_stream<pb::SaveImageRequest, pb::ImageEvent>(
      service + "SaveImage",
      [&context](CallContext& call, const pb::SaveImageRequest& request,
                 Writer<pb::ImageEvent>& writer) { return save(context, call, request, writer); });
  table.add_stream<pb::LoadImageRequest, pb::ImageEvent>(
      service + "LoadImage",
      [&context](CallContext&, const pb::LoadImageRequest& request,
                 Writer<pb::ImageEvent>& writer) { return load(context, request, writer); });
}

}  // namespace mcp::agent
