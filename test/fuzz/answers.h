// What a call that ended well has to give: named, so that a report says which promise did not hold.
#pragma once

#include "test/fuzz/call_run.h"

namespace circle::fuzz {

// Null, or the promise that is broken.
const char* broken_promise(const CallInput& input, const CallRun& run);

// The same against the definition in double precision (test/native/plain_engine.h), where it is small, sound and random.
const char* other_than_defined(const CallInput& input, CallRun& run);

// A search against the sorted matrix of the same engine.
const char* other_than_sorted(const CallInput& input, CallRun& run, binding::SharedEngine& engine);

}  // namespace circle::fuzz
