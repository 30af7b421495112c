// Attacks on the RPC: clients that are slow, that never read, and whose blocks are malformed.
#include "multiformats/cid.hpp"
#include "multiformats/digest.hpp"
#include "tests/attack/attack.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <array>

namespace masu::attack {
namespace {

std::string head_of(const Options& options, const std::string& path, const std::string& length) {
  return "POST /api/v0/" + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.api_port) +
         "\r\nContent-Type: multipart/form-data; boundary=xx\r\n" + length + "\r\n\r\n";
}
std::string request(const Options& options, const std::string& path) {
  return head_of(options, path, "Content-Length: 0");
}
std::string upload(const Options& options, const std::string& path, const std::string& bytes) {
  const std::string body =
      "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      bytes + "\r\n--xx--\r\n";
  return head_of(options, path, "Content-Length: " + std::to_string(body.size())) + body;
}
std::string chunk(const std::string& bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

class RpcAttack : public Attack {
 public:
  bool on_api() const override { return true; }
};

// A head, a byte now and then.
class SlowHeads final : public RpcAttack {
 public:
  void act(WirePeer& peer) override {
    const std::string said = request(options(), "id");
    if (++peer.steps % 16 == 0 && peer.steps / 16 < said.size() - 4)
      peer.send_raw(said.substr(peer.steps / 16, 1));
  }
};

// A head that never ends.
class EndlessHeads final : public RpcAttack {
 public:
  void act(WirePeer& peer) override {
    if (peer.steps++ == 0) return peer.send_raw("POST /api/v0/id?arg=");
    peer.send_raw(peer.steps < 10 ? std::string(512, 'a') : "\r\nX-" + std::string(512, 'b') + ": c");
  }
};

// An import that goes on for ever, a few bytes at a time.
class SlowBodies final : public RpcAttack {
 public:
  void on_connected(WirePeer& peer) override {
    peer.send_raw(head_of(options(), "add", "Transfer-Encoding: chunked"));
    peer.send_raw(chunk("--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"));
  }
  void act(WirePeer& peer) override {
    if (++peer.steps % 20 == 0) peer.send_raw(chunk(std::string(3, 'x')));
  }
};

// A block that is longer than any block, and a name that is longer than any name.
class EndlessBlocks final : public RpcAttack {
 public:
  void on_connected(WirePeer& peer) override {
    peer.send_raw(head_of(options(), peer.random().below(2) == 0 ? "block/put" : "dag/import",
                          "Transfer-Encoding: chunked"));
    peer.send_raw(chunk("--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f" +
                        std::string(peer.random().below(3) * 4000, 'n') + "\"\r\n\r\n"));
  }
  void act(WirePeer& peer) override { peer.send_raw(chunk(std::string(16 * 1024, 'x'))); }
};

// Asks for a large file, and takes none of it.
class NeverReads final : public RpcAttack {
 public:
  void prepare(WirePeer& peer) override { peer.reads = false; }
  void on_connected(WirePeer& peer) override {
    if (options().held_text.empty()) return;
    static constexpr std::array<std::string_view, 4> commands = {
        "cat?arg=", "get?arg=", "dag/export?arg=", "refs?recursive=true&arg="};
    peer.send_raw(request(options(), std::string(commands[peer.random().below(4)]) + options().held_text[0]));
  }
};

// Blocks that claim what they do not hold, and every command that looks into them.
class DagBombs final : public RpcAttack {
 public:
  DagBombs() { build(); }
  std::size_t dials_per_round() const override { return 1; }
  void on_connected(WirePeer& peer) override {
    const auto& [codec, block] = bombs_[next_ / commands_.size() % bombs_.size()];
    const Cid cid = Cid::v1(codec, *multihash_of(HashCode::sha2_256, as_bytes(block)));
    const std::string name = codec == Codec::dag_cbor   ? "dag-cbor"
                             : codec == Codec::dag_json ? "dag-json"
                                                        : "dag-pb";
    peer.send_raw(upload(options(), "block/put?cid-codec=" + name, block));
    peer.send_raw(request(options(), std::string(commands_[next_ % commands_.size()]) + cid.to_string()));
    ++next_;
    ++peer.totals().counted["bombs"];
  }
  void act(WirePeer& peer) override {
    if (++peer.steps > 60) peer.close();  // after some 300 ms
  }

 private:
  static constexpr std::array<std::string_view, 8> commands_ = {"refs?recursive=true&timeout=1s&arg=",
                                                                "ls?timeout=1s&arg=",
                                                                "cat?timeout=1s&arg=",
                                                                "get?timeout=1s&arg=",
                                                                "pin/add?timeout=1s&arg=",
                                                                "dag/export?timeout=1s&arg=",
                                                                "resolve?timeout=1s&arg=/ipfs/",
                                                                "block/stat?timeout=1s&arg="};

  static std::string repeated(std::string_view part, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += part;
    return out;
  }
  static std::string hamt(std::uint64_t fanout, std::string_view bits) {
    return bitswap::bytes_field(1, bitswap::number_field(1, 5) + bitswap::bytes_field(2, bits) +
                                       bitswap::number_field(5, 0x22) + bitswap::number_field(6, fanout));
  }
  static std::string link(std::string_view name) {
    static const std::string cid = std::string("\x01\x55\x12\x20", 4) + std::string(32, 'y');
    return bitswap::bytes_field(2, bitswap::bytes_field(1, cid) + bitswap::bytes_field(2, name) +
                                       bitswap::number_field(3, ~std::uint64_t{0} >> 1));
  }
  void build() {
    const std::size_t large = (std::size_t{1} << 20) - 4096;
    bombs_ = {
        {Codec::dag_cbor, repeated("\x81", large)},
        {Codec::dag_cbor, repeated("\xa1\x61\x61", large)},
        {Codec::dag_cbor, std::string("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", 9)},
        {Codec::dag_cbor, repeated(std::string("\x9b\x00\x00\x00\x00\xff\xff\xff\xff", 9), 90)},
        {Codec::dag_cbor, std::string("\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 9)},
        {Codec::dag_cbor, std::string("\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9)},
        {Codec::dag_json, repeated("[", large)},
        {Codec::dag_json, repeated("{\"a\":", large)},
        {Codec::dag_pb, hamt(std::uint64_t{1} << 62, std::string(32, '\xff'))},
        {Codec::dag_pb, hamt(0, "")},
        {Codec::dag_pb, hamt(3, "\xff")},
        {Codec::dag_pb, hamt(256, std::string(500000, '\xff'))},
        {Codec::dag_pb, link("00") + link("") + link("zzname") + hamt(256, std::string(32, '\xff'))},
        {Codec::dag_pb, repeated(link("n"), large)},
        {Codec::dag_pb, repeated(link(""), large / 2) +
                            bitswap::bytes_field(1, bitswap::number_field(1, 2) +
                                                        bitswap::number_field(3, ~std::uint64_t{0} >> 1) +
                                                        repeated(bitswap::number_field(4, 1), large / 4))},
    };
  }
  std::vector<std::pair<Codec, std::string>> bombs_;
  std::size_t next_ = 0;
};

// Archives whose lengths are claims.
class CarBombs final : public RpcAttack {
 public:
  std::size_t dials_per_round() const override { return 1; }
  void on_connected(WirePeer& peer) override {
    static const std::string head = std::string("\x0a\xa1\x67version\x01", 11);  // no roots: {"version": 1}
    static const std::array<std::string, 5> archives = {
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9) + std::string(1000, '\xa1'),
        head + std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9) + std::string(1000, '\x01'),
        head + std::string("\x80\x80\x80\x02\x01\x55\x12\x20", 8) + std::string(100000, 'x'),
        std::string("\x3a\xa2\x65roots\x9b\x00\x00\x00\xff\xff\xff\xff\xff", 16) + std::string(64, '\xd8'),
        std::string("\x0a\xa1\x67version\x02", 11) + std::string(8, '\xff') + std::string(32, '\x7f'),
    };
    peer.send_raw(upload(options(), "dag/import", archives[next_++ % archives.size()]));
    ++peer.totals().counted["archives"];
  }
  void act(WirePeer& peer) override {
    if (++peer.steps > 10) peer.close();
  }

 private:
  std::size_t next_ = 0;
};

}  // namespace

std::span<const AttackEntry> rpc_attacks() {
  static const auto entries = std::to_array<AttackEntry>({
      {"rpc-slow-heads", 20, make_attack<SlowHeads>},
      {"rpc-endless-heads", 50, make_attack<EndlessHeads>},
      {"rpc-slow-bodies", 12, make_attack<SlowBodies>},
      {"rpc-endless-blocks", 12, make_attack<EndlessBlocks>},
      {"rpc-never-reads", 12, make_attack<NeverReads>},
      {"rpc-dag-bombs", 3, make_attack<DagBombs>},
      {"rpc-car-bombs", 6, make_attack<CarBombs>},
  });
  return entries;
}

}  // namespace masu::attack
