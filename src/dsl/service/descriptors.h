// Room for descriptors, made while it costs nothing.
#pragma once

namespace dsl::service {

// Lets the kernel's table of this process hold as many descriptors as it may open, at most 32768.
//
// The table grows by itself, and in a process with threads the kernel then waits until no core can
// still be looking at the old one: some 10 ms, for whoever opens the descriptor. So the first
// client on the local socket, whose connection gets a high number, waited longer than for all else;
// and a server pays again at 64, 128, 256, ... connections. With one thread nothing is waited for.
// To be called before any thread starts.
void make_room_for_descriptors();

}  // namespace dsl::service
