#include "net/multistream.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

std::string message(std::string_view text) {
  std::array<std::uint8_t, multistream_message_max_bytes> out;
  return std::string(as_text(Bytes(out).first(write_multistream_line(text, out))));
}

std::expected<std::optional<MultistreamLine>, MultistreamError> read(std::string_view bytes) {
  return next_multistream_line(as_bytes(bytes));
}

// What is owed now, line by line.
template <class Side>
std::string drain(Side& side) {
  std::string lines;
  for (auto line = side.next_owed(); !line.empty(); line = side.next_owed()) {
    lines.append(line).append(" ");
    side.owed_written();
  }
  return lines;
}

TEST(MultistreamLine, IsLengthTextNewline) {
  EXPECT_EQ(message("na"), "\x03na\n");
  const auto line = read("\x03na\nmore");
  ASSERT_TRUE(line.has_value() && line->has_value());
  EXPECT_EQ((*line)->text, "na");
  EXPECT_EQ((*line)->used, 4u);
}

TEST(MultistreamLine, WaitsForEachMissingByte) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{126}, std::size_t{127}, std::size_t{1023}}) {
    const std::string whole = message(std::string(size, 'x'));
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto line = read(std::string_view(whole).substr(0, length));
      ASSERT_TRUE(line.has_value());
      EXPECT_FALSE(line->has_value());
    }
    const auto line = read(whole);
    ASSERT_TRUE(line.has_value() && line->has_value());
    EXPECT_EQ((*line)->text.size(), size);
    EXPECT_EQ(whole.size(), multistream_message_bytes((*line)->text));
  }
}

TEST(MultistreamLine, RefusesWhatIsTooLongOrMalformed) {
  EXPECT_EQ(read("\x81\x08").error(), MultistreamError::line_too_long);  // 1025
  EXPECT_EQ(read("\xff\xff\xff").error(), MultistreamError::line_too_long);
  EXPECT_EQ(read(std::string_view("\x00", 1)).error(), MultistreamError::malformed_line);
  EXPECT_EQ(read(std::string_view("\x83\x00", 2)).error(), MultistreamError::malformed_line);
  EXPECT_EQ(read("\x03nax").error(), MultistreamError::malformed_line);
  EXPECT_TRUE(read(std::string_view("\x80\x08", 2)).has_value());  // 1024
}

TEST(MultistreamDialer, ProposesOneAfterTheOther) {
  const std::array<std::string_view, 2> protocols = {"/a", "/b"};
  MultistreamDialer dialer(protocols);
  EXPECT_EQ(drain(dialer), "/multistream/1.0.0 /a ");
  EXPECT_FALSE(dialer.on_line(multistream_header).value().has_value());
  EXPECT_FALSE(dialer.on_line("na").value().has_value());
  EXPECT_EQ(drain(dialer), "/b ");
  EXPECT_EQ(dialer.on_line("/b").value(), "/b");
}

TEST(MultistreamDialer, EndsWhenAllAreRefused) {
  const std::array<std::string_view, 1> protocols = {"/a"};
  MultistreamDialer dialer(protocols);
  drain(dialer);
  EXPECT_TRUE(dialer.on_line(multistream_header).has_value());
  EXPECT_EQ(dialer.on_line("na").error(), MultistreamError::refused);
}

TEST(MultistreamDialer, RefusesOtherAnswers) {
  const std::array<std::string_view, 2> protocols = {"/a", "/b"};
  MultistreamDialer dialer(protocols);
  EXPECT_EQ(dialer.on_line("/multistream/2.0.0").error(), MultistreamError::wrong_header);
  EXPECT_TRUE(dialer.on_line(multistream_header).has_value());
  EXPECT_EQ(dialer.on_line("/a").error(), MultistreamError::unexpected_line) << "not proposed yet";
  drain(dialer);
  EXPECT_EQ(dialer.on_line("/b").error(), MultistreamError::unexpected_line);
}

std::string_view find(std::string_view asked) { return asked == "/b" ? "/b" : std::string_view(); }

TEST(MultistreamListener, RefusesUntilItKnows) {
  MultistreamListener listener;
  EXPECT_EQ(drain(listener), "/multistream/1.0.0 ");
  EXPECT_FALSE(listener.on_line(multistream_header, find).value().has_value());
  EXPECT_FALSE(listener.on_line("/a", find).value().has_value());
  EXPECT_FALSE(listener.on_line("ls", find).value().has_value());
  EXPECT_EQ(drain(listener), "na na ");
  EXPECT_EQ(listener.on_line("/b", find).value(), "/b");
  EXPECT_EQ(drain(listener), "/b ");
}

TEST(MultistreamListener, TakesABoundedNumberOfProposals) {
  MultistreamListener listener;
  EXPECT_TRUE(listener.on_line(multistream_header, find).has_value());
  for (int i = 0; i < multistream_proposals_max; ++i) EXPECT_TRUE(listener.on_line("/a", find).has_value());
  EXPECT_EQ(listener.on_line("/a", find).error(), MultistreamError::too_many_proposals);
}

TEST(MultistreamListener, NeedsTheHeaderFirst) {
  MultistreamListener listener;
  EXPECT_EQ(listener.on_line("/b", find).error(), MultistreamError::wrong_header);
}

}  // namespace
}  // namespace masu::net
