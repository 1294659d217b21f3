// Prints the ABI as a JavaScript module: option keys, command kinds and codes, and where each field
// of a record lies in wasm32 memory. Built by Emscripten, run by Node; `abi_dump client` or
// `abi_dump tracker`.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "client/engine.hpp"
#include "client_abi.hpp"
#include "tracker/tracker.hpp"
#include "tracker_abi.hpp"

namespace {

void open_group(const char* name) { std::printf("\nexport const %s = Object.freeze({\n", name); }
void close_group() { std::printf("});\n"); }

template <class Value>
void constant(const char* name, Value value) {
  std::printf("  %s: %d,\n", name, static_cast<int>(value));
}

// Lists of the words that the page reads, by their numbers.
void open_list(const char* name) { std::printf("\nexport const %s = Object.freeze([\n", name); }
void close_list() { std::printf("]);\n"); }

template <class Value>
void word(const char* text, Value value, int number) {
  if (static_cast<int>(value) != number) std::abort();
  std::printf("  '%s',\n", text);
}

#define CONSTANT(js, value) constant(#js, value)
#define FIELD(record, field) constant(#field, offsetof(record, field))
#define STAT(type, name, js) constant(#js, offsetof(HmStats, name));

void print_client() {
  using namespace hlsmesh;
  std::printf("\nexport const ABI_VERSION = %d;\n", static_cast<int>(kHmAbiVersion));
  std::printf("\nexport const HEAD_BYTES = %d;\n", static_cast<int>(kHmHeadBytes));
  std::printf("\nexport const LOW_WATER_BYTES = %d;\n", static_cast<int>(kLowWaterBytes));

  open_group("Option");
  CONSTANT(seedLow, kHmOptionSeedLow);
  CONSTANT(seedHigh, kHmOptionSeedHigh);
#define OPTION(name, number, js, ...) constant(#js, number);
  HLSMESH_NUMBER_OPTIONS(OPTION)
  HLSMESH_TEXT_OPTIONS(OPTION)
#undef OPTION
  close_group();

  open_group("LoadFlag");
  CONSTANT(shareable, kHmLoadShareable);
  CONSTANT(fromCdn, kHmLoadFromCdn);
  CONSTANT(named, kHmLoadNamed);
  CONSTANT(opaque, kHmLoadOpaque);
  CONSTANT(streams, kHmLoadStreams);
  CONSTANT(part, kHmLoadPart);
  close_group();

  open_group("Condition");
  CONSTANT(loadsNot, kHmConditionLoadsNot);
  CONSTANT(hidden, kHmConditionHidden);
  CONSTANT(saveData, kHmConditionSaveData);
  CONSTANT(metered, kHmConditionMetered);
  CONSTANT(parts, kHmConditionParts);
  CONSTANT(noPlaylist, kHmConditionNoPlaylist);
  CONSTANT(noFrame, kHmConditionNoFrame);
  CONSTANT(remote, kHmConditionRemote);
  CONSTANT(localDenied, kHmConditionLocalDenied);
  close_group();

  open_group("PlaylistFlag");
  CONSTANT(live, kHmPlaylistLive);
  CONSTANT(digests, kHmPlaylistDigests);
  close_group();

  open_group("PeerFlag");
  CONSTANT(parent, kHmPeerParent);
  CONSTANT(open, kHmPeerOpen);
  CONSTANT(version1, kHmPeerVersion1);
  close_group();

  open_group("TrackKind");
  CONSTANT(main, TrackKind::kMain);
  CONSTANT(audio, TrackKind::kAudio);
  CONSTANT(subtitle, TrackKind::kSubtitle);
  close_group();

  open_group("CommandKind");
  CONSTANT(socketOpen, CommandKind::kSocketOpen);
  CONSTANT(socketSend, CommandKind::kSocketSend);
  CONSTANT(socketClose, CommandKind::kSocketClose);
  CONSTANT(peerDial, CommandKind::kPeerDial);
  CONSTANT(peerAnswer, CommandKind::kPeerAnswer);
  CONSTANT(peerSignal, CommandKind::kPeerSignal);
  CONSTANT(peerClose, CommandKind::kPeerClose);
  CONSTANT(channelSendText, CommandKind::kChannelSendText);
  CONSTANT(channelSendBinary, CommandKind::kChannelSendBinary);
  CONSTANT(fetch, CommandKind::kFetch);
  CONSTANT(loadProgress, CommandKind::kLoadProgress);
  CONSTANT(loadDone, CommandKind::kLoadDone);
  CONSTANT(event, CommandKind::kEvent);
  CONSTANT(listSegments, CommandKind::kListSegments);
  CONSTANT(renewToken, CommandKind::kRenewToken);
  CONSTANT(fetchDigests, CommandKind::kFetchDigests);
  close_group();

  open_group("LoadSource");
  CONSTANT(peer, LoadSource::kPeer);
  CONSTANT(cdn, LoadSource::kCdn);
  close_group();

  open_group("EventCode");
  CONSTANT(trackerConnected, EventCode::kTrackerConnected);
  CONSTANT(trackerDisconnected, EventCode::kTrackerDisconnected);
  CONSTANT(trackerRejected, EventCode::kTrackerRejected);
  CONSTANT(peerOpened, EventCode::kPeerOpened);
  CONSTANT(peerClosed, EventCode::kPeerClosed);
  CONSTANT(segmentCached, EventCode::kSegmentCached);
  CONSTANT(fallback, EventCode::kFallback);
  CONSTANT(peerMisbehaved, EventCode::kPeerMisbehaved);
  CONSTANT(alone, EventCode::kAlone);
  CONSTANT(partsOnly, EventCode::kPartsOnly);
  CONSTANT(unlikeDigest, EventCode::kUnlikeDigest);
  close_group();

  open_list("PeerEnd");
  word("closed-by-peer", PeerEnd::kClosedByPeer, 0);
  word("closed-by-us", PeerEnd::kClosedByUs, 1);
  word("failed", PeerEnd::kFailed, 2);
  word("timed-out", PeerEnd::kTimedOut, 3);
  word("misbehaved", PeerEnd::kMisbehaved, 4);
  word("disconnected-by-tracker", PeerEnd::kDisconnectedByTracker, 5);
  word("refused", PeerEnd::kRefused, 6);
  word("useless", PeerEnd::kUseless, 7);
  word("no-reply", PeerEnd::kNoAnswer, 8);
  word("no-permission", PeerEnd::kNoPermission, 9);
  word("no-udp", PeerEnd::kNoUdp, 10);
  word("no-route", PeerEnd::kNoRoute, 11);
  word("no-webrtc", PeerEnd::kNoWebrtc, 12);
  close_list();

  open_list("FallbackReason");
  word("none", 0, 0);
  word("lack", FallbackReason::kLack, 1);
  word("timeout", FallbackReason::kTimeout, 2);
  word("wrong-segment", FallbackReason::kWrongSegment, 3);
  word("peer-lost", FallbackReason::kPeerLost, 4);
  word("protocol", FallbackReason::kProtocol, 5);
  word("no-memory", FallbackReason::kNoMemory, 6);
  close_list();

  open_group("HmCommand");
  FIELD(HmCommand, kind);
  FIELD(HmCommand, peer);
  FIELD(HmCommand, load);
  FIELD(HmCommand, code);
  FIELD(HmCommand, aux);
  FIELD(HmCommand, t0);
  FIELD(HmCommand, t1);
  FIELD(HmCommand, text);
  FIELD(HmCommand, text_size);
  FIELD(HmCommand, data);
  FIELD(HmCommand, data_size);
  close_group();

  open_group("HmFrame");
  FIELD(HmFrame, at);
  FIELD(HmFrame, from);
  FIELD(HmFrame, head);
  close_group();

  open_group("HmStats");
  HLSMESH_FIGURES(STAT)
  close_group();

  open_group("HmPeer");
  FIELD(HmPeer, handle);
  FIELD(HmPeer, flags);
  FIELD(HmPeer, received_bytes);
  FIELD(HmPeer, sent_bytes);
  FIELD(HmPeer, rtt_ms);
  FIELD(HmPeer, id);
  FIELD(HmPeer, id_size);
  close_group();
}

void print_tracker() {
  using namespace hlsmesh;
  std::printf("\nexport const ABI_VERSION = %d;\n", static_cast<int>(kHtAbiVersion));

  open_group("Option");
  CONSTANT(defaultChildren, kHtOptionDefaultChildren);
  CONSTANT(defaultChildrenMobile, kHtOptionDefaultChildrenMobile);
  CONSTANT(childKbps, kHtOptionChildKbps);
  CONSTANT(maxChildren, kHtOptionMaxChildren);
  CONSTANT(pingIntervalMs, kHtOptionPingIntervalMs);
  CONSTANT(deadAfterMs, kHtOptionDeadAfterMs);
  CONSTANT(enterTimeoutMs, kHtOptionEnterTimeoutMs);
  CONSTANT(maxConnectionsPerAddress, kHtOptionMaxConnectionsPerAddress);
  CONSTANT(entersPerAddressPerMinute, kHtOptionEntersPerAddressPerMinute);
  CONSTANT(parentsWanted, kHtOptionParentsWanted);
  CONSTANT(roomPeers, kHtOptionRoomPeers);
  CONSTANT(messagesPerSecond, kHtOptionMessagesPerSecond);
  CONSTANT(channelSwitches, kHtOptionChannelSwitches);
  CONSTANT(maxConnections, kHtOptionMaxConnections);
  CONSTANT(authorize, kHtOptionAuthorize);
  CONSTANT(messagesPerAddress, kHtOptionMessagesPerAddress);
  CONSTANT(maxParents, kHtOptionMaxParents);
  CONSTANT(maxChildrenMobile, kHtOptionMaxChildrenMobile);
  CONSTANT(addressShare, kHtOptionAddressShare);
  CONSTANT(reportKbps, kHtOptionReportKbps);
  CONSTANT(bytesPerSecond, kHtOptionBytesPerSecond);
  CONSTANT(bytesPerAddress, kHtOptionBytesPerAddress);
  CONSTANT(bytesPerPair, kHtOptionBytesPerPair);
  CONSTANT(agree, kHtOptionAgree);
  close_group();

  open_group("CommandKind");
  CONSTANT(send, TrackerCommandKind::kSend);
  CONSTANT(ping, TrackerCommandKind::kPing);
  CONSTANT(close, TrackerCommandKind::kClose);
  CONSTANT(authorize, TrackerCommandKind::kAuthorize);
  CONSTANT(forward, TrackerCommandKind::kForward);
  CONSTANT(split, TrackerCommandKind::kSplit);
  close_group();

  open_group("HtCommand");
  FIELD(HtCommand, kind);
  FIELD(HtCommand, conn);
  FIELD(HtCommand, code);
  FIELD(HtCommand, text);
  FIELD(HtCommand, text_size);
  close_group();

  open_group("HtStats");
  FIELD(HtStats, connections);
  FIELD(HtStats, peers);
  FIELD(HtStats, channels);
  FIELD(HtStats, enters);
  FIELD(HtStats, connects);
  FIELD(HtStats, signals);
  FIELD(HtStats, signals_refused);
  FIELD(HtStats, malformed);
  FIELD(HtStats, dead);
  FIELD(HtStats, rooms);
  FIELD(HtStats, links);
  FIELD(HtStats, banned);
  FIELD(HtStats, excluded);
  FIELD(HtStats, orphans);
  FIELD(HtStats, opened);
  FIELD(HtStats, promoted);
  FIELD(HtStats, failed);
  FIELD(HtStats, failed_refused);
  FIELD(HtStats, failed_silent);
  FIELD(HtStats, failed_permission);
  FIELD(HtStats, failed_udp);
  FIELD(HtStats, failed_nat);
  FIELD(HtStats, failed_policy);
  FIELD(HtStats, rejected);
  FIELD(HtStats, unauthorized);
  FIELD(HtStats, expired);
  FIELD(HtStats, rate_limited);
  FIELD(HtStats, limited_total);
  FIELD(HtStats, limited_connections);
  FIELD(HtStats, limited_enters);
  FIELD(HtStats, limited_messages);
  FIELD(HtStats, limited_switches);
  FIELD(HtStats, limited_address_messages);
  FIELD(HtStats, limited_enter_time);
  FIELD(HtStats, limited_bytes);
  FIELD(HtStats, limited_address_bytes);
  FIELD(HtStats, limited_pair_bytes);
  FIELD(HtStats, limited_reports);
  FIELD(HtStats, limited_facts);
  FIELD(HtStats, limited_address_share);
  FIELD(HtStats, reports);
  FIELD(HtStats, reports_ignored);
  FIELD(HtStats, bans);
  FIELD(HtStats, cdn_kb);
  FIELD(HtStats, p2p_kb);
  FIELD(HtStats, shadows);
  FIELD(HtStats, shadow_cdn_kb);
  FIELD(HtStats, shadow_p2p_kb);
  FIELD(HtStats, shadow_loads);
  FIELD(HtStats, shadow_missed);
  FIELD(HtStats, shadow_wrong);
  close_group();

  open_group("HtText");
  FIELD(HtText, text);
  FIELD(HtText, size);
  close_group();
}

}  // namespace

int main(int argc, char** argv) {
  std::printf(
      "// Generated from wasm/*_abi.hpp and the engines' headers by wasm/abi_dump.cpp; do not "
      "edit.\n");
  if (argc > 1 && std::strcmp(argv[1], "tracker") == 0) {
    print_tracker();
  } else {
    print_client();
  }
  return 0;
}
