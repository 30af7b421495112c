// SecureReader and SecureWriter, joined.
#include "net/security/secure_reader.hpp"
#include "net/security/secure_writer.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

class SecureLink : public ::testing::Test {
 protected:
  void SetUp() override { secure(); }

  void secure() {
    std::array<std::uint8_t, 32> key;
    key.fill(7);
    writer.start(CipherState(key));
    reader.start(CipherState(key));
  }
  // Appends as much as there is room for.
  std::size_t append(std::string_view text) {
    const std::size_t room = writer.room(text.size());
    writer.append(as_bytes(text.substr(0, room)));
    return room;
  }
  // All that the writer has for the link.
  std::string take_wire() {
    std::string wire;
    while (!writer.empty()) {
      const auto front = writer.front(aead);
      EXPECT_TRUE(front.has_value());
      wire.append(as_text(*front));
      writer.sent(front->size());
    }
    return wire;
  }
  // Gives the reader one piece; false: it wants none.
  bool give(std::string_view& wire, std::size_t most) {
    Chunk chunk = reader.chunk_for_reading({});
    if (!chunk) return false;
    const std::size_t part = std::min({wire.size(), most, chunk.space().size()});
    std::copy_n(wire.begin(), part, chunk.space().begin());
    chunk.fill(part);
    EXPECT_EQ(reader.add(std::move(chunk)), part);
    wire = wire.substr(part);
    return true;
  }
  // Reads what can be read.
  std::string take_text() {
    std::string text;
    while (true) {
      const auto piece = reader.peek(aead);
      if (!piece) {
        error = piece.error();
        return text;
      }
      if (piece->empty()) return text;
      text.append(as_text(*piece));
      reader.consume(piece->size());
    }
  }
  std::string through(std::string_view wire, std::size_t most) {
    std::string text;
    while (!wire.empty() && give(wire, most)) text += take_text();
    return text;
  }

  Budget budget{"test", 64 * 1024 * 1024};
  Account pool_account{budget, "chunks", Lifetime::process, 64 * 1024 * 1024};
  ChunkPool pool{pool_account, 64};
  Account receive{budget, "receive", Lifetime::connection, 64 * 1024 * 1024};
  Account send{budget, "send", Lifetime::connection, 64 * 1024 * 1024};
  SlotGroup slots{"slots", 1};
  AeadContext aead;
  SecureWriter writer{pool, send};
  SecureReader reader{pool, receive, slots};
  NoiseError error = NoiseError::no_memory;
};

