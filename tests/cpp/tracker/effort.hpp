#pragma once

// Sanitizers and wasm make each step several times as dear, and look for other faults than a plain
// native run: a part of the work is enough for them.
#if defined(__EMSCRIPTEN__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kThorough = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kThorough = false;
#else
inline constexpr bool kThorough = true;
#endif
#else
inline constexpr bool kThorough = true;
#endif
