// How long the kernel lets the thread compute at a time.
#pragma once

namespace dsl {

// The calling thread takes short turns on its processor, and gets them sooner: for one that has
// little to do at once and must not wait for the turns of others (3 ms and more each). It gets no
// larger part of the processor. Linux 6.12 and later; otherwise, and where it is not allowed, all
// stays as it is.
void prefer_short_turns();

}  // namespace dsl