std::string text_of(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

TEST_F(SecureLink, CarriesFramesOfEachSizeInPiecesOfEachSize) {
  for (const std::size_t bytes : {1, 15, 16, 17, 4000, 16365, 16366}) {
    for (const std::size_t most : {1, 2, 3, 1000, 16384}) {
      const std::string text = text_of(bytes);
      ASSERT_EQ(append(text), bytes);
      EXPECT_EQ(through(take_wire(), most), text);
      EXPECT_EQ(pool.stats().used, 0u) << "nothing is held between frames";
    }
  }
}

TEST_F(SecureLink, FramesGrowWhileTheLinkDrainsFullOnes) {
  const std::string text = text_of(1024 * 1024);
  std::string got;
  std::size_t at = 0, frame_max = 0;
  while (at < text.size()) {
    at += append(std::string_view(text).substr(at));
    const std::string wire = take_wire();
    frame_max = std::max(frame_max, wire.size());
    EXPECT_LE(wire.size(), noise_length_bytes + noise_message_max_bytes);
    got += through(wire, 5000);
  }
  EXPECT_TRUE(got == text);
  EXPECT_GT(frame_max, 60000u);
  EXPECT_EQ(slots.peak(), 1u);
  EXPECT_EQ(slots.used(), 0u);
  writer.stalled();
  EXPECT_EQ(append(text), 16366u) << "small again";
  take_wire();
}

// A frame that is larger than new ones may become goes out as it is, and grows no further.
TEST_F(SecureLink, AStalledLinkKeepsItsOpenFrame) {
  const std::string text = text_of(1024 * 1024);
  for (int rounds = 0; rounds < 3; ++rounds) {
    append(text);
    through(take_wire(), chunk_bytes);
  }
  const std::size_t before = append(text.substr(0, 40000));
  ASSERT_EQ(before, 40000u);
  writer.stalled();
  const std::size_t after = append(text.substr(before));
  EXPECT_EQ(before + after, 3 * (chunk_bytes - aead_tag_bytes) - noise_length_bytes)
      << "the third chunk's rest";
  EXPECT_EQ(append(text), 0u);
  EXPECT_EQ(through(take_wire(), chunk_bytes), text.substr(0, before + after));
}

TEST_F(SecureLink, LargestFrameOfAPeerFitsWhereverItBegins) {
  // A frame of 65535 bytes is made by hand: our own writer stops at four chunks.
  std::array<std::uint8_t, 32> key;
  key.fill(7);
  for (const std::size_t at : {0, 1, 16000, 16364, 100'000, 100'001, 116'000, 116'364}) {
    const bool several = at >= 100'000;
    const std::size_t before = at % 100'000;
    CipherState state(key);
    const auto frame = [&](std::size_t text_bytes) {
      std::string out(noise_length_bytes + text_bytes + aead_tag_bytes, 'x');
      const std::size_t message = text_bytes + aead_tag_bytes;
      out[0] = static_cast<char>(message >> 8);
      out[1] = static_cast<char>(message);
      const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
      EXPECT_TRUE(aead.begin_seal(state) && aead.update(bytes.subspan(2, text_bytes)) &&
                  aead.finish_seal(bytes.last<aead_tag_bytes>()));
      return out;
    };
    SecureReader fresh(pool, receive, slots);
    fresh.start(CipherState(key));
    std::string wire = frame(before);
    wire += frame(noise_message_max_bytes - aead_tag_bytes);
    std::string_view rest = wire;
    std::size_t got = 0, chunks_max = 0;
    while (!rest.empty()) {
      std::array<Chunk, frame_chunks_max> chunks;
      chunks[0] = fresh.chunk_for_reading({});
      ASSERT_TRUE(chunks[0]);
      if (several) fresh.chunks_behind({}, std::span(chunks).subspan(1));
      for (Chunk& chunk : chunks) {
        if (!chunk) break;
        const std::size_t part = std::min(rest.size(), chunk.space().size());
        std::copy_n(rest.begin(), part, chunk.space().begin());
        chunk.fill(part);
        EXPECT_LE(fresh.add(std::move(chunk)), chunk_bytes);
        rest = rest.substr(part);
      }
      chunks_max = std::max(chunks_max, fresh.held_bytes() / chunk_bytes);
      for (auto piece = fresh.peek(aead); piece && !piece->empty(); piece = fresh.peek(aead)) {
        got += piece->size();
        fresh.consume(piece->size());
      }
    }
    EXPECT_EQ(got, before + noise_message_max_bytes - aead_tag_bytes);
    EXPECT_LE(chunks_max, frame_chunks_max);
    EXPECT_EQ(slots.used(), 0u);
    EXPECT_EQ(pool.stats().used, 0u);
  }
}

TEST_F(SecureLink, ASecondChunkNeedsASlot) {
  std::string wire;
  while (wire.size() < 60000) {
    append(text_of(70000));
    wire = take_wire();
  }
  auto taken = slots.take();
  std::string text = through(wire, chunk_bytes);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(reader.blocked(), SecureReader::Blocked::slot);
  EXPECT_EQ(reader.held_bytes(), chunk_bytes) << "the first chunk waits";
  taken.reset();
  std::string_view rest = std::string_view(wire).substr(chunk_bytes);
  while (!rest.empty()) {
    ASSERT_TRUE(give(rest, chunk_bytes));
    text += take_text();
  }
  EXPECT_EQ(error, NoiseError::bad_tag) << "frames before this one are missing";
}

// A peer that says that much comes, and sends nothing of it, keeps nobody from a slot.
TEST_F(SecureLink, ChunksThatNothingCameForGoBackWithTheSlot) {
  std::string wire;
  while (wire.size() < 60000) {
    append(text_of(70000));
    wire = take_wire();
  }
  std::string_view rest = wire;
  ASSERT_TRUE(give(rest, 100));
  for (const std::size_t came : {std::size_t{0}, std::size_t{100}, 2 * chunk_bytes}) {
    std::array<Chunk, frame_chunks_max> chunks;
    chunks[0] = reader.chunk_for_reading({});
    const std::size_t count = 1 + reader.chunks_behind({}, std::span(chunks).subspan(1));
    EXPECT_EQ(count, 4u);
    std::size_t left = came;
    for (Chunk& chunk : std::span(chunks).first(count)) {
      const std::size_t part = std::min(left, chunk.space().size());
      std::copy_n(rest.begin(), part, chunk.space().begin());
      chunk.fill(part);
      EXPECT_EQ(reader.add(std::move(chunk)), part);
      rest = rest.substr(part);
      left -= part;
    }
    EXPECT_EQ(reader.has_slot(), came > chunk_bytes);
    EXPECT_EQ(pool.stats().used, came > chunk_bytes ? 3u : 1u);
  }
  // One that ends in the middle of a read drops what comes back.
  std::array<Chunk, frame_chunks_max> chunks;
  chunks[0] = reader.chunk_for_reading({});
  EXPECT_EQ(reader.chunks_behind({}, std::span(chunks).subspan(1)), 1u);
  reader.add(std::move(chunks[0]));
  reader.clear();
  chunks[1].fill(10);
  EXPECT_EQ(reader.add(std::move(chunks[1])), 10u);
  EXPECT_EQ(pool.stats().used, 0u);
  EXPECT_EQ(slots.used(), 0u);
}

TEST_F(SecureLink, ShowsNothingOfADamagedFrame) {
  append(text_of(100));
  const std::string wire = take_wire();
  for (std::size_t at = noise_length_bytes; at < wire.size(); ++at) {
    SecureReader fresh(pool, receive, slots);
    std::array<std::uint8_t, 32> key;
    key.fill(7);
    fresh.start(CipherState(key));
    Chunk chunk = fresh.chunk_for_reading({});
    std::copy(wire.begin(), wire.end(), chunk.space().begin());
    chunk.space()[at] ^= 1;
    chunk.fill(wire.size());
    fresh.add(std::move(chunk));
    const auto piece = fresh.peek(aead);
    ASSERT_FALSE(piece.has_value());
    EXPECT_EQ(piece.error(), NoiseError::bad_tag);
    fresh.clear();
  }
}

TEST_F(SecureLink, RefusesFramesThatAreTooShortForATag) {
  std::string_view wire("\x00\x0f...............", 17);
  ASSERT_TRUE(give(wire, 17));
  take_text();
  EXPECT_EQ(error, NoiseError::truncated);
  reader.clear();
}

TEST_F(SecureLink, EndsBeforeTheCounterWraps) {
  std::array<std::uint8_t, 32> key;
  key.fill(7);
  CipherState last(key);
  last.set_counter(~std::uint64_t{0} - 1);
  writer.start(last);
  append("a");
  EXPECT_TRUE(writer.front(aead).has_value());
  take_wire();
  append("b");
  EXPECT_EQ(writer.front(aead).error(), NoiseError::exhausted);
  writer.clear();
}

TEST_F(SecureLink, WithoutMemoryItRefusesAndGoesOnLater) {
  std::vector<Chunk> all;
  while (Chunk chunk = pool.take(receive)) all.push_back(std::move(chunk));
  EXPECT_EQ(writer.room(10), 0u);
  EXPECT_TRUE(writer.refused());
  EXPECT_FALSE(reader.chunk_for_reading({}));
  EXPECT_EQ(reader.blocked(), SecureReader::Blocked::chunk);
  all.clear();
  EXPECT_EQ(append("back"), 4u);
  EXPECT_EQ(through(take_wire(), 100), "back");
}

TEST(SecureLinkRaw, BytesGoAsTheyAreUntilKeysAreThere) {
  Budget budget("test", 64 * 1024 * 1024);
  Account account(budget, "chunks", Lifetime::process, 64 * 1024 * 1024);
  ChunkPool pool(account, 8);
  AeadContext aead;
  SecureWriter writer(pool, account);
  ASSERT_EQ(writer.room(5), 5u);
  writer.append(as_bytes("hello"));
  writer.start(CipherState(std::array<std::uint8_t, 32>{}));
  ASSERT_EQ(writer.room(5), 5u);
  writer.append(as_bytes("world"));
  const auto front = writer.front(aead);
  ASSERT_TRUE(front.has_value());
  EXPECT_EQ(as_text(*front), "hello");
  writer.sent(5);
  EXPECT_EQ(writer.front(aead)->size(), noise_length_bytes + 5 + aead_tag_bytes);
  writer.clear();
  EXPECT_EQ(pool.stats().used, 0u);
}

}  // namespace
}  // namespace masu::net
