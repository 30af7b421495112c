#include "net/security/noise_xx.hpp"

#include "tests/net/hex.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

struct Message {
  const char* payload;
  const char* ciphertext;
};
struct Vector {
  const char* prologue;
  const char* initiator_static;
  const char* initiator_ephemeral;
  const char* responder_static;
  const char* responder_ephemeral;
  const char* handshake_hash;  // empty: not given
  std::vector<Message> messages;
};

// From centromere/cacophony, vectors/cacophony.txt.
const Vector cacophony_vector = {
    "4a6f686e2047616c74",
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
    {
        {"4c756477696720766f6e204d69736573",
         "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d"
         "69736573"},
        {"4d757272617920526f746862617264",
         "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffc"
         "e2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be"
         "9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad"},
        {"462e20412e20486179656b",
         "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be"
         "0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030"},
        {"4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
        {"4a65616e2d426170746973746520536179",
         "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"},
        {"457567656e2042f6686d20766f6e2042617765726b",
         "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"},
    }};

// From mcginty/snow, tests/vectors/snow.txt.
const Vector snow_vector = {
    "5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c79206675"
    "6e20616e6420626f72696e672e",
    "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
    "a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
    "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
    "4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
    "",
    {
        {"d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
         "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818d03c489139e645d0711a3c9e"
         "810d776b46a84912463fafa87b884eebf242dc34"},
        {"d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
         "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47b81c6c5f43b025692c24391e"
         "efee725c17d8cb0fbe3e4abb8aedf42c4fd2592d4ea48ac08989d6ae8b4adae08b2c34087c808c7aa55a63c0"
         "2b0fab9e930612336bd43eaea04d3c670a0a146691aa9cc9d357872320dc735dbc48580cffb553db"},
        {"77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
         "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f83f72b42837b18e3572f2fdc2"
         "b74c331e2368a545cef54bdca081678ab0e9dd5348122459e0c034c851984d88ce610963d43cde6cfe73a67f"
         "bd5a63e8bfca96d0"},
        {"d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
         "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb69ab2577f3bda0cbf72f87968"
         "5f6ed25f"},
        {"dd7bf01a588bafb52c6cfba952e5d8fe35cc2b3f92b4730ae2474615157345ce",
         "356be70f110306d5c699bb834bb9d58d909e325924dfbec972e406e6f294dc63e1daebefe8a62a334facc804"
         "8ab4ad66"},
    }};

NoiseKeyPair keys_from(const char* text) {
  NoiseKey secret;
  const auto bytes = from_hex(text);
  std::copy(bytes.begin(), bytes.end(), secret.begin());
  return NoiseKeyPair(secret);
}

std::vector<std::uint8_t> write(NoiseXX& side, AeadContext& aead, Bytes payload) {
  std::vector<std::uint8_t> out(payload.size() + noise_overhead_bytes);
  const auto length = side.write_message(aead, payload, out);
  EXPECT_TRUE(length.has_value());
  out.resize(length.value_or(0));
  return out;
}

// A transport message in both directions of the same state: sealed as the vector says, and opened again.
void check_transport(CipherState& sender, CipherState& receiver, AeadContext& aead, const Message& message) {
  std::vector<std::uint8_t> text = from_hex(message.payload);
  const std::vector<std::uint8_t> plain = text;
  text.resize(text.size() + aead_tag_bytes);
  const MutableBytes all = text;
  // In two pieces, as chunks cut them.
  ASSERT_TRUE(aead.begin_seal(sender));
  ASSERT_TRUE(aead.update(all.first(3)));
  ASSERT_TRUE(aead.update(all.subspan(3, plain.size() - 3)));
  ASSERT_TRUE(aead.finish_seal(all.last<aead_tag_bytes>()));
  EXPECT_EQ(text, from_hex(message.ciphertext));
  ASSERT_TRUE(aead.begin_open(receiver));
  ASSERT_TRUE(aead.update(all.first(plain.size())));
  ASSERT_TRUE(aead.finish_open(all.last<aead_tag_bytes>()));
  EXPECT_TRUE(equal(all.first(plain.size()), plain));
}

void check_vector(const Vector& vector) {
  AeadContext aead;
  const auto prologue = from_hex(vector.prologue);
  NoiseXX initiator(NoiseSide::initiator, keys_from(vector.initiator_static),
                    keys_from(vector.initiator_ephemeral), prologue);
  NoiseXX responder(NoiseSide::responder, keys_from(vector.responder_static),
                    keys_from(vector.responder_ephemeral), prologue);
  NoiseXX* writer = &initiator;
  NoiseXX* reader = &responder;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(writer->my_turn());
    ASSERT_FALSE(reader->my_turn());
    const auto payload = from_hex(vector.messages[static_cast<std::size_t>(i)].payload);
    auto message = write(*writer, aead, payload);
    EXPECT_EQ(message, from_hex(vector.messages[static_cast<std::size_t>(i)].ciphertext)) << "message " << i;
    const auto read = reader->read_message(aead, message);
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(equal(*read, payload));
    std::swap(writer, reader);
  }
  ASSERT_TRUE(initiator.complete() && responder.complete());
  EXPECT_EQ(initiator.handshake_hash(), responder.handshake_hash());
  if (*vector.handshake_hash != '\0') {
    EXPECT_TRUE(equal(initiator.handshake_hash(), from_hex(vector.handshake_hash)));
  }
  EXPECT_EQ(initiator.remote_static(), keys_from(vector.responder_static).open);
  EXPECT_EQ(responder.remote_static(), keys_from(vector.initiator_static).open);
  NoiseXX::Transport of_initiator = initiator.split(), of_responder = responder.split();
  for (std::size_t i = 3; i < vector.messages.size(); ++i) {
    const bool from_responder = i % 2 == 1;
    check_transport(from_responder ? of_responder.send : of_initiator.send,
                    from_responder ? of_initiator.receive : of_responder.receive, aead, vector.messages[i]);
  }
}

