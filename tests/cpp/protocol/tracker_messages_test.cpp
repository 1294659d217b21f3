#include "protocol/tracker_messages.hpp"

#include <catch2/catch.hpp>

#include "cpp/protocol/vectors.hpp"

namespace hlsmesh::tracker_wire {
namespace {

using nlohmann::json;
using test::field;
using test::put_optional;

struct Described {
  std::string type;
  json fields = json::object();
};

Described ended(const char* type, const std::string& dc_id, EndReason reason) {
  Described d{type, {{"dc_id", dc_id}}};
  if (reason == EndReason::kRefused) d.fields["reason"] = "refused";
  if (reason == EndReason::kUseless) d.fields["reason"] = "useless";
  if (reason == EndReason::kSilent) d.fields["reason"] = "silent";
  if (reason == EndReason::kMisbehaved) d.fields["reason"] = "misbehaved";
  if (reason == EndReason::kPolluted) d.fields["reason"] = "polluted";
  return d;
}

struct Describe {
  Described operator()(const Enter& m) const {
    Described d{"enter",
                {{"channel", m.channel},
                 {"browser", m.browser},
                 {"device", m.device == Device::kMobile ? "mobile" : "PC"},
                 {"os", m.os}}};
    put_optional(d.fields, "hlsmesh", m.hlsmesh);
    put_optional(d.fields, "live", m.live);
    put_optional(d.fields, "parents", m.parents);
    put_optional(d.fields, "children", m.children);
    put_optional(d.fields, "upBW", m.up_bw);
    put_optional(d.fields, "wants", m.wants);
    put_optional(d.fields, "slots", m.slots);
    put_optional(d.fields, "idle", m.idle);
    put_optional(d.fields, "control", m.control);
    put_optional(d.fields, "quorum", m.quorum);
    if (!m.token.empty()) d.fields["token"] = m.token;
    return d;
  }
  Described operator()(const Leave&) const { return {"leave"}; }
  Described operator()(const Ping&) const { return {"ping"}; }
  Described operator()(const Pong& m) const {
    Described d{"pong"};
    put_optional(d.fields, "viewers", m.viewers);
    return d;
  }
  Described operator()(const SignalTo& m) const {
    return {"signal", {{"to_peer_id", field(m.to_peer_id)}, {"data", m.data.text()}}};
  }
  Described operator()(const DcOpened& m) const { return {"dc_opened", {{"dc_id", m.dc_id}}}; }
  Described operator()(const DcClosed& m) const { return ended("dc_closed", m.dc_id, m.reason); }
  Described operator()(const DcFailed& m) const { return ended("dc_failed", m.dc_id, m.reason); }
  Described operator()(const Statistics& m) const {
    Described d{"statistics", {{"level", m.level}, {"cdn", m.cdn_kb}, {"p2p", m.p2p_kb}}};
    put_optional(d.fields, "up", m.up_kb);
    put_optional(d.fields, "idle", m.idle);
    put_optional(d.fields, "played", m.played);
    put_optional(d.fields, "stalled", m.stalled);
    put_optional(d.fields, "stalls", m.stalls);
    put_optional(d.fields, "first", m.first_frame);
    put_optional(d.fields, "loads", m.loads);
    put_optional(d.fields, "missed", m.missed);
    put_optional(d.fields, "wrong", m.wrong);
    return d;
  }
  Described operator()(const Accept& m) const {
    Described d{"accept", {{"live", m.live}, {"peer_id", field(m.peer_id)}}};
    put_optional(d.fields, "hlsmesh", m.hlsmesh);
    put_optional(d.fields, "token_ms", m.token_ms);
    if (!m.reason.empty()) d.fields["reason"] = m.reason;
    put_optional(d.fields, "agree", m.agree);
    return d;
  }
  Described operator()(const Connect& m) const {
    return {"connect", {{"to_peer_id", field(m.to_peer_id)}}};
  }
  Described operator()(const SignalFrom& m) const {
    return {"signal", {{"from_peer_id", field(m.from_peer_id)}, {"data", m.data.text()}}};
  }
  Described operator()(const Reject& m) const { return {"reject", {{"reason", m.reason}}}; }
  Described operator()(const Disconnect& m) const {
    return {"disconnect", {{"to_peer_id", field(m.peer_id)}}};
  }
  Described operator()(const UnknownAction& m) const { return {"unknown", {{"action", m.action}}}; }
};

template <class Message, class Parse>
Message parsed(Parse parse, const std::string& text) {
  const auto result = parse(text);
  const Message* message = std::get_if<Message>(&result);
  REQUIRE(message != nullptr);
  return *message;
}

template <class Message, class Parse>
void check_vectors(const char* list, Parse parse) {
  for (const auto& vector : test::load_vectors("tracker.json", list)) {
    INFO(list << ": " << vector["name"].template get<std::string>());
    const std::string wire = test::wire_of(vector);
    if (vector.contains("error")) {
      const auto result = parse(wire);
      const ParseError* error = std::get_if<ParseError>(&result);
      REQUIRE(error != nullptr);
      CHECK(to_string(*error) == vector["error"].template get<std::string>());
      continue;
    }
    const Message message = parsed<Message>(parse, wire);
    const Described described = std::visit(Describe(), message);
    CHECK(described.type == vector["type"].template get<std::string>());
    CHECK(described.fields == test::fields_of(vector));

    const std::string canonical = test::text_of(vector["canonical"]);
    CHECK(serialize(message) == canonical);
    CHECK(serialize(parsed<Message>(parse, canonical)) == canonical);

    if (vector.contains("to_string")) {
      CHECK(to_string(message) == vector["to_string"].template get<std::string>());
    }
  }
}

TEST_CASE("every vector from a peer parses and serializes as it says") {
  check_vectors<PeerMessage>("from_peer", parse_from_peer);
}

TEST_CASE("every vector from a tracker parses and serializes as it says") {
  check_vectors<TrackerMessage>("from_tracker", parse_from_tracker);
}

TEST_CASE("every signal vector is classified as it says") {
  for (const auto& vector : test::load_vectors("tracker.json", "signals")) {
    INFO(vector["name"].get<std::string>());
    const std::string kind = vector["kind"].get<std::string>();
    const SignalKind expected = kind == "offer"       ? SignalKind::kOffer
                                : kind == "answer"    ? SignalKind::kAnswer
                                : kind == "candidate" ? SignalKind::kCandidate
                                : kind == "refusal"   ? SignalKind::kRefusal
                                                      : SignalKind::kOther;
    CHECK(classify_signal(test::text_of(vector["data"])) == expected);
  }
}

TEST_CASE("a signal passes through the tracker with its data unchanged") {
  const std::string offer = R"({"type":"offer","sdp":"v=0\r\ns=-\r\n"})";
  const auto in = parsed<PeerMessage>(
      parse_from_peer, R"({"action":"signal","to_peer_id":"b","data":)" + offer + "}");
  const SignalTo* signal = std::get_if<SignalTo>(&in);
  REQUIRE(signal != nullptr);
  const auto out = parsed<TrackerMessage>(
      parse_from_tracker, serialize(TrackerMessage(SignalFrom{{"a", false}, signal->data})));
  const SignalFrom* relayed = std::get_if<SignalFrom>(&out);
  REQUIRE(relayed != nullptr);
  CHECK(relayed->data.text() == offer);
  CHECK(classify_signal(relayed->data.text()) == SignalKind::kOffer);
}

TEST_CASE("a signal that came as a string passes through the tracker as it was spelt") {
  const std::string literal = R"("{\"type\":\"\u006fffer\",\"sdp\":\"\/\u00E9\"}")";
  const auto in = parsed<PeerMessage>(
      parse_from_peer, R"({"action":"signal","to_peer_id":"b","data": )" + literal + " }");
  const SignalTo* signal = std::get_if<SignalTo>(&in);
  REQUIRE(signal != nullptr);
  CHECK(serialize(TrackerMessage(SignalFrom{{"a", false}, signal->data})) ==
        R"({"action":"signal","from_peer_id":"a","data":)" + literal + "}");
}

TEST_CASE("whatever signal is admitted from a peer can be relayed whole to another") {
  // The longest data by each road, and the id that takes most room on the wire.
  const PeerId sender{std::string(kMaxIdBytes, '\x01'), false};
  const std::string quotes(31 * 1024 - 1, '"');
  std::string escaped;
  for (size_t i = 0; i < quotes.size(); ++i) escaped += "\\\"";
  const auto in = parsed<PeerMessage>(
      parse_from_peer, R"({"action":"signal","to_peer_id":"b","data":")" + escaped + "\"}");
  const SignalTo* signal = std::get_if<SignalTo>(&in);
  REQUIRE(signal != nullptr);
  CHECK(signal->data.text() == quotes);
  const std::string relayed = serialize(TrackerMessage(SignalFrom{sender, signal->data}));
  CHECK(relayed.size() <= kMaxTextBytes);
  CHECK(std::holds_alternative<TrackerMessage>(parse_from_tracker(relayed)));
}

TEST_CASE("an id that only claims to be a number is written as a string") {
  const PeerId hostile{R"(1,"action":"leave")", true};
  CHECK(serialize(TrackerMessage(Connect{hostile})) ==
        R"({"action":"connect","to_peer_id":"1,\"action\":\"leave\""})");
  CHECK(serialize(TrackerMessage(Connect{{"", true}})) ==
        R"({"action":"connect","to_peer_id":""})");
  CHECK(serialize(TrackerMessage(Connect{{"0.5e1", true}})) ==
        R"({"action":"connect","to_peer_id":0.5e1})");
}

}  // namespace
}  // namespace hlsmesh::tracker_wire
