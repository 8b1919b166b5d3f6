#include "native/binding/job.h"

#include <vector>

namespace circle::binding {
namespace {

// Shared by the job and by the JavaScript function that aborts it, whichever lives longer.
using AbortFlag = std::shared_ptr<std::atomic<bool>>;

class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, std::shared_ptr<SharedEngine> engine, CallArrays arrays, RunCall run)
      : Napi::AsyncWorker(env),
        engine_(std::move(engine)),
        arrays_(std::move(arrays)),
        run_(run),
        deferred_(Napi::Promise::Deferred::New(env)),
        abort_(std::make_shared<std::atomic<bool>>(false)) {}

  void keep_alive(const Napi::CallbackInfo& info) {
    for (size_t i = 0; i < info.Length(); ++i)
      if (info[i].IsObject()) arguments_.push_back(Napi::Persistent(info[i].As<Napi::Object>()));
  }

  Napi::Promise promise() const { return deferred_.Promise(); }
  AbortFlag abort() const { return abort_; }

 private:
  void Execute() override {
    outcome_ = run_(*engine_, arrays_, abort_.get());
    // Here, because JavaScript's thread may be waiting for them.
    for (RowsArgument* rows : {&arrays_.candidates, &arrays_.first_moment, &arrays_.second_moment}) *rows = {};
  }
  void OnOK() override {
    account(Env(), *engine_);
    deferred_.Resolve(Napi::Number::New(Env(), static_cast<int>(outcome_.status)));
  }

  std::shared_ptr<SharedEngine> engine_;
  CallArrays arrays_;
  RunCall run_;
  Napi::Promise::Deferred deferred_;
  AbortFlag abort_;
  Outcome outcome_;
  std::vector<Napi::ObjectReference> arguments_;
};

}  // namespace

Napi::Value start_job(const Napi::CallbackInfo& info, std::shared_ptr<SharedEngine> engine, CallArrays arrays,
                      RunCall run) {
  const Napi::Env env = info.Env();
  auto job = std::make_unique<Job>(env, engine, std::move(arrays), run);
  job->keep_alive(info);
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("done", job->promise());
  const AbortFlag flag = job->abort();
  handle.Set("abort", Napi::Function::New(env, [flag, engine = std::move(engine)](const Napi::CallbackInfo&) {
               flag->store(true);
               engine->wake();
             }));
  job.release()->Queue();  // deletes itself when it is done
  return handle;
}

}  // namespace circle::binding
