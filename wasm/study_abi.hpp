#pragma once

#include <cstddef>
#include <cstdint>

// The C ABI of the simulator: what js/sim calls. One study per WebAssembly instance. Texts are
// UTF-8 of a given size, without an end mark; what hs_text() points to holds until the next call.

extern "C" {

// Room for a text that the caller puts in; nullptr when memory is out.
char* hs_text_in(size_t size);

// Opens a study of the scenario whose JSON was put in. 1: open, and hs_text() is the scenario with
// every default; 0: hs_text() says what is wrong with it.
int32_t hs_open(size_t size, uint32_t seed_high, uint32_t seed_low);

// hs_text() becomes a scenario in which every parameter is drawn from the seed.
void hs_draw(uint32_t seed_high, uint32_t seed_low);

// Simulates up to so many seconds more; returns the part of the study that is done, 0 to 1. At 1
// hs_text() is the figures as JSON.
double hs_advance(double seconds);

// hs_text() becomes how the run with peers stands, as JSON: `at` in seconds, and by viewer `here`
// (0 or 1) and bytes so far, `cdn` and `p2p`. Its end once the run without peers has begun.
void hs_look(void);

const char* hs_text(void);
size_t hs_text_size(void);

}  // extern "C"
