#pragma once

#include <cstdint>

// The C ABI of the tracker engine, which js/tracker/engine.js calls. One tracker per WebAssembly
// instance. The conventions are those of client_abi.hpp.

extern "C" {

inline constexpr int32_t kHtAbiVersion = 10;

enum HtError : int32_t {
  kHtOk = 0,
  kHtMisuse = -1,
  kHtNoMemory = -2,
};

enum HtOption : int32_t {
  kHtOptionDefaultChildren = 1,
  kHtOptionDefaultChildrenMobile = 2,
  kHtOptionChildKbps = 3,
  kHtOptionMaxChildren = 4,
  kHtOptionPingIntervalMs = 5,
  kHtOptionDeadAfterMs = 6,
  kHtOptionEnterTimeoutMs = 7,
  kHtOptionMaxConnectionsPerAddress = 8,
  kHtOptionEntersPerAddressPerMinute = 9,
  kHtOptionParentsWanted = 10,
  kHtOptionRoomPeers = 11,
  kHtOptionMessagesPerSecond = 12,
  kHtOptionChannelSwitches = 13,
  kHtOptionMaxConnections = 14,
  kHtOptionAuthorize = 15,  // 0 or 1
  kHtOptionMessagesPerAddress = 16,
  kHtOptionMaxParents = 17,
  kHtOptionMaxChildrenMobile = 18,
  kHtOptionAddressShare = 19,  // percent
  kHtOptionReportKbps = 20,
  kHtOptionBytesPerSecond = 21,
  kHtOptionBytesPerAddress = 22,
  kHtOptionBytesPerPair = 23,
  kHtOptionAgree = 24,
};

struct HtCommand {
  int32_t kind;
  int32_t conn;
  int32_t code;
  const char* text;
  uint32_t text_size;
};

struct HtStats {
  double connections;
  double peers;
  double channels;
  double enters;
  double connects;
  double signals;
  double signals_refused;
  double malformed;
  double dead;
  double rooms;
  double links;
  double banned;
  double excluded;
  double orphans;
  double opened;
  double promoted;
  double failed;
  double failed_refused;
  double failed_silent;
  double failed_permission;
  double failed_udp;
  double failed_nat;
  double failed_policy;
  double rejected;
  double unauthorized;
  double expired;
  double rate_limited;
  double limited_total;
  double limited_connections;
  double limited_enters;
  double limited_messages;
  double limited_switches;
  double limited_address_messages;
  double limited_enter_time;
  double limited_bytes;
  double limited_address_bytes;
  double limited_pair_bytes;
  double limited_reports;
  double limited_facts;
  double limited_address_share;
  double reports;
  double reports_ignored;
  double bans;
  double cdn_kb;
  double p2p_kb;
  double shadows;
  double shadow_cdn_kb;
  double shadow_p2p_kb;
  double shadow_loads;
  double shadow_missed;
  double shadow_wrong;
};

struct HtText {
  const char* text;
  uint32_t size;
};

int32_t ht_abi_version(void);
// nullptr if `size` is above 1 MiB or there is no memory.
uint8_t* ht_text(uint32_t size);
int32_t ht_set(int32_t option, double value);  // before ht_start; a whole number, 0 or more
int32_t ht_start(void);
// text: address LF isp LF province LF site, where all but the address may be empty or missing;
// `guest`: 0 or 1; entropy as four 32-bit words
int32_t ht_open(double now, int32_t conn, int32_t guest, uint32_t e0, uint32_t e1, uint32_t e2,
                uint32_t e3);
int32_t ht_message(double now, int32_t conn);  // text
int32_t ht_binary(double now, int32_t conn);
int32_t ht_pong(double now, int32_t conn);
int32_t ht_closed(double now, int32_t conn);
// The answer to a kAuthorize. text: the reason, if refused; `granted`: 0 or 1; `valid_ms`: the time
// for which the token is valid, infinite for no limit.
int32_t ht_authorized(double now, int32_t conn, int32_t request, int32_t granted, double valid_ms);
// The other answer to a kAuthorize: another engine runs the channel.
int32_t ht_elsewhere(double now, int32_t conn, int32_t request);
int32_t ht_ask_again(double now, int32_t conn);
int32_t ht_told(double now, int32_t conn);  // text: by the engine that runs the peer's channel
int32_t ht_timeout(double now);
const HtCommand* ht_poll(void);
double ht_next_timeout(void);
const HtStats* ht_stats(void);
// JSON (src/tracker/tracker.hpp), valid until the next call of any of these; nullptr before
// ht_start.
const HtText* ht_channels(int32_t offset, int32_t limit);
// text: the channel. nullptr if there is none of that name.
const HtText* ht_topology(int32_t offset, int32_t limit);
const HtText* ht_sites(void);
// Begins again with what it tells: for one caller.
const HtText* ht_take_audience(void);

}  // extern "C"
