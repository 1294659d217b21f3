#pragma once

#include <cmath>

// The options of an engine, one a line. HmOption, hm_set and hm_set_text, js/abi.js and the
// simulator's hand-over of an EngineConfig are all made from these tables.
//
// NUMBER(name, number, name in JavaScript, field of EngineConfig, lowest, highest, part): `part` of
// a running engine is told of a change (client_settings.cpp); kNone: it cannot change while
// running. The value of a bool is 0 or 1; a value that is neither a bool nor a double must be
// whole.
// clang-format off
#define HLSMESH_NUMBER_OPTIONS(NUMBER)                                                                 \
  NUMBER(Mobile, 3, mobile, mobile, 0, 1, kNone)                                                       \
  /* The largest cache fits the module's maximum memory (wasm/CMakeLists.txt). */                      \
  NUMBER(CacheBytes, 4, cacheBytes, cache_bytes, 1, 256.0 * 1024 * 1024, kNone)                        \
  NUMBER(P2p, 5, p2p, p2p, 0, 1, kP2p)                                                                 \
  NUMBER(Upload, 6, upload, upload, 0, 1, kUpload)                                                     \
  NUMBER(MaxChildren, 7, maxChildren, limits.max_children, 0, 1000, kLimits)                           \
  NUMBER(MaxParents, 8, maxParents, limits.max_parents, 0, 1000, kLimits)                              \
  /* On average; +infinity: no limit. */                                                               \
  NUMBER(UploadBytesPerSecond, 9, uploadBytesPerSecond, limits.upload_bytes_per_second, 0, HUGE_VAL,   \
         kLimits)                                                                                      \
  /* In all; +infinity: no limit. */                                                                   \
  NUMBER(UploadBytes, 10, uploadBytes, limits.upload_bytes, 0, HUGE_VAL, kLimits)                      \
  /* The code of kSocketOpen stays below it. */                                                        \
  NUMBER(TrackerCount, 11, trackerCount, tracker_count, 1, 1000, kNone)                                \
  /* Negative: as the player buffers. */                                                               \
  NUMBER(PrefetchSeconds, 12, prefetchSeconds, prefetch_seconds, -HUGE_VAL, HUGE_VAL, kPrefetch)       \
  NUMBER(MinViewers, 15, minViewers, limits.min_viewers, 1, 1'000'000, kLimits)                        \
  NUMBER(UploadOnMetered, 13, uploadOnMetered, limits.upload_on_metered, 0, 1, kLimits)                \
  /* DigestPolicy */                                                                                   \
  NUMBER(Digests, 14, digests, digests, 0, 2, kNone)                                                   \
  /* Group */                                                                                          \
  NUMBER(Control, 19, control, group, -2, 1, kNone)                                                    \
  NUMBER(Checks, 20, checks, checks, 0, 1, kNone)                                                      \
  /* +infinity: there was no other channel. */                                                         \
  NUMBER(Stayed, 21, stayed, stayed, 0, HUGE_VAL, kNone)

// TEXT(name, number, name in JavaScript, field of EngineConfig): cannot change while running.
#define HLSMESH_TEXT_OPTIONS(TEXT)    \
  TEXT(Channel, 16, channel, channel) \
  TEXT(Browser, 17, browser, browser) \
  TEXT(Os, 18, os, os)
// clang-format on