TEST(NoiseXX, AgreesWithCacophony) { check_vector(cacophony_vector); }
TEST(NoiseXX, AgreesWithSnow) { check_vector(snow_vector); }

class NoiseXXHandshake : public ::testing::Test {
 protected:
  static NoiseKeyPair keys(std::uint8_t seed) {
    NoiseKey secret;
    secret.fill(seed);
    return NoiseKeyPair(secret);
  }
  AeadContext aead;
  NoiseXX initiator{NoiseSide::initiator, keys(1), keys(2)};
  NoiseXX responder{NoiseSide::responder, keys(3), keys(4)};
};

TEST_F(NoiseXXHandshake, RefusesEachTruncation) {
  auto first = write(initiator, aead, {});
  ASSERT_TRUE(responder.read_message(aead, first).has_value());
  const auto second = write(responder, aead, as_bytes("payload"));
  for (std::size_t length = 0; length < second.size(); ++length) {
    NoiseXX reader(NoiseSide::initiator, keys(1), keys(2));
    write(reader, aead, {});
    std::vector<std::uint8_t> cut(second.begin(), second.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(reader.read_message(aead, cut).has_value()) << length;
  }
}

TEST_F(NoiseXXHandshake, RefusesEachFlippedByte) {
  auto first = write(initiator, aead, {});
  ASSERT_TRUE(responder.read_message(aead, first).has_value());
  const auto second = write(responder, aead, as_bytes("payload"));
  for (std::size_t at = 0; at < second.size(); ++at) {
    NoiseXX reader(NoiseSide::initiator, keys(1), keys(2));
    write(reader, aead, {});
    auto damaged = second;
    damaged[at] ^= 0x40;
    EXPECT_FALSE(reader.read_message(aead, damaged).has_value()) << at;
  }
}

TEST_F(NoiseXXHandshake, RefusesKeysOfLowOrder) {
  std::vector<std::uint8_t> zero(noise_key_bytes);
  ASSERT_TRUE(responder.read_message(aead, zero).has_value());
  std::vector<std::uint8_t> out(noise_overhead_bytes);
  EXPECT_EQ(responder.write_message(aead, {}, out).error(), NoiseError::bad_key);
}

TEST(CipherState, NeverUsesTheLastCounter) {
  CipherState state(std::array<std::uint8_t, 32>{});
  state.set_counter(~std::uint64_t{0} - 1);
  EXPECT_FALSE(state.exhausted());
  AeadContext aead;
  EXPECT_TRUE(aead.begin_seal(state));
  EXPECT_TRUE(state.exhausted());
}

}  // namespace
}  // namespace masu::net
