#include "protocol/plain_signal.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::tracker_wire {
namespace {

const std::string kOffer =
    R"({"type":"offer","sdp":"v=0\r\no=- 46 2 IN IP4 127.0.0.1\r\na=candidate:1 1 udp 2 a.local 9"})";

std::string said(std::string_view id, std::string_view literal) {
  return R"({"action":"signal","to_peer_id":")" + std::string(id) + R"(","data":)" +
         std::string(literal) + "}";
}

std::string quoted(size_t size) { return '"' + std::string(size - 2, 'x') + '"'; }

// Requires that what is read the short way is what the parser reads. Returns whether it was.
bool agrees(std::string_view text) {
  const auto plain = read_plain_signal(text);
  if (!plain) return false;
  INFO(text);
  const PeerParseResult parsed = parse_from_peer(text);
  REQUIRE(std::holds_alternative<PeerMessage>(parsed));
  const SignalTo* signal = std::get_if<SignalTo>(std::get_if<PeerMessage>(&parsed));
  REQUIRE(signal != nullptr);
  REQUIRE(signal->to_peer_id == PeerId{std::string(plain->to_peer_id), false});
  REQUIRE(signal->data.literal() == plain->literal);
  for (const PeerId& from : {PeerId{"b2", false}, PeerId{"17", true}, PeerId{"\"\xC3\xA9\n", false},
                             PeerId{"no number", true}}) {
    REQUIRE(signal_text(from, plain->literal) ==
            serialize(TrackerMessage(SignalFrom{from, signal->data})));
  }
  return true;
}

}  // namespace

TEST_CASE("a signal as hlsmesh writes it is read the short way") {
  CHECK(agrees(serialize(SignalTo{{"a1", false}, SignalData(kOffer)})));
  CHECK(agrees(said("a1", R"("")")));
  CHECK(agrees(said("a1", R"("\"\\\/\b\f\n\r\t")")));
  CHECK(agrees(said(std::string(kMaxIdBytes, 'i'), quoted(kMaxDataBytes))));
  // A special character at each place of a word, and behind the last whole one.
  for (size_t before = 0; before < 20; ++before) {
    CHECK(agrees(said("a1", '"' + std::string(before, '~') + R"(\n")")));
  }
}

TEST_CASE("any other text is left to the parser") {
  const std::vector<std::string> texts = {
      "",
      "{}",
      said("a1", "null"),
      said("a1", "{}"),
      said("a1", R"({"candidate":{}})"),
      said("", R"("x")"),
      said(R"(a\n)", R"("x")"),
      said("\xC3\xA9", R"("x")"),
      said(std::string(kMaxIdBytes + 1, 'i'), R"("x")"),
      said("a1", quoted(kMaxDataBytes + 1)),
      said("a1", quoted(kMaxTextBytes)),
      said("a1", R"("\u0041")"),
      said("a1", R"("\x")"),
      said("a1", "\"\xC3\xA9\""),
      said("a1", "\"\xFF\""),
      said("a1", "\"a\nb\""),
      said("a1", std::string("\"a\0b\"", 5)),
      said("a1", R"("x)"),
      said("a1", R"("x\)"),
      said("a1", R"("x\")"),
      said("a1", R"("x" )"),
      said("a1", R"("x","data":"y")"),
      said("a1", R"("x","to_peer_id":"b2")"),
      said("a1", R"("x","action":"leave")"),
      said("a1", R"("x"}{)"),
      said("a1", R"("x"}})"),
      said("a1", R"("x")") + "}",
      said("a1", R"("x")") + " ",
      " " + said("a1", R"("x")"),
      "\xEF\xBB\xBF" + said("a1", R"("x")"),
      R"({"action":"signal","to_peer_id":17,"data":"x"})",
      R"({"action":"signal","data":"x","to_peer_id":"a1"})",
      R"({"action":"\u0073ignal","to_peer_id":"a1","data":"x"})",
      R"({"\u0061ction":"signal","to_peer_id":"a1","data":"x"})",
      R"({"action":"signal", "to_peer_id":"a1","data":"x"})",
      R"({"action":"signal","to_peer_id":"a1","data":["x"]})",
      R"({"action":"signal","to_peer_id":"a1","data":{"data":"x"}})",
      R"({"action":"signal","to_peer_id":"a1"})",
      R"([{"action":"signal","to_peer_id":"a1","data":"x"}])",
  };
  for (const std::string& text : texts) {
    INFO(text.substr(0, 200));
    CHECK_FALSE(agrees(text));
  }
}

TEST_CASE("whatever is read the short way, the parser reads alike") {
  const std::string whole = serialize(SignalTo{{"a1", false}, SignalData(kOffer)});
  for (size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(agrees(whole.substr(0, size)));
  size_t taken = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string other = whole;
      other[at] = static_cast<char>(byte);
      taken += agrees(other);
      other.insert(at, 1, whole[at]);
      taken += agrees(other);
    }
    taken += agrees(std::string(whole).erase(at, 1));
  }
  CHECK(taken > whole.size());
  // Pieces of messages, in any order.
  const std::vector<std::string> pieces = {R"({"action":"signal","to_peer_id":")",
                                           "a1",
                                           R"(","data":)",
                                           R"("x")",
                                           "\"",
                                           "\\",
                                           "}",
                                           R"(,"data":"y")",
                                           R"(","data":"z"})",
                                           R"(\u00)",
                                           "41",
                                           "{",
                                           "\xC3\xA9",
                                           "\x1F",
                                           " ",
                                           "12345678"};
  Random random(7);
  taken = 0;
  for (int run = 0; run < 50'000; ++run) {
    std::string text = pieces[0] + pieces[1] + pieces[2];
    for (uint32_t left = random.below(8); left > 0; --left) {
      text += pieces[random.below(static_cast<uint32_t>(pieces.size()))];
    }
    taken += agrees(text + (run % 2 == 0 ? "\"}" : "}"));
  }
  CHECK(taken > 300);
}

}  // namespace hlsmesh::tracker_wire
