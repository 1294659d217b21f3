#include "protocol/peer_messages.hpp"

#include <catch2/catch.hpp>

#include "cpp/protocol/vectors.hpp"

namespace hlsmesh::peer {
namespace {

using nlohmann::json;
using test::field;
using test::put_optional;

struct Described {
  std::string type;
  json fields = json::object();
};

struct Describe {
  Described operator()(const KeepAlive& m) const {
    Described d{"KEEPALIVE"};
    put_optional(d.fields, "current", m.current);
    put_optional(d.fields, "hlsmesh", m.hlsmesh);
    if (m.lead) d.fields["lead"] = true;
    if (m.up > 0) d.fields["up"] = m.up;
    if (m.behind > 0) d.fields["behind"] = m.behind;
    return d;
  }
  Described operator()(const KeepAliveAck& m) const {
    Described d{"KEEPALIVE-ACK"};
    put_optional(d.fields, "current", m.current);
    put_optional(d.fields, "hlsmesh", m.hlsmesh);
    if (m.lead) d.fields["lead"] = true;
    if (m.up > 0) d.fields["up"] = m.up;
    if (m.behind > 0) d.fields["behind"] = m.behind;
    return d;
  }
  Described operator()(const Request& m) const {
    Described d{"REQUEST", {{"url", m.url}, {"sn", field(m.sn)}}};
    put_optional(d.fields, "rendition", m.rendition);
    return d;
  }
  Described operator()(const Binary& m) const {
    Described d{
        "BINARY",
        {{"attachments", m.attachments}, {"url", m.url}, {"sn", field(m.sn)}, {"size", m.size}}};
    put_optional(d.fields, "current", m.current);
    put_optional(d.fields, "rendition", m.rendition);
    return d;
  }
  Described operator()(const Lack& m) const {
    Described d{"LACK", {{"url", m.url}}};
    put_optional(d.fields, "sn", m.sn);
    put_optional(d.fields, "current", m.current);
    put_optional(d.fields, "rendition", m.rendition);
    if (m.transfer) d.fields.erase("url");
    put_optional(d.fields, "transfer", m.transfer);
    put_optional(d.fields, "pieces", m.pieces);
    return d;
  }
  Described operator()(const Want& m) const {
    Described d{"WANT", {{"transfer", m.transfer}}};
    if (m.rendition) {
      d.fields.update(
          {{"url", m.url}, {"sn", field(m.sn)}, {"rendition", *m.rendition}, {"within", m.within}});
    }
    put_optional(d.fields, "pieces", m.pieces);
    if (m.digests) d.fields["digests"] = true;
    return d;
  }
  Described operator()(const Cancel& m) const {
    Described d{"CANCEL", {{"transfer", m.transfer}}};
    put_optional(d.fields, "pieces", m.pieces);
    return d;
  }
  Described operator()(const Have& m) const {
    if (m.transfer) {
      Described d{"HAVE", {{"transfer", *m.transfer}, {"size", m.size}, {"pieces", m.pieces}}};
      if (m.digests) d.fields["digests"] = true;
      return d;
    }
    return {"HAVE", {{"url", m.url}, {"sn", field(m.sn)}, {"rendition", m.rendition}}};
  }
  Described operator()(const Close&) const { return {"CLOSE"}; }
  Described operator()(const Error&) const { return {"ERROR"}; }
  Described operator()(const Unknown& m) const { return {"unknown", {{"event", m.event}}}; }
};

Message parsed(const std::string& text) {
  const ParseResult result = parse(text);
  const Message* message = std::get_if<Message>(&result);
  REQUIRE(message != nullptr);
  return *message;
}

TEST_CASE("every peer vector parses to its fields or its error") {
  for (const auto& vector : test::load_vectors("peer.json", "messages")) {
    INFO(vector["name"].get<std::string>());
    const ParseResult result = parse(test::wire_of(vector));
    if (vector.contains("error")) {
      const ParseError* error = std::get_if<ParseError>(&result);
      REQUIRE(error != nullptr);
      CHECK(to_string(*error) == vector["error"].get<std::string>());
      continue;
    }
    const Message* message = std::get_if<Message>(&result);
    REQUIRE(message != nullptr);
    const Described described = std::visit(Describe(), *message);
    CHECK(described.type == vector["type"].get<std::string>());
    CHECK(described.fields == test::fields_of(vector));
  }
}

TEST_CASE("every well-formed peer vector serializes to its canonical text, which reads the same") {
  for (const auto& vector : test::load_vectors("peer.json", "messages")) {
    if (vector.contains("error")) continue;
    INFO(vector["name"].get<std::string>());
    const std::string canonical = test::text_of(vector["canonical"]);
    CHECK(serialize(parsed(test::wire_of(vector))) == canonical);
    CHECK(serialize(parsed(canonical)) == canonical);
  }
}

TEST_CASE("a peer message is shown as one line with long strings cut") {
  size_t shown = 0;
  for (const auto& vector : test::load_vectors("peer.json", "messages")) {
    if (!vector.contains("to_string")) continue;
    INFO(vector["name"].get<std::string>());
    CHECK(to_string(parsed(test::wire_of(vector))) == vector["to_string"].get<std::string>());
    ++shown;
  }
  CHECK(shown >= 7);
}

TEST_CASE("every prefix of a peer message is malformed and none reads past its end") {
  const std::string whole =
      R"({"event":"BINARY","attachments":6,"url":"a\u00e9é.ts","sn":3.0,"size":316216,"x":[{}]})";
  REQUIRE(std::holds_alternative<Message>(parse(whole)));
  for (size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size, so that a sanitizer sees a read past it.
    const std::vector<char> prefix(whole.begin(),
                                   whole.begin() + static_cast<std::ptrdiff_t>(size));
    const ParseResult result = parse({prefix.data(), prefix.size()});
    const ParseError* error = std::get_if<ParseError>(&result);
    REQUIRE(error != nullptr);
    CHECK(*error == ParseError::kNotJson);
  }
}

TEST_CASE("ill-formed UTF-8 in a message of ours becomes U+FFFD on the wire") {
  Request request;
  request.url =
      "a\xFF"
      "b\xC3";
  request.sn = MediaSequence(3);
  const std::string text = serialize(request);
  CHECK(text ==
        "{\"event\":\"REQUEST\",\"url\":\"a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\",\"sn\":3}");
  CHECK(std::holds_alternative<Request>(parsed(text)));
}

TEST_CASE("a cut string in a log ends on a whole character") {
  Request request;
  request.url = std::string(47, 'u') + "段.ts";
  CHECK(to_string(request) == "REQUEST url=\"" + std::string(47, 'u') + "\"... of 53 sn=0");
}

}  // namespace
}  // namespace hlsmesh::peer
